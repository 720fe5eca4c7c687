from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import rapidocr
from onnx import numpy_helper
from PIL import Image, ImageDraw, ImageFont

from uijepa.errors import MissingExtra
from uijepa.video.text import Line, Reader, in_reading_order, only_new, read_screens, without_subnormals

Pixels = npt.NDArray[np.uint8]
Words = list[tuple[int, int, str]]


def screen(words: Words, ground: str = "white", ink: str = "black") -> Pixels:
    """A phone screen with words at (left, top)."""
    picture = Image.new("RGB", (390, 500), ground)
    pen = ImageDraw.Draw(picture)
    for left, top, text in words:
        pen.text((left, top), text, fill=ink, font=ImageFont.load_default(size=22))
    return np.array(picture)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(threads=1)


STAYS: Words = [(20, 30, "Settings"), (20, 430, "Bluetooth")]


def test_only_what_appeared_is_read(reader: Reader) -> None:
    first = screen([*STAYS, (20, 200, "Alarm off")])
    last = screen([*STAYS, (20, 200, "Alarm 7:30 AM"), (20, 260, "Gym"), (220, 260, "Repeat daily")])
    assert read_screens([first, last], reader) == ["Alarm 7:30 AM", "Gym", "Repeat daily"]
    assert [line.text for line in reader.lines(last)] == [
        "Settings",
        "Alarm 7:30 AM",
        "Gym",
        "Repeat daily",
        "Bluetooth",
    ]


def test_light_text_on_a_dark_screen(reader: Reader) -> None:
    first = screen(STAYS, "#101418", "#f0f0f0")
    last = screen([*STAYS, (40, 180, "Call Grandma")], "#101418", "#f0f0f0")
    assert read_screens([first, last], reader) == ["Call Grandma"]


def test_the_detector_answers_the_same_without_its_subnormal_weights() -> None:
    (path,) = Path(rapidocr.__file__).parent.glob("models/*_det_*.onnx")

    def subnormal(model: bytes) -> int:
        weights = [numpy_helper.to_array(one) for one in onnx.load_from_string(model).graph.initializer]
        tiny = np.finfo(np.float32).tiny
        return sum(int(((np.abs(w) < tiny) & (w != 0)).sum()) for w in weights if w.dtype == np.float32)

    before, after = path.read_bytes(), without_subnormals(path)
    assert subnormal(before) > 100_000
    assert subnormal(after) == 0
    picture = screen([*STAYS, (20, 200, "Alarm off")])[:480, :384]
    pixels = (picture.transpose(2, 0, 1)[None].astype(np.float32) / 255 - 0.5) / 0.5
    maps = [
        onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": pixels})[0]
        for model in (before, after)
    ]
    assert maps[0].max() > 0.9
    np.testing.assert_array_equal(*maps)


def test_nothing_changed_means_nothing_to_read(reader: Reader) -> None:
    picture = screen(STAYS)
    assert only_new([picture], picture) is None
    assert read_screens([picture, picture], reader) == []
    noisy = np.clip(picture.astype(int) + np.random.default_rng(0).integers(-8, 9, picture.shape), 0, 255)
    assert only_new([picture], noisy.astype(np.uint8)) is None
    assert reader.lines(np.full((200, 200, 3), 255, np.uint8)) == []


def test_the_rest_is_filled_with_its_own_colour() -> None:
    first = screen(STAYS, "#ffe0c0")
    last = screen([*STAYS, (100, 200, "Hello")], "#ffe0c0")
    found = only_new([first], last)
    assert found is not None
    part, (left, top) = found
    height, width = part.shape[:2]
    assert left <= 100 < left + width
    assert top <= 205 < top + height
    assert width < 150
    assert height < 80
    whole = only_new([first], screen([(20, 30, "Sewings"), (20, 430, "Bluetooch")], "#ffe0c0"))
    assert whole is not None
    between = whole[0][100:300]
    assert np.unique(between.reshape(-1, 3), axis=0).tolist() == [[0xFF, 0xE0, 0xC0]]


def test_a_changed_word_brings_its_line() -> None:
    found = only_new([screen([(20, 200, "Alarm at 7:30")])], screen([(20, 200, "Alarm at 7:45")]))
    assert found is not None
    assert found[1][0] <= 24


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        only_new([screen([])], screen([])[:100])


def test_pictures_of_any_size() -> None:
    rng = np.random.default_rng(1)
    for height, width in ((1, 1), (7, 9), (8, 8), (33, 17)):
        one, other = rng.integers(0, 255, (2, height, width, 3), np.uint8)
        found = only_new([one], other)
        assert found is not None
        np.testing.assert_array_equal(found[0], other)
        assert found[1] == (0, 0)


def _line(text: str, left: float, top: float, height: float = 20) -> Line:
    return Line(text=text, score=1, left=left, top=top, right=left + 50, bottom=top + height)


def test_reading_order_is_rows_then_columns() -> None:
    lines = [
        _line("d", 10, 60),
        _line("c", 200, 13),
        _line("b", 10, 10),
        _line("a", 100, 8),
        _line("f", 5, 200, 60),
        _line("e", 300, 62),
        _line("g", 90, 230, 20),
    ]
    assert [line.text for line in in_reading_order(lines)] == ["b", "a", "c", "d", "e", "f", "g"]
    assert in_reading_order([]) == []


@pytest.mark.parametrize("missing", ["rapidocr", "onnx"])
def test_without_the_extra_the_error_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=r"uijepa\[ocr\]"):
        Reader().lines(screen(STAYS))
