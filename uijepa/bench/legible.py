"""What can be read at the size an encoder sees: OCR of the last frame, whole and shrunk to so many patches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from uijepa.bench.metrics import bootstrap
from uijepa.config import Preprocess
from uijepa.data import layouts
from uijepa.data.batches import spread
from uijepa.data.manifest import Clip, Split
from uijepa.errors import ClipError, ManifestError
from uijepa.grid import Grid
from uijepa.video.cells import Pixels
from uijepa.video.clip import prepare
from uijepa.video.text import Reader
from uijepa.video.tokens import shrink

_WORD = re.compile(r"[a-z0-9]{3,}")


def words(lines: Sequence[str]) -> set[str]:
    """Words and numbers of three characters or more, in lower case."""
    return set(_WORD.findall(" ".join(lines).lower()))


def seen_at(picture: Pixels, grid: Grid) -> Pixels:
    """A picture as a grid's pixels keep it, enlarged to its own size again for a reader that expects it."""
    small = Image.fromarray(shrink(picture[None], grid)[0])
    height, width = picture.shape[:2]
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def measure(
    manifest: Path, patches: Sequence[int], *, split: Split, limit: int, spec: Preprocess, progress: Progress
) -> list[dict[str, Any]]:
    """Share, in %, of the words that the recorder knows to be new on the last frame, read at each size.

    The first row is the whole frame, long side at most `spec.text_side`. Clips are spread over the manifest.
    Raises ManifestError when it has no clip of the split with text.
    """
    recordings = layouts.read(manifest)
    clips = [clip for clip in recordings.clips if clip.split == split and words(clip.text)]
    if not clips:
        raise ManifestError(f"{manifest}: no clip of the split {split!r} says what text it shows.")
    reader = Reader()
    shares: list[list[float]] = []
    for clip in progress.track(spread(clips, limit), description="reading"):
        try:
            shares.append(_shares(recordings.file(clip), clip, patches, spec, reader))
        except ClipError as error:
            progress.console.print(f"left out: {error}", markup=False)
    if not shares:
        raise ManifestError(f"{manifest}: none of its clips can be decoded.")
    table = 100 * np.array(shares)
    sizes = [0, *patches]
    return [
        {"patches": size, **bootstrap(column).as_json(), "clips": len(table)}
        for size, column in zip(sizes, table.T, strict=True)
    ]


def _shares(path: Path, clip: Clip, patches: Sequence[int], spec: Preprocess, reader: Reader) -> list[float]:
    known = words(clip.text)
    last = prepare(path, spec).last
    height, width = last.shape[:2]
    pictures = [last, *(seen_at(last, Grid.fit(width, height, spec.frames, count)) for count in patches)]
    found = [words([line.text for line in reader.lines(picture)]) for picture in pictures]
    return [len(known & read) / len(known) for read in found]


def show(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Print the results."""
    table = Table(title=f"words read, % of those new on the last frame ({rows[0]['clips']} clips)")
    for head in ("patches a frame", "read", "95 %"):
        table.add_column(head, justify="right")
    for row in rows:
        size = str(row["patches"]) if row["patches"] else "whole"
        table.add_row(size, f"{row['mean']:.1f}", f"{row['low']:.1f} to {row['high']:.1f}")
    console.print(table)
