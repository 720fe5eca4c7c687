"""From a checkpoint to a bundle on disk: graphs, proof, manifest, model card; all of it or nothing."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import tokenizers
import torch
import transformers
from torch import nn

import uijepa
from export.card import card
from export.graphs import OPSET, graphs, shapes
from export.parity import Parity, ParityError, measure
from export.quantise import quantised
from uijepa.checkpoint import replace_folder
from uijepa.errors import BundleError
from uijepa.grid import TUBELET_VALUES
from uijepa.models.system import System
from uijepa.runtime.bundle import CARD, MANIFEST, TOKENIZER, Bundle, Manifest, SequenceSettings, entry
from uijepa.runtime.sessions import Graphs
from uijepa.sequence import Sequence


def export(
    checkpoint: Path, out: Path, *, name: str = "uijepa", int8: bool = False, replaces: bool = False
) -> tuple[Manifest, Parity]:
    """Write the bundle of a checkpoint folder to `out`, which holds nothing until all of it is proven.

    replaces: put it at the place of a bundle that is there, its model card included.
    Raises CheckpointError for a bad checkpoint, BundleError when `out` is taken, ParityError when the graphs do
    not say what the network says.
    """
    _free(out, replaces)
    system = System.load(checkpoint).float().eval()
    made = graphs(system)
    precision = "int8" if int8 else "fp32"
    if int8:
        made["encoder.onnx"] = quantised(made["encoder.onnx"], keep_inputs=TUBELET_VALUES)
        made["decoder.onnx"] = quantised(made["decoder.onnx"], keep_outputs=shapes(system).vocabulary)
    contents = {file: model.SerializeToString() for file, model in made.items()}
    contents[TOKENIZER] = system.tokenizer.to_str().encode("utf-8")
    manifest = _manifest(system, contents, name, precision)
    parity = measure(system, Graphs(Bundle(folder=out, manifest=manifest, contents=contents), threads=1))
    failures = parity.failures(precision)
    if failures:
        raise ParityError(
            f"{checkpoint}: the graphs are not the network ({'; '.join(failures)}). "
            + ("Export without --int8." if int8 else "This is a defect: please report it with the checkpoint.")
        )
    manifest = replace(manifest, parity={k: float(v) for k, v in asdict(parity).items()})
    _write(out, contents, manifest, parity, system)
    Bundle.open(out)
    return manifest, parity


def _free(out: Path, replaces: bool) -> None:
    if out.is_dir() and (not any(out.iterdir()) or (replaces and (out / MANIFEST).is_file())):
        return
    if out.exists():
        remedy = "Give --replace to put the new one there." if (out / MANIFEST).is_file() else "Name another folder."
        raise BundleError(f"{out}: is already there. {remedy}")


def _manifest(system: System, contents: Mapping[str, bytes], name: str, precision: str) -> Manifest:
    decoder = system.config.decoder
    sequence = Sequence(system.tokenizer, decoder.text_tokens)
    return Manifest(
        name=name,
        version=uijepa.__version__,
        precision=precision,
        opset=OPSET,
        preprocess=system.config.preprocess,
        sequence=SequenceSettings(
            text=decoder.text_tokens > 0,
            text_tokens=decoder.text_tokens,
            max_new_tokens=decoder.max_new_tokens,
            pad=sequence.pad,
            sep=sequence.sep,
            eos=sequence.eos,
        ),
        shapes=shapes(system),
        files={file: entry(content) for file, content in sorted(contents.items())},
        created_with={
            "uijepa": uijepa.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
            "tokenizers": tokenizers.__version__,
        },
    )


def _write(out: Path, contents: Mapping[str, bytes], manifest: Manifest, parity: Parity, system: System) -> None:
    partial = out.with_name(out.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file, content in contents.items():
        (partial / file).write_bytes(content)
    (partial / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
    (partial / CARD).write_text(card(manifest, parity, _sizes(system)), encoding="utf-8")
    replace_folder(partial, out)


def _sizes(system: System) -> dict[str, int]:
    """Parameters of each part; a weight shared by two places counts once."""
    parts: dict[str, Any] = {
        "encoder": system.encoder,
        "projector": system.projector,
        "decoder": nn.ModuleList([m for m in (system.decoder, system.carry, system.pointer) if m is not None]),
    }
    return {part: sum(p.numel() for p in module.parameters()) for part, module in parts.items()}
