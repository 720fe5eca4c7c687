"""Masks, objective, schedules and health against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from uijepa.grid import Grid
from uijepa.jepa import health
from uijepa.jepa.masks import Kind, MaskConfig, hidden
from uijepa.jepa.objective import Batch, Objective, ObjectiveConfig, spread, take
from uijepa.jepa.schedule import linear, warmup_cosine
from uijepa.models.encoder import Encoder, EncoderConfig

kinds = st.sampled_from(["short", "long", "temporal"])


def kept(grid: Grid, count: int, seed: int) -> np.ndarray:
    """Positions of `count` distinct tubelets of a grid."""
    chosen = np.random.default_rng(seed).choice(grid.tokens, min(count, grid.tokens), replace=False)
    return np.stack(np.unravel_index(np.sort(chosen), (grid.t, grid.h, grid.w)), axis=1)


grids = st.builds(Grid, st.integers(1, 8), st.integers(1, 20), st.integers(1, 20))


@given(kinds, grids, st.integers(2, 200), st.integers(0, 999))
@settings(deadline=None)
def test_masks_hide_some_and_leave_some(kind: Kind, grid: Grid, count: int, seed: int) -> None:
    positions = kept(grid, count, seed)
    assume(len(positions) >= 2)
    config = MaskConfig(least=1)
    mask = hidden(kind, positions, grid, config, np.random.default_rng(seed))
    assert mask.shape == (len(positions),)
    assert 1 <= mask.sum() <= len(positions) - 1
    assert np.array_equal(mask, hidden(kind, positions, grid, config, np.random.default_rng(seed)))


@given(st.integers(0, 999), st.booleans())
@settings(deadline=None)
def test_temporal_masks_hide_whole_steps(seed: int, contiguous: bool) -> None:
    grid = Grid(8, 4, 4)
    positions = kept(grid, grid.tokens, 0)
    config = MaskConfig(contiguous=contiguous)
    mask = hidden("temporal", positions, grid, config, np.random.default_rng(seed))
    steps = np.array([mask[positions[:, 0] == t] for t in range(8)])
    assert (steps.all(1) | ~steps.any(1)).all()
    covered = np.flatnonzero(steps.all(1))
    assert len(covered) == 6
    if contiguous:
        assert covered.tolist() == list(range(covered[0], covered[0] + 6))


@given(st.integers(0, 999))
@settings(deadline=None)
def test_spatial_masks_hide_places_through_all_time(seed: int) -> None:
    grid = Grid(4, 10, 10)
    positions = kept(grid, grid.tokens, 0)
    share = []
    for kind in ("short", "long"):
        mask = hidden(kind, positions, grid, MaskConfig(), np.random.default_rng(seed)).reshape(4, 100)  # type: ignore[arg-type]
        assert (mask == mask[0]).all()
        share.append(mask.mean())
    assert 0.15 <= share[0] < 1
    assert share[1] >= 0.6


def test_too_few_tokens_to_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 tokens"):
        hidden("short", np.zeros((1, 3), int), Grid(1, 1, 1), MaskConfig(), np.random.default_rng(0))


def some_batch(masks: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([[True] * 8, [True] * 5 + [False] * 3, [True] * 6 + [False] * 2])
    hidden_masks = []
    for shift in range(masks):
        chosen = torch.zeros_like(mask)
        chosen[:, shift : shift + 3] = True
        hidden_masks.append(chosen & mask)
    positions = torch.randint(0, 5, (3, 8, 3), generator=generator)
    return Batch(torch.randn(3, 8, 1536, generator=generator), positions, mask, tuple(hidden_masks))


def objective(**weights: float) -> Objective:
    torch.manual_seed(0)
    config = ObjectiveConfig(predictor=EncoderConfig(width=12, depth=1, heads=2), **weights)
    built = Objective(Encoder(EncoderConfig(width=24, depth=1, heads=2)), config)
    torch.nn.init.normal_(built.predictor.mask_token)
    return built


def test_the_loss_is_its_formula() -> None:
    built = objective(pixel_weight=0.5, variance_weight=2.0, covariance_weight=0.1)
    batch = some_batch()
    terms = built(batch)
    latent, pixel, pooled = [], [], []
    for chosen in batch.hidden:
        errors, pixel_errors, means = [], [], []
        for clip in range(3):  # one clip at a time, no padding anywhere
            real, masked = batch.mask[clip], chosen[clip]
            seen = real & ~masked
            values, positions = batch.values[clip], batch.positions[clip]
            target = built.target(values[real][None], positions[real][None])[0]
            target = (target - target.mean(-1, keepdim=True)) / (
                target.var(-1, keepdim=True, unbiased=False) + 1e-6
            ).sqrt()
            features = built.encoder(values[seen][None], positions[seen][None])
            means.append(features.mean(1))
            ones = torch.ones(1, 8, dtype=torch.bool)
            predicted, inner = built.predictor(
                features,
                positions[seen][None],
                ones[:, : seen.sum()],
                positions[masked][None],
                ones[:, : masked.sum()],
            )
            errors.append((predicted[0] - target[masked[real]]).abs().mean(-1))
            x = values[masked]
            x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-6).sqrt()
            pixel_errors.append((built.pixels(inner[0]) - x).square().mean(-1))
        latent.append(torch.cat(errors).mean())
        pixel.append(torch.cat(pixel_errors).mean())
        pooled.append(torch.cat(means))
    wanted_latent, wanted_pixel = torch.stack(latent).mean(), torch.stack(pixel).mean()
    variance, covariance = spread(torch.stack(pooled))
    assert torch.allclose(terms["latent"], wanted_latent, atol=1e-5)
    assert torch.allclose(terms["pixel"], wanted_pixel, atol=1e-5)
    wanted = wanted_latent + 0.5 * wanted_pixel + 2.0 * variance + 0.1 * covariance
    assert torch.allclose(terms["loss"], wanted, atol=1e-5)


def test_gradients_reach_the_encoder_and_not_the_target() -> None:
    built = objective()
    built(some_batch())["loss"].backward()
    assert all(p.grad is not None for p in built.encoder.parameters())
    assert all(p.grad is None for p in built.target.parameters())
    assert built.predictor.mask_token.grad is not None


def test_the_target_follows_the_encoder() -> None:
    built = objective()
    before = [p.clone() for p in built.target.parameters()]
    with torch.no_grad():
        for p in built.encoder.parameters():
            p.add_(1.0)
    built.update_target(0.9)
    for old, new in zip(before, built.target.parameters(), strict=True):
        assert torch.allclose(new, old + 0.1, atol=1e-6)


def test_spread_tells_collapsed_clips_from_apart_ones() -> None:
    same = torch.ones(1, 16, 8)
    apart = torch.randn(1, 512, 8, generator=torch.Generator().manual_seed(0)) * 1.5
    assert spread(same)[0] == pytest.approx(0.99, abs=0.01)
    assert spread(apart)[0] == pytest.approx(0.0, abs=0.01)
    copied = apart[..., :1].expand(-1, -1, 8)
    assert spread(copied)[1] > 10 * spread(apart)[1]
    assert spread(same[:, :1]) == (0.0, 0.0)


def test_take_gathers_chosen_tokens_in_order() -> None:
    chosen = torch.tensor([[False, True, True, False], [True, False, False, False]])
    values, mask = take(chosen, torch.arange(8).reshape(2, 4))
    assert mask.tolist() == [[True, True, False, False], [True, False, False, False]]
    assert values[0, :2].tolist() == [1, 2]
    assert values[1, 0] == 4


def test_schedules() -> None:
    lrs = [warmup_cosine(s, 100, 10, 1.0, 0.1) for s in range(101)]
    assert lrs[0] == pytest.approx(0.1)
    assert max(lrs) == lrs[10] == pytest.approx(1.0)
    assert lrs[100] == pytest.approx(0.1)
    assert lrs[10:] == sorted(lrs[10:], reverse=True)
    assert linear(50, 100, 0.0, 1.0) == 0.5
    assert linear(200, 100, 0.0, 1.0) == 1.0


def test_rankme_of_known_spectra() -> None:
    assert health.rankme(torch.eye(6)) == pytest.approx(6, rel=1e-3)
    assert health.rankme(torch.ones(20, 6)) == pytest.approx(1, rel=1e-3)


def slow_lidar(views: Tensor, delta: float) -> float:
    """The formula, class by class, in numpy."""
    x = views.double().numpy()
    n, q, d = x.shape
    means = x.mean(1)
    between = sum(np.outer(m - means.mean(0), m - means.mean(0)) for m in means) / (n - 1)
    within = sum(np.outer(e - means[i], e - means[i]) for i in range(n) for e in x[i]) / (n * (q - 1))
    eigenvalues = np.linalg.eigvals(np.linalg.inv(within + delta * np.eye(d)) @ between).real.clip(0)
    share = eigenvalues / eigenvalues.sum() + 1e-7
    return float(np.exp(-(share * np.log(share)).sum()))


def test_lidar_is_its_formula_and_falls_when_clips_collapse() -> None:
    generator = torch.Generator().manual_seed(0)
    clips = torch.randn(30, 1, 5, generator=generator)
    views = clips + 0.1 * torch.randn(30, 8, 5, generator=generator)
    assert health.lidar(views) == pytest.approx(slow_lidar(views, 1e-4), rel=1e-4)
    line = clips[..., :1] * torch.ones(5) + 0.1 * torch.randn(30, 8, 5, generator=generator)
    assert health.lidar(line) < 0.5 * health.lidar(views)


def test_position_share_finds_features_that_are_only_places() -> None:
    generator = torch.Generator().manual_seed(0)
    positions = torch.randint(0, 6, (3000, 3), generator=generator)
    table = torch.randn(6, 6, 8, generator=generator)
    placed = table[positions[:, 1], positions[:, 2]]
    noise = torch.randn(3000, 8, generator=generator)
    assert health.position_share(placed, positions) == pytest.approx(1, abs=1e-6)
    assert health.position_share(noise, positions) == pytest.approx(0, abs=0.02)
    assert 0.3 < health.position_share(placed + noise, positions) < 0.7


def test_between_clip_share() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = [torch.randn(200, 4, generator=generator) for _ in range(10)]
    assert health.between_clip_share(noise) < 0.03
    assert health.between_clip_share([n + 5 * i for i, n in enumerate(noise)]) > 0.9
