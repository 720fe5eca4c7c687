"""Pictures cut into square cells: which of them hold something, and which two pictures differ in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_CHANGED = 24
"""A cell changed when any of its values differs by this many of 255 levels: above what a codec's noise makes."""


def cells(pictures: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """[..., H, W, 3] as [..., rows, columns, side * side, 3]; what does not fill a cell is left out."""
    *many, height, width, _ = pictures.shape
    rows, columns = height // side, width // side
    whole = pictures[..., : rows * side, : columns * side, :].reshape(*many, rows, side, columns, side, 3)
    return np.ascontiguousarray(np.moveaxis(whole, -3, -4)).reshape(*many, rows, columns, side * side, 3)


def ink(cells: npt.NDArray[Any], levels: int) -> Mask:
    """[..., rows, columns] whether the values of any one colour span `levels` of 255 within a cell.

    A plain surface has none, whatever its colour.
    """
    return np.asarray((cells.max(-2) - cells.min(-2)).max(-1) >= levels)


def differ(cells: npt.NDArray[Any], other: npt.NDArray[Any]) -> Mask:
    """[..., rows, columns] whether cells differ from those of another picture at their place."""
    return np.asarray((np.maximum(cells, other) - np.minimum(cells, other)).max((-2, -1)) >= _CHANGED)
