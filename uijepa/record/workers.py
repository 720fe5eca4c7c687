"""Worker processes, each with a browser of its own, that turn jobs into clips.

The parent hands out one job at a time and is the only one that writes the journal. A worker that dies or hangs is
replaced and its job given out again.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import cast

from uijepa.data.manifest import Clip
from uijepa.errors import RecordingError, UijepaError
from uijepa.record.source import Source
from uijepa.record.take import MAX_TRIES, Job, play

SOURCES = {
    "miniwob": "uijepa.record.miniwob:MiniWob",
    "phone": "uijepa.record.phone:Phone",
    "wide": "uijepa.record.wide:Wide",
    "ionic": "uijepa.record.phone:Ionic",
    "wander": "uijepa.record.phone:Wander",
    "roam": "uijepa.record.wide:Roam",
}
DEFAULT_SOURCES = ("miniwob", "phone", "wide")
"""What is recorded when no source is named."""
JOB_SECONDS = 900.0
"""Real time for one job with all its attempts, after which its worker counts as hung. Generous: others may need the
machine more."""
MAX_DEATHS = 3
"""Workers that one job may take down before it is given up."""


@dataclass(frozen=True, kw_only=True)
class Miss:
    """One attempt that gave no clip."""

    attempt: int
    seed: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: a clip, or None after all tries; and the misses on the way."""

    job: Job
    clip: Clip | None
    misses: list[Miss] = field(default_factory=list)


def load(name: str) -> Source:
    """The source of a registered name, or of 'module:Class'. Raises RecordingError for an unknown one."""
    spec = SOURCES.get(name, name)
    module, _, attribute = spec.partition(":")
    if not attribute:
        known = ", ".join(sorted(SOURCES))
        raise RecordingError(f"No source {name!r}. Known: {known}; or give your own as 'module:Class'.")
    try:
        made = getattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise RecordingError(f"Source {name!r} cannot be loaded: {error}.") from error
    return cast(Source, made())


class _Desk:
    """The inside of a worker: a browser that is started anew when it has died, and sources built once."""

    def __init__(self, out: Path) -> None:
        from uijepa.record.browser import Browser

        self._start = Browser
        self._browser: Browser | None = None
        self._sources: dict[str, Source] = {}
        self._out = out

    def close(self) -> None:
        if self._browser is not None:
            with contextlib.suppress(Exception):
                self._browser.close()
            self._browser = None

    def work(self, job: Job) -> Outcome:
        """Try a job until a clip is made, at most MAX_TRIES times."""
        from playwright.sync_api import Error

        if job.source not in self._sources:
            self._sources[job.source] = load(job.source)
        misses: list[Miss] = []
        for attempt in range(job.first, job.first + (1 if job.session is not None else MAX_TRIES)):
            if self._browser is None:
                self._browser = self._start()
            try:
                clip = play(self._browser, self._sources[job.source], job, attempt, self._out)
                return Outcome(job=job, clip=clip, misses=misses)
            except UijepaError as error:
                reason = f"{error.code}: {error}"
            except Error as error:
                reason = f"browser: {error.message.splitlines()[0]}"
                if not self._browser.alive:
                    # Not the job's fault: the same attempt again, in a new browser.
                    self.close()
                    self._browser = self._start()
                    with contextlib.suppress(UijepaError, Error):
                        clip = play(self._browser, self._sources[job.source], job, attempt, self._out)
                        return Outcome(job=job, clip=clip, misses=misses)
            except Exception as error:
                # A mistake in a source costs its own clips, and is listed with its place, not the whole run.
                place = traceback.extract_tb(error.__traceback__)[-1]
                reason = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {error}"
            misses.append(Miss(attempt=attempt, seed=job.attempt_seed(attempt), reason=reason[:300]))
        return Outcome(job=job, clip=None, misses=misses)


def _main(connection: Connection, out: Path) -> None:
    # A session of its own: Ctrl-C on the terminal reaches the parent only, which lets clips under way finish.
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    desk = _Desk(out)
    try:
        while True:
            job = connection.recv()
            try:
                connection.send(desk.work(job))
            except UijepaError as error:
                connection.send(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # The parent is gone or wants no more.
        pass
    finally:
        desk.close()


class _Worker:
    def __init__(self, out: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_main, args=(theirs, out), daemon=True)
        self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.since = 0.0

    def give(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(job)

    def hung(self) -> bool:
        return self.job is not None and time.monotonic() - self.since > JOB_SECONDS

    def end(self) -> None:
        """Let an idle worker go by itself; end a busy one with its whole session, browser included."""
        self.connection.close()
        if self.job is None:
            self.process.join(10)
        if self.process.is_alive() and self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join(10)


class Pool:
    """A fixed number of workers. Use as a context manager and iterate over `outcomes`."""

    def __init__(self, out: Path, count: int) -> None:
        self._out = out
        self._workers = [_Worker(out) for _ in range(count)]
        self._deaths: dict[str, int] = {}

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def outcomes(self, jobs: Iterable[Job], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """Outcomes in the order they come, until all jobs are done or, once `stop()`, those under way are.

        Raises what a worker says no job can get around: no browser, an extra that is missing.
        """
        waiting = iter(jobs)
        again: list[Job] = []
        while True:
            for worker in self._workers:
                if worker.job is None and not stop():
                    job = again.pop() if again else next(waiting, None)
                    if job is not None:
                        worker.give(job)
            busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
            if not busy:
                return
            ready = wait(list(busy), timeout=1.0)
            for connection in ready:
                worker = busy[cast("Connection", connection)]
                try:
                    answer = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    yield from self._replace(worker, again, "the worker died")
                    continue
                worker.job = None
                if isinstance(answer, UijepaError):
                    raise answer
                yield answer
            for worker in busy.values():
                if worker.hung():
                    yield from self._replace(worker, again, f"no clip within {JOB_SECONDS:.0f} s")

    def _replace(self, worker: _Worker, again: list[Job], reason: str) -> Iterator[Outcome]:
        job = worker.job
        worker.end()
        self._workers[self._workers.index(worker)] = _Worker(self._out)
        if job is None:
            return
        self._deaths[job.id] = self._deaths.get(job.id, 0) + 1
        if self._deaths[job.id] < MAX_DEATHS:
            again.append(job)
        else:
            yield Outcome(job=job, clip=None, misses=[Miss(attempt=0, seed=job.attempt_seed(0), reason=reason)])
