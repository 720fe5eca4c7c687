"""What training and test clips must not share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from uijepa.data import leakage
from uijepa.data.looks import MOMENTS, SIDE
from uijepa.data.manifest import Clip


def shown(clip: Clip, digest: str, look: npt.NDArray[np.uint8]) -> leakage.Shown:
    return leakage.Shown(clip=clip, path=Path(clip.path), sha256=digest, look=look)


def page(text: str) -> npt.NDArray[np.uint8]:
    image = Image.new("L", (256, 256), 240)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 255, 40), fill=60)
    pen.rectangle((20, 200, 120, 240), fill=120)
    pen.text((60, 100), text, fill=0, font_size=9)
    return np.asarray(image)


def squeezed(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.repeat(np.asarray(Image.fromarray(frame).resize((SIDE, SIDE)))[None], MOMENTS, axis=0)


def test_every_kind_of_leak_is_found() -> None:
    frames = {"a": page("Ann 7:30"), "b": page("Ann 7:30"), "c": page("Ann 7:31"), "d": 255 - page("Zoe")}
    train = [shown(Clip(path="a", id="a", intent="Call Ann.", slots={"n": "Ann"}), "1", squeezed(frames["a"]))]
    scored = [
        shown(Clip(path="b", id="b", intent="Call Ann.", slots={"n": "ann "}), "2", squeezed(frames["b"])),
        shown(Clip(path="c", id="c", intent="Call Bob.", slots={"n": "Bob"}), "3", squeezed(frames["c"])),
        shown(Clip(path="d", id="d", intent="Turn it on."), "1", squeezed(frames["d"])),
    ]
    found = leakage.check(train, scored, lambda s: frames[s.clip.id])
    assert found.found
    assert found.identical_files == ["d"]
    assert found.shared_slot_values == ["ann "]
    # One digit differs between a and c: the same page, not the same screen.
    assert found.similar_last_frames == 2
    assert found.same_last_frames == ["b"]
    assert found.labels_in_training == 1
    clean = leakage.check(train, scored[1:2], lambda s: frames[s.clip.id])
    assert not clean.found
    assert not leakage.check([], scored, lambda s: frames[s.clip.id]).found
