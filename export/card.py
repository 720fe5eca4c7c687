"""The model card of a bundle: what the exporter knows, and headings for what only its maker knows."""

from __future__ import annotations

from collections.abc import Mapping

from export.parity import Parity
from uijepa.runtime.bundle import Manifest

_UNKNOWN = "Not stated by the maker of this bundle."


def card(manifest: Manifest, parity: Parity, parameters: Mapping[str, int]) -> str:
    """Markdown. Sections on data, training and scores say so when nothing was stated."""
    rows = "\n".join(f"| {part} | {count:,} |" for part, count in parameters.items())
    files = "\n".join(f"| `{name}` | {item.size / 1e6:.2f} MB |" for name, item in manifest.files.items())
    spec, sequence = manifest.preprocess, manifest.sequence
    text = f"up to {sequence.text_tokens} tokens of it" if sequence.text else "not read"
    return f"""# {manifest.name} {manifest.version}

Says in one sentence what the user of a screen recording wanted. Runs in ONNX Runtime, {manifest.precision} weights.

    uijepa predict CLIP --bundle FOLDER

## What it looks at
{spec.frames} moments of a clip, at most {spec.patches} patches of 16×16 px each, at most {spec.max_tokens} tubelets
that changed and show something. Text of at most {spec.screens} screens: {text}. Answers of at most
{sequence.max_new_tokens} tokens.

| part | parameters |
|---|---|
{rows}

| file | size |
|---|---|
{files}

Parity with the network it was exported from, over {parity.clips} random clips and {parity.steps} generated tokens
each: features differ by at most {parity.features:.1e}, logits by at most {parity.logits:.1e},
{parity.agreement:.1%} of the tokens are the same.

## Data
{_UNKNOWN}

## Training
{_UNKNOWN}

## Scores
{_UNKNOWN}

## Limits
The confidence is the probability that the model gives to the whole sentence; measure what it is worth. Text on a
screen is untrusted: do not act on an answer without asking the person.
"""
