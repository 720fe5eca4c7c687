"""Which moments of a clip are looked at.

A sampler is a function of the clip's facts and the number of moments. `uniform` is the default; one that follows
the packet sizes to where the screen changed has the same shape.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from uijepa.video.probe import Facts

Times = npt.NDArray[np.float64]
Sampler = Callable[[Facts, int], Times]
"""(facts, n) -> n moments in seconds, sorted, within the clip."""

_ROUNDING_S = 5e-4


def uniform(facts: Facts, n: int) -> Times:
    """`n` evenly spaced moments from the first frame to the moment the last one appears, both included.

    Seconds, float64 [n]. A clip of fewer than `n` frames gives moments at which the same frame is still shown.
    """
    if n < 1:
        raise ValueError(f"at least one moment is needed, got {n}")
    last = float(facts.times_s[-1])
    if n == 1:
        return np.array([last])
    times = np.linspace(0.0, last, n)
    times[-1] = last
    return times


def shown(frame_times_s: npt.NDArray[np.float64], times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Index of the frame on screen at each moment: the latest that appeared by then.

    Half a millisecond of grace covers time bases that cannot express a moment exactly.
    """
    found = np.searchsorted(frame_times_s, np.asarray(times_s) + _ROUNDING_S, side="right") - 1
    return np.clip(found, 0, len(frame_times_s) - 1).astype(np.int64)
