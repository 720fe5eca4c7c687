"""What can be read at an encoder's size: real OCR of a real clip."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from tests.conftest import write_clip
from uijepa.bench import legible
from uijepa.bench.__main__ import app
from uijepa.data.manifest import Clip, write
from uijepa.grid import Grid


def test_words_are_three_characters_or_more() -> None:
    assert legible.words(["Call Ada, 9:30", "Room 204 at 7"]) == {"call", "ada", "room", "204"}


def test_a_small_grid_keeps_the_size_and_loses_the_detail() -> None:
    picture = np.indices((64, 96)).sum(0).astype(np.uint8)[..., None].repeat(3, 2) % 2 * 255
    blurred = legible.seen_at(picture.astype(np.uint8), Grid(1, 2, 3))
    assert blurred.shape == picture.shape
    assert np.ptp(blurred) < 8
    same = legible.seen_at(picture.astype(np.uint8), Grid(1, 4, 6))
    assert np.array_equal(same, picture)


def test_text_is_read_whole_and_not_on_four_patches(tmp_path: Path) -> None:
    blank = Image.new("RGB", (480, 320), "white")
    shown = blank.copy()
    ImageDraw.Draw(shown).text((30, 90), "Quarterly report", "black", ImageFont.load_default(32))
    write_clip(tmp_path / "a.mp4", [np.asarray(blank), np.asarray(shown), np.asarray(shown)], [0, 500, 1000])
    (tmp_path / "broken.mp4").write_bytes(b"not a video")
    clips = [Clip(path=name, text=["Quarterly report"], split="test") for name in ("a.mp4", "broken.mp4")]
    write(tmp_path / "manifest.jsonl", clips)
    options = ["legible", str(tmp_path / "manifest.jsonl"), "--patches", "4", "--out", str(tmp_path / "found.json")]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [(row["patches"], row["mean"], row["clips"]) for row in rows] == [(0, 100.0, 1), (4, 0.0, 1)]
    for wrong in (["--split", "none"], ["--split", "val"], ["--patches", "x"]):
        assert CliRunner().invoke(app, [*options, *wrong]).exit_code == 2


def test_a_value_that_only_stood_on_the_way_needs_a_second_screen(tmp_path: Path) -> None:
    def screen(*lines: str) -> Image.Image:
        picture = Image.new("RGB", (480, 640), "white")
        for number, line in enumerate(lines):
            ImageDraw.Draw(picture).text((30, 40 + 120 * number), line, "black", ImageFont.load_default(32))
        return picture

    home, notes, less = screen(), screen("Garden", "Hiring plan", "Recipes"), screen("Garden", "Recipes")
    shown = [np.asarray(picture) for picture in (home, notes, less, less)]
    write_clip(tmp_path / "a.mp4", shown, [0, 1000, 4000, 8000])
    (tmp_path / "broken.mp4").write_bytes(b"not a video")
    clips = [
        Clip(path=name, intent="Delete the note Hiring plan.", slots={"title": "Hiring plan"}, split="val")
        for name in ("a.mp4", "broken.mp4")
    ]
    write(tmp_path / "manifest.jsonl", clips)
    options = ["screens", str(tmp_path), "--screens", "1,2", "--out", str(tmp_path / "found.json")]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [(row["screens"], row["mean"], row["clips"]) for row in rows] == [(1, 0.0, 1), (2, 100.0, 1)]
    assert all(row["seconds"] > 0 for row in rows)
    for wrong in (["--split", "test"], ["--split", "none"], ["--screens", "x"]):
        assert CliRunner().invoke(app, [*options, *wrong]).exit_code == 2
