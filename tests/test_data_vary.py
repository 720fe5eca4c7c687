"""Colours and tokens changed in training."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uijepa.data.cache import Tokens
from uijepa.data.vary import recolour, thin, vary
from uijepa.grid import TUBELET_VALUES, Grid


def tokens(count: int, seed: int = 0) -> Tokens:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (count, TUBELET_VALUES)).astype(np.uint8)
    return Tokens(values, rng.integers(0, 8, (count, 3)).astype(np.int16), Grid(8, 8, 8), ["a line"])


def flat(*colours: tuple[int, int, int]) -> np.ndarray:
    """One tubelet a colour."""
    return np.stack([np.tile(np.array(c, np.uint8), TUBELET_VALUES // 3) for c in colours])


@given(strength=st.floats(0, 1), seed=st.integers(0, 1000))
def test_equal_pixels_stay_equal_and_greys_stay_grey(strength, seed):
    given_ = flat((200, 40, 40), (90, 90, 90), (200, 40, 40))
    made = recolour(given_, np.random.default_rng(seed), strength).reshape(3, -1, 3)
    assert made.dtype == np.uint8
    assert (made == made[:, :1]).all()
    assert (made[0] == made[2]).all()
    assert np.ptp(made[1, 0].astype(int)) <= 1


def test_no_strength_changes_nothing():
    clip = tokens(5)
    assert (recolour(clip.values, np.random.default_rng(1), 0.0) == clip.values).all()


def test_hue_turns_as_a_colour_wheel_does():
    # A reference of its own: where only hue differs, HSV says by how much.
    class Fixed:
        def __init__(self) -> None:
            self.drawn = iter([2 / 3, np.zeros(2), 0.0])  # a turn by 120 degrees, nothing else

        def uniform(self, *_):
            return next(self.drawn)

    made = recolour(flat((220, 60, 60)), Fixed(), 1.0)[0, :3]
    hue = colorsys.rgb_to_hsv(*(made / 255))[0]
    assert hue == pytest.approx(1 / 3, abs=0.01)
    assert sorted(made) == [60, 60, 220]


@given(count=st.integers(1, 60), most=st.floats(0, 0.99), seed=st.integers(0, 1000))
def test_thinning_keeps_order_pairs_and_enough(count, most, seed):
    clip = tokens(count)
    made = thin(clip, np.random.default_rng(seed), most)
    kept = len(made.values)
    assert min(8, count) <= kept <= count
    assert kept >= round(count * (1 - most)) or kept == min(8, count)
    rows = [int(np.flatnonzero((clip.values == row).all(1))[0]) for row in made.values]
    assert rows == sorted(rows)
    assert (made.positions == clip.positions[rows]).all()
    assert made.text == clip.text
    assert made.grid == clip.grid


def test_nothing_asked_draws_nothing():
    rng = np.random.default_rng(3)
    clip = tokens(20)
    assert vary(clip, rng, recoloured=0, thinned=0) is clip
    assert rng.random() == np.random.default_rng(3).random()


def test_the_same_generator_gives_the_same_clip():
    made = [vary(tokens(40), np.random.default_rng(7), recoloured=0.8, thinned=0.5) for _ in range(2)]
    assert (made[0].values == made[1].values).all()
    assert len(made[0].values) < 40
