"""What training is said to cost, against what it does cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.tiny_training import config
from uijepa.config import build, load, plain
from uijepa.errors import ConfigError
from uijepa.jepa.objective import Batch, Objective
from uijepa.models.encoder import Encoder
from uijepa.training import cost, speed
from uijepa.training.config import TrainConfig
from uijepa.training.sizes import NAMES

CPU = torch.device("cpu")


def batch(clips: int, tokens: int, visible: int) -> Batch:
    """Clips of one length, of which the masks of all three kinds leave as much visible."""
    generator = torch.Generator().manual_seed(0)
    order = torch.rand((3, clips, tokens), generator=generator).argsort(-1)
    return Batch(
        torch.randn((clips, tokens, 1536), generator=generator),
        torch.randint(0, 8, (clips, tokens, 3), generator=generator),
        torch.ones((clips, tokens), dtype=torch.bool),
        tuple(order >= visible),
    )


def test_the_dial_sets_what_is_not_set() -> None:
    dialled = load(TrainConfig, None, ["size=small", "encoder.depth=10", "pretrain.lr=0.002"])
    assert (dialled.encoder.width, dialled.encoder.depth, dialled.encoder.heads) == (384, 10, 6)
    assert (dialled.pretrain.batch, dialled.pretrain.lr) == (32, 0.002)
    assert dialled.pretrain.objective.predictor.width == 192
    assert build(TrainConfig, plain(dialled)) == dialled
    with pytest.raises(ConfigError, match="'medium' is none of"):
        load(TrainConfig, None, ["size=medium"])


def test_tiny_is_the_default() -> None:
    tiny = load(TrainConfig, None, ["size=tiny"])
    assert build(TrainConfig, plain(tiny) | {"size": ""}) == TrainConfig()


def test_sizes_rise() -> None:
    counts = []
    for name in NAMES:
        with torch.device("meta"):
            counts.append(cost.parameters(Encoder(load(TrainConfig, None, [f"size={name}"]).encoder)))
    assert counts == sorted(counts)
    assert counts[NAMES.index("large")] == pytest.approx(304e6, rel=0.02)  # ViT-L


def test_arithmetic_is_what_torch_counts() -> None:
    settings = config("encoder.depth=2", "encoder.places=32", "pretrain.objective.predictor.depth=1")
    objective = Objective(Encoder(settings.encoder), settings.pretrain.objective)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        objective(batch(2, 96, 32))["loss"].backward()
    assert 2 * cost.pretraining_flops(settings, 96, 32) == pytest.approx(counter.get_total_flops(), rel=0.02)


@pytest.mark.parametrize(("width", "depth"), [(48, 2), (96, 4)])
def test_memory_is_about_what_a_step_keeps(width: int, depth: int) -> None:
    size = [f"encoder.width={width}", f"encoder.depth={depth}", "encoder.heads=2"]
    settings = load(TrainConfig, None, ["precision=fp32", "preprocess.max_tokens=160", "pretrain.batch=2", *size])
    objective = Objective(Encoder(settings.encoder), settings.pretrain.objective)
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    share = cost.visible_share(settings.pretrain.masks)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = objective(batch(2, 160, round(160 * share)))["loss"]
    weights = {p.untyped_storage().data_ptr() for p in objective.parameters()}
    measured = (
        sum(size for place, size in kept.items() if place not in weights) + 2 * 2 * 160 * 1536 * 4
    )  # and targets
    loss.backward()
    foretold = cost.pretraining_memory(objective, settings, CPU)
    assert foretold.step == pytest.approx(measured, rel=0.3)
    gradients = sum(p.grad.nbytes for p in objective.parameters() if p.grad is not None)
    frozen = sum(p.nbytes for p in objective.target.parameters())
    assert foretold.weights == 4 * gradients + frozen


def test_what_does_not_fit_is_refused_with_a_remedy() -> None:
    huge = cost.Memory(weights=2**30, step=2**60)
    with pytest.raises(cost.TooLarge, match=r"raise pretrain.accumulate or lower pretrain.batch"):
        cost.check(huge, CPU, "pretrain")
    with pytest.raises(cost.TooLarge, match="smaller size"):
        cost.check(cost.Memory(weights=2**60, step=0), CPU, "pretrain")
    cost.check(cost.Memory(weights=1, step=1), CPU, "pretrain")


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    assert cost.available(CPU, tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    assert cost.available(CPU, tmp_path) == 4000 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("1000000\n")
    (group / "memory.max").write_text("max\n")
    assert cost.available(CPU, tmp_path) == 4000 * 1024
    (group / "memory.max").write_text("3000000\n")
    assert cost.available(CPU, tmp_path) == 2_000_000


def test_the_table_has_a_row_a_size() -> None:
    console = Console(quiet=True)
    settings = config("preprocess.max_tokens=16")
    made = speed.table(settings, CPU, 0.0, console)
    assert made.row_count == len(NAMES)
    columns = {str(column.header): list(column.cells) for column in made.columns}
    assert float(columns["clips/s"][0]) > 0  # measured
    assert columns["dense"][-1].startswith("≈")  # foretold
    assert np.all(np.diff([float(cell) for cell in columns["GFLOP a clip"]]) > 0)
