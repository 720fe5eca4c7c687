"""AdamW and Muon as one optimiser: which parameter goes where, and the steps it takes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.tiny_training import config
from uijepa.errors import ConfigError
from uijepa.training.optimizer import Group, Optimizer, OptimizerName

BETAS = (0.9, 0.95)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 12), nn.LayerNorm(12), nn.Linear(12, 5))


def trained(module: nn.Module, optimizer: Optimizer | torch.optim.Optimizer, steps: int = 3) -> list[torch.Tensor]:
    for step in range(steps):
        optimizer.zero_grad()
        torch.manual_seed(step)
        module(torch.randint(0, 5, (4, 3))).square().sum().backward()
        optimizer.step()
    return [p.detach().clone() for p in module.parameters()]


def test_adamw_is_torchs_own() -> None:
    ours, theirs = network(), network()
    steps = trained(ours, Optimizer("adamw", [Group(list(ours.parameters()), 1e-2, 0.1)], BETAS))
    reference = torch.optim.AdamW(theirs.parameters(), lr=1e-2, weight_decay=0.1, betas=BETAS)
    assert all(torch.equal(a, b) for a, b in zip(steps, trained(theirs, reference), strict=True))


def test_muon_takes_the_matrices_and_makes_their_steps_orthogonal() -> None:
    module = network()
    table, matrix, bias = module[0].weight, module[1].weight, module[1].bias
    assert isinstance(matrix, nn.Parameter)
    optimizer = Optimizer("muon", [Group(list(module.parameters()), 1e-2)], BETAS, [table])
    adamw, muon = optimizer.parts
    assert {id(p) for p in (table, bias)} <= {id(p) for p in adamw.param_groups[0]["params"]}
    assert [tuple(p.shape) for p in muon.param_groups[0]["params"]] == [(12, 8), (5, 12)]
    before = matrix.detach().clone()
    matrix.grad = torch.randn(12, 8, generator=torch.Generator().manual_seed(0)) @ torch.diag(
        torch.logspace(-1, 0, 8)
    )
    optimizer.step()
    lengths = torch.linalg.svdvals(matrix.detach() - before) / (1e-2 * 0.2 * 12**0.5)
    assert 0.5 < lengths.min() < lengths.max() < 1.5  # Newton-Schulz leaves singular values near 1, not at it


@given(
    st.sampled_from(["adamw", "muon"]),
    st.lists(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), max_size=4), min_size=1, max_size=3),
)
def test_every_parameter_is_trained_once_with_its_groups_settings(
    name: OptimizerName, shapes: list[list[list[int]]]
) -> None:
    groups = [Group([nn.Parameter(torch.zeros(s)) for s in g], 0.1 * (n + 1), 0.01 * n) for n, g in enumerate(shapes)]
    optimizer = Optimizer(name, groups, BETAS)
    assert sorted(id(p) for p in optimizer.parameters) == sorted(id(p) for g in groups for p in g.parameters)
    for made in optimizer.param_groups:
        (group,) = [g for g in groups if any(p is made["params"][0] for p in g.parameters)]
        assert (made["peak"], made["weight_decay"]) == (group.lr, group.weight_decay)


def test_muon_needs_whole_matrices() -> None:
    with pytest.raises(ConfigError, match="fsdp splits them"):
        config("pretrain.fsdp=true", "pretrain.optimizer=muon")
