"""The loop around a stage: progress, logs, checkpoints, resume, clean interruption.

A stage's randomness is a function of (seed, step), so a run that is killed and resumed ends with the weights of
one that was not, at whichever moment the kill came: a state is written beside the old one and then takes its place.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from uijepa.errors import CheckpointError, UijepaError
from uijepa.training.distributed import World

STATE = "state.pt"


class Diverged(UijepaError):
    """The loss is no longer a number."""

    code = "diverged"


class Interrupted(UijepaError):
    """The user asked to stop; the state is saved."""

    code = "interrupted"


class Stage(Protocol):
    """One training stage. `step` must depend on the stage's state and the step number only."""

    name: str
    steps: int
    evaluate_every: int

    def step(self, step: int) -> dict[str, float]:
        """Train on step's batch; numbers to log, "loss" among them."""
        ...

    def evaluate(self, step: int) -> dict[str, float]:
        """Numbers on held-out clips after `step` steps."""
        ...

    def judge(self, step: int) -> str:
        """What these numbers say, in words, "" for nothing; raises an error of its own to stop the run."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything to go on from, as tensors and plain values."""
        ...

    def restore(self, state: dict[str, Any]) -> None: ...


def run(
    stage: Stage,
    folder: Path,
    *,
    resume: bool,
    checkpoint_seconds: float,
    console: Console,
    world: World = World(),  # noqa: B008 (frozen)
) -> None:
    """Run a stage to its end, saving to `folder` as it goes.

    `folder/log.jsonl` gets a line per 10 steps and per evaluation, TensorBoard events beside it. Ctrl-C or SIGTERM
    ends after the step in progress: the state is saved and Interrupted raised. A resumed run's log goes on after the
    saved step; lines of steps that the kill undid are dropped. Of several processes the first one writes.
    Raises Diverged when the loss is not finite, CheckpointError when there is nothing to resume from but damage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = _restore(stage, folder) if resume else 0
    if start:
        console.print(f"{stage.name}: going on from step {start} of {stage.steps}")
    stopping = _StopFlag()
    with (
        stopping,
        _journal(folder, start, world) as write,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        ) as bar,
    ):
        task = bar.add_task(stage.name, total=stage.steps, completed=start)
        saved = time.monotonic()
        for step in range(start, stage.steps):
            began = time.monotonic()
            numbers = stage.step(step)
            if not math.isfinite(numbers["loss"]):
                raise Diverged(
                    f"{stage.name}: the loss is {numbers['loss']} at step {step}. "
                    "Lower the learning rate, or resume from the last checkpoint with another seed."
                )
            done = step + 1
            if done % 10 == 0 or done == stage.steps:
                write(done, {**numbers, "seconds": time.monotonic() - began})
                bar.update(task, description=f"{stage.name} loss {numbers['loss']:.3f}")
            bar.update(task, completed=done)
            if done % stage.evaluate_every == 0 or done == stage.steps:
                measured = stage.evaluate(done)
                write(done, measured)
                told = "  ".join(f"{name} {value:.3g}" for name, value in measured.items())
                bar.console.print(f"{stage.name} {done}: {told}")
                if words := stage.judge(done):
                    bar.console.print(f"{stage.name} {done}: {words}", markup=False)
            # A signal may reach processes at different steps: they stop, and save, by common consent.
            stop, due = world.any([stopping.asked, time.monotonic() - saved > checkpoint_seconds])
            if done == stage.steps or stop or due:
                _save(stage, folder, done, world)
                saved = time.monotonic()
            if stop and done < stage.steps:
                raise Interrupted(f"{stage.name}: stopped after step {done}; run again with --resume to go on.")


class _StopFlag:
    """While entered, SIGINT and SIGTERM set `asked` instead of ending the program; a second SIGINT does end it."""

    asked = False

    def __enter__(self) -> None:
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        self.asked = True


@contextmanager
def _journal(folder: Path, start: int, world: World) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """What writes numbers to log and TensorBoard, after the first `start` steps' own; nothing but in the first
    process."""
    if not world.first:
        yield lambda _step, _numbers: None
        return
    from torch.utils.tensorboard import SummaryWriter

    path = folder / "log.jsonl"
    kept = [line for line in _lines(path) if json.loads(line)["step"] <= start]
    partial = path.with_name(path.name + ".part")
    partial.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
    partial.replace(path)
    with SummaryWriter(str(folder), purge_step=start + 1) as events, path.open("a", encoding="utf-8") as log:

        def write(step: int, numbers: dict[str, float]) -> None:
            log.write(json.dumps({"step": step, **{k: round(v, 6) for k, v in numbers.items()}}) + "\n")
            log.flush()
            for name, value in numbers.items():
                events.add_scalar(name, value, step)

        yield write


def _lines(path: Path) -> list[str]:
    """Whole lines of a log; a kill may have cut the last one short."""
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []


def _save(stage: Stage, folder: Path, done: int, world: World) -> None:
    state = {"done": done, "stage": stage.state()}
    if not world.first:
        return
    partial = folder / f"{STATE}.part"
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave the new name with nothing behind it
    partial.replace(folder / STATE)


def _restore(stage: Stage, folder: Path) -> int:
    path = folder / STATE
    if not path.is_file():
        return 0
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        stage.restore(saved["stage"])
        return int(saved["done"])
    except (RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError, struct.error) as error:
        raise CheckpointError(
            f"{path}: cannot be resumed from ({error}). Delete it to start this stage anew."
        ) from error
