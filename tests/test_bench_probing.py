"""Probes of features that are known: what is there is found, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from uijepa.bench import probing
from uijepa.bench.features import Features, pad
from uijepa.bench.probing import AttentiveProbe, ProbeConfig
from uijepa.bench.shots import Draw

CPU = torch.device("cpu")
QUICK = ProbeConfig(steps=60, batch=16, lrs=(3e-3,), decays=(0.01,))


def features(labels: Sequence[int]) -> Features:
    """Clips of 3 to 9 random tokens of width 24; half of each, anywhere, tell its label."""
    rng = np.random.default_rng(0)
    counts = rng.integers(3, 10, len(labels))
    values = rng.normal(size=(counts.sum(), 24))
    first = [0, *np.cumsum(counts).tolist()]
    for clip, label in enumerate(labels):
        telling = rng.permutation(counts[clip])[: (counts[clip] + 1) // 2]
        values[first[clip] + telling] += 6 * np.eye(24)[label]
    return Features(torch.from_numpy(values).half(), first)


def split(labels: Sequence[int], shots_each: int) -> Draw:
    """The first clips of each label to fit on, the others to test on."""
    seen: dict[int, int] = {}
    fit = []
    for clip, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= shots_each:
            fit.append(clip)
    test = [clip for clip in range(len(labels)) if clip not in fit]
    return Draw(
        categories=[str(n) for n in sorted(seen)],
        labels=np.array(labels),
        fit=np.array(fit),
        choose=np.zeros(0, np.int64),
        test=np.array(test),
    )


def accuracy(found: Features, lot: Draw, shown: Draw, seed: int = 0) -> float:
    """Of a probe fitted on the labels of `shown`, by those of `lot`."""
    torch.manual_seed(seed)
    head = AttentiveProbe(24, 2, len(lot.categories))

    def see(clips: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return found.batch(clips, CPU)

    probing.fit(see, head, shown, QUICK, setting=QUICK.grid[0], seed=seed)
    return float((probing.predict(see, head, lot.test) == lot.labels[lot.test]).mean())


LABELS = [n % 4 for n in range(120)]


def test_a_probe_finds_what_is_there_and_nothing_else() -> None:
    found, lot = features(LABELS), split(LABELS, 8)
    assert accuracy(found, lot, lot) > 0.9
    shuffled = replace(lot, labels=np.random.default_rng(1).permutation(lot.labels))
    assert abs(accuracy(found, shuffled, shuffled) - 0.25) < 0.15
    assert accuracy(found, lot, lot, seed=3) == accuracy(found, lot, lot, seed=3)


def test_the_probe_is_plain_cross_attention() -> None:
    torch.manual_seed(0)
    head = AttentiveProbe(24, 3, 5)
    for parameter in head.parameters():
        parameter.data.normal_()
    x, mask = torch.randn(4, 7, 24), torch.rand(4, 7) < 0.6
    mask[:, 0] = True
    normed = head.norm(x)

    def by_head(y: torch.Tensor) -> torch.Tensor:
        return y.unflatten(-1, (3, 8)).transpose(1, 2)

    mixed = F.scaled_dot_product_attention(
        head.query[None, :, None].expand(4, -1, -1, -1),
        by_head(head.key(normed)),
        by_head(head.value(normed)),
        attn_mask=mask[:, None, None],
    )
    y = head.out(mixed.transpose(1, 2).flatten(1))
    y = y + head.down(F.gelu(head.up(head.norm2(y))))
    assert torch.allclose(head(x, mask), head.classify(head.last(y)), atol=1e-4)


def test_padding_changes_nothing() -> None:
    rows = [torch.randn(n, 24) for n in (3, 40, 1)]
    padded, mask = pad(rows)
    assert padded.shape == (3, 64, 24)
    assert mask.sum(1).tolist() == [3, 40, 1]
    head = AttentiveProbe(24, 2, 3)
    alone = torch.cat([head(row[None], torch.ones(1, len(row), dtype=torch.bool)) for row in rows])
    assert torch.allclose(head(padded, mask), alone, atol=1e-5)


@pytest.mark.parametrize("centring", probing.CENTRINGS)
def test_the_nearest_are_those_of_the_plain_cosine(centring: str) -> None:
    rng = np.random.default_rng(0)
    pooled = torch.from_numpy(rng.normal(size=(40, 6)) + 5)
    labels, known, asked = rng.integers(0, 3, 40), np.arange(25), np.arange(25, 40)
    unit = probing.spread_out(pooled, known, centring)
    x = pooled.numpy()
    if centring != "as they are":
        x = x - x[known].mean(0)
    if centring == "whitened":
        values, axes = np.linalg.eigh(np.cov(x[known].T))
        x = x @ axes / np.sqrt(values + values.mean() / 100)
        assert np.allclose(np.cov(x[known].T), np.diag(values / (values + values.mean() / 100)), atol=1e-6)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    best = labels[known][(x[asked] @ x[known].T).argmax(1)]
    assert np.array_equal(probing.nearest(unit, labels, known, asked, 1), best)
    # With every clip asked, each category gets the sum of its votes.
    votes = np.exp(x[asked] @ x[known].T / probing.TEMPERATURE) @ np.eye(3)[labels[known]]
    assert np.array_equal(probing.nearest(unit, labels, known, asked, 99), votes.argmax(1))


def test_a_draw_that_tests_on_its_shots_is_refused() -> None:
    with pytest.raises(ValueError, match="two of the parts"):
        replace(split(LABELS, 2), choose=np.array([0]))
