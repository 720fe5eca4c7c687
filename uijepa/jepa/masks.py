"""Which tubelets the x-encoder sees and which it must predict, on the kept tokens of each clip only.

Three generators (UI-JEPA, section "masking"; block shapes from V-JEPA's code):
  short     8 blocks of 0.15 of the frame, through all time
  long      2 blocks of 0.7 of the frame, through all time
  temporal  whole time steps hidden: 6 of 8, discrete or one contiguous run

Pure numpy and a function of its generator only, so that a resumed run draws the same masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uijepa.errors import ConfigError
from uijepa.grid import Grid

Kind = Literal["short", "long", "temporal"]
ASPECT = (0.75, 1.5)
"""Range of a block's width over its height."""
REDRAWS = 8
"""Tries before a mask that hides too much or too little of a clip is evened out token by token."""


@dataclass(frozen=True, kw_only=True)
class MaskConfig:
    """The three generators' ratios and counts."""

    kinds: tuple[Kind, ...] = ("short", "long", "temporal")
    short_blocks: int = 8
    short_scale: float = 0.15
    long_blocks: int = 2
    long_scale: float = 0.7
    temporal_ratio: float = 0.75
    """Share of time steps hidden."""
    contiguous: bool = False
    """Hide one run of time steps instead of steps drawn one by one."""
    least: int = 4
    """Fewest tokens left visible, and fewest hidden, in any clip."""

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ConfigError("masks.kinds: name at least one of short, long, temporal.")
        for name in ("short_scale", "long_scale", "temporal_ratio"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"masks.{name} must lie between 0 and 1.")


def hidden(
    kind: Kind, positions: NDArray[np.integer], grid: Grid, config: MaskConfig, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """True for the tokens to predict, [N], given the kept tokens' (t, h, w) positions, [N, 3].

    At least `config.least` tokens are hidden and as many stay visible; a clip must keep at least twice that.
    """
    count = len(positions)
    if count < 2 * config.least:
        raise ValueError(f"masking needs at least {2 * config.least} tokens, got {count}")
    for _ in range(REDRAWS):
        if kind == "temporal":
            mask = _steps(grid.t, config, rng)[positions[:, 0]]
        else:
            short = kind == "short"
            blocks = config.short_blocks if short else config.long_blocks
            scale = config.short_scale if short else config.long_scale
            mask = _blocks(grid, blocks, scale, rng)[positions[:, 1], positions[:, 2]]
        if config.least <= mask.sum() <= count - config.least:
            break
    return _at_least(mask, config.least, rng)  # changes nothing in a mask that fits


def _steps(steps: int, config: MaskConfig, rng: np.random.Generator) -> NDArray[np.bool_]:
    covered = np.zeros(steps, dtype=bool)
    length = min(max(round(steps * config.temporal_ratio), 1), max(steps - 1, 1))
    if config.contiguous:
        start = int(rng.integers(0, steps - length + 1))
        covered[start : start + length] = True
    else:
        covered[rng.choice(steps, length, replace=False)] = True
    return covered


def _blocks(grid: Grid, blocks: int, scale: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    covered = np.zeros((grid.h, grid.w), dtype=bool)
    aspect = np.exp(rng.uniform(*np.log(ASPECT)))
    height = min(max(round(np.sqrt(scale * grid.h * grid.w / aspect)), 1), grid.h)
    width = min(max(round(scale * grid.h * grid.w / height), 1), grid.w)
    for _ in range(blocks):
        top = int(rng.integers(0, grid.h - height + 1))
        left = int(rng.integers(0, grid.w - width + 1))
        covered[top : top + height, left : left + width] = True
    return covered


def _at_least(mask: NDArray[np.bool_], least: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    for value in (True, False):
        missing = least - int((mask == value).sum())
        if missing > 0:
            mask[rng.choice(np.flatnonzero(mask != value), missing, replace=False)] = value
    return mask
