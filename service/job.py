"""One clip on its way to an answer, told as events: its place in the queue, the stages, the words, the answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from service.lifecycle import Service
from service.predictor import Answer, Predictor
from service.problem import Trouble
from uijepa.errors import ClipError
from uijepa.runtime import Delta, Stage
from uijepa.video.sandbox import SandboxError

LOG = logging.getLogger("service")

_PAUSE_S = 15.0


@dataclass(frozen=True)
class Queued:
    """The clip is complete and waits."""

    ahead: int
    """Clips that are answered before it; 0 when it is next."""


@dataclass(frozen=True)
class Done:
    """The answer, with timings in ms that begin with its upload and its wait."""

    values: dict[str, Any]


@dataclass(frozen=True)
class Pause:
    """Nothing happened for a while. Proxies close connections that stay silent, so there is something to say."""


Event: TypeAlias = Queued | Stage | Delta | Done | Pause


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


class Job:
    """Waits for the clip's turn and has it answered, in a task of its own; used from one event loop.

    `leave` is called once the clip is done with, before its answer is told. An async context manager: when the
    block ends, nothing of the job runs any more, a thread that still works on the clip included, so that the clip
    may be deleted.
    """

    def __init__(self, service: Service, path: Path, leave: Callable[[], None], *, upload_s: float) -> None:
        self._service, self._path, self._leave = service, path, leave
        self._upload_s = upload_s
        self._begun = time.perf_counter()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._stop = threading.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Job:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self.abandon()
        await asyncio.wait([self._task])
        self._service.metrics.clip(self._outcome())

    def _outcome(self) -> str:
        """How it ended, as a metric's label."""
        assert self._task is not None
        if self._task.cancelled():
            return "abandoned"
        error = self._task.exception()
        if error is None:
            return "answered"
        return error.code if isinstance(error, Trouble) else "internal"

    def abandon(self) -> None:
        """Leave the queue, or end the work at its next step. Reading the events then raises Abandoned."""
        if self._task is not None and not self._stop.is_set():
            self._stop.set()
            self._task.cancel()

    async def events(self) -> AsyncIterator[Event]:
        """Everything that happens, Done last. Raises Trouble when there is no answer. For one reader."""
        assert self._task is not None
        while (event := await self._next()) is not None:
            yield event
        if self._task.cancelled():
            raise Abandoned
        self._task.result()

    async def _next(self) -> Event | None:
        try:
            async with asyncio.timeout(_PAUSE_S):
                return await self._events.get()
        except TimeoutError:
            return Pause()

    async def answer(self) -> dict[str, Any]:
        """The answer alone."""
        async for event in self.events():
            if isinstance(event, Done):
                return event.values
        raise Trouble.internal()

    async def _run(self) -> None:
        try:
            values = await self._answered()
        finally:
            # Both before the answer: nothing of the clip outlives it, and whoever has it finds the place free for the
            # next clip. A free place means that no clip of it is stored any more.
            self._path.unlink(missing_ok=True)
            self._leave()
        self._events.put_nowait(Done(values))

    async def _answered(self) -> dict[str, Any]:
        service = self._service
        turn = service.gate.turn(lambda ahead: self._events.put_nowait(Queued(ahead)))
        async with turn, service.lease() as predictor:
            waited = time.perf_counter() - self._begun
            values = (await self._predict(predictor)).as_json()
        spent = {"upload": self._upload_s, "queue": waited}
        timings = {stage: round(seconds * 1000, 1) for stage, seconds in spent.items()}
        total = (self._upload_s + time.perf_counter() - self._begun) * 1000
        timings |= values["timings_ms"] | {"total": round(total, 1)}
        service.metrics.stages(timings)
        return {**values, "timings_ms": timings, "model": predictor.model}

    async def _predict(self, predictor: Predictor) -> Answer:
        loop = asyncio.get_running_loop()

        def watch(event: Stage | Delta) -> None:
            if self._stop.is_set():
                raise Abandoned
            loop.call_soon_threadsafe(self._events.put_nowait, event)

        working = asyncio.ensure_future(asyncio.to_thread(predictor.predict, self._path, watch))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            # The thread still reads the clip; it ends at its next step.
            while not working.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([working])
            working.exception()
            raise
        except ClipError as error:
            raise Trouble.of_clip(error) from error
        except SandboxError as error:
            LOG.error("%s", error)
            raise Trouble(
                "no-decoder", "No decoder could be started.", "Try again in a moment.", retry_after_s=5
            ) from error
