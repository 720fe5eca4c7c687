"""Options of the bench's commands, from text. All raise ConfigError."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from uijepa.bench import quality
from uijepa.errors import ConfigError

Name = TypeVar("Name", bound=str)


def one_of(text: str, known: Sequence[Name], option: str) -> Name:
    """The known name that `text` is."""
    for name in known:
        if name == text:
            return name
    raise ConfigError(f"{option}: {text!r} is none of {', '.join(known)}.")


def named(pairs: list[str]) -> dict[str, Path]:
    """`NAME=DIR` options as a mapping."""
    made: dict[str, Path] = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (name and equals and folder) or name in made or name == quality.SYSTEM:
            raise ConfigError(f"--baseline-bundle {pair!r}: expected NAME=DIR, each name once.")
        made[name] = Path(folder)
    return made


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers with commas between."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"{option} {text!r}: expected whole numbers with commas between.")
    return tuple(map(int, parts))


def decimals(text: str, option: str) -> tuple[float, ...]:
    """Numbers above 0 with commas between."""
    try:
        found = tuple(map(float, text.split(",")))
    except ValueError:
        found = ()
    if not found or not all(0 < value < float("inf") for value in found):
        raise ConfigError(f"{option} {text!r}: expected numbers above 0 with commas between.")
    return found


def probes(text: str) -> tuple[Any, ...]:
    """The kinds of probes that `--probes` names."""
    from uijepa.bench.probe import PROBE_KINDS

    found = tuple(kind for kind in PROBE_KINDS if kind in text.split(","))
    if not found or set(text.split(",")) - set(found):
        raise ConfigError(f"--probes {text!r}: expected {' and '.join(PROBE_KINDS)}, or one of them.")
    return found
