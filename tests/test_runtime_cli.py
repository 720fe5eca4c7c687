"""The command line, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import uijepa
from uijepa import cli
from uijepa.runtime import Answer


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.mp4"
    path.write_text("not a video")
    return path


def test_people_get_a_line_a_clip(tiny_bundle: Path, sample_clip: Path) -> None:
    code, out, err = run("predict", sample_clip, sample_clip, "--bundle", tiny_bundle, "--threads", 1)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("sample.mp4: ") and "sure" in line for line in lines)


def test_programs_get_an_object_a_clip(tiny_bundle: Path, sample_clip: Path, broken: Path) -> None:
    code, out, err = run("predict", broken, sample_clip, "--json", "--bundle", tiny_bundle, "--threads", 1)
    assert (code, err) == (1, "")
    bad, good = map(json.loads, out.splitlines())
    assert bad["clip"] == str(broken)
    assert bad["error"]["code"] == "not-a-video"
    assert good["clip"] == str(sample_clip)
    assert good["tokens"] > 0
    assert set(good) == {"clip", *Answer.__dataclass_fields__}


def test_a_bad_clip_does_not_stop_the_others(tiny_bundle: Path, sample_clip: Path, broken: Path) -> None:
    code, out, err = run("predict", broken, sample_clip, "--bundle", tiny_bundle, "--threads", 1)
    assert code == 1
    assert out.startswith("sample.mp4: ")
    assert err.startswith("broken.mp4: ")


def test_without_a_model_nothing_starts(sample_clip: Path, tmp_path: Path) -> None:
    code, out, err = run("predict", sample_clip, "--bundle", tmp_path / "absent")
    assert (code, out) == (2, "")
    assert "no such bundle" in err


@pytest.mark.parametrize("arguments", [["predict"], ["predict", "a.mp4", "--threads", "0"], ["dream"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


def test_version() -> None:
    assert run("version") == (0, f"uijepa {uijepa.__version__}\n", "")


def test_what_a_screen_shows_cannot_drive_the_terminal() -> None:
    answer = Answer(
        intent="Open \x1b[2J\nthe door", confidence=0.5, timings_ms={"total": 1200}, tokens=1, times_s=[0.0], text=[]
    )
    line = cli._line(Path("clip.mp4"), answer)
    assert line == "clip.mp4: Open  [2J the door  (50% sure, 1.2 s)"
