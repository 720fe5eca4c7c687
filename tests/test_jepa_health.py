"""Health numbers against their formulas, and what is said of representations made to be healthy or not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from uijepa.jepa import health
from uijepa.jepa.verdict import FEW_CLIPS, judge
from uijepa.models.encoder import Encoder, EncoderConfig, rotary, rotate


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


def test_view_agreement_is_the_share_of_variance_that_is_the_clips() -> None:
    generator = torch.Generator().manual_seed(0)
    clips, noise = (torch.randn(4000, views, 6, generator=generator) for views in (1, 4))
    for spread in (0.0, 0.5, 1.0, 3.0):  # of the clips, beside views that differ by 1
        assert health.view_agreement(spread * clips + noise) == pytest.approx(spread**2 / (spread**2 + 1), abs=0.02)
    assert health.view_agreement(clips.expand(-1, 4, -1)) == 1
    hashes = torch.randn(200, 4, 64, generator=generator)  # each view a vector of its own
    assert health.lidar(hashes) > 0.8 * 64, "a rank does not see it"
    assert health.view_agreement(hashes) == pytest.approx(0, abs=0.05)
    with pytest.raises(ValueError, match="2 clips and 2 views"):
        health.view_agreement(clips)


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


def test_features_that_do_not_vary_have_numbers() -> None:
    constant = torch.ones(40, 6)
    assert health.rankme(torch.zeros(10, 6)) == pytest.approx(1, abs=1e-4)
    assert health.between_clip_share([constant, constant]) == 0.0
    assert health.position_share(constant, torch.zeros(40, 3, dtype=torch.long)) == 0.0


def sharp_encoder(std: float) -> Encoder:
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(width=24, depth=2, heads=2))
    for block in encoder.trunk.blocks:
        torch.nn.init.normal_(block.qkv.weight, std=std)  # type: ignore[union-attr, arg-type]
    return encoder


def test_attention_entropy_is_its_formula() -> None:
    encoder = sharp_encoder(0.5)
    generator = torch.Generator().manual_seed(1)
    values, positions = torch.randn(2, 9, 1536, generator=generator), torch.randint(0, 5, (2, 9, 3))
    mask = torch.tensor([[True] * 9, [True] * 5 + [False] * 4])
    wanted = torch.zeros(2, 2)
    for clip, count in enumerate((9, 5)):  # a clip, a head and a token at a time, no padding
        place = positions[clip : clip + 1, :count]
        x = encoder.embed(values[clip : clip + 1, :count])
        cos, sin = rotary(place, 12)
        for depth, block in enumerate(encoder.trunk.blocks):
            qkv = block.qkv(block.norm1(x))[0].reshape(count, 3, 2, 12)  # type: ignore[operator, union-attr]
            for head in range(2):
                q, k = (rotate(qkv[:, part, head], cos[0, 0], sin[0, 0]) for part in (0, 1))
                for token in range(count):
                    p = torch.softmax(k @ q[token] / math.sqrt(12), 0)
                    wanted[depth, head] += float(-(p * p.log()).sum().detach()) / math.log(count) / 14
            x = block(x, cos, sin, None)
    assert torch.allclose(health.attention_entropy(encoder, values, positions, mask), wanted, atol=1e-5)
    assert not encoder.trunk.blocks[0]._forward_pre_hooks


def test_attention_entropy_runs_from_one_token_to_all() -> None:
    values, positions = torch.randn(3, 40, 1536), torch.randint(0, 9, (3, 40, 3))
    mask = torch.ones(3, 40, dtype=torch.bool)
    even = health.attention_entropy(sharp_encoder(0.0), values, positions, mask)
    assert torch.allclose(even, torch.ones(2, 2), atol=1e-5)
    assert health.attention_entropy(sharp_encoder(30.0), values, positions, mask).max() < 0.1


def test_last_norm() -> None:
    encoder = sharp_encoder(0.1)
    flat = torch.cat([p.detach().flatten() for p in encoder.trunk.blocks[-1].parameters()])
    assert health.last_norm(encoder) == pytest.approx(float(flat.norm()), rel=1e-5)


def test_the_probe_tells_clusters_and_guesses_in_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(4, 16, generator=generator)
    labels = [f"task {i % 4}" for i in range(80)]
    clusters = centres.repeat(20, 1) + 0.3 * torch.randn(80, 16, generator=generator) + 10
    assert health.probe(clusters[:40], labels[:40], clusters[40:], labels[40:]) == 1.0
    noise = torch.randn(400, 16, generator=generator)
    names = [f"task {i % 4}" for i in range(400)]
    assert health.probe(noise[:200], names[:200], noise[200:], names[200:]) == pytest.approx(0.25, abs=0.12)


def test_the_probe_leaves_no_gradient() -> None:
    known = torch.randn(8, 4, requires_grad=True)
    told = health.probe(known, list("abababab"), known, list("abababab"))
    assert isinstance(told, float)
    assert known.grad is None


CLIPS, TOKENS, WIDTH = 40, 200, 32


def numbers(features_CND: Tensor, positions: Tensor, attention: float = 0.7) -> dict[str, float]:
    """What the verdict reads of a representation."""
    pooled = features_CND.mean(1)
    return {
        "between_clips": health.between_clip_share(list(features_CND)),
        "position_share": health.position_share(features_CND.flatten(0, 1), positions.flatten(0, 1)),
        "clip_rank": health.rankme(pooled - pooled.mean(0)),
        "view_agreement": health.view_agreement(features_CND.unflatten(1, (-1, 2)).mean(1)),
        "attention_low": attention,
    }


@pytest.fixture(scope="module")
def parts() -> dict[str, Tensor]:
    """Places, and as features [clips, tokens, width]: what a place shows, what a clip is and its half, and noise."""
    generator = torch.Generator().manual_seed(0)
    positions = torch.randint(0, 8, (CLIPS, TOKENS, 3), generator=generator)
    table = torch.randn(8, 8, WIDTH, generator=generator)
    return {
        "positions": positions,
        "place": table[positions[..., 1], positions[..., 2]],
        "clip": torch.randn(CLIPS, 1, WIDTH, generator=generator).expand(-1, TOKENS, -1),
        "line": torch.randn(CLIPS, 1, 1, generator=generator) * torch.ones(TOKENS, WIDTH),
        "noise": torch.randn(CLIPS, TOKENS, WIDTH, generator=generator),
        "view": torch.randn(CLIPS, 2, WIDTH, generator=generator).repeat(1, TOKENS // 2, 1),
    }


@pytest.mark.parametrize(
    ("weights", "words", "collapsed"),
    [
        ({"clip": 1.0, "noise": 1.0}, "healthy", False),
        ({"clip": 0.5, "noise": 1.0, "place": 0.5}, "healthy", False),
        ({"noise": 0.0}, "clips look alike", True),
        ({"noise": 1.0}, "clips look alike", True),
        ({"place": 1.0, "noise": 0.2}, "clips look alike|positions only", True),
        ({"place": 1.0, "clip": 0.3, "noise": 0.2}, "positions only", True),
        ({"line": 1.0, "noise": 0.2}, "few directions", True),
        ({"view": 1.0, "clip": 1.0, "noise": 1.0}, "scattered", False),
    ],
)
def test_verdicts(parts: dict[str, Tensor], weights: dict[str, float], words: str, collapsed: bool) -> None:
    features = sum((weight * parts[name] for name, weight in weights.items()), start=torch.zeros(WIDTH))
    verdict = judge(numbers(features, parts["positions"]), CLIPS)
    assert any(word in verdict.words for word in words.split("|")), verdict.words
    assert verdict.collapsed is collapsed
    assert verdict.words == "healthy" or "; " in verdict.words, "what is wrong comes with what to do"


def test_narrow_attention_is_unstable_and_few_clips_tell_nothing(parts: dict[str, Tensor]) -> None:
    found = numbers(parts["clip"] + parts["noise"], parts["positions"], attention=0.02)
    assert judge(found, CLIPS).words.startswith("unstable")
    assert not judge(found, CLIPS).collapsed
    assert judge(numbers(parts["noise"], parts["positions"]), FEW_CLIPS - 1).words.startswith("unknown")
