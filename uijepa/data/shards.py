"""Several manifests trained on together: each keeps its own folder and token cache, their clips form one list.

A clip of the list is named by its file, `<manifest's folder>/<path>`, since two manifests may use one path.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from uijepa.data.batches import with_validation
from uijepa.data.cache import TokenCache, Tokens
from uijepa.data.layouts import Recordings
from uijepa.data.leakage import folded
from uijepa.data.manifest import SPLITS, Clip


@dataclass(frozen=True, kw_only=True)
class Joined:
    """The clips of several manifests."""

    clips: list[Clip]
    """Of all splits, `path` naming the file; clips for measuring only are not among them."""
    left_out: list[str]
    """Training clips that a test clip of another manifest forbids: which, and why."""


def join(sets: Sequence[Recordings]) -> Joined:
    """All clips to train and validate on.

    A manifest's splits keep its own clips apart, not those of another. So a training clip is left out when a test
    clip of another manifest is the same file, byte for byte, or shares a free value with it. A manifest without a
    validation split gives a tenth of its training clips to one. Of two lines about one file that which holds it out
    counts, or else that which labels it.
    """
    tests = [(number, s.file(c), c) for number, s in enumerate(sets) for c in s.clips if c.split == "test"]
    values: dict[str, set[int]] = defaultdict(set)
    for number, _, clip in tests:
        for value in clip.slots.values():
            values[folded(value)].add(number)
    copies = _copies([(number, path) for number, path, _ in tests]) if len(sets) > 1 else lambda _number, _path: False
    clips: dict[str, Clip] = {}
    left_out = []
    for number, recordings in enumerate(sets):
        for clip in with_validation([c for c in recordings.clips if not c.measuring_only]):
            path = recordings.file(clip)
            shared = [v for v in clip.slots.values() if folded(v) and values.get(folded(v), set()) - {number}]
            if clip.split == "train" and shared:
                left_out.append(f"{path}: {shared[0]!r} is a value of another manifest's test clip")
            elif clip.split == "train" and copies(number, path):
                left_out.append(f"{path}: another manifest's test clip is the same file")
            else:
                known = clips.get(str(path))
                if known is None or _says_more(clip, known):
                    clips[str(path)] = replace(clip, path=str(path))
    return Joined(clips=list(clips.values()), left_out=left_out)


def _says_more(clip: Clip, known: Clip) -> bool:
    order = [(SPLITS.index(c.split), bool(c.intent)) for c in (clip, known)]
    return order[0] > order[1]


def _copies(tests: Sequence[tuple[int, Path]]) -> Callable[[int, Path], bool]:
    """Whether a clip of a manifest is, byte for byte, a test clip of another one. Only files of one size are read."""
    sizes: dict[int, list[tuple[int, Path]]] = defaultdict(list)
    for number, path in tests:
        if path.is_file():
            sizes[path.stat().st_size].append((number, path))

    def copied(number: int, path: Path) -> bool:
        alike = sizes.get(path.stat().st_size, []) if path.is_file() else []
        return any(of != number and _digest(other) == _digest(path) for of, other in alike)

    return copied


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


class Shards:
    """The token caches of several folders, asked by a clip's file."""

    def __init__(self, caches: Mapping[Path, TokenCache]) -> None:
        """`caches`: of the manifests' folders."""
        self._places = {str(root / path): (cache, path) for root, cache in caches.items() for path in cache}

    def __contains__(self, path: str) -> bool:
        return path in self._places

    def __getitem__(self, path: str) -> Tokens:
        cache, inside = self._places[path]
        return cache[inside]

    def count(self, path: str) -> int:
        """Number of tokens of a clip, without reading them."""
        cache, inside = self._places[path]
        return cache.count(inside)
