"""Packed batches against padded ones: the same features and gradients at real tokens."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from uijepa.models import encoder as encoding
from uijepa.models.encoder import Encoder, EncoderConfig, Packing

counts = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def mask_of(counts: list[int], tokens: int) -> torch.Tensor:
    """Real tokens at random places of each row."""
    order = torch.rand((len(counts), tokens)).argsort(1)
    return order < torch.tensor(counts)[:, None]


@given(counts)
@settings(max_examples=20)
def test_packing_changes_no_feature_and_no_gradient(counts: list[int]) -> None:
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(width=24, depth=2, heads=2))
    mask = mask_of(counts, 40)
    values, positions = torch.randn((len(counts), 40, 1536)), torch.randint(0, 8, (len(counts), 40, 3))
    results = []
    for full in (-1.0, 1.0):  # never, always
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoding, "MOST_FULL", full)
            patch.setattr(encoding, "PACK_TO", 8)
            assert (Packing.of(mask) is None) == (full < 0)
            features = encoder(values, positions, mask)[mask]
            encoder.zero_grad()
            features.square().sum().backward()
            results.append([features.detach(), *(p.grad.clone() for p in encoder.parameters())])
    for padded, packed in zip(*results, strict=True):
        torch.testing.assert_close(padded, packed, atol=1e-5, rtol=1e-4)


@given(counts)
@settings(max_examples=20)
def test_unpacking_undoes_packing(counts: list[int]) -> None:
    mask = mask_of(counts, 40)
    x = torch.randn((len(counts), 40, 3))
    packing = Packing(mask, min(sum(counts) + 5, mask.numel()))
    assert torch.equal(packing.unpack(packing.pack(x))[mask], x[mask])


def test_full_batches_are_left_alone() -> None:
    assert Packing.of(torch.ones((4, 64), dtype=torch.bool)) is None
