"""The token cache: each clip of a manifest decoded once, its tokens appended to memory-mapped files.

    <manifest folder>/.cache/<hash of the preprocessing>/
        values.u8  positions.i16   every clip's kept tubelets, one after the other
        index.jsonl                one line a clip: where its tokens lie, its grid, its text, or its error

A line is written after its tokens, so a killed build resumes at the first clip without a line.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from uijepa.config import Preprocess
from uijepa.data.manifest import Clip
from uijepa.errors import ClipError, ManifestError
from uijepa.grid import TUBELET_VALUES, Grid
from uijepa.video import Limits, prepare
from uijepa.video.sandbox import Sandbox
from uijepa.video.text import Reader, read_screens

_READING = 2
"""Changes with what is read of a clip for the same preprocessing, so that a cache never mixes two ways of reading."""
MOST_BAD = 0.05
"""Share of a manifest's clips that may be unreadable before training refuses to start."""


@dataclass(frozen=True)
class Tokens:
    """One clip's kept tubelets."""

    values: NDArray[np.uint8]
    """[N, 1536]"""
    positions: NDArray[np.int16]
    """[N, 3]"""
    grid: Grid
    text: list[str]
    """Lines that the clip put on the screen, read from its pixels as on the device; empty when not asked for."""


class TokenSource(Protocol):
    """Where training finds the tokens of clips, by the clips' paths."""

    def __contains__(self, path: str) -> bool: ...

    def __getitem__(self, path: str) -> Tokens: ...

    def count(self, path: str) -> int:
        """Number of tokens of a clip, without reading them."""
        ...


class TokenCache:
    """Tokens of clips by their path in the manifest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, dict[str, Any]] = {}
        index = folder / "index.jsonl"
        if index.is_file():
            for line in index.read_text(encoding="utf-8").split("\n"):
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    break  # the end of the file, or the line that a kill cut short
                self._lines[entry["path"]] = entry
        tokens = max((e["first"] + e["count"] for e in self._lines.values() if "first" in e), default=0)
        shape = (tokens, TUBELET_VALUES)
        self._values: NDArray[np.uint8] = (
            np.memmap(folder / "values.u8", np.uint8, "r", shape=shape) if tokens else np.zeros(shape, np.uint8)
        )
        self._positions: NDArray[np.int16] = (
            np.memmap(folder / "positions.i16", np.int16, "r", shape=(tokens, 3))
            if tokens
            else np.zeros((0, 3), np.int16)
        )

    def __iter__(self) -> Iterator[str]:
        """Paths of the clips that have tokens."""
        return (path for path in self._lines if path in self)

    def __contains__(self, path: str) -> bool:
        return "first" in self._lines.get(path, {})

    def __getitem__(self, path: str) -> Tokens:
        entry = self._lines[path]
        span = slice(entry["first"], entry["first"] + entry["count"])
        return Tokens(self._values[span], self._positions[span], Grid(*entry["grid"]), entry.get("text", []))

    def count(self, path: str) -> int:
        """Number of tokens of a clip, without reading them."""
        return int(self._lines[path]["count"])

    @property
    def errors(self) -> dict[str, str]:
        """What was wrong with the clips that could not be read."""
        return {path: entry["error"] for path, entry in self._lines.items() if "error" in entry}

    def holds(self, path: str, size: int, *, text: bool) -> bool:
        """Whether this very file was tried before, and its text read if `text` is wanted."""
        entry = self._lines.get(path, {})
        return entry.get("bytes") == size and (not text or "text" in entry or "error" in entry)


def folder_of(root: Path, spec: Preprocess) -> Path:
    """Where the tokens of a manifest in `root` are kept for this preprocessing."""
    key = hashlib.blake2b(json.dumps([_READING, asdict(spec)], sort_keys=True).encode(), digest_size=6).hexdigest()
    return root / ".cache" / key


def build(
    root: Path,
    clips: Sequence[Clip],
    spec: Preprocess,
    *,
    read_text: bool,
    workers: int | None = None,
    progress: Progress | None = None,
) -> TokenCache:
    """The cache of `clips` (paths relative to `root`), made or completed.

    Decoding happens in sandboxed child processes, so that a clip that crashes its decoder costs that clip only.
    With `read_text` the text of labelled clips is read from their pixels, as the device will read it.
    Unreadable clips are left out and listed by `errors`; raises ManifestError when they are more than
    `MOST_BAD` of all.
    """
    folder = folder_of(root, spec)
    folder.mkdir(parents=True, exist_ok=True)
    cache = TokenCache(folder)
    if _missing(root, clips, cache, read_text):  # else runs may start at once
        with _only_writer(folder, progress):
            cache = TokenCache(folder)
            missing = _missing(root, clips, cache, read_text)
            _truncate(folder, cache)
            _append(folder, _prepare_all(root, missing, spec, read_text, workers), len(missing), progress)
        cache = TokenCache(folder)
    bad = {c.path: cache.errors[c.path] for c in clips if c.path in cache.errors}
    if len(bad) > MOST_BAD * len(clips):
        listed = "\n".join(f"  {message}" for message in list(bad.values())[:10])
        raise ManifestError(f"{len(bad)} of {len(clips)} clips under {root} cannot be read:\n{listed}")
    return cache


def _missing(root: Path, clips: Sequence[Clip], cache: TokenCache, read_text: bool) -> list[Clip]:
    return [c for c in clips if not cache.holds(c.path, _size(root / c.path), text=read_text and bool(c.intent))]


@contextmanager
def _only_writer(folder: Path, progress: Progress | None) -> Iterator[None]:
    """Hold the cache for this process; another one that builds it at the same time waits."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if progress is not None:
                progress.console.print(
                    f"{folder}: another run is decoding these clips; waiting for it.", markup=False
                )
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _append(
    folder: Path,
    prepared: Iterator[tuple[Clip, dict[str, Any], Tokens | None]],
    total: int,
    progress: Progress | None,
) -> None:
    task = progress.add_task("decoding clips", total=total) if progress else None
    with (
        (folder / "values.u8").open("ab") as values,
        (folder / "positions.i16").open("ab") as positions,
        (folder / "index.jsonl").open("a", encoding="utf-8") as index,
    ):
        first = positions.tell() // 6
        for clip, entry, tokens in prepared:
            if tokens is not None:
                values.write(tokens.values.tobytes())
                positions.write(tokens.positions.tobytes())
                values.flush()
                positions.flush()
                entry |= {"first": first, "count": len(tokens.values)}
                first += len(tokens.values)
            index.write(json.dumps({"path": clip.path, **entry}, ensure_ascii=False) + "\n")
            index.flush()
            if progress is not None and task is not None:
                progress.advance(task)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _truncate(folder: Path, cache: TokenCache) -> None:
    """Cut off what a killed build wrote without an index line."""
    end = max((e["first"] + e["count"] for e in cache._lines.values() if "first" in e), default=0)
    for name, width in (("values.u8", TUBELET_VALUES), ("positions.i16", 6)):
        path = folder / name
        path.touch()
        os.truncate(path, end * width)
    lines = "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in cache._lines.values())
    partial = folder / "index.jsonl.part"
    partial.write_text(lines, encoding="utf-8")
    partial.replace(folder / "index.jsonl")


