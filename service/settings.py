"""What an operator may set: by flag, or by an environment variable named UIJEPA_ and the setting; flags win."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict

from uijepa.runtime import DEFAULT_BUNDLE
from uijepa.video import Limits

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def _upload_dir() -> Path:
    return Path(tempfile.gettempdir()) / f"uijepa-uploads-{os.getuid()}"


class Settings(BaseSettings):
    """Start the uijepa service: a web page at / and POST /v1/intent."""

    model_config = SettingsConfigDict(
        env_prefix="UIJEPA_",
        frozen=True,
        extra="forbid",
        cli_prog_name="python -m service",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        cli_implicit_flags=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every network.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    bundle: Path = Field(DEFAULT_BUNDLE, description="Folder of the exported model.")
    threads: int | None = Field(None, ge=1, description="Threads of the model; by default the CPUs at hand.")
    allowed_hosts: str = Field(
        "",
        description="Names, besides localhost, under which the service may be reached, with commas between; "
        "* for any.",
    )
    api_key: SecretStr | None = Field(
        None,
        min_length=8,
        description="Key that /v1 and /metrics ask for (Authorization: Bearer KEY); none by default. Better set in "
        "the environment: flags show in the list of processes.",
    )
    queue: int = Field(8, ge=0, description="Requests that may wait for their turn; more get 429.")
    decoders: int = Field(2, ge=1, description="Clips opened at once, each by a child process of its own.")
    max_bytes: int = Field(Limits().max_bytes, ge=1, description="Largest upload, in bytes.")
    max_inline_bytes: int = Field(
        32 * 2**20,
        ge=1,
        description="Largest clip inside a chat completion's JSON, which is held in memory, in bytes.",
    )
    max_seconds: float = Field(Limits().max_seconds, gt=0, description="Longest clip, in seconds.")
    decode_seconds: float = Field(Limits().wall_s, gt=0, description="Longest time for decoding a clip, in seconds.")
    upload_seconds: float = Field(300.0, gt=0, description="Longest time for receiving an upload, in seconds.")
    upload_dir: Path = Field(
        default_factory=_upload_dir, description="Folder of clips while they are looked at; nothing stays in it."
    )
    require_sandbox: bool = Field(
        False, description="Do not start unless every measure of the decoding sandbox holds on this machine."
    )
    idle_seconds: float = Field(
        0.0, ge=0, description="Let go of the model after so long without a clip, in seconds; 0 keeps it."
    )
    drain_seconds: float = Field(
        30.0, ge=0, description="Longest wait for requests under way when the service is told to stop, in seconds."
    )
    notice_seconds: float = Field(
        1.0,
        ge=0,
        description="Least time from SIGTERM to the end, in which balancers see that it is not ready, in seconds.",
    )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name the service answers under."""
        names = (name.strip() for name in self.allowed_hosts.split(","))
        return (*_LOCAL_NAMES, *(name for name in names if name))

    @property
    def limits(self) -> Limits:
        """What one clip may cost."""
        return Limits(max_bytes=self.max_bytes, max_seconds=self.max_seconds, wall_s=self.decode_seconds)

    @classmethod
    def from_command_line(cls, arguments: Sequence[str] | None = None) -> Settings:
        """Settings from flags (sys.argv by default), then the environment, then the defaults.

        Exits with argparse's message and code 2 when a flag is wrong; raises pydantic.ValidationError when a
        value is.
        """
        return CliApp.run(cls, cli_args=None if arguments is None else list(arguments))

    @classmethod
    def table(cls) -> str:
        """Every setting as a row of a Markdown table: flag, environment variable, default, meaning."""
        rows = ["| Flag | Environment | Default | Meaning |", "| --- | --- | --- | --- |"]
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            shown = _SHOWN.get(name, "" if default is None else f"`{default}`")
            flag, variable = f"`--{name.replace('_', '-')}`", f"`UIJEPA_{name.upper()}`"
            rows.append(f"| {flag} | {variable} | {shown} | {field.description} |")
        return "\n".join(rows)


_SHOWN = {
    "bundle": "the shipped model",
    "allowed_hosts": "",
    "upload_dir": "`uijepa-uploads-UID` in the temporary folder",
}
"""Defaults that are not the same on every machine, in words."""
