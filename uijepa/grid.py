"""The token grid: the one source of shapes.

A clip of `frames` frames is cut into tubelets of 2 frames x 16 x 16 pixels; a `Grid` counts them along time,
height and width. It travels with the tokens, so that no model reads an image size from its configuration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TUBELET = (2, 16, 16)
"""Frames, rows and columns of one tubelet."""

TUBELET_VALUES = TUBELET[0] * TUBELET[1] * TUBELET[2] * 3
"""Values of one RGB tubelet: 1536, ordered (frame, row, column, channel)."""


@dataclass(frozen=True)
class Grid:
    """Tubelets along time, height and width."""

    t: int
    h: int
    w: int

    def __post_init__(self) -> None:
        if min(self.t, self.h, self.w) < 1:
            raise ValueError(f"a grid needs at least one tubelet along each axis, got {self}")

    @property
    def tokens(self) -> int:
        return self.t * self.h * self.w

    @property
    def frames(self) -> int:
        return self.t * TUBELET[0]

    @property
    def height(self) -> int:
        """Rows of a frame that fills the grid, in px."""
        return self.h * TUBELET[1]

    @property
    def width(self) -> int:
        """Columns of a frame that fills the grid, in px."""
        return self.w * TUBELET[2]

    @classmethod
    def fit(cls, width: int, height: int, frames: int, patches: int) -> Grid:
        """The grid nearest a frame's own aspect ratio with at most `patches` patches a frame.

        Sides are whole patches, so the aspect ratio is kept up to half a patch. Aspect ratios past what the
        budget can hold are squeezed to a grid one patch wide.
        """
        if min(width, height) < 1:
            raise ValueError(f"a frame needs at least one pixel, got {width}x{height}")
        if frames % TUBELET[0] or frames < TUBELET[0]:
            raise ValueError(f"frames must be a positive multiple of {TUBELET[0]}, got {frames}")
        aspect = width / height
        best = (math.inf, 0, 1, 1)
        for h in range(1, patches + 1):
            w = min(max(round(h * aspect), 1), patches // h)
            distortion = abs(math.log(w / h / aspect))
            unused = 1 - w * h / patches
            best = min(best, (distortion + unused, -w * h, h, w))
        return cls(frames // TUBELET[0], best[2], best[3])
