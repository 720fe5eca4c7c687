from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from video_clips import recording

from uijepa.config import Preprocess
from uijepa.grid import Grid
from uijepa.video import Facts, normalise, prepare, tokens
from uijepa.video.sampling import shown, uniform


def _facts(times_s: list[float]) -> Facts:
    n = len(times_s)
    return Facts(
        container="mp4",
        codec="h264",
        width=100,
        height=200,
        rotation=0,
        fragmented=False,
        duration_s=times_s[-1] + 0.1,
        bytes=1000,
        times_s=np.array(times_s, np.float64),
        sizes=np.ones(n, np.int64),
        keys=np.ones(n, np.bool_),
        order=np.arange(n),
        packets=n,
    )


gaps = st.lists(st.floats(0.001, 5, allow_nan=False), max_size=40)


@given(gaps, st.integers(2, 40))
@settings(max_examples=100)
def test_uniform_moments(gap: list[float], n: int) -> None:
    times = [0.0, *np.cumsum(gap).tolist()]
    facts = _facts(times)
    moments = uniform(facts, n)
    assert moments.shape == (n,)
    assert (np.diff(moments) >= 0).all()
    assert (moments >= 0).all()
    assert (moments <= facts.duration_s).all()
    indices = shown(facts.times_s, moments)
    assert indices[0] == int(np.searchsorted(facts.times_s, 5e-4, side="right")) - 1
    assert indices[-1] == len(times) - 1
    assert (np.diff(indices) >= 0).all()
    for moment, index in zip(moments, indices, strict=True):
        assert index == max(i for i, at in enumerate(times) if at <= moment + 5e-4)


def test_one_moment_is_the_last_and_none_is_an_error() -> None:
    assert uniform(_facts([0.0, 1.0, 7.0]), 1).tolist() == [7.0]
    with pytest.raises(ValueError, match="at least one"):
        uniform(_facts([0.0]), 0)


# The slow reference: one tubelet at a time, in plain arithmetic.


def _slow_tubelet(pictures: Any, t: int, h: int, w: int) -> list[int]:
    return [
        int(pictures[2 * t + frame][16 * h + row][16 * w + column][channel])
        for frame in range(2)
        for row in range(16)
        for column in range(16)
        for channel in range(3)
    ]


def _slow_select(pictures: Any, grid: Grid, spec: Preprocess) -> list[tuple[int, int, int]]:
    values = {
        (t, h, w): _slow_tubelet(pictures, t, h, w)
        for t in range(grid.t)
        for h in range(grid.h)
        for w in range(grid.w)
    }

    def textured(place: tuple[int, int, int]) -> float:
        variance = 0.0
        for channel in range(3):
            seen = values[place][channel::3]
            mean = sum(seen) / len(seen)
            variance += sum((v - mean) ** 2 for v in seen) / len(seen) / 3
        return float(variance**0.5 / 255)

    def moved(place: tuple[int, int, int]) -> float:
        t, h, w = place
        if t == 0:
            return textured(place)
        before = values[t - 1, h, w]
        return sum(abs(a - b) for a, b in zip(values[place], before, strict=True)) / 255 / len(before)

    strength = {place: moved(place) for place in values}
    kept = [
        place
        for place in values
        if textured(place) >= spec.flat and (place[0] == 0 or strength[place] >= spec.change)
    ]
    if not kept:
        return [max(values, key=lambda place: (textured(place), -list(values).index(place)))]
    steps = [[place for place in kept if place[0] == t] for t in range(grid.t)]
    total = len(kept)
    if total > spec.max_tokens:
        exact = [len(step) * spec.max_tokens for step in steps]
        quota = [share // total for share in exact]
        order = sorted(range(grid.t), key=lambda t: (-(exact[t] % total), t))
        for t in order[: spec.max_tokens - sum(quota)]:
            quota[t] += 1
        steps = [
            sorted(step, key=lambda place: (-strength[place], place))[:most]
            for step, most in zip(steps, quota, strict=True)
        ]
    return sorted(place for step in steps for place in step)


@given(st.integers(0, 10**6), st.sampled_from([3, 7, 20, 100]))
@settings(max_examples=12)
def test_selection_equals_the_slow_reference(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(4, 3, 2)
    pictures = np.full((grid.frames, grid.height, grid.width, 3), 200, np.uint8)
    for index in range(1, grid.frames):
        pictures[index] = pictures[index - 1]
        for _ in range(rng.integers(0, 4)):
            top, left = rng.integers(0, grid.height - 8), rng.integers(0, grid.width - 8)
            pictures[index, top : top + 8, left : left + 8] = rng.integers(0, 255, 3)
    spec = Preprocess(frames=grid.frames, max_tokens=most)
    tubelets = tokens.patchify(pictures, grid)
    kept = tokens.select(tubelets, spec)
    places = _slow_select(pictures, grid, spec)
    assert [tuple(int(v) for v in place) for place in kept.positions] == places
    for value, (t, h, w) in zip(kept.values, places, strict=True):
        assert value.tolist() == _slow_tubelet(pictures, t, h, w)


def test_still_and_flat_clips_keep_the_most_textured_tubelet() -> None:
    grid = Grid(2, 2, 2)
    plain = np.full((4, 32, 32, 3), 77, np.uint8)
    plain[:, 20, 20] = 79
    kept = tokens.select(tokens.patchify(plain, grid), Preprocess(frames=4))
    assert kept.positions.tolist() == [[0, 1, 1]]
    assert (kept.still, kept.flat) == (1.0, 1.0)


def test_flat_means_one_colour_not_grey() -> None:
    grid = Grid(1, 1, 2)
    picture = np.zeros((2, 16, 32, 3), np.uint8)
    picture[..., 0] = 255  # pure red differs between channels, not between pixels
    picture[:, :8, 16:] = (0, 0, 255)
    found = tokens.texture(tokens.patchify(picture, grid))
    assert found[0, 0, 0] == 0
    assert found[0, 0, 1] == pytest.approx(np.sqrt((0.25 + 0 + 0.25) / 3), rel=1e-6)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=12), st.integers(1, 400))
