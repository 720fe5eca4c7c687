"""Which of a clip's moments are worth reading: settled screens, each showing what no other one does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from uijepa.video.probe import Facts
from uijepa.video.sampling import shown

Pixels = npt.NDArray[np.uint8]
Truths = npt.NDArray[np.bool_]

_CELL = 4
"""Side in px of the cells that are compared, in pictures of the size that the encoder sees."""
_CHANGED = 24
"""A cell differs when any of its values does by this many of 255 levels."""
_INK = 24
"""A cell has something in it when its values span this many of 255 levels."""
_LEAST = 0.005
"""Share of a picture's cells that must be new for it to be worth reading."""
_STILL_S = 0.2
"""A screen is settled when it stands at least this long; steps of an animation are shorter."""
_IDLE = 4
"""Packets up to this many times the size of the clip's smallest tenth change next to nothing."""
_UNSETTLED = 0.25
"""What new cells of a screen in motion count: their letters are often blurred or half covered."""


def settled(facts: Facts, times_s: npt.NDArray[np.float64]) -> Truths:
    """Whether the screen stands still around each moment, bool [n], as the packets tell: nothing is decoded."""
    busy = facts.sizes > _IDLE * np.percentile(facts.sizes, 10)
    begins = np.where(busy, facts.times_s, -np.inf)
    since = np.maximum.accumulate(begins)
    # The next frame that changes something, strictly after each
    later = np.where(busy, facts.times_s, np.inf)
    until = np.append(np.minimum.accumulate(later[::-1])[::-1][1:], np.inf)
    at = shown(facts.times_s, times_s)
    return np.asarray(until[at] - since[at] >= _STILL_S)


def choose(pictures: Pixels, still: Truths, most: int) -> list[int]:
    """The first picture, and up to `most` to be read, the last one among them: sorted indices of [n, H, W, 3].

    After the last picture, each time the one with the most to see that neither the first nor a chosen one shows at
    its place; pictures in motion (not `still`) come behind. Ends early when nothing is new.
    """
    cells = _cells(pictures)
    ink = cells.max((3, 4)).astype(np.int16) - cells.min((3, 4)) >= _INK
    new = ink & _differ(cells, cells[0])
    weight = np.where(still, 1.0, _UNSETTLED)
    chosen = [len(pictures) - 1]
    while len(chosen) < most:
        new &= _differ(cells, cells[chosen[-1]])
        gains = new.sum((1, 2)) * weight
        if gains.max() < _LEAST * new[0].size:
            break
        chosen.append(int(gains.argmax()))
    return sorted({0, *chosen})


def _cells(pictures: Pixels) -> Pixels:
    """[n, H, W, 3] as [n, rows, columns, _CELL * _CELL, 3]; what does not fill a cell is left out."""
    count, height, width = pictures.shape[:3]
    rows, columns = height // _CELL, width // _CELL
    whole = pictures[:, : rows * _CELL, : columns * _CELL].reshape(count, rows, _CELL, columns, _CELL, 3)
    return np.ascontiguousarray(whole.transpose(0, 1, 3, 2, 4, 5)).reshape(count, rows, columns, _CELL * _CELL, 3)


def _differ(cells: Pixels, other: Pixels) -> Truths:
    """[n, rows, columns] whether cells differ from one picture's cells at their place."""
    distance = np.maximum(cells, other) - np.minimum(cells, other)
    return np.asarray(distance.max((3, 4)) >= _CHANGED)
