"""How much of what a label names can be read, by how many of a clip's screens are read, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from uijepa.bench.metrics import bootstrap
from uijepa.bench.quality import said_values
from uijepa.config import Preprocess
from uijepa.data import layouts
from uijepa.data.batches import spread, with_validation
from uijepa.data.manifest import Split, labelled
from uijepa.errors import ClipError, ManifestError
from uijepa.video.clip import prepare
from uijepa.video.text import Reader, read_screens


def measure(
    manifest: Path, counts: Sequence[int], *, split: Split, limit: int, progress: Progress
) -> list[dict[str, Any]]:
    """A row for each number of screens: mean share of a label's values that are read, in %, and seconds of reading.

    Clips are spread over those of the manifest whose label names a value (the label with values, where a suite words
    its own without them). Raises ManifestError when there is none.
    """
    recordings = layouts.read(manifest)
    known = [labelled(clip, "lexicalised") for clip in with_validation(recordings.clips)]
    clips = [clip for clip in known if clip.split == split and said_values(clip)]
    if not clips:
        raise ManifestError(f"{manifest}: no clip of the split {split!r} has a label that names a value.")
    reader = Reader(threads=1)
    shares: list[list[float]] = []
    seconds: list[list[float]] = []
    for clip in progress.track(spread(clips, limit), description="reading"):
        try:
            told = [_read(recordings.file(clip), count, reader) for count in counts]
        except ClipError as error:
            progress.console.print(f"left out: {error}", markup=False)
            continue
        values = [value.lower() for value in said_values(clip)]
        shares.append([float(np.mean([value in text for value in values])) for text, _ in told])
        seconds.append([spent for _, spent in told])
    if not shares:
        raise ManifestError(f"{manifest}: none of its clips can be decoded.")
    return [
        {"screens": count, **bootstrap(100 * share).as_json(), "seconds": float(spent.mean()), "clips": len(shares)}
        for count, share, spent in zip(counts, np.array(shares).T, np.array(seconds).T, strict=True)
    ]


def _read(path: Path, count: int, reader: Reader) -> tuple[str, float]:
    prepared = prepare(path, Preprocess(screens=count))
    start = time.perf_counter()
    lines = read_screens(prepared.screens, reader)
    return "\n".join(lines).lower(), time.perf_counter() - start


def show(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Print the results."""
    table = Table(title=f"values of the label that are read, % ({rows[0]['clips']} clips)")
    for head in ("screens", "read", "95 %", "seconds a clip"):
        table.add_column(head, justify="right")
    for row in rows:
        interval = f"{row['low']:.1f} to {row['high']:.1f}"
        table.add_row(str(row["screens"]), f"{row['mean']:.1f}", interval, f"{row['seconds']:.2f}")
    console.print(table)
