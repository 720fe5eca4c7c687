"""Decoding clips that nobody vouches for, in a child process that has nothing to lose."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from uijepa.config import Preprocess
from uijepa.errors import DecodeTimeout, UijepaError, Undecodable
from uijepa.video import wire
from uijepa.video.clip import Prepared
from uijepa.video.probe import DEFAULT, Limits

_START_S = 60.0
_CHUNK = 1 << 20
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from uijepa.video.child import main; main()"


class SandboxError(UijepaError):
    """The decoding child cannot be started."""

    code = "sandbox"


class Sandbox:
    """A warm child process that prepares clips, one at a time, each in a confined process of its own.

    Safe to share between threads: calls wait for each other. Close it, or use it as a context manager. A child
    that dies or hangs costs its clip a typed error and nothing else; the next clip finds a new child.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._achieved: dict[str, bool] | None = None
        self._start()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def achieved(self) -> dict[str, bool]:
        """Which measures hold on this machine, by name, see `uijepa.video.confine`. Waits for the first start."""
        with self._lock:
            self._ready()
            assert self._achieved is not None  # _ready() sets it
            return {**self._achieved, "process": True, "environment": True}

    def prepare(self, path: Path, spec: Preprocess, limits: Limits = DEFAULT) -> Prepared:
        """What `uijepa.video.prepare` gives, decoded by the child.

        Raises the same ClipErrors; DecodeTimeout also when the child passes `limits.wall_s` or `limits.cpu_s`,
        Undecodable also when the clip kills it. Raises SandboxError when no child can be started.
        """
        with self._lock:
            self._ready()
            read, write = os.pipe()
            try:
                try:
                    request = {"path": str(path.absolute()), "spec": asdict(spec), "limits": asdict(limits)}
                    text = json.dumps(request).encode() + b"\n"
                    sent = socket.send_fds(self._control, [text], [write])
                    self._control.sendall(text[sent:])
                finally:
                    os.close(write)
                message = self._collect(read, path, limits, wire.most_bytes(spec, limits))
                status = self._status(path, limits)
            except BaseException:
                # The child may still be busy with this clip: the next one gets another.
                self._restart()
                raise
            finally:
                os.close(read)
        if status in (-signal.SIGXCPU, -signal.SIGALRM):
            raise DecodeTimeout(path, f"decoding took more than {limits.cpu_s:g} s of processor time.")
        if status != 0:
            cause = signal.Signals(-status).name if status < 0 else f"exit code {status}"
            raise Undecodable(path, f"it ended the decoder ({cause}).")
        try:
            return wire.parse(message, path, spec, limits)
        except wire.Garbled as error:
            raise Undecodable(path, "the decoder's answer makes no sense.") from error

    def close(self) -> None:
        """End the child. Closing twice is fine; preparing afterwards is an error."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._stop()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
        # One thread: the child forks, and a fork keeps only the thread that called it.
        environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, str(theirs.fileno()), json.dumps(paths)],
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._greeted = False

    def _stop(self) -> None:
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _restart(self) -> None:
        self._stop()
        self._start()

    def _ready(self) -> None:
        """Wait until the child has said hello, starting another if it died while idle."""
        if self._closed:
            raise SandboxError("The sandbox is closed.")
        if self._process.poll() is not None:
            self._restart()
        if self._greeted:
            return
        hello = self._line(time.monotonic() + _START_S)
        if hello is None:
            self._restart()
            raise SandboxError(f"The decoding child did not start within {_START_S:g} s, or died starting.")
        self._achieved = {str(name): bool(held) for name, held in hello["achieved"].items()}
        self._greeted = True

    def _line(self, end: float) -> dict[str, Any] | None:
        """The child's next line; None when it is gone or `end` has passed."""
        text = b""
        while not text.endswith(b"\n"):
            if not select.select([self._control], [], [], max(end - time.monotonic(), 0))[0]:
                return None
            try:
                data = self._control.recv(4096)
            except OSError:
                return None
            if not data:
                return None
            text += data
        line: dict[str, Any] = json.loads(text)
        return line

    def _collect(self, read: int, path: Path, limits: Limits, most: int) -> bytes:
        """All that the child writes about one clip, within the clip's wall time and `most` bytes."""
        end = time.monotonic() + limits.wall_s
        parts: list[bytes] = []
        size = 0
        while True:
            if not select.select([read], [], [], max(end - time.monotonic(), 0))[0]:
                raise DecodeTimeout(path, f"decoding took longer than {limits.wall_s:g} s.")
            part = os.read(read, _CHUNK)
            if not part:
                return b"".join(parts)
            size += len(part)
            if size > most:
                raise Undecodable(path, "the decoder's answer makes no sense.")
            parts.append(part)

    def _status(self, path: Path, limits: Limits) -> int:
        """How the clip's process ended: 0, an exit code, or minus a signal."""
        line = self._line(time.monotonic() + limits.wall_s)
        if line is None:
            raise Undecodable(path, "it ended the decoder.")
        return int(line["status"])
