"""Replays of people: a recorded session is laid out where it was, at the times it had, and kept out of training."""

from __future__ import annotations

import io
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from uijepa.config import load
from uijepa.data import manifest
from uijepa.errors import ManifestError, RecordingError
from uijepa.record.__main__ import app
from uijepa.record.browser import Browser
from uijepa.record.human import SESSIONS, Human, sessions, unpack
from uijepa.record.stage import Stage
from uijepa.record.values import Values
from uijepa.record.workers import load as load_source
from uijepa.training.config import TrainConfig


def node(tag: str, box: tuple[float, float, float, float], *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An element at (left, top, width, height), `top` 50 px lower than it is drawn."""
    left, top, width, height = box
    colours = (
        {} if tag == "t" else {"bgColor": "rgba(0, 0, 0, 0)", "fgColor": "rgb(0, 0, 0)", "id": "", "classes": ""}
    )
    place = {"left": left, "top": top, "width": width, "height": height}
    return {"tag": tag, **place, **colours, "children": list(children), **more}


def tree(written: str, *, calendar: bool = False) -> dict[str, Any]:
    field = node("INPUT_text", (20, 60, 120, 20), id="tt", value=written, text="", focused=bool(written))
    button = node("BUTTON", (20, 100, 90, 30), id="subbtn", classes="secondary-action", text="Submit")
    said = node("t", (20, 140, 60, 11), text="Some text")
    area = node("DIV", (0, 50, 160, 160), field, button, said, id="area")
    wrap = node("DIV", (0, 0, 160, 210), area, id="wrap", bgColor="rgb(255, 255, 255)")
    # jQuery UI's sheet hides the picker until its script shows it.
    picker = node("DIV", (10, 150, 100, 50), classes="ui-datepicker ui-widget", bgColor="rgb(0, 0, 255)")
    return node("BODY", (0, 0, 500, 210), wrap, *([picker] if calendar else []))


def session(task: str = "choose-date", **change: Any) -> dict[str, Any]:
    def at(time: int, kind: str, shown: dict[str, Any], place: tuple[int, int] | None = None) -> dict[str, Any]:
        where = {"x": place[0], "y": place[1]} if place else {}
        return {"time": time, "action": {"type": kind, "timing": 1, **where}, "dom": shown}

    states = [
        {"time": 1, "action": None, "dom": tree("")},
        at(1500, "mousedown", tree(""), (80, 70)),
        at(1600, "mouseup", tree("", calendar=True), (80, 70)),
        at(2600, "keydown", tree("Ada", calendar=True)),
        at(4001, "mousedown", tree("Ada"), (60, 115)),
        at(4100, "mouseup", tree("Ada"), (60, 115)),
    ]
    path = f"2026-01-01_people/{task}/{task}_1.json.gz"
    return {"utterance": "Write Ada.", "rawReward": 1, "source_path": path, "states": states} | change


def write(path: Path, *lines: dict[str, Any]) -> Path:
    with lzma.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def test_only_what_can_be_shown_is_taken(tmp_path: Path) -> None:
    shape = tree("")
    shape["children"].append(node("svg", (0, 60, 50, 50)))
    untold = session(states=[{"time": 1, "action": None, "dom": shape}, *session()["states"][1:]])
    path = write(
        tmp_path / "demos.jsonl.xz",
        session(),
        session(rawReward=0.5),
        untold,
        session("no-such-task"),
        session(utterance="Schreib Größe."),
        session(utterance="Click on the  colored box."),
        session("enter-text"),
        session(),
    )
    assert [(number, task) for number, task, _ in sessions(path)] == [
        (1, "choose-date"),
        (7, "enter-text"),
        (8, "choose-date"),
    ]
    jobs = unpack(path, tmp_path, 1)
    assert [(job.id, job.session) for job in jobs] == [
        ("human/choose-date-test-00000", 1),
        ("human/enter-text-test-00000", 7),
    ]
    assert json.loads((tmp_path / "1.json").read_text()) == session()
    with (tmp_path / "bad.jsonl").open("w") as out:
        out.write(json.dumps(session()) + "\n{}\n")
    with pytest.raises(ManifestError, match=r"bad.jsonl:2: no MiniWoB\+\+ demonstration"):
        list(sessions(tmp_path / "bad.jsonl"))
    (tmp_path / "torn.jsonl.xz").write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ManifestError, match="cannot be read"):
        list(sessions(tmp_path / "torn.jsonl.xz"))


def test_a_session_is_laid_out_where_and_when_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack(write(tmp_path / "demos.jsonl.xz", session()), tmp_path, 9)
    monkeypatch.delenv(SESSIONS, raising=False)
    with pytest.raises(RecordingError, match="record replay DEMOS"):
        Human()
    monkeypatch.setenv(SESSIONS, str(tmp_path))
    with Browser() as browser, Stage(browser, 1) as stage:
        said = load_source("uijepa.record.human:Human").perform(
            stage, "human/choose-date", Values("test", stage.rng), 1
        )
        box = stage.page.locator("#subbtn").bounding_box()
        assert stage.visible_text() == ["Ada", "Submit", "Some text"]
        # The task's own sheet gives the button its padding; the record gives it its place.
        padding = "getComputedStyle(document.querySelector('#subbtn')).paddingLeft"
        assert stage.page.evaluate(padding) == "25px"
        frames = list(stage.frames)
    assert box == {"x": 20, "y": 50, "width": 90, "height": 30}
    assert said.intent == "Write Ada."

    def blue(moment_ms: float) -> int:
        shown = max((frame for frame in frames if frame.ms <= moment_ms), key=lambda frame: frame.ms)
        red, _, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(shown.jpeg)).convert("RGB"), int), -1, 0)
        return int(((blue > 200) & (red < 60)).sum())

    # The picker stands open from 1600 ms to 4001 ms after the start of the record, which is at 1 ms.
    assert blue(1500) == blue(4300) == 0
    assert blue(1800) == pytest.approx(200 * 100, rel=0.1)
    assert blue(3900) == pytest.approx(200 * 100, rel=0.1)


def test_replays_are_marked_and_never_trained_on(tmp_path: Path) -> None:
    demos = write(tmp_path / "demos.jsonl.xz", session())
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["replay", str(demos), "--out", str(out), "--workers", "1"])
    assert done.exit_code == 0, done.output
    (clip,) = manifest.read(out / "manifest.jsonl")
    assert (clip.measuring_only, clip.split, clip.source, clip.seed) == (True, "test", "human", 1)
    assert 4.1 < clip.seconds < 8
    line = (out / "manifest.jsonl").read_text().replace('"split": "test"', '"split": "train"')
    (out / "manifest.jsonl").write_text(line)
    from uijepa.train import train

    with pytest.raises(ManifestError, match="train split is empty"):
        train(out / "manifest.jsonl", tmp_path / "run", load(TrainConfig, None, ["device=cpu"]))
