"""A run that is killed outright, wherever it stands, ends with the weights of one that was not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tiny_training import config, log, overridden, same_weights
from uijepa.data import manifest
from uijepa.data.cache import build
from uijepa.train import What, train

SETTINGS = overridden("checkpoint_seconds=0", "pretrain.steps=16", "tune.steps=12")
SETTINGS += ("--set", "tune.encoder_lr=0.001")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@contextmanager
def started(recordings: Path, out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run in a process of its own, killed on leaving if it has not ended."""
    command = [sys.executable, "-m", "uijepa.train", "--manifest", str(recordings), "--out", str(out), "--resume"]
    run = subprocess.Popen([*command, *SETTINGS], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


def finish(run: subprocess.Popen[bytes]) -> None:
    _, errors = run.communicate(timeout=240)
    assert run.returncode == 0, errors.decode()


def kill_after(run: subprocess.Popen[bytes], state: Path, seconds: float) -> None:
    """Kill the run some seconds after it has written its next state."""
    before = state.stat().st_mtime_ns if state.is_file() else 0
    while not (state.is_file() and state.stat().st_mtime_ns > before):
        assert run.poll() is None, run.communicate()[1].decode()
        time.sleep(0.002)
    time.sleep(seconds)
    run.kill()


def test_a_killed_run_resumes_to_the_same_weights(recordings: Path, tmp_path: Path) -> None:
    build(recordings.parent, manifest.read(recordings), config().preprocess, read_text=True)
    moments = random.Random(0)
    with started(recordings, tmp_path / "whole") as whole:
        for stage in ("pretrain", "decoder"):
            with started(recordings, tmp_path / "cut") as run:
                kill_after(run, tmp_path / "cut" / stage / "state.pt", moments.uniform(0, 0.1))
        with started(recordings, tmp_path / "cut") as run:
            finish(run)
        finish(whole)
    assert same_weights(tmp_path / "whole" / "encoder", tmp_path / "cut" / "encoder")
    assert same_weights(tmp_path / "whole" / "system", tmp_path / "cut" / "system")
    for stage in ("pretrain", "decoder"):
        logs = [[{**line, "seconds": 0} for line in log(tmp_path / run / stage)] for run in ("whole", "cut")]
        assert logs[0] == logs[1]


def test_a_resumed_log_drops_what_the_kill_undid(recordings: Path, tmp_path: Path) -> None:
    settings = config("pretrain.steps=20", "pretrain.evaluate_every=20")
    train(recordings, tmp_path / "run", settings, What.pretrain)
    path = tmp_path / "run" / "pretrain" / "log.jsonl"
    written = path.read_text()
    path.write_text(written + json.dumps({"step": 30, "loss": 1.0}) + "\n" + '{"step": 3')
    train(recordings, tmp_path / "run", settings, What.pretrain, resume=True)
    assert path.read_text() == written
