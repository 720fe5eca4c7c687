"""What each size costs on this machine: `python -m uijepa.train sizes`."""

from __future__ import annotations

import time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from uijepa.config import build, plain
from uijepa.grid import TUBELET_VALUES, Grid
from uijepa.jepa.masks import hidden
from uijepa.jepa.objective import Batch, Objective
from uijepa.models.encoder import Encoder
from uijepa.training import cost
from uijepa.training.config import TrainConfig
from uijepa.training.device import autocast
from uijepa.training.sizes import NAMES, SIZES, SizeName

CLIPS = 2
"""Clips of a measured batch."""


def sized(config: TrainConfig, name: SizeName) -> TrainConfig:
    """The configuration with the dial at `name`; everything the dial does not set stays."""
    values = plain(config)
    dial = SIZES[name].values()
    values["encoder"] |= dial["encoder"]
    values["pretrain"] |= {key: dial["pretrain"][key] for key in ("batch", "lr")}
    values["pretrain"]["objective"] |= dial["pretrain"]["objective"]
    return build(TrainConfig, values | {"size": name})


def table(config: TrainConfig, device: torch.device, seconds: float, console: Console) -> Table:
    """A row a size: parameters, arithmetic and memory by rule, clips a second of a pretraining step as measured.

    `seconds` are spent on each measurement. "kept" has as many tokens a clip as the configuration keeps, "dense" all
    of the grid's. A size that would take longer than three times `seconds` a step is not measured: its speed is
    worked out from its arithmetic and that of the size before it, and marked "≈".
    """
    kept, dense = _tokens(config)
    made = Table(title=f"pretraining on {device}; {kept} tokens a clip kept of {dense}")
    for head in (
        "size",
        "width x depth",
        "encoder",
        "trained",
        "GFLOP a clip",
        "batch",
        "memory",
        "clips/s",
        "dense",
    ):
        made.add_column(head, justify="left" if head == "size" else "right")
    rate = 0.0
    for name in NAMES:
        chosen = sized(config, name)
        with torch.device("meta"):
            objective = Objective(Encoder(chosen.encoder), chosen.pretrain.objective)
        memory = cost.pretraining_memory(objective, chosen, device)
        cells = []
        for tokens in (kept, dense):
            flops = cost.pretraining_flops(chosen, tokens)
            if rate and CLIPS * flops / rate > 3 * seconds:
                cells.append(f"≈ {rate / flops:.2g}")
                continue
            console.print(f"measuring {name}, {tokens} tokens a clip", style="dim")
            clips_s = clips_a_second(chosen, device, tokens, seconds)
            rate = clips_s * flops
            cells.append(f"{clips_s:.2g}")
        made.add_row(
            name,
            f"{chosen.encoder.width} x {chosen.encoder.depth}",
            f"{cost.parameters(objective.encoder) / 1e6:.1f} M",
            f"{sum(p.numel() for p in objective.parameters() if p.requires_grad) / 1e6:.1f} M",
            f"{cost.pretraining_flops(chosen, kept) / 1e9:.3g}",
            str(chosen.pretrain.batch),
            cost.gib(memory.total),
            *cells,
        )
    return made


def _tokens(config: TrainConfig) -> tuple[int, int]:
    spec = config.preprocess
    dense = spec.frames // 2 * spec.patches
    return min(spec.max_tokens, dense), dense


def clips_a_second(config: TrainConfig, device: torch.device, tokens: int, seconds: float) -> float:
    """Clips a second of whole pretraining steps on made-up clips of `tokens` tokens, after one step to warm up."""
    torch.manual_seed(0)
    objective = Objective(Encoder(config.encoder), config.pretrain.objective).to(device)
    optimizer = torch.optim.AdamW([p for p in objective.parameters() if p.requires_grad], lr=1e-4)
    batch = _made_up(config, device, tokens)

    def step() -> None:
        with autocast(device, config.precision):
            loss = objective(batch)["loss"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        objective.update_target(0.998)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    step()
    began, steps = time.perf_counter(), 0
    while not steps or time.perf_counter() - began < seconds:
        step()
        steps += 1
    return CLIPS * steps / (time.perf_counter() - began)


def _made_up(config: TrainConfig, device: torch.device, tokens: int) -> Batch:
    """Noise at random places of a grid, masked as the configuration asks."""
    rng = np.random.default_rng(0)
    side = max(1, round(config.preprocess.patches**0.5))
    grid = Grid(max(1, config.preprocess.frames // 2), side, side)
    cells = grid.t * grid.h * grid.w
    tokens = min(tokens, cells)
    places = np.stack([np.sort(rng.choice(cells, tokens, replace=False)) for _ in range(CLIPS)])
    positions = np.stack(np.unravel_index(places, (grid.t, grid.h, grid.w)), axis=-1)
    masks = [
        np.stack([hidden(kind, clip, grid, config.pretrain.masks, rng) for clip in positions])
        for kind in config.pretrain.masks.kinds
    ]
    values = torch.from_numpy(rng.standard_normal((CLIPS, tokens, TUBELET_VALUES), dtype=np.float32))
    return Batch(
        values.to(device),
        torch.from_numpy(positions).to(device),
        torch.ones((CLIPS, tokens), dtype=torch.bool, device=device),
        tuple(torch.from_numpy(mask).to(device) for mask in masks),
    )
