"""The service between its start and its end: loading, ready, idle, draining."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

from service.gate import Gate
from service.metrics import Metrics
from service.predictor import Predictor, PredictorFactory, warm_up
from service.problem import Trouble
from service.settings import Settings
from service.upload import UploadFolder
from uijepa.errors import UijepaError

LOG = logging.getLogger("service")

Status = Literal["starting", "ready", "failed", "draining"]

_TRY_AGAIN_S = 5.0


class Service:
    """State shared by all requests. Lives in one event loop; only loading and predictions leave it, for a thread."""

    def __init__(self, settings: Settings, make_predictor: PredictorFactory) -> None:
        self.settings = settings
        self.gate = Gate(settings.queue, settings.decoders)
        self.uploads = UploadFolder(settings.upload_dir)
        self.status: Status = "starting"
        self.reason = "The model is being loaded."
        self.model: str | None = None
        """Name and version of the model, once it was loaded."""
        self.sandbox: Mapping[str, bool] | None = None
        """Measures that shut decoding in, and whether each holds; None until that is known."""
        self.metrics = Metrics(self)
        self.unpacking = asyncio.Lock()
        """Held while a request's body is taken apart in memory."""
        self.on_ready: Callable[[], None] = lambda: None
        self._make_predictor = make_predictor
        self._predictor: Predictor | None = None
        self._loading = asyncio.Lock()
        self._leases = 0
        self._last_use = time.monotonic()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load in the background, so that health routes answer meanwhile; clean up at the end."""
        tending = asyncio.create_task(self._tend())
        try:
            yield
        finally:
            self.drain()
            tending.cancel()
            await asyncio.wait([tending])
            await self._unload()
            await asyncio.to_thread(self.uploads.close)

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory; an idle service lets go of it."""
        return self._predictor is not None

    @property
    def decoders(self) -> tuple[int, int]:
        """Child processes that decode: alive now, and started to replace one that a clip ended."""
        return self._predictor.decoders if self._predictor is not None else (0, 0)

    def drain(self) -> None:
        """Take no more clips; those under way are still answered."""
        if self.status != "failed":
            self.status, self.reason = "draining", "The service is shutting down."

    def check_ready(self) -> None:
        """Raises Trouble unless clips are taken: while loading, failed, or draining."""
        if self.status == "draining":
            raise Trouble("draining", self.reason, "Try again in a moment.", retry_after_s=5)
        if self.status != "ready":
            raise Trouble("not-ready", self.reason, "Try again in a moment.", retry_after_s=5)

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Predictor]:
        """The predictor, loaded again if the service let go of it; it stays loaded within the block.

        Raises Trouble "not-ready" when it cannot be loaded any more. The service then tries again by itself.
        """
        self._leases += 1
        try:
            async with self._loading:
                if self._predictor is None:
                    await self._load()
            if self._predictor is None:
                raise Trouble("not-ready", self.reason, "Try again in a moment.", retry_after_s=5)
            yield self._predictor
        finally:
            self._leases -= 1
            self._last_use = time.monotonic()

    async def _tend(self) -> None:
        """Load first; then let go of an idle model, and load again what could not be loaded."""
        async with self._loading:
            await self._load()
        if not self.loaded:
            self.status = "failed"
            return
        pause = min(_TRY_AGAIN_S, self.settings.idle_seconds / 4 or _TRY_AGAIN_S)
        while True:
            await asyncio.sleep(pause)
            async with self._loading:
                if self.status == "starting":
                    await self._load()
                elif self._is_idle() and self.loaded:
                    LOG.info("Idle for %g s: the model is unloaded until the next clip.", self.settings.idle_seconds)
                    await self._unload()

    def _is_idle(self) -> bool:
        """Only ever true between clips: whoever has a lease, or waits for loading to begin one, counts."""
        idle_s = self.settings.idle_seconds
        return idle_s > 0 and not self._leases and time.monotonic() - self._last_use > idle_s

    async def _unload(self) -> None:
        predictor, self._predictor = self._predictor, None
        if predictor is not None:
            await asyncio.to_thread(predictor.close)

    async def _load(self) -> None:
        """Load and warm up; where that fails, say so in `status` and `reason`."""
        began = time.monotonic()
        loading = asyncio.create_task(asyncio.to_thread(self._load_and_warm_up))
        try:
            self._predictor = await asyncio.shield(loading)
        except asyncio.CancelledError:
            # A thread cannot be stopped: what it loads is waited for, and closed like any other.
            with contextlib.suppress(Exception):
                self._predictor = await loading
            raise
        except Exception as error:
            known = isinstance(error, UijepaError | Trouble)
            if self.status != "draining":
                self.status = "starting"
                self.reason = (
                    str(error) if known else "The model could not be loaded; the service's log has the details."
                )
            LOG.error("%s", error, exc_info=None if known else error)
            return
        # Asked once: the answer may wait for the decoding child, and health routes must not.
        self.model, self.sandbox = self._predictor.model, dict(self._predictor.sandbox)
        absent = [name for name, holds in self.sandbox.items() if not holds]
        if absent:
            LOG.warning("The decoding sandbox is partial; this machine refuses: %s", ", ".join(absent))
        self._last_use = time.monotonic()
        if self.status == "starting":
            self.status, self.reason = "ready", ""
            LOG.info("Ready after %.1f s with model %s", time.monotonic() - began, self.model)
            self.on_ready()

    def _load_and_warm_up(self) -> Predictor:
        if not self.uploads.is_open:  # Not again when the model is: there may be a clip in it that waits for this.
            self.uploads.open()
        predictor = self._make_predictor(self.settings)
        try:
            with self.uploads.file() as (path, _):
                warm_up(predictor, path)
        except BaseException:
            predictor.close()
            raise
        return predictor
