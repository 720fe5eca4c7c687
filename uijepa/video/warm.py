"""One warm process that decodes clips, seen from the process that started it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from uijepa.config import Preprocess
from uijepa.errors import DecodeTimeout, UijepaError, Undecodable
from uijepa.video import wire
from uijepa.video.clip import Prepared
from uijepa.video.probe import Limits

_START_S = 60.0
_CHUNK = 1 << 20
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from uijepa.video.child import main; main()"


class SandboxError(UijepaError):
    """The decoding child cannot be started, or is not shut in as required."""

    code = "sandbox"


class Warm:
    """A child that has everything imported and forks a confined process for each clip. For one thread at a time.

    A child that dies or hangs costs its clip a typed error and nothing else; the next clip finds a new child.
    """

    def __init__(self) -> None:
        self.replaced = 0
        """Children that ended before their time and were replaced."""
        self.achieved: dict[str, bool] = {}
        """Which measures hold, by name; known after `ready`."""
        self._start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def prepare(self, path: Path, spec: Preprocess, limits: Limits) -> Prepared:
        """What `uijepa.video.prepare` gives. Raises as `Sandbox.prepare` does."""
        try:
            return self._prepare(path, spec, limits)
        except ConnectionError:
            # The warm child itself is gone. It only forks, so no clip is to blame, unless it happens again.
            try:
                return self._prepare(path, spec, limits)
            except ConnectionError as error:
                raise Undecodable(path, "it ended the decoder.") from error

    def _prepare(self, path: Path, spec: Preprocess, limits: Limits) -> Prepared:
        self.ready()
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

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
        # One thread: the child forks, and a fork keeps only the thread that called it.
        environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        with theirs:
            self.process = subprocess.Popen(
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

    def stop(self) -> None:
        """End the child and whatever it started."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _restart(self) -> None:
        self.replaced += 1
        self.stop()
        self._start()

    def ready(self) -> None:
        """Wait until the child has said hello, starting another if it died while idle. Raises SandboxError."""
        if not self.alive:
            self._restart()
        if self._greeted:
            return
        hello = self._line(time.monotonic() + _START_S)
        if hello is None:
            self._restart()
            raise SandboxError(f"The decoding child did not start within {_START_S:g} s, or died starting.")
        held = {str(name): bool(held) for name, held in hello["achieved"].items()}
        self.achieved = {**held, "process": True, "environment": True}
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
        """How the clip's process ended: 0, an exit code, or minus a signal.

        Raises DecodeTimeout when the child does not tell in time, ConnectionError when it is gone.
        """
        end = time.monotonic() + limits.wall_s
        line = self._line(end)
        if line is None and time.monotonic() >= end:
            raise DecodeTimeout(path, f"decoding took longer than {limits.wall_s:g} s.")
        if line is None:
            raise ConnectionError
        return int(line["status"])
