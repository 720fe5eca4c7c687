"""What is wrong with a recording, clip by clip and by name; and what it holds."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from uijepa import video
from uijepa.data import leakage
from uijepa.data.leakage import Shown
from uijepa.data.looks import Bytes, grey
from uijepa.data.manifest import SPLITS, Clip
from uijepa.data.survey import Seen, Unreadable

SHORTEST_S = 1.0
"""Clips shorter than this, or of a single frame, show no activity."""
LABEL_WORDS = 3
"""Labels of fewer words only count as shown when a whole line says them: `Open` stands on many buttons."""


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One thing wrong with one clip."""

    kind: str
    """`unreadable`, `duplicate`, `too-short`, `label-in-picture`, `leaking` or `not-unseen`."""
    clip: str
    """Its path in the manifest."""
    detail: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Everything found."""

    findings: list[Finding]
    counts: dict[str, dict[str, int]]
    """Clips by suite and part, split, source and category."""
    clips: int
    labelled: int
    hours: float
    content: str
    """Digest of all clips' bytes and labels: two recordings with the same one hold the same."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check(surveyed: Sequence[Seen | Unreadable], *, shortest_s: float = SHORTEST_S) -> Checked:
    """Look for what would spoil training or measuring. Compares all clips given with each other."""
    seen = [item for item in surveyed if isinstance(item, Seen)]
    clips = [item.clip for item in surveyed]
    found = [
        *_unreadable(surveyed),
        *_doubled(clips, seen),
        *_too_short(seen, shortest_s),
        *_label_shown(seen),
        *_leaking(seen),
        *_not_unseen(clips),
    ]
    return Checked(
        findings=sorted(set(found)),
        counts=count(clips),
        clips=len(clips),
        labelled=sum(bool(clip.intent) for clip in clips),
        hours=round(sum(s.seconds for s in seen) / 3600, 3),
        content=_content(seen),
    )


def count(clips: Iterable[Clip]) -> dict[str, dict[str, int]]:
    """Clips by what their manifest says of them; what it leaves out is not counted."""
    made: dict[str, Counter[str]] = {name: Counter() for name in ("part", "split", "source", "category")}
    categories: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        part = "/".join(filter(None, (clip.suite, clip.part)))
        said = {"part": part, "split": clip.split, "source": clip.source, "category": clip.category}
        for name, value in said.items():
            if value:
                made[name][value] += 1
        if part and clip.category:
            categories[part].add(clip.category)
    counted = {name: dict(sorted(counter.items())) for name, counter in made.items() if counter}
    if categories:
        counted["categories of"] = {part: len(names) for part, names in sorted(categories.items())}
    return counted


def _unreadable(surveyed: Iterable[Seen | Unreadable]) -> Iterator[Finding]:
    for item in surveyed:
        if isinstance(item, Unreadable):
            yield Finding(kind="unreadable", clip=item.clip.path, detail=item.reason)


def _doubled(clips: Sequence[Clip], seen: Sequence[Seen]) -> Iterator[Finding]:
    for field in ("path", "id"):
        names = Counter(getattr(clip, field) for clip in clips if getattr(clip, field))
        for clip in clips:
            if names[getattr(clip, field)] > 1:
                yield Finding(kind="duplicate", clip=clip.path, detail=f"its {field} is listed more than once")
    first: dict[str, str] = {}
    for s in seen:
        before = first.setdefault(s.sha256, s.clip.path)
        if before != s.clip.path:
            yield Finding(kind="duplicate", clip=s.clip.path, detail=f"the same file as {before}")


def _too_short(seen: Sequence[Seen], shortest_s: float) -> Iterator[Finding]:
    for s in seen:
        if s.seconds < shortest_s or s.frames < 2:
            detail = f"{s.seconds:.2f} s, {s.frames} frames"
            yield Finding(kind="too-short", clip=s.clip.path, detail=detail)


def _label_shown(seen: Sequence[Seen]) -> Iterator[Finding]:
    for s in seen:
        lines = (*s.clip.text, *s.lines)
        for label in filter(None, (s.clip.intent, *s.clip.alternatives)):
            if shows(lines, label):
                yield Finding(kind="label-in-picture", clip=s.clip.path, detail=label)


def shows(lines: Sequence[str], label: str) -> bool:
    """Whether lines on the screen say a whole label, however it is written and broken."""
    wanted = _words(label)
    if len(wanted.split()) < LABEL_WORDS:
        return any(_words(line) == wanted for line in lines)
    return f" {wanted} " in f" {_words(' '.join(lines))} "


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _leaking(seen: Sequence[Seen]) -> Iterator[Finding]:
    for before, mine in _splits(seen):
        owners = {leakage.folded(value): s.clip.path for s in before for value in s.clip.slots.values()}
        for s in mine:
            for value in filter(None, map(leakage.folded, s.clip.slots.values())):
                if value in owners:
                    yield Finding(kind="leaking", clip=s.clip.path, detail=f"shares {value!r} with {owners[value]}")
    for clip, like in endings(seen):
        yield Finding(kind="leaking", clip=clip.path, detail=f"ends on the same screen as {like.path}")


def _splits(seen: Sequence[Seen]) -> Iterator[tuple[list[Seen], list[Seen]]]:
    """Each split after those that come before it in `SPLITS`."""
    for number, split in enumerate(SPLITS[1:], 1):
        yield [s for s in seen if s.clip.split in SPLITS[:number]], [s for s in seen if s.clip.split == split]


def endings(seen: Sequence[Seen]) -> Iterator[tuple[Clip, Clip]]:
    """Clips that end on the same screen, down to its text, as one of a split before theirs; each with that one."""
    for before, mine in _splits(seen):
        known, asked = (
            [Shown(clip=s.clip, path=s.path, sha256=s.sha256, look=s.last[None]) for s in part]
            for part in (before, mine)
        )
        for shown, like in leakage.same_screens(known, asked, _last_frame)[1]:
            yield shown.clip, like.clip


def _last_frame(shown: Shown) -> Bytes:
    """uint8 grey `[H, W]`, in full. Raises ClipError."""
    return _last_of(shown.path, shown.sha256)


@lru_cache(maxsize=64)
def _last_of(path: Path, _sha256: str) -> Bytes:
    facts = video.probe(path, video.Limits())
    return grey(video.frames(path, [facts.duration_s], (facts.width, facts.height), facts=facts)[0])


def _not_unseen(clips: Sequence[Clip]) -> Iterator[Finding]:
    trained = {(clip.suite, clip.category) for clip in clips if clip.split == "train" and clip.category}
    for clip in clips:
        if clip.part == "zero-shot" and (clip.suite, clip.category) in trained:
            yield Finding(kind="not-unseen", clip=clip.path, detail=f"category {clip.category} is in training too")


def _content(seen: Sequence[Seen]) -> str:
    lines = sorted(f"{s.sha256} {s.clip.split} {s.clip.intent}" for s in seen)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
