"""How many threads this process may really use: its CPU affinity and its container's CPU quota."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path


def usable(root: Path = Path("/")) -> int:
    """CPUs this process may use, at least 1. `root` stands before /proc and /sys."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        allowed = os.cpu_count() or 1
    quota = _quota(root)
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def _quota(root: Path) -> float | None:
    """The tightest CPU quota of the process's control groups, in CPUs; None where there is none."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found: list[float] = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            found += _along(root / "sys/fs/cgroup", group, _quota_v2)
        elif "cpu" in controllers.split(","):
            for mount in (controllers, "cpu"):
                found += _along(root / "sys/fs/cgroup" / mount, group, _quota_v1)
    return min(found, default=None)


def _along(mount: Path, group: str, read: Callable[[Path], float | None]) -> list[float]:
    """Quotas of a group and of all groups above it: each of them binds."""
    # Inside a container the group's path is often the host's, which the mount does not hold: skip what is absent.
    folder = mount / group.strip("/")
    folders = [folder, *folder.parents]
    inside = folders[: folders.index(mount) + 1] if mount in folders else [mount]
    return [quota for at in inside if (quota := read(at)) is not None]


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="utf-8"))
        period = int((folder / "cpu.cfs_period_us").read_text(encoding="utf-8"))
        return None if quota < 0 else quota / period
    except (OSError, ValueError):
        return None
