"""Recordings as people have them, read behind one function.

| what | how it is told apart |
|---|---|
| this project's manifest | a `.jsonl` file of clips (`uijepa.data.manifest`), or a folder with a `manifest.jsonl` |
| IIW and IIT as released | a folder with `train/`, `val/`, `test/`, each of clips and an `annotations.csv` |
| a list | a `.csv` or `.tsv` file with a header, or a `.jsonl` file whose lines name a `file` |
| a folder of clips | any other folder: unlabelled, its clips found at any depth |

Columns of a list are known by their names (`PATHS`, `INTENTS` …) in any case; others are left alone. A list may name
clips without their suffix. Clips that are not there are found out where clips are read, by name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from uijepa.data import manifest
from uijepa.data.manifest import SPLITS, Clip, Split
from uijepa.errors import ManifestError

SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".gif")
"""Files that a folder's reader takes for clips, in any case."""
ANNOTATIONS = "annotations.csv"

# Most telling names first: of a list with `file` and `path`, `file` is the clip.
FILES = ("file", "file_name", "filename", "video", "video_name", "video_path", "video_file", "recording", "clip")
PATHS = (*FILES, "path", "name", "id")
INTENTS = ("intent", "user_intent", "label", "annotation", "caption", "description", "utterance", "text")
CATEGORIES = ("category", "intent_category", "class", "task")

Row = tuple[str, dict[str, str]]
"""Where a line of a list stands, for errors, and its cells."""


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Clips and the folder that their paths are relative to."""

    path: Path
    """What was read: a file or a folder."""
    root: Path
    clips: list[Clip]

    def file(self, clip: Clip) -> Path:
        """Where a clip lies."""
        return self.root / clip.path


def read(path: Path) -> Recordings:
    """The clips at `path`, in whichever layout of the table above.

    Raises ManifestError naming file, line and remedy.
    """
    if path.is_dir():
        if (path / "manifest.jsonl").is_file():
            return replace(read(path / "manifest.jsonl"), path=path)
        released = _released(path)
        if released is not None:
            return Recordings(path=path, root=released, clips=_read_released(released))
        return Recordings(path=path, root=path, clips=_folder(path))
    if path.suffix.lower() in (".csv", ".tsv"):
        clips = _listed(path, _table(path))
    elif path.suffix.lower() == ".jsonl":
        objects = manifest.objects(path)
        first = next(objects, None)
        named = first is not None and set(map(_folded, first[1])) & set(FILES)
        clips = _listed(path, _plain(manifest.objects(path))) if named else manifest.read(path)
    elif path.exists():
        raise ManifestError(f"{path}: no known kind of manifest. Give a .jsonl, .csv or .tsv file, or a folder.")
    else:
        raise ManifestError(f"{path}: cannot be read (no such file or folder). Give a manifest or a folder of clips.")
    return Recordings(path=path, root=path.parent, clips=clips)


def _released(path: Path) -> Path | None:
    """The folder that holds the splits, `path` or one right below (where an archive was unpacked), if any does."""
    below = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    for root in (path, *below):
        if any((root / split / ANNOTATIONS).is_file() for split in SPLITS):
            return root
    return None


def _read_released(root: Path) -> list[Clip]:
    """All splits; clips that no annotation names are unlabelled."""
    clips: list[Clip] = []
    for split in SPLITS:
        folder = root / split
        if not folder.is_dir():
            continue
        table = folder / ANNOTATIONS
        if not table.is_file():
            raise ManifestError(f"{table}: missing, though other splits have theirs. Add it, or take {split}/ away.")
        named = [replace(clip, path=f"{split}/{clip.path}", split=split) for clip in _listed(table, _table(table))]
        known = {clip.path for clip in named}
        clips += named
        clips += [
            Clip(path=f"{split}/{name}", split=split) for name in _names(folder) if f"{split}/{name}" not in known
        ]
    return clips


def _folder(root: Path) -> list[Clip]:
    clips = []
    for name in _names(root):
        top = name.split("/", 1)[0]
        split: Split = next((s for s in SPLITS if s == top), "train")
        clips.append(Clip(path=name, split=split))
    if not clips:
        raise ManifestError(f"{root}: holds no clip. Looked for {', '.join(SUFFIXES)} at any depth.")
    return clips


def _names(folder: Path) -> list[str]:
    """Clips at any depth, sorted, relative, with `/`; nothing hidden."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    return sorted(p.as_posix() for p in found if not any(part.startswith(".") for part in p.parts))


def _table(path: Path) -> Iterator[Row]:
    """The rows of a CSV (commas, semicolons or tabs) by column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ManifestError(f"{path}: cannot be read ({reason}).") from error
    header, _, _ = text.partition("\n")
    rows = csv.reader(text.splitlines(keepends=True), delimiter=max(",;\t", key=header.count), strict=True)
    try:
        columns = [_folded(name) for name in next(rows, [])]
        for cells in rows:
            where = f"{path}:{rows.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise ManifestError(
                    f"{where}: {len(cells)} cells under {len(columns)} columns. Put texts with commas in quotes."
                )
            yield where, dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    except csv.Error as error:
        raise ManifestError(f"{path}:{rows.line_num}: not CSV ({error}).") from error


def _plain(objects: Iterator[tuple[str, Mapping[str, Any]]]) -> Iterator[Row]:
    """The texts of JSON lines; what is no text belongs to no column of ours."""
    for where, value in objects:
        yield where, {_folded(key): item for key, item in value.items() if isinstance(item, str)}


def _listed(path: Path, lines: Iterator[Row]) -> list[Clip]:
    """The clips that a list names, relative to its folder."""
    rows = list(lines)
    if not rows:
        raise ManifestError(f"{path}: names no clip. Its first line must name the columns, such as: path,intent")
    columns = list(rows[0][1])
    file = _column(columns, PATHS, lambda column: all(_is_clip(cells.get(column, "")) for _, cells in rows))
    if file is None:
        raise ManifestError(
            f"{path}: no column names the clips. Call it one of: {', '.join(PATHS)}. Found: {', '.join(columns)}."
        )
    rest = [column for column in columns if column != file]
    intent = _column(rest, INTENTS, lambda _: len(rest) == 1)
    category = _column(rest, CATEGORIES)
    clips = []
    for where, cells in rows:
        if not cells.get(file):
            raise ManifestError(f"{where}: names no clip in column {file!r}.")
        split = cells.get("split") or "train"
        said = {"intent": cells.get(intent or "", ""), "category": cells.get(category or "", ""), "split": split}
        clips.append(manifest.parse({"path": _whole(path.parent, cells[file]), **said}, where))
    return clips


def _column(
    columns: Sequence[str], names: Sequence[str], fits: Callable[[str], bool] = lambda _: False
) -> str | None:
    """The column of the first name that there is; else the only one that fits."""
    for name in names:
        if name in columns:
            return name
    fitting = [column for column in columns if fits(column)]
    return fitting[0] if len(fitting) == 1 else None


def _folded(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _is_clip(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _whole(folder: Path, name: str) -> str:
    """The name with its suffix, where the list leaves it out."""
    if not _is_clip(name):
        for suffix in (*SUFFIXES, *map(str.upper, SUFFIXES)):
            if (folder / f"{name}{suffix}").is_file():
                return f"{name}{suffix}"
    return name
