"""Few-shot tasks: the clips of a suite by category, and which of them a probe is fitted, chosen and tested on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from uijepa.bench.quality import digest
from uijepa.config import Preprocess
from uijepa.data import layouts
from uijepa.data.cache import TokenCache, Tokens, build
from uijepa.data.manifest import Clip, Split, split_of
from uijepa.errors import ConfigError, ManifestError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A suite as it is named on the command line."""

    name: str
    manifests: tuple[Path, ...]
    looks: tuple[str, str] | None = None
    """Fitted on categories `first/…`, tested on the same ones as `second/…`; None: all in one look."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A clip of a suite."""

    path: str
    category: str
    """Without its look, where a suite goes across looks."""
    role: Split
    tokens: Callable[[], Tokens]
    """Reads its tokens."""
    text: Sequence[str] = ()
    """Lines that it put on the screen, as its manifest has them."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The clips of the categories that can be probed: those with clips to fit on and clips to test on."""

    name: str
    items: Sequence[Item]
    categories: int
    """Categories named by the manifests, those that cannot be probed among them."""
    origin: Mapping[str, Any]
    """For the results: manifests, and what happened to their clips."""

    def of(self, role: Split) -> Indices:
        """Indices of the items of one role."""
        return np.array([i for i, item in enumerate(self.items) if item.role == role], np.int64)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """The clips of one run, as indices of the suite's items. Raises ValueError when two parts share one."""

    categories: Sequence[str]
    labels: Indices
    """[items] index of an item's category; -1 for one that does not take part."""
    fit: Indices
    choose: Indices
    """What settings are chosen on: validation clips, or training clips that were not drawn; may be empty."""
    test: Indices

    def __post_init__(self) -> None:
        together = np.concatenate([self.fit, self.choose, self.test])
        if len(np.unique(together)) < len(together):
            raise ValueError("a clip is in two of the parts to fit, choose and test on")


def parse_suite(option: str) -> Asked:
    """`NAME=MANIFEST`. Raises ConfigError."""
    name, equals, path = option.partition("=")
    if not (name and equals and path):
        raise ConfigError(f"--suite {option!r}: expected NAME=MANIFEST.")
    return Asked(name=name, manifests=(Path(path),))


def parse_across(option: str) -> Asked:
    """`LOOK:OTHER=MANIFEST[,MANIFEST]`. Raises ConfigError."""
    name, equals, paths = option.partition("=")
    first, colon, second = name.partition(":")
    if not (equals and first and colon and second and all(paths.split(","))) or first == second:
        raise ConfigError(f"--across {option!r}: expected LOOK:OTHER=MANIFEST, or several with commas between.")
    return Asked(name=name, manifests=tuple(map(Path, paths.split(","))), looks=(first, second))


def read(asked: Asked, spec: Preprocess, progress: Progress | None = None) -> Suite:
    """The suite with its clips decoded to tokens, from the cache beside each manifest where they are kept.

    Clips keep the split that their manifest gives them. Where a manifest has nothing to fit on or nothing to test
    on, as replays of people have, the clips are dealt by a hash of their path instead, 70 / 10 / 20 %. Training
    clips with the very tokens of a test clip are left out. Raises ManifestError when nothing can be probed.
    """
    placed = [
        (recordings.root, clip, *where)
        for recordings in map(layouts.read, asked.manifests)
        for clip in recordings.clips
        if (where := _place(clip, asked.looks)) is not None
    ]
    roles = {role for *_, role in placed}
    dealt = asked.looks is None and not {"train", "test"} <= roles
    if dealt:
        placed = [(root, clip, category, split_of(clip.path)) for root, clip, category, _ in placed]
    ends = [{c for _, _, c, role in placed if role == wanted} for wanted in ("train", "test")]
    used = [p for p in placed if p[2] in ends[0] & ends[1]]
    if not used:
        raise ManifestError(
            f"{asked.name}: no category has clips both to fit on and to test on in "
            f"{', '.join(map(str, asked.manifests))}. Give labelled categories in the splits 'train' and 'test'."
        )
    items, unreadable = _decode(used, spec, progress)
    kept = _without_test_clips(items)
    origin = {
        "suite": asked.name,
        "manifests": [{"name": _told(m), "sha256": digest(m)} for m in asked.manifests],
        "clips": dict(sorted(Counter(item.role for item in kept).items())),
        "dealt_by_path": dealt,
        "unreadable": unreadable,
        "same_as_a_test_clip": len(items) - len(kept),
    }
    return Suite(name=asked.name, items=kept, categories=len({c for _, _, c, _ in placed}), origin=origin)


