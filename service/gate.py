"""Order under load: one prediction at a time, a bounded number of requests behind it, 429 for the rest."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from service.problem import Trouble

_SMOOTHING = 0.3


class Gate:
    """A queue with `waiting` places behind the one whose turn it is.

    A request takes its place before its upload is received, so that memory and disk are bounded by the places,
    and its turn only once it has everything, so that a slow sender holds up nobody. Used from one event loop.
    """

    def __init__(self, waiting: int) -> None:
        self._places = waiting + 1
        self._taken = 0
        self._turn = asyncio.Lock()
        self._seconds = 1.0

    @property
    def taken(self) -> int:
        """Requests under way: receiving, waiting or being answered."""
        return self._taken

    @property
    def retry_after_s(self) -> int:
        """When a place is likely free again: after the turns under way, at the pace of the last ones."""
        return max(1, math.ceil(self._seconds * self._taken))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place. Raises Trouble "busy" when all are taken."""
        if self._taken >= self._places:
            raise Trouble(
                "busy",
                f"{self._taken} clips are being looked at or waiting.",
                "Try again in a moment.",
                retry_after_s=self.retry_after_s,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, first come first served, and hold it."""
        async with self._turn:
            began = time.monotonic()
            try:
                yield
            finally:
                self._seconds += _SMOOTHING * (time.monotonic() - began - self._seconds)
