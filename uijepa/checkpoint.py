"""Checkpoints: a folder with `model.safetensors`, `config.json`, `provenance.json`, and small text files beside.

Loading is strict: a missing, unknown or misshapen weight is an error that names it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uijepa.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS, CONFIG, PROVENANCE = "model.safetensors", "config.json", "provenance.json"


@dataclass(frozen=True)
class Saved:
    """A checkpoint read from disk."""

    weights: dict[str, Tensor]
    config: dict[str, Any]
    provenance: dict[str, Any]


def save(
    folder: Path,
    weights: Mapping[str, Tensor],
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write a checkpoint folder; an older one at its place is replaced only when the new one is whole."""
    from safetensors.torch import save_file

    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    distinct: dict[str, Tensor] = {}
    aliases: dict[int, str] = {}
    tied: dict[str, str] = {}
    for name, tensor in weights.items():
        first = aliases.setdefault(tensor.data_ptr(), name) if tensor.numel() else name
        if first == name:
            distinct[name] = tensor.detach().cpu().contiguous()
        else:
            tied[name] = first  # tied weights are stored once
    save_file(distinct, partial / WEIGHTS, metadata={"tied": json.dumps(tied)})
    (partial / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (partial / PROVENANCE).write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")
    for name, text in (texts or {}).items():
        (partial / name).write_text(text, encoding="utf-8")
    replace_folder(partial, folder)


def replace_folder(new: Path, folder: Path) -> None:
    """Put the whole folder `new` at the place of `folder`."""
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> Saved:
    """Read a checkpoint folder. Raises CheckpointError naming the file that is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    for name in (WEIGHTS, CONFIG, PROVENANCE):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder}: no {name} there; give the folder that training wrote.")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            tied = json.loads((file.metadata() or {}).get("tied", "{}"))
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise CheckpointError(f"{folder}: damaged ({error}).") from error
    for name, first in tied.items():
        weights[name] = weights[first]
    return Saved(weights, config, provenance)


def restore(module: nn.Module, saved: Saved, folder: Path) -> None:
    """Load weights into a module, strictly."""
    try:
        module.load_state_dict(saved.weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: weights do not fit its configuration. {error}") from error
