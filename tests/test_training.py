"""Both stages on a handful of tiny clips: they learn, resume to the same weights, and stop cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from tests.tiny_training import config, log, same_weights
from uijepa import checkpoint
from uijepa.data import manifest
from uijepa.data.cache import build
from uijepa.data.manifest import Clip
from uijepa.errors import CheckpointError, ConfigError, ManifestError
from uijepa.jepa.verdict import Verdict
from uijepa.models.encoder import Encoder
from uijepa.models.system import System
from uijepa.train import What, train
from uijepa.training import pretrain, tune
from uijepa.training.loop import Diverged, Interrupted, run
from uijepa.training.pretrain import Collapsed, Pretraining, share


def test_a_run_goes_from_recordings_to_a_system(recordings: Path, tmp_path: Path) -> None:
    folder = train(recordings, tmp_path / "run", config())
    system = System.load(folder)
    assert system.config == config().system
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["clips"] == {"train": 6, "val": 2, "test": 0}
    health = log(tmp_path / "run" / "pretrain")
    numbers = {
        "rankme",
        "lidar",
        "view_agreement",
        "between_clips",
        "position_share",
        "attention",
        "attention_low",
        "last_norm",
        "probe",
    }
    assert numbers <= health[-1].keys()
    tuned = log(tmp_path / "run" / "decoder")
    assert "val_loss" in tuned[-1]
    pretrained = checkpoint.load(tmp_path / "run" / "encoder").weights
    assert all(torch.equal(pretrained[k], v) for k, v in system.encoder.state_dict().items())  # frozen


def test_stages_run_alone_give_what_they_give_together(recordings: Path, tmp_path: Path) -> None:
    train(recordings, tmp_path / "together", config())
    train(recordings, tmp_path / "apart", config(), What.pretrain)
    train(recordings, tmp_path / "apart", config(), What.decoder, resume=True)
    assert same_weights(tmp_path / "together" / "system", tmp_path / "apart" / "system")


EVERY_TERM = [
    "pretrain.objective.sigreg_weight=0.05",
    "pretrain.objective.contrast_weight=0.1",
    "pretrain.objective.centre=place",
    "pretrain.objective.conditioned=true",
    "pretrain.objective.pixel_steps=4",
]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("stopped_at", ["pretrain", "decoder"])
def test_an_interrupted_run_resumes_to_the_same_weights(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: str, optimizer: str
) -> None:
    muon = ["pretrain.optimizer=muon", "tune.optimizer=muon"] if optimizer == "muon" else []
    settings = config("tune.encoder_lr=0.001", *muon, *(EVERY_TERM if stopped_at == "pretrain" else []))
    whole = train(recordings, tmp_path / "whole", settings)
    stage = {"pretrain": pretrain.Pretraining, "decoder": tune.Tuning}[stopped_at]
    original = stage.step

    def interrupted(self: Any, step: int) -> dict[str, float]:
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(stage, "step", interrupted)
        with pytest.raises(Interrupted, match="--resume"):
            train(recordings, tmp_path / "cut", settings)
    resumed = train(recordings, tmp_path / "cut", settings, resume=True)
    assert same_weights(whole, resumed)


@pytest.mark.parametrize(
    "varied",
    [
        (),
        ("tune.recolour=0.5", "tune.thin=0.5"),
        ("precision=bf16",),
        ("tune.optimizer=muon", "tune.read_weight=0.3"),
    ],
    ids=["plain", "varied", "bf16", "muon"],
)
def test_the_decoder_learns_its_training_clips(recordings: Path, tmp_path: Path, varied: tuple[str, ...]) -> None:
    steps = ("tune.text_steps=30", "tune.steps=30", "tune.lr=0.01", "tune.swap=0.0", "tune.misread=0.0")
    settings = config(*steps, *varied)
    train(recordings, tmp_path / "run", settings, What.decoder)
    lines = [line for line in log(tmp_path / "run" / "decoder") if "loss" in line]
    assert lines[-1]["loss"] < 0.4 * lines[0]["loss"]


def test_pretraining_learns_to_predict(recordings: Path, tmp_path: Path) -> None:
    train(recordings, tmp_path / "run", config("pretrain.steps=40", "pretrain.lr=0.003"), What.pretrain)
    lines = [line for line in log(tmp_path / "run" / "pretrain") if "loss" in line]
    assert lines[-1]["pixel"] < 0.9 * lines[0]["pixel"]
    assert lines[-1]["latent"] < 0.95 * lines[0]["latent"]


@pytest.mark.parametrize("wrong", ["tune.thin=1", "tune.recolour=-0.1", "pretrain.recolour=-1", "pretrain.share=0"])
def test_a_share_out_of_range_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"thin must lie|recolour must not|share must lie"):
        config(wrong)


@pytest.mark.parametrize(
    "options",
    [
        ["pretrain.objective.kind=pixels"],
        ["pretrain.recolour=0.5"],
        ["precision=bf16"],
        ["pretrain.optimizer=muon"],
        EVERY_TERM[:-1],
    ],
    ids=["pixels", "recoloured", "bf16", "muon", "all"],
)
def test_pretraining_learns_with_every_option(recordings: Path, tmp_path: Path, options: list[str]) -> None:
    train(recordings, tmp_path / "run", config("pretrain.steps=30", "pretrain.lr=0.003", *options), What.pretrain)
    lines = [line for line in log(tmp_path / "run" / "pretrain") if "loss" in line]
    assert lines[-1]["loss"] < 0.97 * lines[0]["loss"]


def test_the_decoder_is_tuned_on_the_labels_asked_for(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Stop(Exception):
        pass

    def listen(_config: object, _system: object, _cache: object, clips: list[Clip], *_: object, **__: object) -> None:
        told.extend(c.intent for c in clips)
        raise Stop

    both = [replace(c, lexicalised=f"{c.intent} Now.") for c in manifest.read(recordings)]
    manifest.write(recordings.with_name("both.jsonl"), both)
    monkeypatch.setattr("uijepa.train.Tuning", listen)
    for labels in ("reference", "lexicalised"):
        with pytest.raises(Stop):
            train(recordings.with_name("both.jsonl"), tmp_path / labels, config(f"labels={labels}"), What.decoder)
    assert told == [c.intent for c in both] + [c.lexicalised for c in both]


def test_labels_never_touch_the_encoder(recordings: Path, tmp_path: Path) -> None:
    unlabelled = [Clip(path=c.path, split=c.split) for c in manifest.read(recordings)]
    manifest.write(recordings.parent / "unlabelled-split.jsonl", unlabelled)
    train(recordings, tmp_path / "with", config(), What.pretrain)
    train(recordings.parent / "unlabelled-split.jsonl", tmp_path / "without", config(), What.pretrain)
    assert same_weights(tmp_path / "with" / "encoder", tmp_path / "without" / "encoder")
    assert "probe" in log(tmp_path / "with" / "pretrain")[-1]
    assert "probe" not in log(tmp_path / "without" / "pretrain")[-1]


HEALTHY = Verdict("healthy")
COLLAPSED = Verdict("collapsing: clips look alike", collapsed=True)


def a_stage(recordings: Path, *more: str) -> Pretraining:
    settings = config(*more)
    clips = manifest.read(recordings)
    cache = build(recordings.parent, clips, settings.preprocess, read_text=False, progress=Progress(disable=True))
    torch.manual_seed(0)
    return Pretraining(settings, Encoder(settings.encoder), cache, clips, torch.device("cpu"))


@pytest.mark.parametrize(("keep", "expected"), [("lidar", (4, {"lidar": 5.0})), ("last", (6, {"lidar": 3.0}))])
def test_the_encoder_to_keep_is_one_that_has_not_collapsed(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, keep: str, expected: tuple[int, dict[str, float]]
) -> None:
    settings = ("pretrain.warmup=2", f"pretrain.keep={keep}")
    stage = a_stage(recordings, *settings)
    looks = {
        1: (9.0, HEALTHY),
        3: (4.0, HEALTHY),
        4: (5.0, HEALTHY),
        5: (8.0, COLLAPSED),
        6: (3.0, HEALTHY),
        7: (9.0, COLLAPSED),
    }
    for step, (lidar, verdict) in looks.items():
        with torch.no_grad():
            stage.encoder.embed.bias.fill_(step)
        monkeypatch.setattr(stage._checkup, "look", lambda _, value=lidar: {"lidar": value})
        monkeypatch.setattr(pretrain, "judge", lambda *_, value=verdict: value)
        stage.evaluate(step)
        assert stage.judge(step) == verdict.words
        if step == 1:
            assert stage.best is None, "no choice within the warm-up"
    encoder, step, numbers = stage.chosen()
    assert (step, numbers) == expected
    assert (encoder.embed.bias == step).all()
    assert (stage.encoder.embed.bias == 7).all()
    again = a_stage(recordings, *settings)
    again.restore(stage.state())
    assert again.chosen()[1:] == expected
    assert again.verdict.words == COLLAPSED.words


def test_a_run_that_collapses_stops_and_keeps_what_was_before(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([COLLAPSED, COLLAPSED, HEALTHY, COLLAPSED, HEALTHY, COLLAPSED, COLLAPSED, COLLAPSED])
    monkeypatch.setattr(pretrain, "judge", lambda *_: next(verdicts))
    settings = config("pretrain.steps=9", "pretrain.evaluate_every=1", "pretrain.patience=2")
    with pytest.raises(Collapsed, match=r"step 7, collapsed at 2 looks in a row.*patience"):
        train(recordings, tmp_path / "run", settings, What.pretrain)
    kept = checkpoint.load(tmp_path / "run" / "encoder").provenance
    assert kept["encoder_step"] in (3, 5)
    assert kept["last"]["said"] == COLLAPSED.words
    looks = {line["step"]: line["lidar"] for line in log(tmp_path / "run" / "pretrain") if "lidar" in line}
    assert kept["health"]["lidar"] == pytest.approx(max(looks[3], looks[5]), abs=1e-6)
    assert 7 in looks, "the look that stopped the run is in its log"


def test_a_run_without_patience_goes_on(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "judge", lambda *_: COLLAPSED)
    train(recordings, tmp_path / "run", config("pretrain.patience=0", "pretrain.evaluate_every=1"), What.pretrain)
    assert (tmp_path / "run" / "encoder").is_dir()


def test_features_that_are_no_numbers_stop_the_run(recordings: Path) -> None:
    stage = a_stage(recordings)
    with torch.no_grad():
        stage.encoder.embed.bias.fill_(float("nan"))
    with pytest.raises(Diverged, match="not finite"):
        stage.evaluate(3)


def test_a_look_spreads_over_the_manifest(recordings: Path) -> None:
    stage = a_stage(recordings, "pretrain.held_out=2")
    assert [c.path for c in stage._checkup._known] == ["0.mp4", "5.mp4"]
    assert [c.path for c in stage._checkup.held_out] == ["6.mp4", "7.mp4"]
    assert stage._checkup.look(stage.encoder) == stage._checkup.look(stage.encoder)
    assert all(p.grad is None for p in stage.objective.parameters())


@pytest.mark.parametrize("name", ["contrast_weight", "invariance_weight"])
def test_what_compares_views_needs_two(name: str) -> None:
    weight = f"pretrain.objective.{name}=0.1"
    with pytest.raises(ConfigError, match=f"{name}.*same one twice"):
        config(weight, "pretrain.masks.kinds=['short']")
    assert config(weight, "pretrain.masks.kinds=['short','short']").pretrain.masks.kinds == ("short", "short")


def test_training_goes_on_from_a_checkpoint(recordings: Path, tmp_path: Path) -> None:
    first = train(recordings, tmp_path / "first", config())
    second = train(recordings, tmp_path / "second", config("tune.steps=1", "tune.text_steps=0"), init=first)
    assert System.load(second).tokenizer.to_str() == System.load(first).tokenizer.to_str()
    with pytest.raises(ConfigError, match="was trained as"):
        train(recordings, tmp_path / "third", config("encoder.depth=2"), init=first)


def test_a_folder_with_a_run_is_not_overwritten(recordings: Path, tmp_path: Path) -> None:
    train(recordings, tmp_path / "run", config(), What.pretrain)
    with pytest.raises(ConfigError, match="--resume"):
        train(recordings, tmp_path / "run", config())
    with pytest.raises(ConfigError, match="another configuration"):
        train(recordings, tmp_path / "run", config("seed=1"), resume=True)
    (tmp_path / "run" / "pretrain" / "state.pt").write_bytes(b"junk")
    with pytest.raises(CheckpointError, match=r"state.pt: cannot be resumed"):
        train(recordings, tmp_path / "run", config(), resume=True)


@given(st.integers(1, 40), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_a_smaller_share_is_some_of_a_larger_one(count: int, one: float, other: float) -> None:
    clips = [Clip(path=f"/here/{n}.mp4", id=f"clip-{n}") for n in range(count)]
    small, large = (share(clips, part) for part in sorted((one, other)))
    assert {c.path for c in small} <= {c.path for c in large}
    assert len(small) == round(min(one, other) * count)
    moved = [replace(c, path=c.path.replace("here", "there")) for c in clips]
    assert [c.id for c in share(moved, one)] == [c.id for c in share(clips, one)]


def test_unlabelled_clips_pretrain_and_refuse_to_tune(recordings: Path, tmp_path: Path) -> None:
    root = recordings.parent
    unlabelled = [Clip(path=c.path) for c in manifest.read(recordings)]
    manifest.write(root / "unlabelled.jsonl", unlabelled)
    train(root / "unlabelled.jsonl", tmp_path / "run", config("pretrain.steps=1"), What.pretrain)
    with pytest.raises(ManifestError, match="no clip of the train split has an intent"):
        train(root / "unlabelled.jsonl", tmp_path / "run2", config("pretrain.steps=1"))


class Exploding:
    name = "exploding"
    steps = 3
    evaluate_every = 3

    def step(self, step: int) -> dict[str, float]:
        return {"loss": float("nan") if step == 1 else 1.0}

    def evaluate(self, step: int) -> dict[str, float]:  # noqa: ARG002 (of the Stage protocol)
        return {}

    def judge(self, step: int) -> str:  # noqa: ARG002 (of the Stage protocol)
        return ""

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None: ...


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="step 1"):
        run(Exploding(), tmp_path, resume=False, checkpoint_seconds=60, console=Console(quiet=True))


def test_the_command_line_names_a_wrong_key(recordings: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "uijepa.train", "--manifest", str(recordings), "--out", str(tmp_path / "run")]
    done = subprocess.run([*command, "--set", "tune.stepz=3"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unknown key 'stepz'" in done.stderr
    assert "Traceback" not in done.stderr
