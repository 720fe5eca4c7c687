"""The objective, its terms and its schedules against their formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from uijepa.errors import ConfigError
from uijepa.jepa.objective import Batch, Objective, ObjectiveConfig, take
from uijepa.jepa.schedule import linear, warmup_cosine
from uijepa.jepa.terms import KEPT, Centre, contrast, directions, invariance, normed, sigreg, spread
from uijepa.models.encoder import Encoder, EncoderConfig


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


def objective(**settings: Any) -> Objective:
    torch.manual_seed(0)
    config = ObjectiveConfig(predictor=EncoderConfig(width=12, depth=1, heads=2), **settings)
    built = Objective(Encoder(EncoderConfig(width=24, depth=1, heads=2, places=8)), config)
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


def test_invariance_is_the_mean_over_pairs_of_views() -> None:
    views = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    pairs = [(views[a] - views[b]).square().mean() for a in range(3) for b in range(a)]
    assert invariance(views) == pytest.approx(float(torch.stack(pairs).mean()), rel=1e-5)
    assert invariance(views[:1].expand(3, -1, -1)) == 0
    with pytest.raises(ValueError, match="two mask kinds"):
        invariance(views[:1])
    batch = some_batch()
    told = objective(invariance_weight=2.0)(batch)
    rest = objective()(batch)
    assert float(told["loss"].detach() - rest["loss"].detach()) == pytest.approx(
        2 * float(told["invariance"].detach()), rel=1e-4
    )


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


def test_a_term_without_weight_is_not_computed() -> None:
    config = ObjectiveConfig(pixel_weight=0, variance_weight=0, covariance_weight=0)
    assert config.weights(0) == {"latent": 1.0}
    built = objective(pixel_weight=0.0, variance_weight=0.0, covariance_weight=0.0)
    terms = built(some_batch())
    assert terms.keys() == {"loss", "latent"}
    assert terms["loss"] == terms["latent"]


def test_every_term_enters_the_loss_with_its_weight() -> None:
    weights = {"variance": 2.0, "covariance": 0.1, "sigreg": 0.05, "contrast": 0.3}
    built = objective(pixel_weight=0.5, **{f"{name}_weight": weight for name, weight in weights.items()})
    terms = built(some_batch(), step=3)
    wanted = terms["latent"] + 0.5 * terms["pixel"] + sum(w * terms[name] for name, w in weights.items())
    assert torch.allclose(terms["loss"], wanted)
    assert terms.keys() == {"loss", "latent", "pixel", *weights}


def test_masked_pixels_need_no_target() -> None:
    built = objective(kind="pixels", variance_weight=0.0, covariance_weight=0.0)
    called = []
    built.target.register_forward_hook(lambda *_: called.append(1))
    terms = built(some_batch())
    terms["loss"].backward()
    assert not called
    assert terms.keys() == {"loss", "pixel"}
    assert torch.allclose(terms["pixel"], objective(pixel_weight=0.5)(some_batch())["pixel"])
    assert all(p.grad is not None for p in built.encoder.parameters())
    with pytest.raises(ConfigError, match="centre"):
        ObjectiveConfig(kind="pixels", centre="global")


def test_the_pixel_term_warms_up() -> None:
    config = ObjectiveConfig(pixel_start=2.0, pixel_weight=0.0, pixel_steps=10)
    assert [config.weights(step).get("pixel", 0.0) for step in (0, 5, 10, 11)] == [2.0, 1.0, 0.0, 0.0]
    assert ObjectiveConfig(pixel_start=2.0, pixel_weight=0.5).weights(0)["pixel"] == 0.5


def test_weights_below_zero_are_refused() -> None:
    with pytest.raises(ConfigError, match="sigreg_weight"):
        ObjectiveConfig(sigreg_weight=-1.0)
    with pytest.raises(ConfigError, match="temperature"):
        ObjectiveConfig(temperature=0.0)


def closed_sigreg(x: Tensor) -> float:
    """The Epps-Pulley statistic of numbers x, its integral solved by hand over the whole line."""
    pairs = torch.exp(-((x[:, None] - x) ** 2) / 2).sum() * math.sqrt(2 * math.pi) / len(x)
    singles = 2 * torch.exp(-(x**2) / 4).sum() * math.sqrt(math.pi)
    return float(pairs - singles + len(x) * math.sqrt(2 * math.pi / 3))


@given(st.integers(2, 30), st.floats(0.1, 1.5), st.floats(-1, 1), st.integers(0, 99))
@settings(max_examples=30)
def test_sigreg_is_the_epps_pulley_statistic(clips: int, scale: float, shift: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    pooled = torch.randn(2, clips, 5, generator=generator, dtype=torch.float64) * scale + shift
    along = directions(5, seed)[:, :3].double()
    assert along.norm(dim=0).tolist() == pytest.approx([1.0] * 3)
    wanted = [closed_sigreg(view @ along[:, s]) for view in pooled for s in range(3)]
    assert float(sigreg(pooled, along)) == pytest.approx(sum(wanted) / 6, rel=0.02, abs=0.02)


def test_sigreg_is_least_for_a_gaussian_and_pulls_clips_apart() -> None:
    gaussian = torch.randn(16, 256, 8, generator=torch.Generator().manual_seed(0))
    along = directions(8, 0)[:, :32]
    assert float(sigreg(gaussian, along)) == pytest.approx(1.06, abs=0.2)
    for other in (gaussian * 0.2, gaussian * 3, gaussian + 1, gaussian[..., :1].expand(-1, -1, 8)):
        assert sigreg(other, along) > 3 * sigreg(gaussian, along)
    close = (0.01 * gaussian).requires_grad_()
    sigreg(close, along).backward()
    assert close.grad is not None
    assert (close.grad * close).sum() < 0, "a step down the gradient spreads the clips"
    assert torch.equal(directions(8, 4), directions(8, 4))
    assert not torch.equal(directions(8, 4), directions(8, 5))


def test_contrast_is_info_nce() -> None:
    views = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    losses = []
    for i in range(3):
        for j in range(3):
            for clip in range(4 if i != j else 0):
                scores = [float(torch.cosine_similarity(views[i, clip], views[j, c], dim=0)) / 0.2 for c in range(4)]
                losses.append(math.log(sum(math.exp(score) for score in scores)) - scores[clip])
    assert float(contrast(views, 0.2)) == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert contrast(views[:1].expand(2, -1, -1), 0.05) < 0.1 * contrast(torch.ones(2, 4, 6), 0.05)
    with pytest.raises(ValueError, match="two mask kinds"):
        contrast(views[:1], 0.2)


@pytest.mark.parametrize("by_place", [False, True])
def test_the_centre_is_the_running_mean_of_targets(by_place: bool) -> None:
    batch = some_batch()
    target = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(1))
    centre = Centre(4, by_place=by_place)
    for _ in range(2):
        centre.update(target, batch.positions, batch.mask)
    found = centre(batch.positions)
    for clip, token in ((0, 0), (1, 2), (2, 5)):
        same = batch.mask & (batch.positions[..., 1:] == batch.positions[clip, token, 1:]).all(-1)
        wanted = target[same if by_place else batch.mask].mean(0) * (1 - KEPT**2)
        assert torch.allclose(found[clip, token], wanted, atol=1e-6)
    far = torch.tensor([[[0, 500, 900]]])
    assert not centre(far).any() or not by_place, "a place never seen has no mean, and none is out of the table"


def test_targets_centred_by_clip_lose_what_all_of_a_clip_share() -> None:
    batch = some_batch()
    plain, centred = (objective(centre=centre).targets(batch)[0] for centre in ("none", "clip"))
    for clip, real in enumerate(batch.mask):
        own = plain[clip, real]
        assert torch.allclose(centred[clip, real], normed(own - own.mean(0)), atol=1e-5)


def test_centred_targets_lose_what_is_common() -> None:
    batch = some_batch()
    built = objective(centre="global")
    assert built.centre is not None
    plain = built.eval().targets(batch)[0]
    built.centre.mean.copy_(plain[batch.mask].mean(0))
    centred = built.targets(batch)[0]
    assert torch.allclose(centred, normed(plain - plain[batch.mask].mean(0)), atol=1e-5)
    before = built.centre.mean.clone()
    built.targets(batch)
    assert torch.equal(before, built.centre.mean), "only training moves the centre"
    built.centre.mean.zero_()
    built.train()(batch)
    assert torch.allclose(built.centre.mean, (1 - KEPT) * before, atol=1e-6)


def attentive(**settings: Any) -> Objective:
    """An objective whose blocks attend to content and place strongly, as fresh ones hardly do."""
    built = objective(**settings)
    for name, p in built.named_parameters():
        if "qkv.weight" in name or "out.weight" in name:
            torch.nn.init.normal_(p, std=0.5)
    built.target.load_state_dict(built.encoder.state_dict())
    return built


@given(st.integers(0, 999), st.booleans(), st.integers(0, 1))
@settings(max_examples=20)
def test_hidden_pixels_never_change_a_prediction(seed: int, conditioned: bool, kind: int) -> None:
    built = attentive(conditioned=conditioned)
    batch = some_batch()
    other = torch.randn(batch.values.shape, generator=torch.Generator().manual_seed(seed))
    hidden = batch.hidden[kind]
    changed = torch.where(hidden[..., None], other, batch.values)
    altered = Batch(changed, batch.positions, batch.mask, batch.hidden)
    with torch.no_grad():
        pooled, predicted, latent, masked = built.predict(batch, hidden)
        pooled2, predicted2, latent2, _ = built.predict(altered, hidden)
    assert torch.equal(pooled, pooled2)
    assert torch.equal(predicted[masked], predicted2[masked])
    assert torch.equal(latent[masked], latent2[masked])
    assert predicted.shape == (3, *masked.shape[1:], 24)
    assert not torch.equal(built.targets(batch)[kind], built.targets(altered)[kind]), "the target does see them"


def test_conditioned_encoders_are_told_places() -> None:
    batch = some_batch()
    built, plain = attentive(conditioned=True), attentive()
    first, second = built.targets(batch)
    assert first.shape == second.shape == (3, 8, 24)
    assert not torch.allclose(first[batch.mask], second[batch.mask], atol=1e-4), "the target knows the context"
    assert torch.equal(*plain.targets(batch))
    elsewhere = Batch(batch.values, batch.positions + batch.hidden[0][..., None] * 3, batch.mask, batch.hidden)
    with torch.no_grad():
        moved, still = (b.predict(elsewhere, batch.hidden[0])[0] for b in (built, plain))
        assert not torch.allclose(moved, built.predict(batch, batch.hidden[0])[0], atol=1e-4)
        assert torch.equal(still, plain.predict(batch, batch.hidden[0])[0])


def test_the_place_token_is_learned_and_followed() -> None:
    built = attentive(conditioned=True)
    assert built.place is not None
    assert built.target_place is not None
    built(some_batch())["loss"].backward()
    assert built.place.grad is not None
    assert built.place.grad.abs().sum() > 0
    assert built.target_place.grad is None
    before = built.target_place.clone()
    with torch.no_grad():
        built.place.add_(1.0)
    built.update_target(0.9)
    assert torch.allclose(built.target_place, before + 0.1, atol=1e-6)
    assert built.encoder.state_dict().keys() == objective().encoder.state_dict().keys(), (
        "it is no part of the encoder"
    )
