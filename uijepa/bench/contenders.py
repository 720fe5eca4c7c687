"""The encoders that a probe compares: trained ones from checkpoints, untrained ones, ones trained on the shots; and
what is no encoder but says what one could know: the words on the screen, and where it moved."""

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

RANDOM, SUPERVISED, TEXT, WHERE = "random", "supervised", "text", "where"
"""What needs no checkpoint: an encoder frozen at its first weights, one trained end to end on the labelled clips, and
none at all: the words that a clip puts on the screen, as its manifest has them; the places of its tokens, unseen."""
BARE = (TEXT, WHERE)
"""Those without an encoder."""


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
    """The encoder for a seed: one training run's, or the only one's."""
    frozen: bool = True
    sha256: tuple[str, ...] = ()
    """Of its weights' files, one for each training run; empty for one without a checkpoint."""

    @property
    def bare(self) -> bool:
        """Whether it is no encoder but features of its own."""
        return self.name in BARE

    @property
    def seeded(self) -> bool:
        """Whether the seed changes the weights."""
        return len(self.sha256) != 1 and not self.bare

    def as_json(self) -> dict[str, Any]:
        if self.bare:
            return {"encoder": self.name, "frozen": True, "parameters": 0}
        return {
            "encoder": self.name,
            "frozen": self.frozen,
            "parameters": sum(p.numel() for p in self.fresh(0).parameters()),
            "config": plain(self.config),
            **({"weights_sha256": list(self.sha256)} if self.sha256 else {}),
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
    """What `--encoder NAME=FOLDER[,FOLDER]`, `random`, `supervised`, `text` and `where` name, in their order.

    Several folders are training runs of one recipe: each seed of the probe takes the next. `random` and `supervised`
    get the size of the first checkpoint, or `size` without one; `text` has as many features. Raises ConfigError for
    options that cannot be, and for a checkpoint trained on clips prepared otherwise than `preprocess`.
    """
    folders = [(name, paths.split(",")) for name, _, paths in (o.partition("=") for o in options) if paths]
    runs = {name: [read(Path(folder)) for folder in mine] for name, mine in folders}
    names = [o.partition("=")[0] for o in options]
    alone = (RANDOM, SUPERVISED, *BARE)
    wrong = [o for o in options if "=" not in o and o not in alone]
    wrong += [o for o in options if "=" in o and o.partition("=")[0] not in runs]
    wrong += [o for o in options if "=" in o and o.partition("=")[0] in (*alone, "")]
    if wrong or len(set(names)) < len(names):
        told = repr(wrong[0]) if wrong else "a name twice"
        raise ConfigError(f"--encoder: {told}; expected NAME=FOLDER[,FOLDER], {', '.join(alone)}, each name once.")
    for name, trained in ((name, t) for name, mine in runs.items() for t in mine):
        if trained.preprocess not in (None, preprocess):
            raise ConfigError(
                f"--encoder {name}: trained with {trained.preprocess}, but --config and --set ask for {preprocess}."
            )
        if trained.encoder.config != runs[name][0].encoder.config:
            raise ConfigError(f"--encoder {name}: its folders hold encoders of more than one size.")
    size = next((mine[0].encoder.config for mine in runs.values()), size)

    def one(name: str) -> Contender:
        if name not in runs:
            return Contender(
                name=name, config=size, fresh=lambda seed: untrained(size, seed), frozen=name != SUPERVISED
            )
        mine = runs[name]
        return Contender(
            name=name,
            config=mine[0].encoder.config,
            fresh=lambda seed: mine[seed % len(mine)].encoder,
            sha256=tuple(t.sha256 for t in mine),
        )

    return [one(name) for name in names]
