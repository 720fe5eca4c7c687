"""What is written about the service is what it does: settings, routes, examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from serving import FakePredictor, serving

from service.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_up_to_date() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"<!-- service:settings -->\n(.*?)\n<!-- /service:settings -->", readme, re.DOTALL)
    assert found == [Settings.table()]


def test_every_route_has_an_example(tmp_path: Path) -> None:
    with serving(tmp_path / "u", lambda _: FakePredictor()) as running:
        paths = set(running.client.get("/openapi.json").json()["paths"])
    shown = set(re.findall(r"http://127\.0\.0\.1:8000(/[\w/]*)", DOCUMENT))
    assert {path.replace("{name}", "uijepa") for path in paths} <= shown


def test_what_the_threat_model_names_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:tests/|uijepa/)?[\w/]+\.py)`", text):
        assert (ROOT / name).is_file() or (ROOT / "tests" / name).is_file(), name
    from uijepa.video import Limits

    limits = Limits()
    assert f"{limits.max_frames:,}" in text
    assert (limits.address_space_bytes, limits.cpu_s, limits.max_pixels) == (2**30, 30, 4096**2)


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UIJEPA_API_KEY", "sesame-open")
    settings = Settings.from_command_line(["--require-sandbox", "--decoders", "3"])
    assert (settings.require_sandbox, settings.decoders) == (True, 3)
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "sesame-open"
    assert "sesame" not in repr(settings)
    monkeypatch.setenv("UIJEPA_API_KEY", "short")
    with pytest.raises(ValueError, match="at least 8"):
        Settings.from_command_line([])


def test_a_required_sandbox_that_is_partial_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.engine import load
    from uijepa.video.sandbox import Sandbox, SandboxError

    monkeypatch.setattr(Sandbox, "achieved", {"memory": True, "paths": False})
    with pytest.raises(SandboxError, match="refuses: paths"):
        load(Settings(upload_dir=tmp_path, require_sandbox=True, decoders=1))
