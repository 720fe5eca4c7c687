"""What is wrong with a recording is found, and named; what is right is left alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from tests.conftest import write_clip, write_walk
from uijepa.data import layouts, manifest
from uijepa.data.__main__ import app
from uijepa.data.check import Finding, check, shows
from uijepa.data.manifest import Clip
from uijepa.data.survey import ALL_TOKENS, Seen, Unreadable, measures, survey
from uijepa.video import prepare


def page(path: Path, text: str, end_ms: int = 2000) -> None:
    """A clip of 2 s that ends on a page with `text`, after one that only says so much."""
    pictures = []
    for shown in ("Hello", text):
        image = Image.new("RGB", (320, 240), (240, 240, 240))
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, 0, 319, 50), fill=(60, 60, 90))
        pen.text((20, 100), shown, fill=(0, 0, 0), font_size=24)
        pictures.append(np.asarray(image))
    write_clip(path, [*pictures, pictures[-1]], [0, 1000, end_ms])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of every kind of fault, each with one that is as it should be."""
    root = tmp_path_factory.mktemp("faulty")
    page(root / "ada.mp4", "Call Ada")
    page(root / "same.mp4", "Call Ada", 2500)
    page(root / "other.mp4", "Call Bea")
    write_walk(root / "walk.mp4", [0, 500, 1500])
    write_walk(root / "short.mp4", [0, 300])
    shutil.copyfile(root / "walk.mp4", root / "copy.mp4")
    (root / "broken.mp4").write_bytes(b"no video")
    one = Clip(path="", suite="s", category="call", source="phone")
    manifest.write(
        root / "manifest.jsonl",
        [
            replace(one, path="ada.mp4", id="1", part="train", intent="Ring her up.", slots={"who": "Ada"}),
            replace(one, path="same.mp4", id="2", part="few-shot", split="test", slots={"who": "Eve"}),
            replace(one, path="other.mp4", id="3", part="zero-shot", split="val", slots={"who": "ada "}),
            replace(one, path="walk.mp4", id="4", intent="Walk down there.", text=["Walk DOWN", "there"]),
            replace(one, path="short.mp4", id="5", category="walk", part="zero-shot", split="test"),
            replace(one, path="copy.mp4", id="5"),
            replace(one, path="broken.mp4", id="7"),
            replace(one, path="gone.mp4", id="8"),
        ],
    )
    return root


@pytest.fixture(scope="module")
def surveyed(folder: Path) -> list[Seen | Unreadable]:
    return list(survey(layouts.read(folder)))


def test_every_fault_is_found_and_nothing_else(surveyed: list[Seen | Unreadable]) -> None:
    found = check(surveyed)
    assert [(f.kind, f.clip) for f in found.findings] == [
        ("duplicate", "copy.mp4"),
        ("duplicate", "copy.mp4"),
        ("duplicate", "short.mp4"),
        ("label-in-picture", "walk.mp4"),
        ("leaking", "other.mp4"),
        ("leaking", "same.mp4"),
        ("not-unseen", "other.mp4"),
        ("too-short", "short.mp4"),
        ("unreadable", "broken.mp4"),
        ("unreadable", "gone.mp4"),
    ]
    said = {(f.kind, f.clip): f.detail for f in found.findings}
    assert said["leaking", "same.mp4"] == "ends on the same screen as ada.mp4"
    assert said["leaking", "other.mp4"] == "shares 'ada' with ada.mp4"
    assert Finding(kind="duplicate", clip="copy.mp4", detail="the same file as walk.mp4") in found.findings
    assert (found.clips, found.labelled) == (8, 2)
    assert found.counts["part"] == {"s": 4, "s/few-shot": 1, "s/train": 1, "s/zero-shot": 2}
    assert found.counts["split"] == {"test": 2, "train": 5, "val": 1}
    assert found.counts["categories of"]["s/zero-shot"] == 2


