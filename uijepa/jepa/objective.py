"""The pretraining objective, assembled from its parts: encoder, EMA target, predictor, pixel head.

    loss = mean over mask kinds of mean |z - h| on hidden tokens          (V-JEPA, L1 in latent space)
         + pixel_weight * mean (p - x)^2 on the same tokens               (what keeps detail)
         + what keeps clips apart, each with its weight: see uijepa/jepa/terms.py

h = layer norm (no affine) of the EMA encoder's features of the whole clip, without gradient; with a `centre`, a mean
c is taken off them and they are normed again, so that the term keeps its scale: h = norm(h - c).

With kind = "pixels" there is no latent term and no target to compute: masked pixels alone (MAE, VideoMAE, SimMIM),
through the same masks, encoder, predictor and budget.

Shape suffixes: B clips, N tokens, V visible, M hidden, D width, X values of a tubelet.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from torch import Tensor, nn

from uijepa.errors import ConfigError
from uijepa.grid import TUBELET_VALUES
from uijepa.jepa.gather import across
from uijepa.jepa.schedule import linear
from uijepa.jepa.terms import Centre, contrast, directions, invariance, normed, pool, sigreg, spread
from uijepa.models.encoder import Encoder, EncoderConfig
from uijepa.models.predictor import Predictor

ROUND = 32
"""Chosen tokens are padded to a multiple of this where the batch allows: few shapes compile few CPU kernels."""

Tokens = tuple[Tensor, Tensor, Tensor]
"""Values [B, N, X], positions [B, N, 3] and mask [B, N]."""
Told = tuple[Tensor, Tensor]
"""Positions [B, M, 3] and mask [B, M]."""


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """The predictor's size and the weights of the loss terms. A term of weight 0 is not computed."""

    kind: Literal["jepa", "pixels"] = "jepa"
    """"pixels": masked pixels alone, with weight 1, as a baseline."""
    predictor: EncoderConfig = EncoderConfig(width=96, depth=3, heads=3)  # noqa: RUF009 (frozen)
    pixel_weight: float = 0.5
    """Of the pixel term beside the latent one."""
    pixel_start: float = 1.0
    """The pixel term's weight at step 0, from where it moves linearly to `pixel_weight` over `pixel_steps`."""
    pixel_steps: int = 0
    """Steps of the pixel warm-up; 0 for none."""
    variance_weight: float = 1.0
    covariance_weight: float = 0.05
    invariance_weight: float = 0.0
    """Of the difference between a clip's masked views, on pairs of mask kinds: VICReg's term beside the two above."""
    sigreg_weight: float = 0.0
    """LeJEPA takes 0.02 to 0.1."""
    contrast_weight: float = 0.0
    """Of the contrast between clips, on pairs of mask kinds."""
    temperature: float = 0.1
    """Of the contrast."""
    centre: Literal["none", "global", "place", "clip"] = "none"
    """Mean taken off the targets: a running one for all or for each place (h, w), or each clip's own. What the tokens
    of a clip have in common any of them tells; without it, what differs within the clip is left to predict."""
    conditioned: bool = False
    """Tell the encoder where the targets are and the target where the context is, by tokens that carry a place and
    no pixels (EC-IJEPA, Littwin et al. 2024, arXiv 2410.10773). The target is then computed for each mask kind."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and value < 0:
                raise ConfigError(f"objective.{field.name} must not be negative, got {value}.")
        if self.temperature == 0:
            raise ConfigError("objective.temperature must be above 0.")
        if self.kind == "pixels" and self.centre != "none":
            raise ConfigError("objective.centre moves latent targets; kind 'pixels' has none. Leave it at 'none'.")

    def weights(self, step: int) -> dict[str, float]:
        """Each term's weight at a step, terms of weight 0 left out."""
        pixel = self.pixel_weight
        if step < self.pixel_steps:
            pixel = linear(step, self.pixel_steps, self.pixel_start, self.pixel_weight)
        every = {
            "latent": 1.0 if self.kind == "jepa" else 0.0,
            "pixel": pixel if self.kind == "jepa" else 1.0,
            "variance": self.variance_weight,
            "covariance": self.covariance_weight,
            "invariance": self.invariance_weight,
            "sigreg": self.sigreg_weight,
            "contrast": self.contrast_weight,
        }
        return {name: weight for name, weight in every.items() if weight}


