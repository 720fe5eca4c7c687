"""Decoding clips that nobody vouches for, in child processes that have nothing to lose."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from uijepa.config import Preprocess
from uijepa.video.clip import Prepared
from uijepa.video.probe import DEFAULT, Limits
from uijepa.video.warm import SandboxError, Warm

__all__ = ["Sandbox", "SandboxError"]


class Sandbox:
    """Warm child processes that prepare clips, each clip in a confined process of its own.

    Safe to share between threads: as many clips are decoded at once as there are children, further calls wait.
    Close it, or use it as a context manager. A child that dies or hangs costs its clip a typed error and nothing
    else; the next clip finds a new child.
    """

    def __init__(self, children: int = 1) -> None:
        if children < 1:
            raise ValueError(f"a sandbox has at least one child, got {children}")
        self._all = [Warm() for _ in range(children)]
        self._free = list(self._all)
        self._changed = threading.Condition()
        self._closed = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def achieved(self) -> dict[str, bool]:
        """Which measures hold on this machine, by name, see `uijepa.video.confine`. Waits for a first start."""
        with self._child() as child:
            child.ready()
            return dict(child.achieved)

    @property
    def children(self) -> tuple[int, int]:
        """Children alive now, and how many were replaced because they died or were late."""
        return sum(child.alive for child in self._all), sum(child.replaced for child in self._all)

    def require(self) -> None:
        """Raises SandboxError, naming them, when not every measure holds on this machine."""
        absent = [name for name, held in self.achieved.items() if not held]
        if absent:
            raise SandboxError(
                f"The decoding sandbox is only partial; this machine refuses: {', '.join(absent)}. "
                "Use a kernel with Landlock and seccomp, and install libseccomp."
            )

    def prepare(self, path: Path, spec: Preprocess, limits: Limits = DEFAULT) -> Prepared:
        """What `uijepa.video.prepare` gives, decoded by a child.

        Raises the same ClipErrors; DecodeTimeout also when the child passes `limits.wall_s` or `limits.cpu_s`,
        Undecodable also when the clip kills it. Raises SandboxError when no child can be started.
        """
        with self._child() as child:
            return child.prepare(path, spec, limits)

    def close(self) -> None:
        """End the children, once they are done with their clips. Closing twice is fine; preparing afterwards is an
        error."""
        with self._changed:
            if not self._closed:
                self._closed = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: len(self._free) == len(self._all))
                for child in self._all:
                    child.stop()

    @contextmanager
    def _child(self) -> Iterator[Warm]:
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._closed)
            if self._closed:
                raise SandboxError("The sandbox is closed.")
            child = self._free.pop()
        try:
            yield child
        finally:
            with self._changed:
                self._free.append(child)
                self._changed.notify_all()
