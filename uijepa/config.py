"""Configuration: frozen dataclasses in, TOML and `key=value` overrides on top, unknown keys refused.

Each component's dataclass stands beside the component; this module holds the loader, and `Preprocess`, which
training, export and the device share.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from uijepa.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """How a clip becomes tokens. Stored in every checkpoint and bundle; one numpy code reads it."""

    frames: int = 16
    """Moments looked at, an even number."""
    patches: int = 196
    """Most 16x16 patches a frame is cut into; sets the resolution the encoder sees."""
    max_tokens: int = 320
    """Most tubelets kept of a clip."""
    change: float = 0.01
    """A tubelet is still when its mean absolute difference to the one before at its place is below this
    (0..1 scale)."""
    flat: float = 0.01
    """A tubelet is flat when its standard deviation over pixels is below this (0..1 scale)."""
    text_side: int = 960
    """Long side of the frames kept for reading text, in px; never enlarged."""
    screens: int = 1
    """Screens of a clip whose text is read: the last one, and before it late ones that show what no other does."""

    def __post_init__(self) -> None:
        if self.frames < 2 or self.frames % 2:
            raise ConfigError(f"preprocess.frames must be even and at least 2, got {self.frames}.")
        if min(self.patches, self.max_tokens, self.text_side, self.screens) < 1:
            raise ConfigError("preprocess.patches, max_tokens, text_side and screens must be at least 1.")


def build(cls: type[T], values: Mapping[str, Any], where: str = "config") -> T:
    """A dataclass, nested ones included, from plain values.

    A class with a function `completed` has it add to the values what follows from them. Raises ConfigError naming the
    key when it is unknown or its value is of the wrong type.
    """
    completed = getattr(cls, "completed", None)
    if completed is not None:
        values = completed(values)
    hints = typing.get_type_hints(cls)
    known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}. Known keys: {', '.join(sorted(known))}.")
        made[key] = _convert(hints[key], value, f"{where}.{key}")
    return cls(**made)


def _convert(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected a table, got {value!r}.")
        return build(typing.cast("type[Any]", hint), value, where)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in typing.get_args(hint):
            return None
        inner = [h for h in typing.get_args(hint) if h is not type(None)]
        return _convert(inner[0], value, where)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            choices = ", ".join(map(repr, typing.get_args(hint)))
            raise ConfigError(f"{where}: {value!r} is none of {choices}.")
        return value
    if origin in (tuple, list):
        item = typing.get_args(hint)[0]
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ConfigError(f"{where}: expected a list, got {value!r}.")
        return origin(_convert(item, v, where) for v in value)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected a table, got {value!r}.")
        item = typing.get_args(hint)[1]
        return {str(k): _convert(item, v, f"{where}.{k}") for k, v in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(hint, type) or not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        name = getattr(hint, "__name__", str(hint))
        raise ConfigError(f"{where}: expected {name}, got {value!r}.")
    return value


def load(cls: type[T], path: Path | None = None, overrides: Sequence[str] = ()) -> T:
    """A configuration from a TOML file (or the defaults), with `table.key=value` overrides on top.

    An override's value is read as TOML, and as a plain string where it is not valid TOML.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: not valid TOML ({error}).") from error
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"override {override!r}: expected key=value.")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        table = values
        *parents, leaf = key.strip().split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigError(f"override {override!r}: {parent!r} is not a table.")
        table[leaf] = value
    return build(cls, values, str(path) if path else "config")


def plain(config: Any) -> dict[str, Any]:
    """The configuration as JSON-able values; `build` reads it back."""
    return dataclasses.asdict(config)
