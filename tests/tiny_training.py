"""A tiny training run: its settings, its recordings, and how its results are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tests.conftest import write_walk
from uijepa import checkpoint
from uijepa.config import load
from uijepa.data import manifest
from uijepa.data.manifest import Clip
from uijepa.training.config import TrainConfig

NAMES = ["Ada", "Bo", "Cleo", "Dov", "Eve", "Fay"]
OVERRIDES = [
    "device=cpu",
    "precision=fp32",
    "preprocess.frames=4",
    "preprocess.patches=24",
    "preprocess.max_tokens=40",
    "encoder.width=24",
    "encoder.depth=1",
    "encoder.heads=2",
    "decoder.vocabulary=300",
    "decoder.width=32",
    "decoder.depth=2",
    "decoder.heads=2",
    "decoder.pointer=8",
    "decoder.text_tokens=24",
    "pretrain.steps=6",
    "pretrain.batch=4",
    "pretrain.warmup=2",
    "pretrain.evaluate_every=3",
    "pretrain.objective.predictor.width=12",
    "pretrain.objective.predictor.depth=1",
    "pretrain.objective.predictor.heads=2",
    "tune.text_steps=4",
    "tune.text_batch=4",
    "tune.steps=6",
    "tune.batch=4",
    "tune.warmup=2",
    "tune.evaluate_every=5",
]


def config(*more: str) -> TrainConfig:
    return load(TrainConfig, None, [*OVERRIDES, *more])


def overridden(*more: str) -> tuple[str, ...]:
    """The command line's options for the same settings."""
    return tuple(option for override in (*OVERRIDES, *more) for option in ("--set", override))


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def same_weights(a: Path, b: Path) -> bool:
    first, second = checkpoint.load(a).weights, checkpoint.load(b).weights
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def write_recordings(root: Path) -> Path:
    """A manifest of 8 labelled clips, two of them for validation."""
    clips = []
    for number in range(8):
        name = NAMES[number % 6]
        write_walk(root / f"{number}.mp4", [0, 200, 400, 800 + 40 * number], height=160 + 32 * (number % 3))
        split = "val" if number > 5 else "train"
        line = Clip(
            path=f"{number}.mp4",
            intent=f"Call {name}.",
            category=f"call {number % 2}",
            slots={"name": name},
            text=["Calling", name],
            split=split,
        )
        clips.append(line)
    manifest.write(root / "manifest.jsonl", clips)
    return root / "manifest.jsonl"
