"""Does the scored split hold anything that training has seen?

Three counts must be zero: identical files, shared slot values, and clips whose final screen is the same as one in
training down to its text. Labels that occur in training are counted too, though they are no leak: a closed task
("Turn on Wi-Fi.") has the same label in every split, and the results are also given without such clips.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uijepa.data.looks import Bytes
from uijepa.data.manifest import Clip
from uijepa.errors import UijepaError

HASH_BITS = 2
"""Hashes of 256 bits that differ in at most this many are looked at in full."""
READABLE = 48
"""A grey difference (0..255) that a reader would see; compression noise stays far below."""
SAME_PIXELS = 12
"""Screens with fewer readable differences than this, in pixels, are the same: one changed letter has more."""


class Leak(UijepaError):
    """The scored split shares something with the training split."""

    code = "leak"


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """What the scored split shares with training; ids are of scored clips."""

    identical_files: list[str]
    shared_slot_values: list[str]
    similar_last_frames: int
    """Clips whose last frame has a near-equal 256-bit hash in training: the same page, maybe with other text."""
    same_last_frames: list[str]
    """Those of them where the frame is the same down to the text as that of one of the three nearest."""
    labels_in_training: int

    @property
    def found(self) -> bool:
        return bool(self.identical_files or self.shared_slot_values or self.same_last_frames)

    def as_json(self) -> dict[str, Any]:
        return {
            "found": self.found,
            "identical_files": self.identical_files,
            "shared_slot_values": self.shared_slot_values,
            "similar_last_frames": self.similar_last_frames,
            "same_last_frames": self.same_last_frames,
            "labels_in_training": self.labels_in_training,
        }

    def summary(self) -> str:
        return (
            f"{len(self.identical_files)} identical files, {len(self.shared_slot_values)} shared slot values, "
            f"{len(self.same_last_frames)} same final screens ({self.similar_last_frames} similar), "
            f"{self.labels_in_training} labels also in training"
        )


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A clip, its file, digest and look."""

    clip: Clip
    path: Path
    sha256: str
    look: Bytes


def dhash(frame: Bytes) -> npt.NDArray[np.bool_]:
    """256 bits of a grey frame `[SIDE, SIDE]`: is each cell of 16 x 16 darker than its right neighbour?"""
    side = frame.shape[0]
    edges = np.linspace(0, side, 18).round().astype(int)
    rows = frame.reshape(16, side // 16, side).mean(axis=1)
    cells = np.stack([rows[:, a:b].mean(axis=1) for a, b in itertools.pairwise(edges)], axis=1)
    # Under one grey level, cells of a flat area would differ by compression noise alone.
    made: npt.NDArray[np.bool_] = (cells[:, 1:] - cells[:, :-1] > 1).reshape(-1)
    return made


def check(train: Sequence[Shown], scored: Sequence[Shown], last_frame: Callable[[Shown], Bytes]) -> Leakage:
    """Compare the scored clips with the training clips; `last_frame` reads a clip's last frame in full, grey."""
    files = {s.sha256 for s in train}
    values = {folded(v) for s in train for v in s.clip.slots.values()}
    labels = {s.clip.intent for s in train}
    similar, same = same_screens(train, scored, last_frame)
    return Leakage(
        identical_files=[s.clip.id for s in scored if s.sha256 in files],
        shared_slot_values=sorted(
            {v for s in scored for v in s.clip.slots.values() if folded(v) and folded(v) in values}
        ),
        similar_last_frames=similar,
        same_last_frames=[shown.clip.id for shown, _ in same],
        labels_in_training=sum(s.clip.intent in labels for s in scored),
    )


def folded(value: str) -> str:
    """A free value as it is compared: case and outer spaces do not tell values apart."""
    return value.strip().casefold()


def same_screens(
    train: Sequence[Shown], scored: Sequence[Shown], last_frame: Callable[[Shown], Bytes]
) -> tuple[int, list[tuple[Shown, Shown]]]:
    """How many scored clips end like one of `train` or nearly so, and those that end alike, each with its like."""
    if not train:
        return 0, []
    known = np.stack([dhash(s.look[-1]) for s in train])
    similar, same = 0, []
    for shown in scored:
        distances = (known != dhash(shown.look[-1])).sum(axis=1)
        near = [train[i] for i in np.argsort(distances, kind="stable") if distances[i] <= HASH_BITS]
        if not near:
            continue
        similar += 1
        # The squeezed look is finer than the hash: it orders and prunes what must be read in full.
        gaps = [np.abs(n.look[-1].astype(int) - shown.look[-1].astype(int)).max() for n in near]
        close = [n for gap, n in sorted(zip(gaps, near, strict=True), key=lambda x: x[0]) if gap <= READABLE]
        frame = last_frame(shown) if close else None
        like = next((n for n in close[:3] if frame is not None and same_screen(frame, last_frame(n))), None)
        if like is not None:
            same.append((shown, like))
    return similar, same


def same_screen(a: Bytes, b: Bytes) -> bool:
    """Whether two grey frames show the same thing down to their text."""
    if a.shape != b.shape:
        return False
    return int((np.abs(a.astype(np.int16) - b.astype(np.int16)) > READABLE).sum()) < SAME_PIXELS
