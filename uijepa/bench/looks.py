"""Small grey looks of a clip, for the pixel baseline and the leakage check: decoded once, then cached."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from uijepa import video
from uijepa.bench.answers import track

Bytes = npt.NDArray[np.uint8]
MOMENTS = 8
SIDE = 64
"""A look is `MOMENTS` evenly spaced frames, first and last included, squeezed to SIDE x SIDE grey."""


def look(path: Path) -> Bytes:
    """uint8 `[MOMENTS, SIDE, SIDE]`, grey. Raises ClipError."""
    facts = video.probe(path, video.Limits())
    times = np.linspace(0.0, facts.duration_s, MOMENTS)
    frames = video.frames(path, [float(t) for t in times], (SIDE, SIDE), facts=facts)
    return grey(frames)


def grey(frames: Bytes) -> Bytes:
    """RGB `[..., 3]` to luma, uint8."""
    luma = frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.rint(luma).astype(np.uint8)


def looks(files: Sequence[tuple[str, Path]], cache: Path, title: str, *, quiet: bool = False) -> list[Bytes]:
    """The look of every (sha256, file), in order, each kept in `cache` under its file's digest.

    Raises ClipError for a clip that cannot be read: a baseline over fewer clips would be a weaker one.
    """
    cache.mkdir(parents=True, exist_ok=True)

    def one(item: tuple[str, Path]) -> Bytes:
        digest, path = item
        kept = cache / f"{digest}.png"
        if not kept.exists():
            partial = kept.with_suffix(".part")
            Image.fromarray(look(path).reshape(MOMENTS * SIDE, SIDE)).save(partial, format="PNG")
            partial.replace(kept)
        with Image.open(kept) as image:
            return np.asarray(image).reshape(MOMENTS, SIDE, SIDE)

    with ThreadPoolExecutor(max_workers=2) as pool:  # decoding leaves Python's lock
        return list(track(pool.map(one, files), title, len(files), quiet=quiet))
