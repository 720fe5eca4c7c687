"""A look at an encoder's health on held-out clips: label-free numbers, and a probe where clips have categories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uijepa.data.batches import TokenBatch, collate, spread
from uijepa.data.cache import TokenSource
from uijepa.data.manifest import Clip
from uijepa.jepa import health
from uijepa.jepa.objective import take
from uijepa.jepa.terms import pool
from uijepa.models.encoder import Encoder
from uijepa.training.loop import Diverged
from uijepa.video import normalise

VIEWS = 4
"""Masked views of a clip for LiDAR, each of half its tokens."""


class Checkup:
    """The clips that an encoder is looked at on: the same at every look, so that numbers compare.

    The probe's labelled clips are as many of the train split again. Labels choose nothing else.
    """

    def __init__(
        self, cache: TokenSource, clips: Sequence[Clip], *, most: int, batch: int, seed: int, device: torch.device
    ) -> None:
        """`clips`: of both splits; `most`: clips of each that are looked at, spread over the manifest."""
        self._cache, self._batch, self._seed, self._device = cache, batch, seed, device
        self.held_out = spread([c for c in clips if c.split == "val"], most)
        categories = {c.category for c in self.held_out if c.category}
        self._known = spread([c for c in clips if c.split == "train" and c.category in categories], most)
        known = {c.category for c in self._known}
        self._asked = [i for i, c in enumerate(self.held_out) if c.category in known]

    @torch.no_grad()
    def look(self, encoder: Encoder) -> dict[str, float]:
        """The numbers, by name; none when there are fewer than two held-out clips.

        Raises Diverged when a feature is not finite.
        """
        if len(self.held_out) < 2:
            return {}
        rng = np.random.default_rng([self._seed, 0])
        features: list[Tensor] = []
        positions: list[Tensor] = []
        views: list[Tensor] = []
        attention: Tensor | None = None
        for tokens in self._batches(self.held_out):
            values, places, mask = self._tensors(tokens)
            if attention is None:  # one batch tells: heads differ more than clips
                attention = health.attention_entropy(encoder, values, places, mask).cpu()
            encoded = encoder(values, places, mask)
            features += [row[keep].float().cpu() for row, keep in zip(encoded, mask, strict=True)]
            positions += [row[keep].cpu() for row, keep in zip(places, mask, strict=True)]
            halves = [mask & self._tensor(rng.random(tokens.mask.shape) < 0.5) for _ in range(VIEWS)]
            halves = [torch.where(half.any(1, keepdim=True), half, mask) for half in halves]
            seen = [take(half, values, places) for half in halves]
            views.append(torch.stack([pool(encoder(*part), part[-1]).float().cpu() for part in seen], dim=1))
        every = torch.cat(features)
        if attention is None or not torch.isfinite(every).all():
            raise Diverged(
                "features of held-out clips are not finite: the weights are damaged. "
                "Lower the learning rate, or start again with another seed."
            )
        pooled = torch.stack([f.mean(0) for f in features])
        return {
            "rankme": health.rankme(every[:: max(1, len(every) // 4096)]),
            "clip_rank": health.rankme(pooled - pooled.mean(0)),
            "lidar": health.lidar(torch.cat(views)),
            "view_agreement": health.view_agreement(torch.cat(views)),
            "between_clips": health.between_clip_share(features),
            "position_share": health.position_share(every, torch.cat(positions)),
            "attention": float(attention.mean()),
            "attention_low": float(attention.mean(1).min()),
            "feature_norm": float(every.norm(dim=-1).mean()),
            "last_norm": health.last_norm(encoder),
            **self._probe(encoder, pooled),
        }

    def _probe(self, encoder: Encoder, pooled: Tensor) -> dict[str, float]:
        if not self._asked:
            return {}
        known = [
            pool(encoder(v, p, m), m).float().cpu() for v, p, m in map(self._tensors, self._batches(self._known))
        ]
        wanted = [self.held_out[i].category for i in self._asked]
        return {
            "probe": health.probe(torch.cat(known), [c.category for c in self._known], pooled[self._asked], wanted)
        }

    def _batches(self, clips: Sequence[Clip]) -> Iterator[TokenBatch]:
        for start in range(0, len(clips), self._batch):
            yield collate(self._cache, clips[start : start + self._batch])

    def _tensors(self, tokens: TokenBatch) -> tuple[Tensor, Tensor, Tensor]:
        return self._tensor(normalise(tokens.values)), self._tensor(tokens.positions), self._tensor(tokens.mask)

    def _tensor(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)
