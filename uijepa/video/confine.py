"""What a decoding child may not do. Applied by the child to itself, right before it opens a clip."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from uijepa.video import kernel
from uijepa.video.probe import Limits

_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE
_OPEN_FILES = 32


def _lower(which: int, value: int, hard: int | None = None) -> None:
    """Lower a limit; one that is already lower stays."""
    _, ceiling = resource.getrlimit(which)
    hard = value if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        value, hard = min(value, ceiling), min(hard, ceiling)
    resource.setrlimit(which, (value, hard))


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError("prctl exists on Linux only")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused")


def apply(limits: Limits, path: Path | None = None) -> dict[str, bool]:
    """Confine this process for good, to the clip at `path`. Which measures took hold, by name.

    `memory` address space; `cpu` processor time; `files` open files; `writes` no byte to any file; `core` no core
    dump; `processes` no new process or thread; `privileges` none gained by exec; `orphan` dies with its parent;
    `paths` opens no file but the clip (Landlock); `calls` makes no system call that decoding does not need, so
    that there is no network, no other process and no new code for it (seccomp).
    """
    seconds = max(math.ceil(limits.cpu_s), 1)
    steps: dict[str, Callable[[], None]] = {
        "memory": lambda: _lower(resource.RLIMIT_AS, limits.address_space_bytes),
        # The soft limit ends the process with SIGXCPU; the hard one, a second later, cannot be caught.
        "cpu": lambda: _lower(resource.RLIMIT_CPU, seconds, seconds + 1),
        "files": lambda: _lower(resource.RLIMIT_NOFILE, _OPEN_FILES),
        "writes": lambda: _lower(resource.RLIMIT_FSIZE, 0),
        "core": _no_core,
        "privileges": lambda: _prctl(_NO_NEW_PRIVILEGES, 1),
        "orphan": lambda: _prctl(_DIE_WITH_PARENT, 9),
        "processes": lambda: _lower(resource.RLIMIT_NPROC, 0),
        # The last two, because they refuse what the others need.
        "paths": lambda: kernel.open_only(path),
        "calls": kernel.call_only_what_decoding_needs,
    }
    achieved = {}
    for name, step in steps.items():
        try:
            step()
        except (OSError, ValueError):
            achieved[name] = False
        else:
            achieved[name] = True
    return achieved


def _no_core() -> None:
    """No core dump, and on Linux no process of the same user may read this one's memory."""
    _lower(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _prctl(_NOT_DUMPABLE, 0)


def verify(achieved: dict[str, bool]) -> dict[str, bool]:
    """The measures of `apply`, those corrected that did not hold when tried. Leaves nothing behind."""
    attempts: dict[str, Callable[[], object]] = {
        # The superuser is exempt from the limit on processes, so that it takes seccomp to hold him.
        "processes": _start_thread,
        "paths": lambda: Path(sys.executable).open("rb").close(),
        "calls": lambda: socket.socket().close(),
    }
    return {name: held and not _works(attempts.get(name)) for name, held in achieved.items()}


def _works(attempt: Callable[[], object] | None) -> bool:
    if attempt is None:
        return False
    try:
        attempt()
    except (OSError, RuntimeError):  # the latter is what a thread that cannot be started raises
        return False
    return True


def _start_thread() -> None:
    thread = threading.Thread(target=os.getpid)
    thread.start()
    thread.join()
