"""Order under load: a few predictions at a time, a bounded number of requests behind them, 429 for the rest."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from service.problem import Trouble

_SMOOTHING = 0.3


@dataclass(eq=False)
class _Waiter:
    """A request in the line."""

    tell: Callable[[int], None]
    called: asyncio.Future[None]
    ahead: int = field(default=-1)


class Gate:
    """A queue with `waiting` places behind the `at_once` whose turn it is.

    A request takes its place before its upload is received, so that memory and disk are bounded by the places,
    and its turn only once it has everything, so that a slow sender holds up nobody. Used from one event loop.
    """

    def __init__(self, waiting: int, at_once: int = 1) -> None:
        self.places = waiting + at_once
        """Requests that may be under way at once."""
        self._at_once = at_once
        self._taken = 0
        self._running = 0
        self._line: deque[_Waiter] = deque()
        self._seconds = 1.0

    @property
    def taken(self) -> int:
        """Requests under way: receiving, waiting or being answered."""
        return self._taken

    @property
    def waiting(self) -> int:
        """Requests that have everything and wait for their turn."""
        return len(self._line)

    @property
    def retry_after_s(self) -> int:
        """When a place is likely free again: after the turns under way, at the pace of the last ones."""
        return max(1, math.ceil(self._seconds * self._taken / self._at_once))

    @contextmanager
    def place(self) -> Iterator[Callable[[], None]]:
        """Hold a place until the block ends, or until what it gives is called. Raises Trouble "busy" when all are
        taken."""
        if self._taken >= self.places:
            raise Trouble(
                "busy",
                f"{self._taken} clips are being looked at or waiting.",
                "Try again in a moment.",
                retry_after_s=self.retry_after_s,
            )
        self._taken += 1
        held = True

        def leave() -> None:
            nonlocal held
            self._taken -= held
            held = False

        try:
            yield leave
        finally:
            leave()

    @asynccontextmanager
    async def turn(self, tell: Callable[[int], None] = lambda _: None) -> AsyncIterator[None]:
        """Wait for one's turn, first come first served, and hold it.

        `tell` hears how many are answered before, at once and whenever that changes.
        """
        waiter = _Waiter(tell, asyncio.get_running_loop().create_future())
        self._line.append(waiter)
        self._move_up()
        try:
            await waiter.called
        except asyncio.CancelledError:
            if waiter in self._line:
                self._line.remove(waiter)
            else:  # Called and cancelled in the same breath: the turn goes to the next one.
                self._running -= 1
            self._move_up()
            raise
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds += _SMOOTHING * (time.monotonic() - began - self._seconds)
            self._running -= 1
            self._move_up()

    def _move_up(self) -> None:
        """Call whoever may start, and tell everybody else how many are ahead."""
        called = []
        while self._line and self._running < self._at_once:
            called.append(self._line.popleft())
            self._running += 1
        for waiter in called:
            waiter.tell(0)
            waiter.called.set_result(None)
        for index, waiter in enumerate(self._line):
            if waiter.ahead != self._running + index:
                waiter.ahead = self._running + index
                waiter.tell(waiter.ahead)
