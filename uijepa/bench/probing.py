"""Probes of features: a small attentive classifier, and nearest neighbours.

Shape suffixes: B clips, N tokens, D width, H heads, K head width, C categories.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uijepa.bench.shots import Draw, Indices
from uijepa.jepa.schedule import warmup_cosine

See = Callable[[Sequence[int]], tuple[Tensor, Tensor]]
"""Clips in, their token features [B, N, D] and mask [B, N] out."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """How an attentive probe is trained; the same for every encoder."""

    steps: int = 300
    batch: int = 64
    lrs: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    """Peak learning rates tried."""
    decays: tuple[float, ...] = (0.01, 0.3)
    """Weight decays tried with each."""

    @property
    def grid(self) -> list[tuple[float, float]]:
        """(learning rate, weight decay), the one to take unseen first: where there is nothing to choose on."""
        middle = (self.lrs[len(self.lrs) // 2], self.decays[0])
        return [middle, *(pair for pair in itertools.product(self.lrs, self.decays) if pair != middle)]


class AttentiveProbe(nn.Module):
    """One learned query attends over a clip's tokens; an MLP and a linear layer follow.

    V-JEPA's attentive probe (Bardes et al. 2024), computed another way round: a single query's attention needs the
    tokens neither as keys nor as values. `q·(K x)` is `(Kᵀq)·x`, and a mean of `V x` is `V` of the mean of `x`, so
    a token costs 2 HD operations instead of 2 D².
    """

    def __init__(self, width: int, heads: int, categories: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.query = nn.Parameter(torch.empty(heads, width // heads))
        self.key = nn.Linear(width, width, bias=False)  # a bias would add the same to every token
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.last = nn.LayerNorm(width, eps=1e-6)
        self.classify = nn.Linear(width, categories)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.trunc_normal_(parameter, std=0.02)
        for layer in (self.value, self.out, self.up, self.down, self.classify):
            nn.init.zeros_(layer.bias)

    def forward(self, x_BND: Tensor, mask_BN: Tensor) -> Tensor:
        """Logits [B, C]; a clip needs at least one real token."""
        x_BND = self.norm(x_BND)
        width = self.query.shape[1]
        asked_HD = torch.einsum("hk,hkd->hd", self.query, self.key.weight.reshape(self.heads, width, -1))
        scores_BHN = torch.einsum("bnd,hd->bhn", x_BND, asked_HD) * width**-0.5
        share_BHN = scores_BHN.masked_fill(~mask_BN[:, None], float("-inf")).softmax(-1)
        mean_BHD = torch.einsum("bhn,bnd->bhd", share_BHN, x_BND)
        value_HKD = self.value.weight.reshape(self.heads, width, -1)
        seen_BD = torch.einsum("bhd,hkd->bhk", mean_BHD, value_HKD).flatten(1) + self.value.bias
        y_BD = self.out(seen_BD)
        y_BD = y_BD + self.down(F.gelu(self.up(self.norm2(y_BD))))
        logits: Tensor = self.classify(self.last(y_BD))
        return logits


def fit(
    see: See,
    probe: AttentiveProbe,
    draw: Draw,
    config: ProbeConfig,
    *,
    setting: tuple[float, float],
    seed: int,
    encoder: nn.Module | None = None,
) -> None:
    """Train the probe on the clips of `draw.fit`, and with it the encoder that `see` runs, if one is given."""
    lr, decay = setting
    trained = [*probe.parameters(), *(encoder.parameters() if encoder is not None else ())]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))
    order = _order(draw.fit, config, seed)
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = warmup_cosine(step, config.steps, config.steps // 10, lr, 0.0)
        clips = order[step]
        features, mask = see(clips.tolist())
        wanted = torch.from_numpy(draw.labels[clips]).to(features.device)
        loss: Any = F.cross_entropy(probe(features.float(), mask), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()


def _order(clips: Indices, config: ProbeConfig, seed: int) -> list[Indices]:
    """The clips of every step: whole passes in an order of their own, no clip twice in a batch."""
    rng = np.random.default_rng(seed)
    batch = min(config.batch, len(clips))
    order: list[Indices] = []
    while len(order) < config.steps:
        mixed = rng.permutation(clips)
        order += [mixed[i : i + batch] for i in range(0, len(mixed) - batch + 1, batch)]
    return order[: config.steps]


@torch.no_grad()
def predict(see: See, probe: AttentiveProbe, clips: Indices, batch: int = 64) -> Indices:
    """The category of each clip."""
    parts = [clips[i : i + batch].tolist() for i in range(0, len(clips), batch)]
    found = [probe(*_float(see(part))).argmax(-1).cpu().numpy() for part in parts]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _float(seen: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return seen[0].float(), seen[1]


CENTRINGS = ("as they are", "centred", "whitened")
NEIGHBOURS = (1, 5)
TEMPERATURE = 0.07
"""Of a neighbour's vote, exp(cosine / temperature), as in DINO."""


def knn_grid() -> list[tuple[str, int]]:
    """(centring, neighbours), the one to take unseen first."""
    usual = ("centred", 1)
    return [usual, *(pair for pair in itertools.product(CENTRINGS, NEIGHBOURS) if pair != usual)]


def spread_out(pooled_CD: Tensor, known: Indices, centring: str) -> Tensor:
    """Unit rows of clips' mean features; centre and axes are those of the clips `known`.

    Whitening divides each principal axis by its deviation, with a hundredth of the mean variance added.
    """
    x = pooled_CD.double()
    base = x[torch.from_numpy(known)]
    if centring != "as they are":
        x = x - base.mean(0)
    if centring == "whitened":
        base = base - base.mean(0)
        variances, axes = torch.linalg.eigh(base.T @ base / max(len(base) - 1, 1))
        x = x @ axes / (variances.clamp(min=0) + variances.mean() / 100 + 1e-12).sqrt()
    return F.normalize(x, dim=-1)


def nearest(unit_CD: Tensor, labels: Indices, known: Indices, asked: Indices, neighbours: int) -> Indices:
    """The category that the nearest known clips vote for, by cosine, one for each asked clip."""
    cosines = unit_CD[torch.from_numpy(asked)] @ unit_CD[torch.from_numpy(known)].T
    best, places = cosines.topk(min(neighbours, len(known)), dim=1)
    voted = torch.from_numpy(labels[known])[places]
    votes = torch.zeros(len(asked), int(labels.max()) + 1, dtype=cosines.dtype)
    votes.scatter_add_(1, voted, (best / TEMPERATURE).exp())
    made: Indices = votes.argmax(1).numpy()
    return made