def test_sound_clips_have_no_findings(surveyed: list[Seen | Unreadable]) -> None:
    sound = [item for item in surveyed if isinstance(item, Seen) and item.clip.path == "ada.mp4"]
    assert check(sound).findings == []
    assert check(sound, shortest_s=60).findings[0].kind == "too-short"


def test_numbers_are_those_of_the_tokens(folder: Path, surveyed: list[Seen | Unreadable]) -> None:
    (ada,) = [item for item in surveyed if item.clip.path == "ada.mp4"]
    assert isinstance(ada, Seen)
    made = prepare(folder / "ada.mp4", ALL_TOKENS)
    assert (ada.changed, ada.flat, ada.tokens) == (1 - made.still, made.flat, len(made.values))
    assert ada.kept == pytest.approx(ada.tokens / (made.grid.t * made.grid.h * made.grid.w))
    assert (ada.width, ada.height, ada.frames, ada.bytes) == (320, 240, 3, (folder / "ada.mp4").stat().st_size)
    rows = {row.name: row for row in measures([ada])}
    assert rows["length"].low == rows["length"].high == pytest.approx(ada.seconds)
    assert rows["aspect (width / height)"].median == pytest.approx(320 / 240)
    assert rows["kept (changed, not flat)"].unit == "%"


def test_content_names_clips_and_labels(surveyed: list[Seen | Unreadable]) -> None:
    seen = [item for item in surveyed if isinstance(item, Seen)]
    content = check(seen).content
    assert check(seen[::-1]).content == content
    assert check(seen[1:]).content != content
    changed = [replace(seen[0], clip=replace(seen[0].clip, intent="Else.")), *seen[1:]]
    assert check(changed).content != content


@pytest.mark.parametrize(
    ("lines", "label", "shown"),
    [
        (["Set an alarm", "for 7:30 AM!"], "Set an alarm for 7:30 AM.", True),
        (["Set an alarm for 7:30 PM"], "Set an alarm for 7:30 AM.", False),
        (["Open", "mail"], "Open.", True),
        (["Open all mail"], "Open.", False),
        (["xset an alarm"], "Set an alarm.", False),
        ([], "Set an alarm.", False),
    ],
)
def test_a_label_in_the_picture(lines: list[str], label: str, shown: bool) -> None:
    assert shows(lines, label) is shown


def test_pixels_are_read_when_asked(folder: Path, tmp_path: Path) -> None:
    shutil.copyfile(folder / "ada.mp4", tmp_path / "ada.mp4")
    (tmp_path / "list.csv").write_text("path,intent\nada.mp4,Call Ada.\n")
    recordings = layouts.read(tmp_path / "list.csv")
    (unread,) = survey(recordings)
    (read,) = survey(recordings, read_text=True)
    assert check([unread]).findings == []
    assert [f.kind for f in check([read]).findings] == ["label-in-picture"]


def test_the_command(folder: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    out = tmp_path / "found.json"
    bad = runner.invoke(app, ["check", str(folder), "--beside", str(folder / "manifest.jsonl"), "--json", str(out)])
    assert bad.exit_code == 1
    assert "unreadable: 2" in bad.stdout
    assert "gone.mp4" in bad.stdout
    assert "s/few-shot 1" in bad.stdout
    values = json.loads(out.read_text())
    assert len(values["findings"]) == 10
    assert set(values["measures"]) == {str(folder), str(folder / "manifest.jsonl")}
    (tmp_path / "good").mkdir()
    shutil.copyfile(folder / "walk.mp4", tmp_path / "good/walk.mp4")
    good = runner.invoke(app, ["check", str(tmp_path / "good")])
    assert good.exit_code == 0, good.output
    assert "nothing wrong was found" in good.stdout
    lost = runner.invoke(app, ["check", str(tmp_path / "lost")])
    assert lost.exit_code == 2
    assert "no such file or folder" in lost.stderr
