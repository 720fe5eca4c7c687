"""A clip file as the model sees it: the whole way from a path to tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from uijepa.config import Preprocess
from uijepa.grid import Grid
from uijepa.video import reader, screens, tokens
from uijepa.video.probe import DEFAULT, Facts, Limits, probe
from uijepa.video.sampling import Sampler, uniform

if TYPE_CHECKING:
    from uijepa.video.sandbox import Sandbox


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """Tokens of one clip and what reading its text needs."""

    values: npt.NDArray[np.uint8]
    """[N, 1536] kept tubelets, voxels ordered (2, 16, 16, 3)."""
    positions: npt.NDArray[np.int16]
    """[N, 3] as (t, h, w) on the grid."""
    grid: Grid
    times_s: npt.NDArray[np.float64]
    """[frames] the moments looked at."""
    screens: npt.NDArray[np.uint8]
    """[1 + n, H, W, 3] the first frame and n to be read, in the order they were shown, the last one at the end. Long
    side at most `Preprocess.text_side`, n at most `Preprocess.screens`."""
    facts: Facts
    still: float
    """Share of the tubelets after the first step that were dropped as still."""
    flat: float
    """Share of all tubelets that are flat."""
    seconds: dict[str, float]
    """Wall time of `probe`, `decode` and `tokens`."""

    @property
    def first(self) -> npt.NDArray[np.uint8]:
        """[H, W, 3] the first frame."""
        return np.asarray(self.screens[0])

    @property
    def last(self) -> npt.NDArray[np.uint8]:
        """[H, W, 3] the last frame."""
        return np.asarray(self.screens[-1])


def text_size(facts: Facts, side: int) -> tuple[int, int]:
    """(width, height) of a clip's frames with the long side at most `side` px; never enlarged."""
    scale = min(1.0, side / max(facts.width, facts.height))
    return max(round(facts.width * scale), 1), max(round(facts.height * scale), 1)


def prepare(
    path: Path,
    spec: Preprocess,
    limits: Limits = DEFAULT,
    *,
    sandbox: Sandbox | None = None,
    sampler: Sampler = uniform,
    library: reader.Name | None = None,
) -> Prepared:
    """Tokens of the clip at `path`. The same numbers with and without a sandbox.

    With a `sandbox` the file is opened by its child process only; without one it is decoded here, which is for
    recordings one trusts. `library` overrides `reader.choose`.
    Raises ClipError: ClipNotFound, NotAVideo, ClipTooLarge, ClipTooLong, Undecodable or DecodeTimeout.
    """
    if sandbox is not None:
        if sampler is not uniform or library is not None:
            raise ValueError("a sandbox chooses moments and reader itself; neither can be sent to it")
        return sandbox.prepare(path, spec, limits)
    start = time.perf_counter()
    facts = probe(path, limits)
    probed = time.perf_counter()
    times = sampler(facts, spec.frames)
    size = text_size(facts, spec.text_side)
    pictures = reader.frames(path, times, size, facts=facts, limits=limits, library=library)
    decoded = time.perf_counter()
    grid = Grid.fit(facts.width, facts.height, spec.frames, spec.patches)
    small = tokens.shrink(pictures, grid)
    kept = tokens.select(tokens.patchify(small, grid), spec)
    read = screens.choose(small, screens.settled(facts, times), spec.screens)
    done = time.perf_counter()
    return Prepared(
        values=kept.values,
        positions=kept.positions,
        grid=grid,
        times_s=times,
        screens=pictures[read],
        facts=facts,
        still=kept.still,
        flat=kept.flat,
        seconds={"probe": probed - start, "decode": decoded - probed, "tokens": done - decoded},
    )