def test_quotas_are_proportional_and_exact(counts: list[int], most: int) -> None:
    quota = tokens.quotas(np.array(counts, np.int64), most)
    assert quota.sum() == min(most, sum(counts))
    assert (quota <= counts).all()
    if sum(counts) > most:
        assert (np.abs(quota - np.array(counts) * most / sum(counts)) < 1).all()


def test_shrinking_averages_the_area() -> None:
    rng = np.random.default_rng(3)
    grid = Grid(1, 2, 3)
    pictures = rng.integers(0, 255, (2, 96, 144, 3), np.uint8)
    exact = pictures.reshape(2, 32, 3, 48, 3, 3).mean((2, 4))
    np.testing.assert_allclose(tokens.shrink(pictures, grid), exact, atol=1)
    assert tokens.shrink(pictures[:, :32, :48], grid) is not pictures


def test_normalised_values() -> None:
    values = np.arange(256, dtype=np.uint8)
    expected = (np.arange(256) / 255 - 0.5) / 0.25
    got = normalise(values)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_prepared_clip_has_the_shapes_it_promises(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mp4")
    spec = Preprocess(frames=8, patches=40, max_tokens=25, text_side=100)
    prepared = prepare(path, spec)
    n = len(prepared.values)
    assert prepared.grid == Grid.fit(96, 160, 8, 40)
    assert 1 <= n <= 25
    assert (prepared.values.shape, prepared.values.dtype) == ((n, 1536), np.uint8)
    assert (prepared.positions.shape, prepared.positions.dtype) == ((n, 3), np.int16)
    assert (prepared.positions < (prepared.grid.t, prepared.grid.h, prepared.grid.w)).all()
    assert prepared.first.shape == prepared.last.shape == (100, 60, 3)
    assert prepared.times_s[0] == 0
    assert prepared.times_s[-1] == pytest.approx(3.95)
    assert set(prepared.seconds) == {"probe", "decode", "tokens"}
    order = [tuple(place) for place in prepared.positions.tolist()]
    assert order == sorted(set(order))
    again = prepare(path, spec)
    np.testing.assert_array_equal(again.values, prepared.values)
    big = prepare(path, Preprocess(frames=8, text_side=960))
    assert big.first.shape == (160, 96, 3)  # never enlarged