@dataclass(frozen=True)
class Batch:
    """Clips padded to one length: values [B, N, X] float, positions [B, N, 3] int, mask [B, N] True where real,
    hidden: one [B, N] mask per mask kind, True where a token is to be predicted; shares: how much each kind's token
    losses count, 1 unless the batch is one part of several with more or fewer hidden tokens; seen: for each mask kind
    the values in the colours that the encoder sees and pixels are predicted in, none where these are `values`."""

    values: Tensor
    positions: Tensor
    mask: Tensor
    hidden: tuple[Tensor, ...]
    shares: tuple[float, ...] = ()
    seen: tuple[Tensor, ...] = ()


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
        self.centre: Centre | None = None
        if config.centre in ("global", "place"):
            self.centre = Centre(encoder.config.width, by_place=config.centre == "place")
        self.place: nn.Parameter | None = None
        """The tubelet that says "here" and shows nothing, learned in the values' space."""
        self.target_place: nn.Parameter | None = None
        """Its EMA, which the target reads."""
        if config.conditioned:
            drawn = 0.02 * torch.randn(TUBELET_VALUES)
            self.place = nn.Parameter(drawn)
            self.target_place = nn.Parameter(drawn.clone(), requires_grad=False)

    def forward(self, batch: Batch, step: int = 0) -> dict[str, Tensor]:
        """The loss under "loss", the terms that have a weight at `step` beside it; all scalars."""
        weights = self.config.weights(step)
        found: dict[str, list[Tensor]] = {}
        pooled = []
        targets = self.targets(batch) if "latent" in weights else [None] * len(batch.hidden)
        shares = batch.shares or (1.0,) * len(batch.hidden)
        seen = batch.seen or (batch.values,) * len(batch.hidden)
        for hidden, values, target, share in zip(batch.hidden, seen, targets, shares, strict=True):
            features, predicted, latent, masked = self.predict(replace(batch, values=values), hidden)
            pooled.append(features.float())
            if target is not None:
                wanted, _ = take(hidden, target)
                distance = (predicted.float() - wanted).abs().mean(-1)[masked].mean()
                found.setdefault("latent", []).append(share * distance)
            if "pixel" in weights:
                wanted, _ = take(hidden, values)
                error = (self.pixels(latent).float() - normed(wanted)).square()
                found.setdefault("pixel", []).append(share * error.mean(-1)[masked].mean())
        terms = {name: torch.stack(values).mean() for name, values in found.items()}
        terms |= self._apart(torch.stack(pooled), weights, step)
        loss = torch.stack([weight * terms[name] for name, weight in weights.items()]).sum()
        return {"loss": loss, **terms}

    def _apart(self, pooled_KBD: Tensor, weights: dict[str, float], step: int) -> dict[str, Tensor]:
        """The terms that keep clips apart, those that have a weight."""
        terms: dict[str, Tensor] = {}
        pooled_KBD = across(pooled_KBD)
        with torch.autocast(pooled_KBD.device.type, enabled=False):
            if "variance" in weights or "covariance" in weights:
                both = dict(zip(("variance", "covariance"), spread(pooled_KBD), strict=True))
                terms |= {name: value for name, value in both.items() if name in weights}
            if "invariance" in weights:
                terms["invariance"] = invariance(pooled_KBD)
            if "sigreg" in weights:
                terms["sigreg"] = sigreg(pooled_KBD, directions(pooled_KBD.shape[-1], step).to(pooled_KBD.device))
            if "contrast" in weights:
                terms["contrast"] = contrast(pooled_KBD, self.config.temperature)
        return terms

    def predict(self, batch: Batch, hidden_BN: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What is seen of a batch when `hidden` tokens are not.

        The encoder's features of the visible tokens, pooled [B, D]; predicted features of the hidden ones [B, M, D];
        the predictor's own features of these [B, M, P]; and their mask [B, M], True where real.
        """
        values, positions, visible = take(batch.mask & ~hidden_BN, batch.values, batch.positions)
        asked, masked = take(hidden_BN, batch.positions)
        features = _encode(self.encoder, (values, positions, visible), self.place, (asked, masked))
        predicted, latent = self.predictor(features, positions, visible, asked, masked)
        return pool(features, visible), predicted, latent, masked

    @torch.no_grad()
    def targets(self, batch: Batch) -> list[Tensor]:
        """Features to predict, [B, N, D], one tensor for each mask kind. In training, a `centre` moves with them."""
        whole = (batch.values, batch.positions, batch.mask)
        if self.target_place is None:
            found = [normed(self.target(*whole))] * len(batch.hidden)
        else:
            found = []
            for hidden in batch.hidden:
                given, visible = take(batch.mask & ~hidden, batch.positions)
                found.append(normed(_encode(self.target, whole, self.target_place, (given, visible))))
        if self.config.centre == "clip":
            return [normed(target - pool(target, batch.mask).unsqueeze(1)) for target in found]
        if self.centre is None:
            return found
        centred = [normed(target - self.centre(batch.positions)) for target in found]
        if self.training:
            self.centre.update(torch.stack(found).mean(0), batch.positions, batch.mask)
        return centred

    @torch.no_grad()
    def update_target(self, momentum: float) -> None:
        """target = momentum * target + (1 - momentum) * encoder."""
        for slow, fast in zip(self.target.parameters(), self.encoder.parameters(), strict=True):
            slow.lerp_(fast, 1 - momentum)
        if self.target_place is not None and self.place is not None:
            self.target_place.lerp_(self.place, 1 - momentum)


def _encode(encoder: Encoder, seen: Tokens, place_X: Tensor | None, told: Told) -> Tensor:
    """Features [B, N, D] of the tokens seen; with a `place` token, beside one of it at each place told."""
    if place_X is None:
        features: Tensor = encoder(*seen)
        return features
    values = place_X.to(seen[0].dtype).expand(*told[0].shape[:2], -1)
    both: Tensor = encoder(*(torch.cat(pair, dim=1) for pair in zip(seen, (values, *told), strict=True)))
    return both[:, : seen[0].shape[1]]


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
