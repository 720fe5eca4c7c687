"""One look at every clip of a recording: what it is, how much of it a model would see, how it ends."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.progress import Progress

from uijepa.config import Preprocess
from uijepa.data.layouts import Recordings
from uijepa.data.looks import SIDE, Bytes, grey
from uijepa.data.manifest import Clip
from uijepa.errors import ClipError
from uijepa.video import Limits, Prepared
from uijepa.video.sandbox import Sandbox
from uijepa.video.text import Reader

ALL_TOKENS = Preprocess(max_tokens=1_000_000)
"""The shipped preprocessing without its cap on tokens: shares are of what there is, not of what is afforded."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A clip that could be read. Shares are 0..1 of the tubelets of the grid that training uses."""

    clip: Clip
    path: Path
    sha256: str
    bytes: int
    seconds: float
    frames: int
    width: int
    height: int
    changed: float
    """Tubelets after the first step that differ from the one before at their place."""
    flat: float
    """Tubelets of one colour."""
    kept: float
    """Tubelets that are neither still nor flat: what an encoder gets."""
    tokens: int
    last: Bytes
    """[SIDE, SIDE] grey, the last frame squeezed."""
    lines: tuple[str, ...]
    """Text read off the first and the last frame; empty when not asked for."""


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A clip that could not, and why."""

    clip: Clip
    path: Path
    reason: str


def survey(
    recordings: Recordings,
    *,
    read_text: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Seen | Unreadable]:
    """Look at every clip, in order. Decoding happens in sandboxed children, as on the device.

    `read_text`: also read what the first and the last frame say (seconds a clip).
    """
    local = threading.local()
    sandboxes: list[Sandbox] = []

    def one(clip: Clip) -> Seen | Unreadable:
        if not hasattr(local, "sandbox"):
            local.sandbox, local.reader = Sandbox(), Reader(threads=1)
            sandboxes.append(local.sandbox)
        path = recordings.file(clip)
        try:
            made = local.sandbox.prepare(path, ALL_TOKENS, Limits())
            return _seen(clip, path, made, local.reader if read_text else None)
        except ClipError as error:
            return Unreadable(clip=clip, path=path, reason=str(error))

    task = progress.add_task(f"looking at {recordings.path.name}", total=len(recordings.clips)) if progress else None
    workers = workers or len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(workers)
    try:
        for found in pool.map(one, recordings.clips):
            yield found
            if progress is not None and task is not None:
                progress.advance(task)
    finally:
        pool.shutdown(cancel_futures=True)
        for sandbox in sandboxes:
            sandbox.close()


def _seen(clip: Clip, path: Path, made: Prepared, reader: Reader | None) -> Seen:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    lines = [line.text for frame in (made.first, made.last) for line in reader.lines(frame)] if reader else []
    cells = made.grid.t * made.grid.h * made.grid.w
    squeezed = Image.fromarray(made.last).resize((SIDE, SIDE), Image.Resampling.BOX)
    return Seen(
        clip=clip,
        path=path,
        sha256=digest,
        bytes=made.facts.bytes,
        seconds=made.facts.duration_s,
        frames=made.facts.frames,
        width=made.facts.width,
        height=made.facts.height,
        changed=1 - made.still,
        flat=made.flat,
        kept=len(made.values) / cells,
        tokens=len(made.values),
        last=grey(np.asarray(squeezed)),
        lines=tuple(lines),
    )


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number over clips: its 10th, 50th and 90th percentile."""

    name: str
    unit: str
    low: float
    median: float
    high: float


def measures(seen: Sequence[Seen]) -> list[Measure]:
    """What sets one recording's clips apart from another's, to be laid beside each other."""
    columns: dict[tuple[str, str], list[float]] = {
        ("length", "s"): [s.seconds for s in seen],
        ("frames", ""): [s.frames for s in seen],
        ("aspect (width / height)", ""): [s.width / s.height for s in seen],
        ("long side", "px"): [max(s.width, s.height) for s in seen],
        ("size", "KB"): [s.bytes / 1000 for s in seen],
        ("changed", "%"): [100 * s.changed for s in seen],
        ("flat", "%"): [100 * s.flat for s in seen],
        ("kept (changed, not flat)", "%"): [100 * s.kept for s in seen],
        ("tokens before the cap", ""): [s.tokens for s in seen],
    }
    made = []
    for (name, unit), values in columns.items():
        cut: npt.NDArray[np.float64] = np.percentile(np.asarray(values, np.float64), [10, 50, 90])
        made.append(Measure(name=name, unit=unit, low=float(cut[0]), median=float(cut[1]), high=float(cut[2])))
    return made