def _prepare_all(
    root: Path, clips: Sequence[Clip], spec: Preprocess, read_text: bool, workers: int | None
) -> Iterator[tuple[Clip, dict[str, Any], Tokens | None]]:
    local = threading.local()
    sandboxes: list[Sandbox] = []

    def one(clip: Clip) -> tuple[dict[str, Any], Tokens | None]:
        if not hasattr(local, "sandbox"):
            local.sandbox, local.reader = Sandbox(), Reader(threads=1)
            sandboxes.append(local.sandbox)
        entry: dict[str, Any] = {"bytes": _size(root / clip.path)}
        try:
            made = prepare(root / clip.path, spec, Limits(), sandbox=local.sandbox)
        except ClipError as error:
            return entry | {"error": str(error)}, None
        entry["grid"] = [made.grid.t, made.grid.h, made.grid.w]
        if read_text and clip.intent:
            entry["text"] = read_screens(made.screens, local.reader)
        return entry, Tokens(made.values, made.positions, made.grid, entry.get("text", []))

    workers = workers or len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(workers)
    try:
        # A window of a few clips per worker bounds memory: map() would prepare everything ahead of the writer.
        window = 4 * workers
        pending = [pool.submit(one, clip) for clip in clips[:window]]
        for number, clip in enumerate(clips):
            entry, tokens = pending.pop(0).result()
            if number + window < len(clips):
                pending.append(pool.submit(one, clips[number + window]))
            yield clip, entry, tokens
    finally:
        pool.shutdown(cancel_futures=True)
        for sandbox in sandboxes:
            sandbox.close()
