"""Label-free health of a representation.

The loss and token-level RankMe look fine while an encoder collapses onto positions; the numbers at the level of
whole clips do not. All inputs are float tensors; all outputs are plain floats.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rankme(features_ND: Tensor, eps: float = 1e-7) -> float:
    """exp of the entropy of the normalised singular values: an effective rank (Garrido et al., 2023)."""
    singular = torch.linalg.svdvals(features_ND.double())
    share = singular / singular.sum() + eps
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


def between_clip_share(features: list[Tensor]) -> float:
    """Share of the variance of token features that lies between clips' means; near 0 when clips look alike."""
    tokens = torch.cat(features).double()
    total = (tokens - tokens.mean(0)).square().sum()
    between = sum((len(f) * (f.double().mean(0) - tokens.mean(0)).square().sum() for f in features), start=total * 0)
    return float(between / total.clamp(min=1e-30))


def position_share(features: Tensor, positions: Tensor) -> float:
    """Share of the variance of token features explained by a token's place (h, w) alone; near 1 when collapsed.

    features: [N, D] over many clips; positions: [N, 3]. Adjusted for the number of places (as adjusted R^2), so
    that independent features give 0.
    """
    x = features.double()
    _, group = torch.unique(positions[:, 1:], dim=0, return_inverse=True)
    groups = int(group.max()) + 1
    sums = torch.zeros(groups, x.shape[1], dtype=x.dtype).index_add_(0, group, x)
    counts = torch.bincount(group, minlength=groups).to(x.dtype)
    residual = (x - (sums / counts[:, None])[group]).square().sum()
    total = (x - x.mean(0)).square().sum().clamp(min=1e-30)
    free = len(x) - groups
    if free < 1:
        return float("nan")
    return float(1 - residual / free / (total / (len(x) - 1)))
