"""uvicorn, stopping the way operators expect: what is under way gets its answer, nothing else is taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import struct
import sys
import time
from array import array
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from service.lifecycle import Service
from service.settings import Settings

LOG = logging.getLogger("service")

HEAD_SECONDS = 20.0
"""Longest time a new connection may take to send the head of its first request."""
_CLOSE_SECONDS = 5
_TICKS_A_SECOND = 10
_SO_ATTACH_FILTER = 26
# Classic BPF, which sees a segment from its TCP header on: load byte 13, the flags; if SYN (2) is set keep nothing
# of the segment, else all of it.
_DROP_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 2), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


class Server(uvicorn.Server):
    """Runs the application until SIGINT or SIGTERM.

    The first signal drains: /readyz turns 503 while the clips under way are answered, for `drain_seconds` at
    most and, told by SIGTERM, for `notice_seconds` at least. The second one ends at once. `exit_code` is 1 when
    the model could not be loaded.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="h11",  # Reads on after an early answer, so that a refused upload gets to see its 413 or 429.
                ws="none",
                loop="asyncio",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_CLOSE_SECONDS,
            )
        )
        self.exit_code = 0
        self._settings = settings
        self._service: Service = app.state.service
        self._service.on_ready = self._say_where
        self._drain: tuple[float, float] | None = None  # earliest and latest end
        self._notice_s = 0.0
        self._silent = _Silent(self.server_state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._drain is not None:
            self.should_exit = self.force_exit = True
            return
        now = time.monotonic()
        # Whoever presses Ctrl-C waits for nobody to notice.
        notice = self._notice_s = 0.0 if sig == signal.SIGINT else self._settings.notice_seconds
        self._drain = now + notice, now + max(self._settings.drain_seconds, notice)
        self._service.drain()
        under_way = self._service.gate.taken
        if under_way:
            again = " Ctrl-C again ends at once." if sig == signal.SIGINT else ""
            LOG.info("Stopping after the %d clip(s) under way.%s", under_way, again)

    async def on_tick(self, counter: int) -> bool:
        if self._service.status == "failed":
            self.exit_code = 1
            self.should_exit = True
        if self._drain is not None:
            earliest, latest = self._drain
            now = time.monotonic()
            if now > latest or (now > earliest and not self._service.gate.taken):
                self.should_exit = True
        if counter % _TICKS_A_SECOND == 0:
            self._silent.close()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._drain is not None and not self.force_exit:
            await self._answer_the_last()
        await super().shutdown(sockets)

    async def _answer_the_last(self) -> None:
        """Nobody may connect any more; whoever has is told to go elsewhere rather than cut off.

        Closing a listening socket resets the connections that it has not handed out yet. So no new ones may begin,
        and a second handle keeps it open until those that had begun are taken over.
        """
        loop = asyncio.get_running_loop()
        handed = [each for server in self.servers for each in server.sockets]
        kept = [socket.socket(fileno=os.dup(each.fileno())) for each in handed]
        for each in handed:
            loop.remove_reader(each.fileno())
            _let_nobody_begin(each)
        # Connections that were just accepted find their server open still; handshakes under way come to their end.
        await asyncio.sleep(0.05)
        for server in self.servers:
            server.close()
        late = [connection for listener in kept for connection in _accepted(listener)]
        for connection in late:
            await loop.connect_accepted_socket(self._protocol, connection)
        end = time.monotonic() + self._notice_s
        while self.server_state.connections and time.monotonic() < end and not self.force_exit:
            await asyncio.sleep(0.02)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _say_where(self) -> None:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        LOG.info("Open http://%s:%d  (Ctrl-C stops it)", f"[{host}]" if ":" in host else host, port)


def _let_nobody_begin(listener: socket.socket) -> None:
    """Drop every SYN that comes to a listening socket; connections that have begun go on.

    A client sends its SYN once more after a second, and is refused then, the socket being closed. Only Linux can
    do so (socket filters); elsewhere, or where it refuses, whoever connects in the moment of closing may be reset.
    """
    if sys.platform != "linux":
        return
    program = array("B", b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN))
    with contextlib.suppress(OSError):
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_DROP_SYN), program.buffer_info()[0])
        )


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """The connections that wait at a listening socket, which is closed."""
    listener.setblocking(False)
    found: list[socket.socket] = []
    with listener:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # BlockingIOError: there are none
                return found
            connection.setblocking(False)
            found.append(connection)


class _Silent:
    """Connections that were opened and then sent no complete request head: uvicorn waits for them for ever."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._since: dict[tuple[Any, Any], float] = {}

    def close(self) -> None:
        """Close those that have been silent for too long."""
        now = time.monotonic()
        # uvicorn's own timer runs between two requests, but stops at the first byte of the next one. A cycle is
        # one request with its answer; a new one means that the connection was not silent.
        cycles = {made: getattr(made, "cycle", None) for made in self._state.connections}
        silent = [(made, cycle) for made, cycle in cycles.items() if cycle is None or cycle.response_complete]
        self._since = {each: self._since.get(each, now) for each in silent}
        for (made, _), since in self._since.items():
            if now - since > HEAD_SECONDS:
                made.transport.close()
