"""uvicorn, stopping the way operators expect: what is under way gets its answer, nothing else is taken."""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.lifecycle import Service
from service.settings import Settings

LOG = logging.getLogger("service")

_CLOSE_SECONDS = 5


class Server(uvicorn.Server):
    """Runs the application until SIGINT or SIGTERM.

    The first signal drains: /readyz turns 503 while the clips under way are answered, for `drain_seconds` at
    most. The second one ends at once. `exit_code` is 1 when the model could not be loaded.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="h11",  # Reads on after an early answer, so that a refused upload gets to see its 413 or 429.
                ws="none",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_CLOSE_SECONDS,
            )
        )
        self.exit_code = 0
        self._settings = settings
        self._service: Service = app.state.service
        self._service.on_ready = self._say_where
        self._drain_until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._drain_until is not None:
            self.should_exit = self.force_exit = True
            return
        self._drain_until = time.monotonic() + self._settings.drain_seconds
        self._service.drain()
        under_way = self._service.gate.taken
        if under_way:
            again = " Ctrl-C again ends at once." if sig == signal.SIGINT else ""
            LOG.info("Stopping after the %d clip(s) under way.%s", under_way, again)

    async def on_tick(self, counter: int) -> bool:
        if self._service.status == "failed":
            self.exit_code = 1
            self.should_exit = True
        if self._drain_until is not None and (not self._service.gate.taken or time.monotonic() > self._drain_until):
            self.should_exit = True
        return await super().on_tick(counter)

    def _say_where(self) -> None:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        LOG.info("Open http://%s:%d  (Ctrl-C stops it)", f"[{host}]" if ":" in host else host, port)