def _place(clip: Clip, looks: tuple[str, str] | None) -> tuple[str, Split] | None:
    """Category and role of a clip, None for one that takes no part."""
    if not clip.category:
        return None
    if looks is None:
        return clip.category, clip.split
    look, _, rest = clip.category.partition("/")
    # Settings are chosen on the look that is fitted: the other is only tested on.
    fits = look == looks[0] and clip.split != "test"
    tests = look == looks[1] and clip.split == "test"
    return (rest, clip.split) if rest and (fits or tests) else None


def _decode(
    used: Sequence[tuple[Path, Clip, str, Split]], spec: Preprocess, progress: Progress | None
) -> tuple[list[Item], int]:
    caches: dict[Path, TokenCache] = {}
    for root in dict.fromkeys(root for root, *_ in used):
        mine = [clip for other, clip, *_ in used if other == root]
        caches[root] = build(root, mine, spec, read_text=False, progress=progress)
    items = [
        Item(
            path=clip.path,
            category=category,
            role=role,
            tokens=lambda c=caches[root], p=clip.path: c[p],  # type: ignore[misc]
            text=clip.text,
        )
        for root, clip, category, role in used
        if clip.path in caches[root]
    ]
    return items, len(used) - len(items)


def _without_test_clips(items: Sequence[Item]) -> list[Item]:
    """The items, but for those to fit and choose on that look to an encoder just like one to test on."""

    def looks(item: Item) -> bytes:
        tokens = item.tokens()
        return hashlib.blake2b(tokens.positions.tobytes() + tokens.values.tobytes(), digest_size=16).digest()

    seen = [looks(item) for item in items]
    tested = {look for item, look in zip(items, seen, strict=True) if item.role == "test"}
    return [i for i, look in zip(items, seen, strict=True) if i.role == "test" or look not in tested]


def _told(manifest: Path) -> str:
    """Folder and file of a manifest, without where that is on this machine."""
    return "/".join(manifest.resolve().parts[-2:])


def draw(suite: Suite, shots: int, seed: int) -> Draw:
    """`shots` clips of every category that has so many to fit on, all its test clips, and what to choose on.

    The clips of a category depend on its name and the seed alone, and fewer shots are some of more.
    """
    by: dict[str, list[int]] = {}
    for index, item in enumerate(suite.items):
        if item.role == "train":
            by.setdefault(item.category, []).append(index)
    tested = {suite.items[i].category for i in suite.of("test")}
    categories = sorted(c for c, mine in by.items() if len(mine) >= shots and c in tested)
    place = {category: number for number, category in enumerate(categories)}
    labels = np.array([place.get(item.category, -1) for item in suite.items], np.int64)
    fit: list[int] = []
    rest: list[int] = []
    for category in categories:
        key = hashlib.blake2b(f"{seed}/{category}".encode(), digest_size=8).digest()
        order = np.random.default_rng(int.from_bytes(key, "big")).permutation(by[category]).tolist()
        fit, rest = fit + order[:shots], rest + order[shots:]
    validation = suite.of("val")
    validation = validation[labels[validation] >= 0]
    test = suite.of("test")
    return Draw(
        categories=categories,
        labels=labels,
        fit=np.array(fit, np.int64),
        choose=validation if len(validation) else np.array(sorted(rest), np.int64),
        test=test[labels[test] >= 0],
    )
