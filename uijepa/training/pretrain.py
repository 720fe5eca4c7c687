"""Stage 1: JEPA pretraining of the encoder on clips, labels unused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uijepa.data.batches import Order, TokenBatch, collate
from uijepa.data.cache import TokenCache
from uijepa.data.manifest import Clip
from uijepa.jepa import health
from uijepa.jepa.masks import hidden
from uijepa.jepa.objective import Batch, Objective, pool
from uijepa.jepa.schedule import linear, warmup_cosine
from uijepa.models.encoder import Encoder
from uijepa.training.config import PretrainConfig, TrainConfig
from uijepa.training.device import autocast
from uijepa.video import normalise

PROBED = 64
"""Held-out clips whose features the health numbers are computed on."""
VIEWS = 4
"""Masked views of each for LiDAR."""


class Pretraining:
    """Encoder, EMA target and predictor, trained on every clip of the train split."""

    name = "pretrain"

    def __init__(
        self, config: TrainConfig, encoder: Encoder, cache: TokenCache, clips: Sequence[Clip], device: torch.device
    ) -> None:
        self.config: PretrainConfig = config.pretrain
        self.steps = self.config.steps
        self.evaluate_every = self.config.evaluate_every
        self._seed = config.seed
        self._precision = config.precision
        self._device = device
        self._cache = cache
        maskable = [c for c in clips if c.path in cache and cache.count(c.path) >= 2 * self.config.masks.least]
        self._clips = [c for c in maskable if c.split == "train"]
        self._held_out = [c for c in maskable if c.split == "val"][:PROBED]
        self._order = Order([cache.count(c.path) for c in self._clips], self.config.batch, config.seed)
        self.objective = Objective(encoder, self.config.objective).to(device)
        matrices = [p for p in self.objective.parameters() if p.requires_grad and p.ndim > 1]
        vectors = [p for p in self.objective.parameters() if p.requires_grad and p.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=self.config.lr, betas=(0.9, 0.95))

    @property
    def encoder(self) -> Encoder:
        """The encoder to keep: the EMA target, as V-JEPA does."""
        return self.objective.target

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        lr = warmup_cosine(step, self.steps, config.warmup, config.lr, config.lr / 100)
        decay = linear(step, self.steps, config.weight_decay, config.weight_decay_end)
        self._optimizer.param_groups[0].update(lr=lr, weight_decay=decay)
        self._optimizer.param_groups[1].update(lr=lr)
        rng = np.random.default_rng([self._seed, step])
        clips = [self._clips[i] for i in self._order.indices(step)]
        batch = self._batch(collate(self._cache, clips), rng)
        with autocast(self._device, self._precision):
            terms = self.objective(batch)
        self._optimizer.zero_grad(set_to_none=True)
        terms["loss"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_grad)
        self._optimizer.step()
        self.objective.update_target(linear(step, round(1.25 * self.steps), config.momentum, 1.0))
        return {name: float(value.detach()) for name, value in terms.items()} | {"lr": lr, "gradient": float(norm)}

    def _batch(self, tokens: TokenBatch, rng: np.random.Generator) -> Batch:
        masks = []
        for kind in self.config.masks.kinds:
            mask = np.zeros_like(tokens.mask)
            for row, grid in enumerate(tokens.grids):
                count = int(tokens.mask[row].sum())
                mask[row, :count] = hidden(kind, tokens.positions[row, :count], grid, self.config.masks, rng)
            masks.append(self._tensor(mask))
        return Batch(
            self._tensor(normalise(tokens.values)),
            self._tensor(tokens.positions),
            self._tensor(tokens.mask),
            tuple(masks),
        )

    def _tensor(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    @torch.no_grad()
    def evaluate(self, step: int) -> dict[str, float]:  # noqa: ARG002 (of the Stage protocol)
        """Health of the target encoder on held-out clips; nothing when there are fewer than two."""
        if len(self._held_out) < 2:
            return {}
        rng = np.random.default_rng([self._seed, 0])  # the same views each time, so that numbers compare
        features: list[Tensor] = []
        positions: list[Tensor] = []
        views: list[Tensor] = []
        for start in range(0, len(self._held_out), self.config.batch):
            tokens = collate(self._cache, self._held_out[start : start + self.config.batch])
            values = self._tensor(normalise(tokens.values))
            places, mask = self._tensor(tokens.positions), self._tensor(tokens.mask)
            encoded = self.encoder(values, places, mask)
            features += [row[keep].cpu() for row, keep in zip(encoded, mask, strict=True)]
            positions += [row[keep].cpu() for row, keep in zip(places, mask, strict=True)]
            masked = [mask & self._tensor(rng.random(tokens.mask.shape) < 0.5) for _ in range(VIEWS)]
            masked = [torch.where(m.any(1, keepdim=True), m, mask) for m in masked]
            views.append(torch.stack([pool(self.encoder(values, places, m), m).cpu() for m in masked], dim=1))
        pooled = torch.stack([f.mean(0) for f in features])
        tokens_all = torch.cat(features)
        return {
            "rankme": health.rankme(tokens_all[:: max(1, len(tokens_all) // 4096)]),
            "clip_rank": health.rankme(pooled - pooled.mean(0)),
            "lidar": health.lidar(torch.cat(views)),
            "between_clips": health.between_clip_share(features),
            "position_share": health.position_share(tokens_all, torch.cat(positions)),
        }

    def state(self) -> dict[str, Any]:
        return {"objective": self.objective.state_dict(), "optimizer": self._optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.objective.load_state_dict(state["objective"])
        self._optimizer.load_state_dict(state["optimizer"])
