"""Training in parts: micro-batches and processes give the step of the undivided batch, and costs are as foretold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_training import config, log, overridden
from uijepa import checkpoint
from uijepa.data import manifest
from uijepa.data.batches import Order
from uijepa.data.cache import TokenCache, build
from uijepa.data.manifest import Clip
from uijepa.errors import ConfigError, ManifestError
from uijepa.models.decoder import new_tokenizer
from uijepa.models.encoder import Encoder
from uijepa.models.system import System
from uijepa.train import What, train
from uijepa.training.config import TrainConfig
from uijepa.training.distributed import World
from uijepa.training.loop import Interrupted
from uijepa.training.pretrain import Pretraining
from uijepa.training.tune import Tuning

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(recordings: Path) -> tuple[list[Clip], TokenCache]:
    clips = manifest.read(recordings)
    return clips, build(recordings.parent, clips, config().preprocess, read_text=False)


def pretraining(settings: TrainConfig, data: tuple[list[Clip], TokenCache]) -> Pretraining:
    torch.manual_seed(0)
    return Pretraining(settings, Encoder(settings.encoder), data[1], data[0], CPU)


def tuning(settings: TrainConfig, data: tuple[list[Clip], TokenCache]) -> Tuning:
    torch.manual_seed(0)
    system = System.new(settings.system, new_tokenizer(["Call Ada."], 300))
    return Tuning(settings, system, data[1], data[0], CPU)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
def test_parts_deal_a_batch_out(size: int, accumulate: int, each: int) -> None:
    batch = list(range(size * accumulate * each))
    parts = [part for rank in range(size) for part in World(rank, size).parts(batch, accumulate)]
    assert sorted(clip for part in parts for clip in part) == batch
    assert {len(part) for part in parts} == {each}


@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=6), min_size=1, max_size=5))
def test_shares_make_a_mean_of_means_the_mean(parts: Sequence[Sequence[float]]) -> None:
    shares = World().shares([[len(part)] for part in parts])[:, 0]
    assert np.mean(shares * [np.mean(part) for part in parts]) == pytest.approx(
        np.mean([value for part in parts for value in part]), abs=1e-9
    )


def test_accumulating_trains_as_the_whole_batch_does(data: tuple[list[Clip], TokenCache]) -> None:
    alone = ["pretrain.objective.variance_weight=0.0", "pretrain.objective.covariance_weight=0.0"]
    whole = pretraining(config(*alone), data)
    parts = pretraining(config(*alone, "pretrain.accumulate=4"), data)
    for step in range(4):
        a, b = whole.step(step), parts.step(step)
        names = ("loss", "latent", "pixel", "gradient")
        assert [a[name] for name in names] == pytest.approx([b[name] for name in names], rel=1e-4)
    for name, weight in whole.objective.state_dict().items():
        assert torch.allclose(weight, parts.objective.state_dict()[name], atol=2e-5), name


def test_accumulating_tunes_as_the_whole_batch_does(data: tuple[list[Clip], TokenCache]) -> None:
    whole = tuning(config("tune.encoder_lr=0.001", "tune.read_weight=0.5"), data)
    parts = tuning(config("tune.encoder_lr=0.001", "tune.read_weight=0.5", "tune.accumulate=2"), data)
    for step in range(6):  # four of text alone, then two with video
        a, b = whole.step(step), parts.step(step)
        assert [*a.values()] == pytest.approx([*b.values()], rel=1e-3, abs=1e-6)


def test_bf16_takes_nearly_the_same_steps(data: tuple[list[Clip], TokenCache]) -> None:
    exact, coarse = (pretraining(config(f"precision={name}"), data) for name in ("fp32", "bf16"))
    for step in range(2):
        a, b = exact.step(step), coarse.step(step)
        assert [b[name] for name in ("loss", "latent", "pixel")] == pytest.approx(
            [a[name] for name in ("loss", "latent", "pixel")], rel=0.03
        )
        assert b["latent"] != a["latent"]  # it did compute otherwise


def test_a_batch_that_does_not_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="take a batch of 18"):
        Order([5] * 40, 16, 0, parts=6)
    with pytest.raises(ManifestError, match="3 clips do not fill 4 parts"):
        Order([5] * 3, 16, 0, parts=4)
    assert len(Order([5] * 7, 16, 0, parts=4).indices(0)) == 4


@pytest.mark.parametrize("sharded", [False, True])
def test_two_processes_go_on_where_one_stopped_and_end_where_it_would(
    sharded: bool, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sharded, the first stage alone, which is the one that can be.
    chosen, what = (["pretrain.fsdp=true"], What.pretrain) if sharded else ([], What.all)
    whole = train(recordings, tmp_path / "one", config(*chosen), what)
    original = Pretraining.step

    def interrupted(self: Any, step: int) -> dict[str, float]:
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(Pretraining, "step", interrupted)
        with pytest.raises(Interrupted):
            train(recordings, tmp_path / "two", config(*chosen), what)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "uijepa.train", what, "--manifest", str(recordings), "--out", str(tmp_path / "two")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--resume", *overridden(*chosen)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = tmp_path / "two" / ("encoder" if sharded else "system")
    assert done.stdout.strip() == str(made)
    for stage in ("pretrain",) if sharded else ("pretrain", "decoder"):
        one, two = log(tmp_path / "one" / stage), log(tmp_path / "two" / stage)
        assert [line["step"] for line in one] == [line["step"] for line in two]
        for a, b in zip(one, two, strict=True):
            names = [name for name in ("loss", "variance", "covariance", "val_loss", "gradient") if name in a]
            assert [b[name] for name in names] == pytest.approx([a[name] for name in names], rel=2e-3)
    first, second = checkpoint.load(whole).weights, checkpoint.load(made).weights
    for name, weight in first.items():
        if sharded or name.startswith("encoder."):
            assert torch.allclose(weight, second[name], atol=1e-4), name


@pytest.mark.parametrize(("processes", "shutdown"), [("1", "said\nshut down\n"), ("2", "said\n")])
def test_one_of_several_processes_leaves_without_shutting_the_interpreter_down(processes: str, shutdown: str) -> None:
    program = (
        "import atexit; from uijepa.training.distributed import leave; "
        "atexit.register(print, 'shut down'); print('said'); leave(3)"
    )
    environment = {**os.environ, "WORLD_SIZE": processes}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stdout) == (3, shutdown)
