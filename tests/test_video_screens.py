from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from video_clips import write

from uijepa.config import Preprocess
from uijepa.video import prepare, probe
from uijepa.video.sandbox import Sandbox
from uijepa.video.screens import choose, settled
from uijepa.video.text import Reader, read_screens

Pixels = npt.NDArray[np.uint8]
STILL = np.ones(8, bool)


def blocks(*places: int) -> Pixels:
    """A picture of 8 rows, the given ones with something in them."""
    picture = np.full((64, 48, 3), 255, np.uint8)
    for place in places:
        picture[8 * place : 8 * place + 8, ::2] = 10 * place
    return picture


def test_screens_that_show_most_come_first() -> None:
    home = blocks()
    pictures = np.stack(
        [home, home, home, blocks(1), blocks(1, 2, 3, 4), blocks(5, 6, 7), blocks(5, 6), blocks(0)],
    )
    assert choose(pictures, STILL, 1) == [0, 7]
    assert choose(pictures, STILL, 2) == [0, 5, 7]
    assert choose(pictures, STILL, 3) == [0, 4, 5, 7]
    assert choose(pictures, STILL, 8) == [0, 4, 5, 7]  # nothing else shows anything of its own
    moving = STILL.copy()
    moving[5] = False
    assert choose(pictures, moving, 2) == [0, 6, 7]


def test_what_was_confirmed_at_the_end_comes_before_the_way_there() -> None:
    home, sheet, typed = blocks(), blocks(5, 6), blocks(5, 6)
    typed[:4] = 0
    pictures = np.stack([home, blocks(1, 2, 3), home, home, home, sheet, typed, home])
    assert choose(pictures, STILL, 2) == [0, 6, 7]  # two cells of letters, but late; of its two states the later one
    assert choose(pictures, STILL, 3) == [0, 1, 6, 7]


def test_a_clip_that_never_changes_is_read_at_its_end() -> None:
    assert choose(np.stack([blocks(1, 2)] * 8), STILL, 4) == [0, 7]


@given(st.integers(0, 2**31), st.integers(2, 12), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_the_choice_is_sorted_bounded_and_ends_with_the_last(seed: int, count: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (count, int(rng.integers(4, 40)), int(rng.integers(4, 40)), 3), np.uint8)
    chosen = choose(pictures, rng.random(count) < 0.5, most)
    assert chosen == sorted(set(chosen))
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    assert len(chosen) <= 1 + most
    assert set(chosen) <= set(choose(pictures, np.ones(count, bool), count))


def _written(path: Path, frames: list[tuple[int, Pixels]]) -> Path:
    return write(path, [picture for _, picture in frames], [at for at, _ in frames], crf="10")


def test_a_screen_in_motion_is_told_by_its_packets(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 64, 48, 3), np.uint8)
    # Stands a second, moves for half a second, stands again; a dot blinks all the while, a few bytes each time.
    frames = [(50 * n, noise[0].copy()) for n in range(20)]
    frames += [(1000 + 50 * n, noise[1 + n].copy()) for n in range(10)]
    frames += [(1500 + 50 * n, noise[11].copy()) for n in range(20)]
    for number, (_, picture) in enumerate(frames):
        picture[:2, :2] = 255 * (number % 2)
    facts = probe(_written(tmp_path / "moving.mp4", frames))
    told = settled(facts, np.array([0.0, 0.9, 1.0, 1.2, 1.4, 1.6, 2.4]))
    assert told.tolist() == [True, True, False, False, False, True, True]


def words(*lines: str) -> Pixels:
    """A phone screen with these lines below each other."""
    picture = Image.new("RGB", (384, 640), "white")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((24, 40 + 90 * number), line, fill="black", font=ImageFont.load_default(size=26))
    return np.array(picture)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A note is looked at and deleted: the last screen does not say which."""
    home, notes = words("Notes"), words("Notes", "Hiring plan", "Garden", "Recipes")
    sheet, less = words("Hiring plan", "", "", "", "Delete Note"), words("Notes", "Garden", "Recipes")
    frames = [(0, home), (1000, notes), (3000, sheet), (5000, less), (7000, less)]
    return _written(tmp_path_factory.mktemp("story") / "clip.mp4", frames)


def test_what_only_stood_on_the_way_is_read(story: Path) -> None:
    reader = Reader(threads=1)
    told = {n: read_screens(prepare(story, Preprocess(screens=n)).screens, reader) for n in (1, 4)}
    assert told[1] == ["Garden", "Recipes"]
    assert told[4] == ["Hiring plan", "Garden", "Recipes", "", "Hiring plan", "Delete Note", "", "Garden", "Recipes"]
    assert read_screens(prepare(story, Preprocess(screens=2)).screens, reader)[-2:] == told[1]


def test_the_sandbox_chooses_alike(story: Path) -> None:
    spec = Preprocess(screens=3)
    here = prepare(story, spec, library="pyav")
    with Sandbox() as sandbox:
        there = sandbox.prepare(story, spec)
    assert len(here.screens) == 4
    np.testing.assert_array_equal(there.screens, here.screens)
    np.testing.assert_array_equal(here.first, here.screens[0])
    np.testing.assert_array_equal(here.last, here.screens[-1])
