"""Configuration of a training run: one TOML file, every field with its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from uijepa.config import Preprocess
from uijepa.data.manifest import Labels
from uijepa.errors import ConfigError
from uijepa.jepa.masks import MaskConfig
from uijepa.jepa.objective import ObjectiveConfig
from uijepa.models.decoder import DecoderConfig
from uijepa.models.encoder import EncoderConfig
from uijepa.models.system import SystemConfig
from uijepa.training.optimizer import OptimizerName
from uijepa.training.sizes import SIZES, SizeName


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """JEPA pretraining on clips without labels."""

    steps: int = 3000
    batch: int = 16
    """Clips a step, of all processes together."""
    accumulate: int = 1
    """Micro-batches that a process works its share of a batch off in: less memory, the same step up to rounding. But
    terms that compare clips (variance, covariance) then compare those of one micro-batch (of all processes)."""
    optimizer: OptimizerName = "adamw"
    """"muon": for matrices (`uijepa.training.optimizer`); not with `fsdp`."""
    lr: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.04
    weight_decay_end: float = 0.4
    momentum: float = 0.998
    """EMA momentum at the start. 0, with `momentum_end` 0, makes the target the encoder itself."""
    momentum_end: float = 1.0
    """EMA momentum after 1.25 times the run, reached linearly, as in V-JEPA; V-JEPA 2 keeps 0.99925 throughout."""
    clip_grad: float = 10.0
    share: float = 1.0
    """Share of the training clips that are used, the same ones of a recording each time: does more video help?"""
    recolour: float = 0.0
    """Strength, 0 to 1, of the change of colours (`uijepa.data.vary`) that each masked view of a clip gets; targets
    keep the clip's own, so that colours alone neither tell views apart nor find the clip again."""
    masks: MaskConfig = field(default_factory=MaskConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    evaluate_every: int = 250
    """Steps between two looks at the health of the representation."""
    held_out: int = 512
    """Most held-out clips of a look, and as many labelled ones for the probe. LiDAR and the clips' rank cannot exceed
    this less 1, so it should be well above the encoder's width. A look encodes each clip three times over without
    gradient (whole, and four times half of it), labelled ones once more."""
    fsdp: bool = False
    """Under torchrun: deal weights, gradients and optimiser state out over the processes (FSDP2) instead of keeping
    all of them in each. For encoders too large for one device; the steps are the same up to rounding."""
    keep: Literal["lidar", "last"] = "lidar"
    """Which encoder a run leaves: that of the look with the best LiDAR, or the last one. The last is kept only if the
    look at it found no collapse, or every look did."""
    patience: int = 3
    """Looks in a row, after the warm-up, that may find the representation collapsed before the run stops; 0: it
    never stops."""

    def __post_init__(self) -> None:
        if not (0 <= self.momentum <= 1 and 0 <= self.momentum_end <= 1):
            raise ConfigError("pretrain.momentum and momentum_end must lie between 0 and 1.")
        if not 0 < self.share <= 1:
            raise ConfigError("pretrain.share must lie above 0 and at most be 1.")
        if self.fsdp and self.optimizer == "muon":
            raise ConfigError("Muon needs whole matrices, pretrain.fsdp splits them: take optimizer = 'adamw'.")
        if self.held_out < 2 or self.patience < 0:
            raise ConfigError("pretrain.held_out must be at least 2, patience at least 0.")
        for weight in ("contrast_weight", "invariance_weight"):
            if getattr(self.objective, weight) and len(self.masks.kinds) < 2:
                raise ConfigError(
                    f"objective.{weight} compares views of two mask kinds; masks.kinds names one. "
                    "Name another, or the same one twice."
                )


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """Tuning of the projector and the decoder on labelled clips."""

    text_steps: int = 1000
    """First steps, on text alone: a new decoder learns to read before it learns to see."""
    text_batch: int = 32
    steps: int = 2000
    """Steps on video and text, after the text steps."""
    batch: int = 16
    """Clips a step, of all processes together; so is `text_batch`."""
    accumulate: int = 1
    """Micro-batches that a process works its share of a batch off in: less memory, the same step up to rounding."""
    optimizer: OptimizerName = "adamw"
    """"muon": for matrices (`uijepa.training.optimizer`). In short runs a new decoder learned in half the steps."""
    lr: float = 1e-3
    encoder_lr: float = 0.0
    """Peak learning rate of the encoder; 0 keeps it frozen, as the paper does."""
    warmup: int = 100
    weight_decay: float = 0.05
    clip_grad: float = 1.0
    swap: float = 0.7
    """Share of examples whose values are swapped for others, so that values are read, not remembered."""
    recite: float = 0.3
    """Share of the text-only steps that ask to repeat lines of made-up screens: a new decoder learns to copy."""
    read_weight: float = 0.0
    """Of predicting the screen's own text too, word by word: a new decoder learns from all that it reads, and not
    from the few words of the intent alone."""
    misread: float = 0.5
    """Strength of the simulated OCR mistakes, on top of those that OCR made; 0 adds none."""
    text_dropout: float = 0.1
    """Share of examples with video whose text is hidden."""
    recolour: float = 0.0
    """Strength, 0 to 1, of the change of colours that a clip gets each time it is seen (`uijepa.data.vary`)."""
    thin: float = 0.0
    """Largest share of a clip's tokens that are left out, another share and other ones each time it is seen."""
    evaluate_every: int = 200


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A whole run."""

    size: Literal["", SizeName] = ""
    """The dial: a name sets what `uijepa/training/sizes.py` lists for it, unless it is set itself; empty: nothing."""
    seed: int = 0
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """bf16 autocast or not; "auto": whichever is faster on this machine. A resumed run keeps what it began with."""
    checkpoint_seconds: float = 120.0
    labels: Labels = "reference"
    """"lexicalised": the label with names, times and texts, where a suite words its own without them."""
    preprocess: Preprocess = field(default_factory=Preprocess)
    encoder_from: str = ""
    """V-JEPA 2 weights that the encoder starts from: hub name (facebook/vjepa2-vitl-fpc64-256) or local folder.
    `encoder` then follows from them. Empty: a new encoder of the size below."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    tune: TuneConfig = field(default_factory=TuneConfig)

    def __post_init__(self) -> None:
        counts = [getattr(stage, name) for stage in (self.pretrain, self.tune) for name in ("batch", "accumulate")]
        if not (min(self.pretrain.recolour, self.tune.recolour, self.tune.thin) >= 0 and self.tune.thin < 1):
            raise ConfigError("recolour must not be negative, and tune.thin must lie between 0 and 1.")
        if min(*counts, self.tune.text_batch) < 1:
            raise ConfigError("batch, text_batch and accumulate must be at least 1.")

    @staticmethod
    def completed(values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The given values on top of those of the size they name."""
        size = SIZES.get(values.get("size", ""))
        return values if size is None else _on_top(size.values(), values)

    @property
    def system(self) -> SystemConfig:
        return SystemConfig(preprocess=self.preprocess, encoder=self.encoder, decoder=self.decoder)


def _on_top(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested tables as one; where both hold a value, that of `above`."""
    made = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], Mapping) and isinstance(above[key], Mapping):
            made[key] = _on_top(below[key], above[key])
    return made
