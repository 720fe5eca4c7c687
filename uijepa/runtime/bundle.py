"""The bundle: one folder that holds a whole model, and is believed only after its hashes were checked.

manifest.json                     what the model is, and the size and SHA-256 of each file below
encoder.onnx  projector.onnx      tubelets -> features -> embeddings the decoder reads
embed.onnx  decoder.onnx          token ids -> embeddings; the language model with its key/value cache
tokenizer.json                    the decoder's tokenizer
README.md                         the model card, for people; no program reads it, so it has no hash
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uijepa
from uijepa.config import Preprocess, build, plain
from uijepa.errors import BundleError, ConfigError
from uijepa.runtime.graphfile import has_external_data

SCHEMA = 1
"""Version of the bundle's layout; a bundle of another version is refused."""

GRAPHS = ("encoder.onnx", "projector.onnx", "embed.onnx", "decoder.onnx")
TOKENIZER = "tokenizer.json"
MANIFEST = "manifest.json"
CARD = "README.md"

DEFAULT_BUNDLE = Path(uijepa.__file__).parent / "bundles" / "default"
"""The bundle that ships with the package."""

_MANIFEST_BYTES = 1 << 20
_EXPORT_AGAIN = "Export it again with: python -m export CHECKPOINT OUT"


@dataclass(frozen=True, kw_only=True)
class SequenceSettings:
    """How the decoder is asked; `uijepa.sequence` gives the ids their meaning."""

    text: bool
    """Whether the text that changed on the screen is read and given to the decoder."""
    text_tokens: int
    """Most ids of that text."""
    max_new_tokens: int
    """Most ids of an answer, <eos> included."""
    pad: int
    sep: int
    eos: int


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """Sizes that the graphs must agree on."""

    features: int
    """Width of the encoder's output, D."""
    embeddings: int
    """Width of the decoder's input, H."""
    vocabulary: int
    layers: int
    kv_heads: int
    head_values: int
    """Values of one attention head."""
    pointer: int = 0
    """Width of the decoder's keys for copying words; 0: it does not copy."""


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """What a file of the bundle must be: its length in bytes and its SHA-256 in hex."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """manifest.json of a bundle."""

    name: str
    version: str
    precision: str
    """Of the weights: "fp32" or "int8"."""
    opset: int
    preprocess: Preprocess
    sequence: SequenceSettings
    shapes: Shapes
    files: Mapping[str, FileEntry]
    created_with: Mapping[str, str] = field(default_factory=dict)
    """Versions of the programs that made the bundle."""
    parity: Mapping[str, float] = field(default_factory=dict)
    """How far the graphs are from the network they were made from; see the exporter."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """Results of the benchmark, where it was run."""

    def as_json(self) -> str:
        return json.dumps({"schema": SCHEMA, **plain(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises BundleError when the file is missing, damaged, of another schema, or has unknown keys."""
        try:
            values = json.loads(_read(path, limit=_MANIFEST_BYTES))
        except ValueError as error:
            raise BundleError(f"{path}: not valid JSON ({error}). {_EXPORT_AGAIN}") from error
        if not isinstance(values, dict) or "schema" not in values:
            raise BundleError(f"{path}: not a bundle's manifest. {_EXPORT_AGAIN}")
        schema = values.pop("schema")
        if schema != SCHEMA:
            raise BundleError(
                f"{path}: schema {schema!r}, but this version of uijepa reads schema {SCHEMA}. "
                f"Use the version of uijepa that made it, or export it again."
            )
        try:
            return _manifest(values, str(path))
        except (ConfigError, TypeError) as error:
            raise BundleError(f"{path}: {error} {_EXPORT_AGAIN}") from error


_TABLES: dict[str, type[Any]] = {"preprocess": Preprocess, "sequence": SequenceSettings, "shapes": Shapes}


def _manifest(values: dict[str, Any], where: str) -> Manifest:
    made: dict[str, Any] = {}
    for key, value in values.items():
        table = _TABLES.get(key)
        if table is not None:
            if not isinstance(value, dict):
                raise ConfigError(f"{key} is not a table.")
            made[key] = build(table, value, f"{where}: {key}")
        elif key == "files":
            if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
                raise ConfigError("files is not a table of tables.")
            made[key] = {k: build(FileEntry, v, f"{where}: files.{k}") for k, v in value.items()}
        else:
            made[key] = value
    kinds = {"name": str, "version": str, "precision": str, "opset": int}
    kinds |= dict.fromkeys(("created_with", "parity", "scores"), dict)
    for key, kind in kinds.items():
        if key in made and not isinstance(made[key], kind):
            raise ConfigError(f"{key}: expected {kind.__name__}, got {made[key]!r}.")
    return Manifest(**made)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle whose every listed file has been read and found to be what the manifest says.

    The graphs are kept as the very bytes that were checked: nothing is read from the folder a second time.
    """

    folder: Path
    manifest: Manifest
    contents: Mapping[str, bytes]

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Raises BundleError, naming the file and what to do, before any byte reaches ONNX Runtime."""
        if not folder.is_dir():
            raise BundleError(f"{folder}: no such bundle. Give a folder that python -m export wrote.")
        manifest = Manifest.read(folder / MANIFEST)
        absent = [name for name in (*GRAPHS, TOKENIZER) if name not in manifest.files]
        if absent:
            raise BundleError(f"{folder / MANIFEST}: lists no {', '.join(absent)}. {_EXPORT_AGAIN}")
        contents = {name: _verified(folder, name, entry) for name, entry in manifest.files.items()}
        for name in GRAPHS:
            try:
                external = has_external_data(contents[name])
            except ValueError as error:
                raise BundleError(f"{folder / name}: {error}. {_EXPORT_AGAIN}") from error
            if external:
                raise BundleError(
                    f"{folder / name}: keeps weights outside the file, which a bundle may not. {_EXPORT_AGAIN}"
                )
        return cls(folder=folder, manifest=manifest, contents=contents)


def entry(content: bytes) -> FileEntry:
    """What the manifest says of a file with this content."""
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _verified(folder: Path, name: str, expected: FileEntry) -> bytes:
    if name in ("", ".", "..") or Path(name).name != name or "\\" in name:
        raise BundleError(f"{folder / MANIFEST}: lists {name!r}, which is not a file of this folder.")
    path = folder / name
    content = _read(path, limit=expected.size)
    if len(content) != expected.size:
        raise BundleError(
            f"{path}: {len(content)} bytes instead of {expected.size}, so it is cut short. Fetch the bundle again."
        )
    if hashlib.sha256(content).hexdigest() != expected.sha256:
        raise BundleError(f"{path}: its SHA-256 is not the manifest's, so it was changed. Fetch the bundle again.")
    return content


def _read(path: Path, *, limit: int) -> bytes:
    """Content of a regular file of at most `limit` bytes; links, devices and pipes are refused."""
    try:
        if path.is_symlink():
            raise BundleError(f"{path}: is a link, which a bundle may not hold. Put the file itself there.")
        # O_NOFOLLOW for a link put there meanwhile; O_NONBLOCK so that a pipe cannot hold us.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise BundleError(f"{path}: not a regular file. Fetch the bundle again.")
            if facts.st_size > limit:
                raise BundleError(
                    f"{path}: {facts.st_size} bytes, more than the {limit} it may have. Fetch the bundle again."
                )
            return file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}). Fetch the bundle again.") from error
