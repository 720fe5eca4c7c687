"""`python -m service` as a process of its own, for tests and for the tools beside them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def process(*arguments: str, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    """The service on a free port; ended with the block, and after so many seconds whatever happens."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "service", "--port", "0", *arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as made:
        # Whatever goes wrong, reading its output must come to an end.
        timer = threading.Timer(seconds, made.kill)
        timer.start()
        try:
            yield made
        finally:
            timer.cancel()
            made.kill()


def address(made: subprocess.Popen[str]) -> str:
    """The service's URL, once it says that it is ready."""
    assert made.stderr is not None
    said = ""
    for line in made.stderr:
        said += line
        found = re.search(r"http://\S+", line)
        if found:
            return found[0]
    raise AssertionError(f"it ended with code {made.wait()}, saying: {said}")


def listen(made: subprocess.Popen[str]) -> list[str]:
    """The lines that the service says from now on; read, so that it never waits for a reader."""
    lines: list[str] = []

    def read() -> None:
        assert made.stderr is not None
        lines.extend(made.stderr)

    threading.Thread(target=read, daemon=True).start()
    return lines


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait for a condition that another process or thread brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def children(pid: int) -> dict[int, str]:
    """The living descendants of a process and the states they are in; "Z" is a zombie."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _read(task).split()):
            found[child] = _read(Path(f"/proc/{child}/stat")).rpartition(")")[2].split()[0:1][0]
            found |= children(child)
    return found


def resident_bytes(pid: int) -> int:
    """Memory that a process holds; 0 when it is gone."""
    found = re.search(r"VmRSS:\s+(\d+) kB", _read(Path(f"/proc/{pid}/status")))
    return int(found[1]) * 1024 if found else 0


def descriptors(pid: int) -> int:
    """Open files, sockets and pipes of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ") X"


def tiny_bundle(folder: Path) -> Path:
    """The bundle of a tiny random model, made in a process of its own: torch would stay in this one's memory."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); from pathlib import Path; folder = Path(sys.argv[1])\n"
        "from conftest import write_tiny_checkpoint; from export.package import export\n"
        "export(write_tiny_checkpoint(folder / 'checkpoint'), folder / 'bundle', name='tiny')"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder / "bundle"
