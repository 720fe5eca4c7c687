"""Learning rate, weight decay and EMA momentum as functions of the step alone, so that a resumed run agrees."""

from __future__ import annotations

import math


def warmup_cosine(step: int, steps: int, warmup: int, peak: float, end: float) -> float:
    """Linear from 0 to `peak` over `warmup` steps, then half a cosine down to `end` at `steps`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return end + (peak - end) * 0.5 * (1 + math.cos(math.pi * share))


def linear(step: int, steps: int, start: float, end: float) -> float:
    """From `start` at step 0 to `end` at `steps`."""
    return start + (end - start) * min(step / max(steps, 1), 1.0)
