"""The encoders that a probe compares: trained ones from checkpoints, untrained ones, ones trained on the shots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from uijepa import checkpoint
from uijepa.bench.answers import file_sha256
from uijepa.config import Preprocess, build, plain
from uijepa.errors import CheckpointError, ConfigError
from uijepa.models.encoder import Encoder, EncoderConfig

RANDOM, SUPERVISED = "random", "supervised"
"""Encoders that need no checkpoint: frozen at their first weights, and trained end to end on the labelled clips."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """An encoder read from a checkpoint folder."""

    encoder: Encoder
    preprocess: Preprocess | None
    """What its clips were prepared with; None where the checkpoint does not say."""
    sha256: str
    """Of its weights' file."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One encoder of the comparison."""

    name: str
    config: EncoderConfig
    fresh: Callable[[int], Encoder]
    """The encoder for a seed; a trained one is the same for all."""
    frozen: bool = True
    seeded: bool = True
    """Whether the seed changes the weights."""
    sha256: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "encoder": self.name,
            "frozen": self.frozen,
            "parameters": sum(p.numel() for p in self.fresh(0).parameters()),
            "config": plain(self.config),
            **({"weights_sha256": self.sha256} if self.sha256 else {}),
        }


def read(folder: Path) -> Trained:
    """The encoder of a checkpoint: of pretraining (`OUT/encoder`), or of a whole system.

    Raises CheckpointError when the folder holds no encoder or its weights do not fit.
    """
    saved = checkpoint.load(folder)
    if "system" in saved.config:
        config, preprocess = saved.config["system"]["encoder"], saved.config["system"]["preprocess"]
        mine = {k.removeprefix("encoder."): w for k, w in saved.weights.items() if k.startswith("encoder.")}
        saved = checkpoint.Saved(mine, saved.config, saved.provenance)
    elif "encoder" in saved.config:
        config = saved.config["encoder"]
        preprocess = saved.provenance.get("config", {}).get("preprocess")
    else:
        raise CheckpointError(f"{folder}: no encoder there; give a folder that `python -m uijepa.train` wrote.")
    encoder = Encoder(build(EncoderConfig, config, str(folder)))
    checkpoint.restore(encoder, saved, folder)
    return Trained(
        encoder=encoder.eval().requires_grad_(False),
        preprocess=None if preprocess is None else build(Preprocess, preprocess, str(folder)),
        sha256=file_sha256(folder / checkpoint.WEIGHTS),
    )


def untrained(config: EncoderConfig, seed: int) -> Encoder:
    """An encoder with the first weights that a seed gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(config)


def contenders(options: Sequence[str], preprocess: Preprocess, size: EncoderConfig) -> list[Contender]:
    """What `--encoder NAME=FOLDER`, `random` and `supervised` name, in their order.

    The last two get the size of the first checkpoint, or `size` without one. Raises ConfigError for options that
    cannot be, and for a checkpoint trained on clips prepared otherwise than `preprocess`.
    """
    folders = [(name, folder) for name, _, folder in (o.partition("=") for o in options) if folder]
    read_once = {name: read(Path(folder)) for name, folder in folders}
    names = [o.partition("=")[0] for o in options]
    wrong = [o for o in options if "=" not in o and o not in (RANDOM, SUPERVISED)]
    wrong += [o for o in options if "=" in o and o.partition("=")[0] not in read_once]
    wrong += [o for o in options if "=" in o and o.partition("=")[0] in (RANDOM, SUPERVISED, "")]
    if wrong or len(set(names)) < len(names):
        told = repr(wrong[0]) if wrong else "a name twice"
        raise ConfigError(f"--encoder: {told}; expected NAME=FOLDER, {RANDOM} or {SUPERVISED}, each name once.")
    for name, trained in read_once.items():
        if trained.preprocess not in (None, preprocess):
            raise ConfigError(
                f"--encoder {name}: trained with {trained.preprocess}, but --config and --set ask for {preprocess}."
            )
    size = next((t.encoder.config for t in read_once.values()), size)

    def one(name: str) -> Contender:
        if name in read_once:
            found = read_once[name]
            return Contender(
                name=name,
                config=found.encoder.config,
                fresh=lambda _: found.encoder,
                seeded=False,
                sha256=found.sha256,
            )
        return Contender(name=name, config=size, fresh=lambda seed: untrained(size, seed), frozen=name == RANDOM)

    return [one(name) for name in names]
