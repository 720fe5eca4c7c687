"""The terms of the pretraining loss, each a function of tensors alone, and the running mean of targets.

Terms at the level of whole clips take `pooled`, [K, B, D]: K masked views of B clips. They are computed in float32:
bf16 is too coarse for them.

Shape suffixes: K views, B clips, N tokens, D width, S directions.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uijepa.jepa.gather import summed

DIRECTIONS = 256
"""Random directions that SIGReg looks along in a step."""
REACH, KNOTS = 5.0, 9
"""SIGReg's integral runs over [0, REACH], doubled, by trapezoids between so many knots."""
KEPT = 0.99
"""Share of the running mean of targets that a step keeps."""
SIDE = 32
"""Rows and columns of the table of means by place; places further out share its last row and column."""


def normed(x: Tensor) -> Tensor:
    """Layer norm without affine over the last axis."""
    return F.layer_norm(x.float(), x.shape[-1:], eps=1e-6)


def pool(features_BND: Tensor, mask_BN: Tensor) -> Tensor:
    """Mean over real tokens, [B, D]."""
    weight = mask_BN.unsqueeze(-1).to(features_BND.dtype)
    return (features_BND * weight).sum(1) / weight.sum(1).clamp(min=1)


def spread(pooled_KBD: Tensor) -> tuple[Tensor, Tensor]:
    """VICReg's variance and covariance terms over clips (Bardes et al. 2022), averaged over views.

        variance   = mean over d of max(0, 1 - sqrt(C_dd + 1e-4))
        covariance = 1/D sum over c != d of C_cd^2,   C the covariance between clips

    Both are zero for a single clip.
    """
    clips, width = pooled_KBD.shape[1:]
    if clips < 2:
        zero = pooled_KBD.sum() * 0
        return zero, zero
    centred = pooled_KBD - pooled_KBD.mean(1, keepdim=True)
    std = (centred.square().sum(1) / (clips - 1) + 1e-4).sqrt()
    variance = (1 - std).clamp(min=0).mean()
    covariance = centred.transpose(1, 2) @ centred / (clips - 1)
    diagonal = torch.diagonal(covariance, dim1=1, dim2=2).square().sum(-1)
    off = (covariance.square().sum((1, 2)) - diagonal) / width
    return variance, off.mean()


def invariance(pooled_KBD: Tensor) -> Tensor:
    """VICReg's third term: the mean of (a - b)^2 over pairs of views, clips and channels. Needs two views or more.

    `spread` alone is content with features that tell apart what each view happens to show. Beside this they must be
    the clip's.
    """
    if len(pooled_KBD) < 2:
        raise ValueError("views agree or differ only where there are two: name at least two mask kinds")
    return 2 * pooled_KBD.var(0).mean()  # over all pairs, (a - b)^2 averages to twice the variance


def directions(width: int, step: int) -> Tensor:
    """Unit vectors of a step, [D, S] on the CPU: the same on every machine and after a resume."""
    generator = torch.Generator().manual_seed(step)
    return F.normalize(torch.randn(width, DIRECTIONS, generator=generator), dim=0)


def sigreg(pooled_KBD: Tensor, directions_DS: Tensor) -> Tensor:
    """How far clips are from an isotropic Gaussian: SIGReg (Balestriero & LeCun 2025, "LeJEPA", arXiv 2511.08544).

    Mean over directions a and views of the Epps-Pulley statistic of x = a.z over the B clips,

        B * integral over t of |mean_b exp(i t x_b) - exp(-t^2/2)|^2 exp(-t^2/2)

    with t from -REACH to REACH. For clips drawn from N(0, I) its mean is 1.06 whatever B; for others it grows
    with B.
    """
    t = torch.linspace(0, REACH, KNOTS, device=pooled_KBD.device)
    gauss = torch.exp(-t.square() / 2)
    angles = (pooled_KBD @ directions_DS).unsqueeze(-1) * t  # K B S knots
    # The integrand is even in t: the real part's error squared plus the imaginary part squared.
    error = (angles.cos().mean(1) - gauss).square() + angles.sin().mean(1).square()
    return pooled_KBD.shape[1] * 2 * torch.trapezoid(error * gauss, t).mean()


def contrast(pooled_KBD: Tensor, temperature: float) -> Tensor:
    """InfoNCE between masked views of a clip, the batch's other clips as negatives (van den Oord et al. 2018).

    With u, v two views' unit vectors: -log( exp(u_b.v_b / T) / sum over c of exp(u_b.v_c / T) ), averaged over clips,
    both directions and all pairs of views. Needs two views or more.
    """
    if len(pooled_KBD) < 2:
        raise ValueError("a contrast between views needs at least two mask kinds; a kind may be named twice")
    views = F.normalize(pooled_KBD, dim=-1)
    same = torch.arange(views.shape[1], device=views.device)
    losses = []
    for a, b in itertools.permutations(views, 2):
        losses.append(F.cross_entropy(a @ b.T / temperature, same))
    return torch.stack(losses).mean()


class Centre(nn.Module):
    """A running mean of targets, to be subtracted from them: DINO's centring (Caron et al. 2021).

        c <- KEPT c + (1 - KEPT) mean of the batch's targets

    With `by_place` there is one mean for each place (h, w), so that what is left of a target is what its place
    alone does not tell; a place that a batch lacks keeps its mean.
    """

    mean: Tensor

    def __init__(self, width: int, *, by_place: bool) -> None:
        super().__init__()
        self.by_place = by_place
        self.register_buffer("mean", torch.zeros(SIDE * SIDE if by_place else 1, width))

    def forward(self, positions_BN3: Tensor) -> Tensor:
        """The mean at each token, [B, N, D]."""
        return self.mean[self._group(positions_BN3)]

    @torch.no_grad()
    def update(self, target_BND: Tensor, positions_BN3: Tensor, mask_BN: Tensor) -> None:
        """Move the mean towards these targets' own; tokens outside the mask do not count."""
        group, target = self._group(positions_BN3)[mask_BN], target_BND[mask_BN].to(self.mean.dtype)
        counts = summed(torch.bincount(group, minlength=len(self.mean))).unsqueeze(-1)
        means = summed(torch.zeros_like(self.mean).index_add_(0, group, target)) / counts.clamp(min=1)
        self.mean.copy_(torch.where(counts > 0, torch.lerp(means, self.mean, KEPT), self.mean))

    def _group(self, positions_BN3: Tensor) -> Tensor:
        if not self.by_place:
            return torch.zeros_like(positions_BN3[..., 0])
        row, column = positions_BN3[..., 1:].clamp(max=SIDE - 1).unbind(-1)
        return row * SIDE + column
