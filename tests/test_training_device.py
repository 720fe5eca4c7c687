"""Precision: whichever is faster on the machine, and the same one to a run's end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.tiny_training import config
from uijepa.errors import ConfigError
from uijepa.train import What, train
from uijepa.training import device
from uijepa.training.device import computes_bf16, pick_device

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _measured_anew() -> Iterator[None]:
    device._cpu_gains_from_bf16.cache_clear()
    yield
    device._cpu_gains_from_bf16.cache_clear()


def processor(patch: pytest.MonkeyPatch, *, has_bf16: bool, fp32: float, bf16: float) -> None:
    """A processor that takes so many seconds for a product of matrices."""
    taken = {torch.float32: fp32, torch.bfloat16: bf16}

    def seconds(a: Tensor, b: Tensor) -> float:
        assert a.dtype == b.dtype
        return taken[a.dtype]

    patch.setattr(device, "_seconds", seconds)
    patch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bf16)
    patch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)


@pytest.mark.parametrize(
    ("has_bf16", "fp32", "bf16", "gains"),
    [(True, 2.0, 1.0, True), (True, 1.0, 1.7, False), (True, 1.05, 1.0, False), (False, 2.0, 1.0, False)],
    ids=["faster", "slower", "hardly faster", "emulated"],
)
def test_bf16_is_taken_where_it_pays(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, fp32: float, bf16: float, gains: bool
) -> None:
    processor(monkeypatch, has_bf16=has_bf16, fp32=fp32, bf16=bf16)
    assert computes_bf16(CPU) is gains


def test_the_measurement_runs_on_this_processor() -> None:
    assert isinstance(computes_bf16(pick_device("cpu")), bool)


def test_a_resumed_run_keeps_the_precision_it_began_with(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config("precision=auto")
    with monkeypatch.context() as patch:
        processor(patch, has_bf16=True, fp32=2.0, bf16=1.0)
        train(recordings, tmp_path / "run", settings, What.pretrain)
    device._cpu_gains_from_bf16.cache_clear()
    processor(monkeypatch, has_bf16=True, fp32=1.0, bf16=2.0)
    folder = train(recordings, tmp_path / "run", settings, What.decoder, resume=True)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["precision"] == "bf16"
    assert json.loads((folder / "provenance.json").read_text())["bf16"] is True
    other = train(recordings, tmp_path / "other", settings, What.decoder)
    assert json.loads((other / "provenance.json").read_text())["bf16"] is False


@pytest.mark.parametrize("damaged", ["{", "[]", "{}"])
def test_a_damaged_configuration_is_named(recordings: Path, tmp_path: Path, damaged: str) -> None:
    (tmp_path / "config.json").write_text(damaged)
    with pytest.raises(ConfigError, match=r"config\.json: not the configuration of a run"):
        train(recordings, tmp_path, config("precision=auto"), What.decoder, resume=True)
