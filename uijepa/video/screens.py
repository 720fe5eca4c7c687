"""Which of a clip's moments are worth reading: late and settled screens, each showing what no other one does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from uijepa.video.cells import Pixels, cells, differ, ink
from uijepa.video.probe import Facts
from uijepa.video.sampling import shown

Truths = npt.NDArray[np.bool_]

_CELL = 4
"""Side in px of the cells that are compared, in pictures of the size that the encoder sees."""
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
    its place; pictures in motion (not `still`) come behind, and late ones before early ones, by the square of their
    place: what was confirmed at the end says more than the way there. Ends early when nothing is new.
    """
    seen = cells(pictures, _CELL)
    new = ink(seen, _INK) & differ(seen, seen[0])
    weight = np.where(still, 1.0, _UNSETTLED)
    late = np.linspace(0, 1, len(pictures)) ** 2
    chosen = [len(pictures) - 1]
    while len(chosen) < most:
        new &= differ(seen, seen[chosen[-1]])
        gains = new.sum((1, 2)) * weight
        worth = gains >= _LEAST * new[0].size
        if not worth.any():
            break
        chosen.append(int((worth * gains * late).argmax()))
    return sorted({0, *chosen})
