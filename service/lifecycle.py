"""The service between its start and its end: loading, ready, draining."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

from service.gate import Gate
from service.predictor import Predictor, PredictorFactory, warm_up
from service.problem import Trouble
from service.settings import Settings
from service.upload import UploadFolder
from uijepa.errors import UijepaError

LOG = logging.getLogger("service")

Status = Literal["starting", "ready", "failed", "draining"]


class Service:
    """State shared by all requests. Lives in one event loop; only predictions leave it, for a thread."""

    def __init__(self, settings: Settings, make_predictor: PredictorFactory) -> None:
        self.settings = settings
        self.gate = Gate(settings.queue)
        self.uploads = UploadFolder(settings.upload_dir)
        self.status: Status = "starting"
        self.reason = "The model is being loaded."
        self.on_ready: Callable[[], None] = lambda: None
        self._make_predictor = make_predictor
        self._predictor: Predictor | None = None
        self._sandbox: dict[str, bool] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load in the background, so that health routes answer meanwhile; clean up at the end."""
        loading = asyncio.create_task(self._load())
        try:
            yield
        finally:
            self.drain()
            loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loading
            if self._predictor is not None:
                await asyncio.to_thread(self._predictor.close)
            self.uploads.close()

    async def _load(self) -> None:
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
            self.status = "failed"
            known = isinstance(error, UijepaError)
            self.reason = str(error) if known else "The model could not be loaded; the service's log has the details."
            LOG.error("%s", error, exc_info=None if known else error)
            return
        # Asked once: the answer may wait for the decoding child, and health routes must not.
        self._sandbox = dict(self._predictor.sandbox)
        absent = [name for name, holds in self._sandbox.items() if not holds]
        if absent:
            LOG.warning("The decoding sandbox is partial; this machine refuses: %s", ", ".join(absent))
        if self.status == "starting":
            self.status, self.reason = "ready", ""
            LOG.info("Ready after %.1f s with model %s", time.monotonic() - began, self.model)
            self.on_ready()

    def _load_and_warm_up(self) -> Predictor:
        self.uploads.open()
        predictor = self._make_predictor(self.settings)
        try:
            with self.uploads.file() as (path, _):
                warm_up(predictor, path)
        except BaseException:
            predictor.close()
            raise
        return predictor

    @property
    def model(self) -> str | None:
        """Name and version of the model, once it is loaded."""
        return self._predictor.model if self._predictor is not None else None

    @property
    def sandbox(self) -> Mapping[str, bool] | None:
        """Measures that shut decoding in, and whether each holds; None until that is known."""
        return self._sandbox

    def drain(self) -> None:
        """Take no more clips; those under way are still answered."""
        if self.status != "failed":
            self.status, self.reason = "draining", "The service is shutting down."

    def check_ready(self) -> Predictor:
        """The predictor. Raises Trouble while it is loading, failed, or draining."""
        if self.status == "draining":
            raise Trouble("draining", self.reason, "Try again in a moment.", retry_after_s=5)
        if self._predictor is None or self.status != "ready":
            raise Trouble("not-ready", self.reason, "Try again in a moment.", retry_after_s=5)
        return self._predictor
