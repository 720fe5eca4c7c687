"""The pretraining objective, assembled from its parts: encoder, EMA target, predictor, pixel head.

    loss = mean over mask kinds of mean |z - h| on hidden tokens          (V-JEPA, L1 in latent space)
         + pixel_weight    * mean (p - x)^2 on the same tokens            (what keeps detail)
         + variance_weight * mean max(0, 1 - std between clips)           (what keeps clips apart, VICReg)
         + covariance_weight * mean of squared off-diagonal covariances

h = layer norm (no affine) of the EMA encoder's features of the whole clip, without gradient.

Shape suffixes: B clips, N tokens, V visible, M hidden, D width, X values of a tubelet.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uijepa.grid import TUBELET_VALUES
from uijepa.models.encoder import Encoder, EncoderConfig
from uijepa.models.predictor import Predictor

ROUND = 32
"""Chosen tokens are padded to a multiple of this where the batch allows: few shapes compile few CPU kernels."""


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """The predictor's size and the weights of the loss terms."""

    predictor: EncoderConfig = EncoderConfig(width=96, depth=3, heads=3)  # noqa: RUF009 (frozen)
    pixel_weight: float = 0.5
    variance_weight: float = 1.0
    covariance_weight: float = 0.05


@dataclass(frozen=True)
class Batch:
    """Clips padded to one length: values [B, N, X] float, positions [B, N, 3] int, mask [B, N] True where real,
    hidden: one [B, N] mask per mask kind, True where a token is to be predicted."""

    values: Tensor
    positions: Tensor
    mask: Tensor
    hidden: tuple[Tensor, ...]


class Objective(nn.Module):
    """Everything that pretraining trains, and the loss of a batch."""

    def __init__(self, encoder: Encoder, config: ObjectiveConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.target = Encoder(encoder.config)
        self.target.load_state_dict(encoder.state_dict())
        self.target.requires_grad_(False)
        self.predictor = Predictor(encoder.config.width, config.predictor)
        self.pixels = nn.Linear(config.predictor.width, TUBELET_VALUES)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss under "loss", its terms beside it; all scalars."""
        with torch.no_grad():
            target = normed(self.target(batch.values, batch.positions, batch.mask))
            pixels = normed(batch.values)
        sums: dict[str, Tensor] = {}
        pooled = []
        for hidden in batch.hidden:
            visible_values, visible_positions, visible = take(batch.mask & ~hidden, batch.values, batch.positions)
            features = self.encoder(visible_values, visible_positions, visible)
            pooled.append(pool(features, visible))
            hidden_target, hidden_pixels, hidden_positions, masked = take(hidden, target, pixels, batch.positions)
            predicted, latent = self.predictor(features, visible_positions, visible, hidden_positions, masked)
            terms = {"latent": (predicted.float() - hidden_target.float()).abs().mean(-1)[masked].mean()}
            if self.config.pixel_weight:
                error = (self.pixels(latent).float() - hidden_pixels.float()).square()
                terms["pixel"] = error.mean(-1)[masked].mean()
            for name, value in terms.items():
                sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value / len(batch.hidden)
        with torch.autocast(batch.values.device.type, enabled=False):  # bf16 is too coarse for covariances
            variance, covariance = spread(torch.stack(pooled).float())
        config = self.config
        loss = sums["latent"] + config.variance_weight * variance + config.covariance_weight * covariance
        if config.pixel_weight:
            loss = loss + config.pixel_weight * sums["pixel"]
        return {"loss": loss, **sums, "variance": variance, "covariance": covariance}

    @torch.no_grad()
    def update_target(self, momentum: float) -> None:
        """target = momentum * target + (1 - momentum) * encoder."""
        for slow, fast in zip(self.target.parameters(), self.encoder.parameters(), strict=True):
            slow.lerp_(fast, 1 - momentum)


def normed(x: Tensor) -> Tensor:
    """Layer norm without affine over the last axis."""
    return F.layer_norm(x.float(), x.shape[-1:], eps=1e-6)


def take(chosen_BN: Tensor, *tensors: Tensor) -> list[Tensor]:
    """The chosen tokens of each tensor [B, N, ...], moved to the front, cut past the longest clip, and their mask.

    Order is kept. A clip with fewer chosen tokens is padded with other tokens of its own, where the mask is
    False.
    """
    counts = chosen_BN.sum(1)
    longest = -(-int(counts.max()) // ROUND) * ROUND
    order = torch.argsort(~chosen_BN, dim=1, stable=True)[:, :longest]
    rows = torch.arange(len(order), device=order.device)[:, None]
    mask = torch.arange(order.shape[1], device=order.device)[None] < counts[:, None]
    return [*(tensor[rows, order] for tensor in tensors), mask]


def pool(features_BND: Tensor, mask_BN: Tensor) -> Tensor:
    """Mean over real tokens, [B, D]."""
    weight = mask_BN.unsqueeze(-1).to(features_BND.dtype)
    return (features_BND * weight).sum(1) / weight.sum(1).clamp(min=1)


def spread(pooled_KBD: Tensor) -> tuple[Tensor, Tensor]:
    """VICReg's variance hinge and covariance term over clips, averaged over K views. Zero for a single clip."""
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
