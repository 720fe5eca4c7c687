"""Manifests: one JSON object a line, one line a clip.

A clip's `path` is relative to the manifest's folder, so that a folder of recordings can be moved as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from uijepa.config import build
from uijepa.errors import ConfigError, ManifestError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
Labels = Literal["reference", "lexicalised"]
"""Which label of a clip: the suite's `intent`, or the one with names, times and texts where there is one."""
LABELS: tuple[Labels, ...] = get_args(Labels)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One line of a manifest. Only `path` is required; an unlabelled clip has an empty `intent`."""

    path: str
    """Relative to the manifest's folder."""
    id: str = ""
    intent: str = ""
    """What the user wanted, one sentence."""
    alternatives: list[str] = field(default_factory=list)
    """Other wordings of the same intent."""
    lexicalised: str = ""
    """The intent with its names, times and texts, where the suite's `intent` is worded without them."""
    category: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    """Free values that the clip was made with: names, times, texts. Verbatim inside the intent, unless the suite
    words its labels without them."""
    text: list[str] = field(default_factory=list)
    """Lines on the last frame that were not on the first, as the recorder knows them: what perfect OCR would read.
    Training reads the pixels instead, as the device has to."""
    source: str = ""
    """Which part of the recorder made it."""
    suite: str = ""
    part: str = ""
    """Of its suite: `train`, `few-shot`, `zero-shot` …; `split` alone says who may see it."""
    measuring_only: bool = False
    """Never trained on: not the project's own recording, or of people."""
    split: Split = "train"
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    frames: int = 0
    seed: int = 0


def parse(line: Mapping[str, Any], where: str) -> Clip:
    """One manifest object as a Clip; `where` names file and line in errors."""
    if not isinstance(line.get("path"), str) or not line["path"]:
        raise ManifestError(f"{where}: needs a 'path', the clip's file relative to the manifest.")
    if line.get("split", "train") not in SPLITS:
        raise ManifestError(f"{where}: split {line['split']!r} is none of {', '.join(SPLITS)}.")
    try:
        return build(Clip, line, where)
    except ConfigError as error:
        raise ManifestError(str(error)) from error


def objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a file's lines, each with where it stands.

    Raises ManifestError naming the file and line that is no JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ManifestError(f"{path}: cannot be read ({reason}).") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ManifestError(f"{where}: not JSON ({error.msg}).") from error
        if not isinstance(value, dict):
            raise ManifestError(f"{where}: a line must be a JSON object.")
        yield where, value


def read(path: Path) -> list[Clip]:
    """All clips of a manifest, in order.

    Raises ManifestError naming the file and line when a line is not a valid clip.
    """
    return [parse(value, where) for where, value in objects(path)]


def line_of(clip: Clip) -> str:
    """The manifest line of a clip, without its line end."""
    return json.dumps(asdict(clip), ensure_ascii=False, separators=(", ", ": "))


def write(path: Path, clips: Iterable[Clip]) -> None:
    """Write a whole manifest; readers see the old file or the new one, never half."""
    partial = path.with_name(path.name + ".part")
    partial.write_text("".join(line_of(clip) + "\n" for clip in clips), encoding="utf-8")
    partial.replace(path)


def labelled(clip: Clip, labels: Labels) -> Clip:
    """The clip with the label asked for as its `intent`; a clip without a lexicalised one keeps its reference."""
    if labels == "reference" or not clip.lexicalised:
        return clip
    return replace(clip, intent=clip.lexicalised, alternatives=[])


def split_of(value: str) -> Split:
    """The split that a free value (a name, a time, a text) belongs to, by its hash: 70 / 10 / 20 %.

    A clip belongs to a split only if all its values do. So no value of a test clip is ever seen in training,
    however many clips are made, and by whom.
    """
    bucket = hashlib.blake2b(value.strip().casefold().encode(), digest_size=8).digest()
    share = int.from_bytes(bucket, "big") % 10
    return "train" if share < 7 else "val" if share == 7 else "test"
