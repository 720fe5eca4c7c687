"""Masks: what is hidden, for every kind, ratio and count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from uijepa.errors import ConfigError
from uijepa.grid import Grid
from uijepa.jepa.masks import Kind, MaskConfig, hidden

kinds = st.sampled_from(["short", "long", "temporal"])


def kept(grid: Grid, count: int, seed: int) -> np.ndarray:
    """Positions of `count` distinct tubelets of a grid."""
    chosen = np.random.default_rng(seed).choice(grid.tokens, min(count, grid.tokens), replace=False)
    return np.stack(np.unravel_index(np.sort(chosen), (grid.t, grid.h, grid.w)), axis=1)


grids = st.builds(Grid, st.integers(1, 8), st.integers(1, 20), st.integers(1, 20))


@given(kinds, grids, st.integers(2, 200), st.integers(0, 999))
def test_masks_hide_some_and_leave_some(kind: Kind, grid: Grid, count: int, seed: int) -> None:
    positions = kept(grid, count, seed)
    assume(len(positions) >= 2)
    config = MaskConfig(least=1)
    mask = hidden(kind, positions, grid, config, np.random.default_rng(seed))
    assert mask.shape == (len(positions),)
    assert 1 <= mask.sum() <= len(positions) - 1
    assert np.array_equal(mask, hidden(kind, positions, grid, config, np.random.default_rng(seed)))


@given(st.integers(0, 999), st.booleans())
def test_temporal_masks_hide_whole_steps(seed: int, contiguous: bool) -> None:
    grid = Grid(8, 4, 4)
    positions = kept(grid, grid.tokens, 0)
    config = MaskConfig(contiguous=contiguous)
    mask = hidden("temporal", positions, grid, config, np.random.default_rng(seed))
    steps = np.array([mask[positions[:, 0] == t] for t in range(8)])
    assert (steps.all(1) | ~steps.any(1)).all()
    covered = np.flatnonzero(steps.all(1))
    assert len(covered) == 6
    if contiguous:
        assert covered.tolist() == list(range(covered[0], covered[0] + 6))


@given(st.integers(0, 999))
def test_spatial_masks_hide_places_through_all_time(seed: int) -> None:
    grid = Grid(4, 10, 10)
    positions = kept(grid, grid.tokens, 0)
    share = []
    for kind in ("short", "long"):
        mask = hidden(kind, positions, grid, MaskConfig(), np.random.default_rng(seed)).reshape(4, 100)  # type: ignore[arg-type]
        assert (mask == mask[0]).all()
        share.append(mask.mean())
    assert 0.15 <= share[0] < 1
    assert share[1] >= 0.6


def test_too_few_tokens_to_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 tokens"):
        hidden("short", np.zeros((1, 3), int), Grid(1, 1, 1), MaskConfig(), np.random.default_rng(0))


@given(st.integers(2, 12), st.floats(0.05, 0.95), st.booleans(), st.integers(0, 999))
def test_temporal_masks_hide_their_ratio(steps: int, ratio: float, contiguous: bool, seed: int) -> None:
    grid = Grid(steps, 4, 4)
    config = MaskConfig(kinds=("temporal",), temporal_ratio=ratio, contiguous=contiguous, least=1)
    mask = hidden("temporal", kept(grid, grid.tokens, 0), grid, config, np.random.default_rng(seed))
    covered = np.flatnonzero(mask.reshape(steps, 16).all(1))
    assert len(covered) == min(max(round(steps * ratio), 1), steps - 1)
    assert mask.sum() == 16 * len(covered)
    if contiguous:
        assert np.ptp(covered) == len(covered) - 1


def test_discrete_steps_are_not_always_one_run() -> None:
    grid = Grid(8, 2, 2)
    runs = 0
    for seed in range(50):
        mask = hidden("temporal", kept(grid, 32, 0), grid, MaskConfig(), np.random.default_rng(seed)).reshape(8, 4)
        runs += int(np.ptp(np.flatnonzero(mask.all(1))) == 5)
    assert runs < 25


@pytest.mark.parametrize(("kind", "count"), [("short", "short_blocks"), ("long", "long_blocks")])
def test_more_blocks_hide_more(kind: Kind, count: str) -> None:
    grid = Grid(2, 12, 12)
    positions = kept(grid, grid.tokens, 0)
    hidden_share = []
    for blocks in (1, 4):
        config = MaskConfig(short_scale=0.15, long_scale=0.3, **{count: blocks})  # type: ignore[arg-type]
        masks = [hidden(kind, positions, grid, config, np.random.default_rng(seed)) for seed in range(20)]
        hidden_share.append(np.mean(masks))
    assert hidden_share[1] > 1.5 * hidden_share[0]


def test_impossible_masks_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one of"):
        MaskConfig(kinds=())
    with pytest.raises(ConfigError, match="temporal_ratio"):
        MaskConfig(temporal_ratio=1.0)
