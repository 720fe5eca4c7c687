"""What a decoding child may not do. Applied by the child to itself, right before it opens a clip."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import sys
import threading
from collections.abc import Callable

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


def apply(limits: Limits) -> dict[str, bool]:
    """Confine this process for good. Which measures took hold, by name.

    `memory` address space; `cpu` processor time; `files` open files; `writes` no byte to any file; `core` no core
    dump; `processes` no new process or thread (the superuser is exempt from it); `privileges` none gained by
    exec; `orphan` dies with its parent.
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
    """The measures of `apply`, those corrected that did not hold when tried. Ends what it starts."""
    checked = dict(achieved)
    if achieved["processes"]:
        try:
            thread = threading.Thread(target=os.getpid)
            thread.start()
            thread.join()
        except RuntimeError:
            pass
        else:
            checked["processes"] = False
    return checked
