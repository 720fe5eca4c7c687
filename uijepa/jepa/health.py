"""Label-free health of a representation.

The loss and token-level RankMe look fine while an encoder collapses onto positions; the numbers at the level of
whole clips do not. Inputs are tensors; outputs are plain floats, except for `attention_entropy`, a number a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uijepa.models.encoder import Block, Encoder

QUERIES = 64
"""Queries of a clip whose attention is looked at: enough for a mean, few enough for long clips."""
NEIGHBOURS = 5
"""Labelled clips that vote in the probe."""


def rankme(features_ND: Tensor, eps: float = 1e-7) -> float:
    """exp of the entropy of the normalised singular values: an effective rank (Garrido et al., 2023)."""
    singular = torch.linalg.svdvals(features_ND.double())
    share = singular / singular.sum().clamp(min=1e-30) + eps
    return float(torch.exp(-(share * share.log()).sum()))


def lidar(views_CQD: Tensor, delta: float = 1e-4) -> float:
    """Effective rank of clips against their masked views (Thilak et al., 2023).

    views: C clips as classes, Q >= 2 views each, D wide.
    """
    clips, views, width = views_CQD.shape
    if clips < 2 or views < 2:
        raise ValueError(f"LiDAR needs at least 2 clips and 2 views, got {clips} and {views}")
    x = views_CQD.double()
    means = x.mean(1)
    between = (means - means.mean(0)).T @ (means - means.mean(0)) / (clips - 1)
    within_x = (x - means[:, None]).flatten(0, 1)
    within = within_x.T @ within_x / (clips * (views - 1)) + delta * torch.eye(width, dtype=x.dtype)
    values, vectors = torch.linalg.eigh(within)
    whiten = vectors @ torch.diag(values.rsqrt()) @ vectors.T
    eigenvalues = torch.linalg.eigvalsh(whiten @ between @ whiten).clamp(min=0)
    share = eigenvalues / eigenvalues.sum().clamp(min=1e-30) + 1e-7
    return float(torch.exp(-(share * share.log()).sum()))


def view_agreement(views_CQD: Tensor) -> float:
    """Share of the variance of views that all views of a clip have in common: the intraclass correlation ICC(1).

    1: a view tells which clip it is of, up to its place among all; 0: views of one clip differ as those of two.
    With B and W the mean squares between and within C clips of Q views each, summed over channels,

        (B - W) / (B + (Q - 1) W)      (Shrout & Fleiss 1979)

    LiDAR is blind to this: a rank does not tell how much of a direction's variance is the clip's.
    """
    clips, views, _ = views_CQD.shape
    if clips < 2 or views < 2:
        raise ValueError(f"agreement needs at least 2 clips and 2 views, got {clips} and {views}")
    x = views_CQD.double()
    means = x.mean(1)
    between = views * (means - means.mean(0)).square().sum() / (clips - 1)
    within = (x - means[:, None]).square().sum() / (clips * (views - 1))
    return float((between - within) / (between + (views - 1) * within).clamp(min=1e-30))


def between_clip_share(features: list[Tensor]) -> float:
    """Share of the variance of token features that lies between clips' means; near 0 when clips look alike."""
    tokens = torch.cat(features).double()
    total = (tokens - tokens.mean(0)).square().sum()
    between = sum((len(f) * (f.double().mean(0) - tokens.mean(0)).square().sum() for f in features), start=total * 0)
    return float(between / total.clamp(min=1e-30))


def position_share(features: Tensor, positions: Tensor) -> float:
    """Share of the variance of token features explained by a token's place (h, w) alone; near 1 when collapsed.

    features: [N, D] over many clips; positions: [N, 3]. Adjusted for the number of places (as adjusted R^2), so
    that independent features give 0. Features that do not vary have nothing to explain: 0 too.
    """
    x = features.double()
    _, group = torch.unique(positions[:, 1:], dim=0, return_inverse=True)
    groups = int(group.max()) + 1
    sums = torch.zeros(groups, x.shape[1], dtype=x.dtype).index_add_(0, group, x)
    counts = torch.bincount(group, minlength=groups).to(x.dtype)
    residual = (x - (sums / counts[:, None])[group]).square().sum()
    total = (x - x.mean(0)).square().sum()
    free = len(x) - groups
    if free < 1:
        return float("nan")
    if total < 1e-30:
        return 0.0
    return float(1 - residual / free / (total / (len(x) - 1)))


@torch.no_grad()
def attention_entropy(encoder: Encoder, values: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
    """How widely each head attends, [blocks, heads]: the entropy of its attention over that of a uniform one.

    1: every token alike; 0: one token only. Mean over clips and up to QUERIES tokens of each. Values near 0 in a
    whole block are the entropy collapse that goes before unstable training (Zhai et al. 2023, arXiv 2303.06296).
    values: [B, N, 1536]; positions: [B, N, 3]; mask: [B, N], True where real, two or more tokens a clip.
    """
    found: list[Tensor] = []

    def look(block: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(block, Block)
        x_BND, cos, sin, attend, packing = inputs
        q, k, _ = block.asked(x_BND, cos, sin, packing)
        scores = (q[:, :, asked] @ k.transpose(-1, -2)).float() / k.shape[-1] ** 0.5
        entropy = torch.special.entr(scores.masked_fill(~attend, float("-inf")).softmax(-1)).sum(-1)  # B H Q
        share = entropy / mask.sum(1).log()[:, None, None]
        real = mask[:, None, asked].expand_as(share)
        found.append((share * real).sum((0, 2)) / real.sum((0, 2)))

    asked = torch.arange(0, mask.shape[1], max(1, mask.shape[1] // QUERIES), device=mask.device)
    hooks = [block.register_forward_pre_hook(look) for block in encoder.trunk.blocks]
    try:
        encoder(values, positions, mask)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(found)


def last_norm(encoder: Encoder) -> float:
    """Norm of the last block's parameters; its jumps go with jumps of the loss (Thilak et al. 2022, "slingshots")."""
    squares = [p.detach().float().square().sum() for p in encoder.trunk.blocks[-1].parameters()]
    return float(torch.stack(squares).sum().sqrt())


@torch.no_grad()
def probe(known_ND: Tensor, known: Sequence[str], asked_MD: Tensor, wanted: Sequence[str]) -> float:
    """Share of clips whose category the nearest labelled clips tell, by pooled features.

    The NEIGHBOURS nearest by cosine, both sets centred on the mean of the known ones, vote with exp(cosine / 0.07)
    (Wu et al. 2018). Features in, a number out: no gradient, and no label reaches the encoder.
    """
    names = sorted(set(known))
    mean = known_ND.mean(0)
    cosines = F.normalize(asked_MD - mean, dim=-1) @ F.normalize(known_ND - mean, dim=-1).T
    near, place = cosines.topk(min(NEIGHBOURS, len(known)), dim=-1)
    votes = torch.zeros(len(asked_MD), len(names), dtype=near.dtype)
    votes.scatter_add_(1, torch.tensor([names.index(name) for name in known])[place], (near / 0.07).exp())
    right = [names[i] == name for i, name in zip(votes.argmax(-1).tolist(), wanted, strict=True)]
    return float(sum(right) / len(right))
