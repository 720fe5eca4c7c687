"""What training costs before it starts: parameters, arithmetic, memory.

Arithmetic is of matrix products only, two operations a multiply-add. Memory is an estimate of the peak: it counts
weights, gradients, optimiser and the tensors kept for the backward pass, not padding, fragments and caches of the
allocator. On a CPU the resident size rose by half as much again (0.32 GiB for 0.21: `tiny`, 4 clips of 160 tokens).

Shape suffixes stand for numbers here: n tokens of a clip, v visible, m hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from uijepa.errors import UijepaError
from uijepa.grid import TUBELET_VALUES, Grid
from uijepa.jepa.masks import MaskConfig, hidden
from uijepa.jepa.objective import Objective
from uijepa.models.encoder import EncoderConfig
from uijepa.models.system import System
from uijepa.training.config import TrainConfig
from uijepa.training.device import in_bf16

FLOAT = 4
"""Bytes of an fp32 value."""
OPTIMISED = 4 * FLOAT
"""Bytes a trained parameter takes: itself, its gradient, AdamW's two moments."""
KEPT = 22
"""Values that a block keeps for its backward pass, a token and channel, with an MLP four times as wide."""
KEPT_BF16 = 0.7
"""Share of an fp32 step's memory that bf16 autocast needs: products shrink by half, norms and losses do not."""


class TooLarge(UijepaError):
    """The batch does not fit into memory."""

    code = "memory"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes that training adds to what the process holds."""

    weights: int
    """Weights, gradients, optimiser, EMA target."""
    step: int
    """What one micro-batch keeps for its backward pass."""

    @property
    def total(self) -> int:
        return self.weights + self.step

    def __str__(self) -> str:
        return f"{gib(self.total)} ({gib(self.weights)} weights and optimiser, {gib(self.step)} a micro-batch)"


def gib(count: float) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.2f} GiB"


def visible_share(config: MaskConfig, draws: int = 16) -> float:
    """Mean share of a clip's tokens that a mask leaves visible, over kinds and draws, on a clip that moves
    everywhere."""
    grid = Grid(8, 14, 14)
    positions = np.stack(np.unravel_index(np.arange(grid.t * grid.h * grid.w), (grid.t, grid.h, grid.w)), axis=1)
    rng = np.random.default_rng(0)
    masks = [hidden(kind, positions, grid, config, rng) for kind in config.kinds for _ in range(draws)]
    return 1 - float(np.mean(masks))


def trunk_flops(config: EncoderConfig, tokens: float) -> float:
    """Of a forward pass over one clip."""
    linear = 2 * (4 + 2 * config.mlp) * config.width**2 * tokens
    return config.depth * (linear + 4 * config.width * tokens**2)


def pretraining_flops(config: TrainConfig, n: float, v: float | None = None) -> float:
    """Of one clip's step, forward and backward: `n` tokens of which `v` are visible (None: as the masks have it)."""
    encoder, objective = config.encoder, config.pretrain.objective
    predictor = objective.predictor
    v = visible_share(config.pretrain.masks) * n if v is None else v
    embed = 2 * (TUBELET_VALUES + 2 * encoder.places) * encoder.width
    terms = objective.weights(0)
    heads = 2 * predictor.width * (v * encoder.width + (n - v) * encoder.width)
    if "pixel" in terms:
        heads += 2 * predictor.width * (n - v) * TUBELET_VALUES
    forward = trunk_flops(encoder, v) + trunk_flops(predictor, n) + heads
    # Backward: twice the forward pass; pixels and places need no gradient, so their embedding once.
    each_kind = 3 * forward + 2 * embed * v
    targets = embed * n + trunk_flops(encoder, n) if "latent" in terms else 0.0
    return targets + len(config.pretrain.masks.kinds) * each_kind


def pretraining_memory(
    objective: Objective, config: TrainConfig, device: torch.device, world_size: int = 1
) -> Memory:
    """Of pretraining with the configuration's batch, all clips as long as the preprocessing allows."""
    spec, stage = config.preprocess, config.pretrain
    n = min(spec.max_tokens, spec.frames // 2 * spec.patches)
    v = visible_share(stage.masks) * n
    encoder, predictor = objective.encoder.config, objective.config.predictor
    kinds = len(stage.masks.kinds)
    # Whole clips twice (as values, as targets); for each kind the visible ones and the error on hidden ones stay.
    hidden_pixels = (kinds + 2) * (n - v) if "pixel" in objective.config.weights(0) else n - v
    pixels = 2 * n + kinds * v + hidden_pixels
    blocks = kinds * (encoder.depth * encoder.width * v + predictor.depth * predictor.width * n)
    clips = stage.batch / (world_size * stage.accumulate)
    step = clips * FLOAT * (pixels * TUBELET_VALUES + KEPT * blocks)
    weights = _weights(objective) // (world_size if stage.fsdp else 1)
    return Memory(weights=weights, step=round(step * _bf16_share(config, device)))


def tuning_memory(system: System, config: TrainConfig, device: torch.device, world_size: int = 1) -> Memory:
    """Of tuning with the configuration's larger batch, and the best weights kept beside the current ones."""
    spec, stage = config.preprocess, config.tune
    n = min(spec.max_tokens, spec.frames // 2 * spec.patches)
    words = config.decoder.text_tokens + config.decoder.max_new_tokens
    language, encoder = system.language_config, system.encoder.config
    depth, width = int(language.num_hidden_layers), int(language.hidden_size)
    vocabulary = int(language.vocab_size)

    def decoder(tokens: float) -> float:
        return KEPT * depth * width * tokens + 3 * words * vocabulary

    seen = n * TUBELET_VALUES + KEPT * encoder.width * n * (encoder.depth if stage.encoder_lr else 1)
    values = max(stage.batch * (seen + decoder(n + words)), stage.text_batch * decoder(words))
    step = values * FLOAT / (world_size * stage.accumulate) * _bf16_share(config, device)
    best = FLOAT * sum(p.numel() for p in system.parameters())
    return Memory(weights=_weights(system) + best, step=round(step))


def check(memory: Memory, device: torch.device, setting: str) -> None:
    """Raise TooLarge when it will not fit; `setting` names the stage's table of the configuration."""
    free = available(device)
    if free is not None and memory.total > free:
        remedy = (
            f"raise {setting}.accumulate or lower {setting}.batch"
            if memory.weights < free
            else "take a smaller size, or a machine with more memory"
        )
        raise TooLarge(f"training needs about {memory}, and {gib(free)} are free on {device}: {remedy}.")


def available(device: torch.device, root: Path = Path("/")) -> int | None:
    """Bytes that may still be taken there; None where that is not known. `root` stands before /proc and /sys."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = (root / "proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None  # macOS
    group = root / "sys/fs/cgroup"
    try:
        limit, used = (
            (group / name).read_text(encoding="utf-8").strip() for name in ("memory.max", "memory.current")
        )
    except OSError:
        return free
    return free if limit == "max" else min(free, int(limit) - int(used))


def parameters(module: nn.Module) -> int:
    """How many weights it has."""
    return _count(module.parameters())


def _weights(module: nn.Module) -> int:
    trained = _count(p for p in module.parameters() if p.requires_grad)
    return OPTIMISED * trained + FLOAT * (parameters(module) - trained)


def _count(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _bf16_share(config: TrainConfig, device: torch.device) -> float:
    return KEPT_BF16 if in_bf16(device, config.precision) else 1.0
