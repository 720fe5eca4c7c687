"""Small grey looks of a clip, for pixel baselines and the leakage check."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rich.console
import rich.progress
from PIL import Image

from uijepa import video

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
        tall = _kept(cache / f"{digest}.png", lambda: look(path).reshape(MOMENTS * SIDE, SIDE))
        return tall.reshape(MOMENTS, SIDE, SIDE)

    first = dict(reversed(files))  # Each content once: two threads must not write one file.
    with ThreadPoolExecutor(max_workers=2) as pool:  # decoding leaves Python's lock
        console = rich.console.Console(stderr=True, quiet=quiet)
        made = rich.progress.track(pool.map(one, first.items()), title, total=len(first), console=console)
        seen = dict(zip(first, made, strict=True))
    return [seen[digest] for digest, _ in files]


def last_frame(digest: str, path: Path, cache: Path) -> Bytes:
    """The last frame of a clip in full, uint8 grey `[H, W]`, kept in `cache`. Raises ClipError."""

    def read() -> Bytes:
        facts = video.probe(path, video.Limits())
        size = (facts.width, facts.height)
        return grey(video.frames(path, [facts.duration_s], size, facts=facts)[0])

    return _kept(cache / f"{digest}.last.png", read)


def _kept(file: Path, make: Callable[[], Bytes]) -> Bytes:
    if not file.exists():
        partial = file.with_suffix(f".{os.getpid()}.part")  # another process may make the same
        Image.fromarray(make()).save(partial, format="PNG")
        partial.replace(file)
    with Image.open(file) as image:
        return np.asarray(image)
