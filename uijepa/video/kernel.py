"""What the Linux kernel can be told to refuse a process: files by Landlock, system calls by seccomp.

Both hold for good and cost next to nothing once set. Each function raises OSError where the kernel, or a library
to reach it, is missing.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import stat
import sys
from pathlib import Path

try:
    import pyseccomp
except (ImportError, RuntimeError):  # not Linux, or without libseccomp
    pyseccomp = None

# Landlock's three system calls have these numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # a flag of _CREATE_RULESET
_PATH_BENEATH = 1
_READ_FILE = 1 << 2
# Rights on files by Landlock ABI: 13 at first, then moving across folders, truncating, device ioctls.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_NET_RIGHTS = 0b11  # bind and connect TCP, from ABI 4
_SCOPES = 0b11  # abstract sockets of, and signals to, other processes, from ABI 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def open_only(path: Path | None) -> None:
    """From now on, open no file but the regular file `path`, for reading; and bind or connect no TCP socket.

    Needs no_new_privs. What is open already stays open.
    """
    version = _landlock(_CREATE_RULESET, None, 0, _VERSION)
    rights = max(count for since, count in _FILE_RIGHTS.items() if since <= version)
    ruleset = _Ruleset((1 << rights) - 1, _NET_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _landlock(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    try:
        if path is not None:
            _allow_reading(rules, path)
        _landlock(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow_reading(rules: int, path: Path) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # Whoever opens it next is told why it cannot be.
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):
            _landlock(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_Beneath(_READ_FILE, file)), 0)
    finally:
        os.close(file)


def _landlock(number: int, *arguments: object) -> int:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "Landlock exists on Linux only")
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock refused")
    return int(result)


_CALLS = (
    *("read", "pread64", "readv", "write", "writev", "lseek", "close", "dup", "fcntl"),
    *("open", "openat", "stat", "lstat", "fstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"),
    *("readlink", "readlinkat", "getcwd", "brk", "munmap", "mremap", "madvise", "futex", "futex_time64"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "alarm", "setitimer"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "getpid", "gettid"),
    *("getrandom", "sched_yield", "sched_getaffinity", "getcpu", "sysinfo", "uname", "exit", "exit_group"),
)
"""What decoding a file needs: reading, memory, the time, and an end. `open` and its like are Landlock's to judge."""
_TCGETS = 0x5401


def call_only_what_decoding_needs() -> None:
    """From now on, every other system call fails: no process, thread, socket, signal to others, or new code.

    Sets no_new_privs.
    """
    if pyseccomp is None:
        raise OSError(errno.ENOSYS, "libseccomp is not installed")
    # An error rather than the end: libraries ask for much that they can do without, threads for one.
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _CALLS:
        rules.add_rule(pyseccomp.ALLOW, name)
    for name in ("mmap", "mprotect"):
        rules.add_rule(pyseccomp.ALLOW, name, pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
    rules.add_rule(pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, _TCGETS))
    # abort() sends itself a signal.
    rules.add_rule(pyseccomp.ALLOW, "tgkill", pyseccomp.Arg(0, pyseccomp.EQ, os.getpid()))
    # glibc falls back to clone, which is refused, only where clone3 does not exist at all.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.load()
