"""Suites: recordings made once by seed, from definitions that are data (`datasets/<name>/suite.toml`).

A definition groups categories, and each part of the suite (`train`, `few-shot`, `zero-shot` …) takes so many clips
from one group. Groups share no category, so what a part shows is known from its group alone.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from uijepa.config import build
from uijepa.data.manifest import Clip, Split
from uijepa.errors import ConfigError
from uijepa.record.jobs import in_turn
from uijepa.record.take import Job
from uijepa.record.workers import load as load_source

FOLDER = Path(__file__).resolve().parents[2] / "datasets"
"""Definitions live beside the library in a checkout, not in the wheel."""
_SHOWN = 8


def data() -> Path:
    """Where recordings are kept: $UIJEPA_DATA, or `recordings` here."""
    return Path(os.environ.get("UIJEPA_DATA") or "recordings")


@dataclass(frozen=True, kw_only=True)
class Part:
    """So many clips, spread evenly over the categories of a group."""

    name: str
    split: Split
    """Whose free values the clips show."""
    group: str
    clips: int
    categories: int = 0
    """How many categories the group must have; 0 for any number."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A definition as read, checked."""

    seed: int
    sources: list[str]
    """Names of the recorder's registry."""
    labels: Literal["own", "worded", "none"]
    """`own`: each clip's, with its free values. `worded`: its category's below, the same for all its clips; each
    keeps its own as `lexicalised`. `none`: unlabelled."""
    sentence: str = "{}"
    """Around each wording."""
    parts: list[Part]
    groups: dict[str, dict[str, list[str]]]
    """Categories, or patterns such as `phone/*`, of each group; each with its wordings, the reference first."""
    name: str = ""
    """Its folder's."""
    digest: str = field(default="")
    """Of the definition's bytes, for provenance."""

    def spread(self, clips: Mapping[str, int] = MappingProxyType({})) -> dict[str, dict[str, int]]:
        """Clips of each category, by part. `clips` replaces the number of the parts it names.

        More clips of a part are its own and others: none changes. Raises ConfigError for a part that the suite does
        not have, and when the sources lack categories, naming them, or a group has too few.
        """
        if unknown := clips.keys() - {part.name for part in self.parts}:
            known_parts = ", ".join(part.name for part in self.parts)
            raise ConfigError(f"Suite {self.name!r} has no part {min(unknown)!r} (--clips). It has: {known_parts}.")
        known = [category for source in self.sources for category in load_source(source).categories()]
        groups = self._resolved(known)
        made = {}
        for part in self.parts:
            names = sorted(groups[part.group], key=lambda name: self._turn(part, name))
            each, over = divmod(clips.get(part.name, part.clips), len(names))
            made[part.name] = {name: each + (i < over) for i, name in enumerate(names)}
        return made

    def jobs(self, clips: Mapping[str, int] = MappingProxyType({})) -> list[Job]:
        """All clips to record, in the order they are best made. Raises ConfigError as `spread` does."""
        owner = {category: source for source in self.sources for category in load_source(source).categories()}
        spread = self.spread(clips)
        return in_turn(
            Job(source=owner[category], category=category, split=part.split, index=index, seed=self.seed)
            for part in self.parts
            for category, count in spread[part.name].items()
            for index in range(count)
        )

    def finish(self, clip: Clip) -> Clip:
        """A clip with what the suite says of it: its part, and its label there."""
        part, group = next(
            (part, match)
            for part in self.parts
            if part.split == clip.split and (match := self._match(part.group, clip.category)) is not None
        )
        clip = replace(clip, suite=self.name, part=part.name)
        if self.labels == "none":
            return replace(clip, intent="", alternatives=[], slots={})
        if self.labels == "worded":
            first, *others = (self.sentence.format(words) for words in self.groups[part.group][group])
            own = clip.lexicalised or clip.intent  # a resumed recording finishes its clips again
            return replace(clip, intent=first, alternatives=others, lexicalised=own)
        return clip

    def _match(self, group: str, category: str) -> str | None:
        names = self.groups[group]
        if category in names:
            return category
        return next((pattern for pattern in names if fnmatch.fnmatchcase(category, pattern)), None)

    def _resolved(self, known: Sequence[str]) -> dict[str, list[str]]:
        found = {
            group: {name: [k for k in known if fnmatch.fnmatchcase(k, name)] for name in names}
            for group, names in self.groups.items()
        }
        missing = [name for names in found.values() for name, matches in names.items() if not matches]
        if missing:
            wanted = sum(map(len, found.values()))
            listed = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
            raise ConfigError(
                f"Suite {self.name!r} needs {wanted} categories; {len(missing)} of them are missing from the sources "
                f"{', '.join(self.sources)}: {listed}."
            )
        return {group: [k for matches in names.values() for k in matches] for group, names in found.items()}

    def _turn(self, part: Part, category: str) -> bytes:
        return hashlib.blake2b(f"{self.seed}|{part.name}|{category}".encode(), digest_size=8).digest()


def sizes(suite: Suite, option: str) -> dict[str, int]:
    """`--clips` as a mapping: `N` of a suite's only part, or `PART=N`, several with commas. Raises ConfigError."""
    named = [text.strip().rpartition("=") for text in option.split(",") if text.strip()]
    if not all(number.isdecimal() and int(number) and bool(equals) == bool(part) for part, equals, number in named):
        raise ConfigError(f"--clips {option!r}: expected a number, or PART=NUMBER, several with commas between.")
    if any(not part for part, _, _ in named) and len(suite.parts) > 1:
        parts = ", ".join(f"{part.name}={part.clips}" for part in suite.parts)
        raise ConfigError(f"Suite {suite.name!r} has several parts; say which one --clips is for ({parts}).")
    return {part or suite.parts[0].name: int(number) for part, _, number in named}


def load(name: str) -> Suite:
    """The suite of that name in `datasets/`, or of a path to a `suite.toml`.

    Raises ConfigError naming the file and what is wrong with it.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / name / "suite.toml"
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        known = ", ".join(sorted(p.parent.name for p in FOLDER.glob("*/suite.toml")))
        raise ConfigError(f"{path}: no such suite. Known: {known}; or give the path of a suite.toml.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML ({error}).") from error
    digest = hashlib.sha256(text.encode()).hexdigest()
    suite = build(Suite, {"name": path.resolve().parent.name, "digest": digest, **values}, str(path))
    _check(suite, path)
    return suite


def _check(suite: Suite, path: Path) -> None:
    def wrong(reason: str) -> ConfigError:
        return ConfigError(f"{path}: {reason}")

    if not suite.parts:
        raise wrong("has no parts.")
    seen: Mapping[str, str] = {}
    for group, names in suite.groups.items():
        for name, words in names.items():
            if name in seen:
                raise wrong(f"{name} is in the groups {seen[name]} and {group}; a category belongs to one.")
            seen = {**seen, name: group}
            if suite.labels == "worded" and not words:
                raise wrong(f"{name} has no wording, and labels = 'worded' needs one.")
    for part in suite.parts:
        if part.group not in suite.groups:
            raise wrong(f"part {part.name!r} takes from {part.group!r}, which is no group.")
        have = len(suite.groups[part.group])
        if part.categories and part.categories != have:
            raise wrong(f"part {part.name!r} wants {part.categories} categories, its group names {have}.")
    if len({(part.group, part.split) for part in suite.parts}) < len(suite.parts):
        raise wrong("two parts take the same split from the same group.")
