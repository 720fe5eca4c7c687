"""The process that decodes. `uijepa.video.sandbox` starts it; it is not meant to be run by hand.

A warm parent imports everything once and forks a fresh, confined process for every clip: a fork costs
milliseconds, and nothing that a hostile clip does to its process outlives the clip.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from uijepa.config import Preprocess, build
from uijepa.errors import ClipError, ClipTooLarge, Undecodable
from uijepa.video import clip, confine, wire
from uijepa.video.probe import Limits

_REQUEST_BYTES = 64 * 2**10
_LATE = ("av.subtitles.stream", "numpy.ma", "PIL.ImageFile")
"""Modules that libraries import only once they decode; a confined process could not open their files."""


def _write(descriptor: int, message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[os.write(descriptor, view) :]


def _decode(path: Path, spec: Preprocess, limits: Limits) -> bytes:
    try:
        return wire.answer(clip.prepare(path, spec, limits, library="pyav"))
    except ClipError as error:
        return wire.refusal(error)
    except MemoryError:
        most = limits.address_space_bytes / 2**20
        return wire.refusal(ClipTooLarge(path, f"decoding it needs more than {most:g} MiB of memory."))
    except Exception as error:  # whatever a broken clip provokes is the clip's fault, and told as such
        return wire.refusal(Undecodable(path, f"decoding failed ({type(error).__name__})."))


def _work(request: dict[str, Any], result: int) -> NoReturn:
    """One clip, in a process of its own."""
    limits, path = build(Limits, request["limits"]), Path(request["path"])
    confine.apply(limits, path)
    # Should the parent be gone, nobody else ends a decoder that hangs.
    signal.alarm(math.ceil(limits.wall_s) + 2)
    _write(result, _decode(path, build(Preprocess, request["spec"]), limits))
    os._exit(0)


def _rehearse() -> dict[str, bool]:
    """Which measures hold here, tried in a process of its own."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(Exception):
            _write(write, json.dumps(confine.verify(confine.apply(Limits()))).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        told = file.read()
    os.waitpid(pid, 0)
    achieved: dict[str, bool] = json.loads(told)
    return achieved


def _receive(control: socket.socket) -> tuple[dict[str, Any], int] | None:
    """The next request and the pipe for its answer; None when the parent is gone."""
    text, pipes = b"", list[int]()
    while not text.endswith(b"\n"):
        data, descriptors, _, _ = socket.recv_fds(control, _REQUEST_BYTES, 1)
        if not data:
            return None
        text += data
        pipes += descriptors
    return json.loads(text), pipes[0]


def serve(control: socket.socket) -> None:
    """Answer requests until the parent closes its end."""
    for name in _LATE:
        importlib.import_module(name)
    gc.freeze()  # keeps the forks from copying pages just to count references
    control.sendall(json.dumps({"achieved": _rehearse()}).encode() + b"\n")
    while (received := _receive(control)) is not None:
        request, result = received
        pid = os.fork()
        if pid == 0:
            try:
                control.close()
                _work(request, result)
            finally:
                os._exit(1)
        os.close(result)
        _, status = os.waitpid(pid, 0)
        control.sendall(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def main() -> None:
    serve(socket.socket(fileno=int(sys.argv[1])))
