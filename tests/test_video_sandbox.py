from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from video_clips import numbered, recording, write

from uijepa.config import Preprocess
from uijepa.errors import (
    ClipError,
    ClipNotFound,
    ClipTooLarge,
    ClipTooLong,
    DecodeTimeout,
    NotAVideo,
    Undecodable,
)
from uijepa.video import Limits, Prepared, prepare, wire
from uijepa.video.sandbox import Sandbox, SandboxError
from uijepa.video.warm import Warm

SPEC = Preprocess(frames=8, patches=40, max_tokens=25, text_side=100, screens=2)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("clips") / "a.mp4")


@pytest.fixture(scope="module")
def slow_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes long enough to decode for a test to strike meanwhile."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (1080, 1920, 3), np.uint8)
    pictures = [np.roll(noise, 64 * i, axis=1) for i in range(24)]
    path = tmp_path_factory.mktemp("clips") / "slow.mp4"
    return write(path, pictures, [50 * i for i in range(24)], preset="ultrafast", bf="0")


def _same(one: Prepared, other: Prepared) -> None:
    for name in ("values", "positions", "times_s", "first", "last"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in ("times_s", "sizes", "keys", "order"):
        np.testing.assert_array_equal(getattr(one.facts, name), getattr(other.facts, name))
    for name in ("container", "codec", "width", "height", "rotation", "fragmented", "duration_s", "bytes", "packets"):
        assert getattr(one.facts, name) == getattr(other.facts, name)
    assert (one.grid, one.still, one.flat) == (other.grid, other.still, other.flat)
    assert set(one.seconds) == set(other.seconds)


def test_the_same_numbers_as_in_process(sandbox: Sandbox, clip: Path, tmp_path: Path) -> None:
    _same(prepare(clip, SPEC, sandbox=sandbox), prepare(clip, SPEC))
    webm = recording(tmp_path / "a.webm", codec="libvpx", container={"live": "1"})
    _same(prepare(webm, SPEC, sandbox=sandbox), prepare(webm, SPEC))
    default = Preprocess()
    _same(prepare(clip, default, sandbox=sandbox), prepare(clip, default))


def test_a_relative_path_means_the_parents_folder(
    sandbox: Sandbox, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip.parent)
    _same(prepare(Path(clip.name), SPEC, sandbox=sandbox), prepare(clip, SPEC))


def test_errors_arrive_as_they_are(sandbox: Sandbox, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("#EXTM3U\n" * 20)
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:900])
    cases: list[tuple[Path, Limits, type[ClipError]]] = [
        (tmp_path / "gone.mp4", Limits(), ClipNotFound),
        (tmp_path / "text.mp4", Limits(), NotAVideo),
        (tmp_path / "cut.mp4", Limits(), Undecodable),
        (clip, Limits(max_bytes=10), ClipTooLarge),
        (clip, Limits(max_pixels=10), ClipTooLarge),
        (clip, Limits(max_seconds=1), ClipTooLong),
    ]
    for path, limits, kind in cases:
        with pytest.raises(kind) as here:
            prepare(path, SPEC, limits)
        with pytest.raises(kind) as there:
            prepare(path, SPEC, limits, sandbox=sandbox)
        assert str(there.value) == str(here.value)
        assert there.value.path == path
        assert type(there.value) is type(here.value)


def _bomb(path: Path, width: int, height: int) -> Path:
    """A few bytes that unpack to a canvas of any size."""
    write(path, [numbered(i) for i in range(3)], [0, 100, 200], codec="gif", pixel="rgb8")
    data = bytearray(path.read_bytes())
    struct.pack_into("<HH", data, 6, width, height)
    path.write_bytes(data)
    return path


def test_a_decode_bomb_is_a_typed_error(sandbox: Sandbox, clip: Path, tmp_path: Path) -> None:
    bomb = _bomb(tmp_path / "bomb.gif", 7680, 4320)
    assert bomb.stat().st_size < 20_000
    with pytest.raises(ClipTooLarge, match="7680x4320"):
        prepare(bomb, SPEC, sandbox=sandbox)
    patient = Limits(max_pixels=2**30, wall_s=120, cpu_s=60)
    assert prepare(bomb, SPEC, patient, sandbox=sandbox).facts.width == 7680
    tight = Limits(max_pixels=2**30, wall_s=120, cpu_s=60, address_space_bytes=320 * 2**20)
    with pytest.raises(ClipTooLarge, match="memory"):
        prepare(bomb, SPEC, tight, sandbox=sandbox)
    with pytest.raises(ClipTooLarge, match="memory"):
        prepare(_bomb(bomb, 16_000, 16_000), SPEC, patient, sandbox=sandbox)
    assert prepare(clip, SPEC, sandbox=sandbox)


@LINUX
def test_a_child_that_hangs_is_ended_at_the_deadline(clip: Path) -> None:
    with Sandbox() as sandbox:
        assert sandbox.achieved["process"]
        stuck = sandbox._all[0].process
        os.killpg(stuck.pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(DecodeTimeout, match=r"longer than 0\.3 s"):
            prepare(clip, SPEC, Limits(wall_s=0.3), sandbox=sandbox)
        assert time.monotonic() - start < 5
        assert stuck.returncode == -signal.SIGKILL
        _same(prepare(clip, SPEC, sandbox=sandbox), prepare(clip, SPEC))


@LINUX
def test_a_child_that_died_while_idle_is_replaced(clip: Path) -> None:
    with Sandbox() as sandbox:
        assert sandbox.achieved["process"]
        sandbox._all[0].process.kill()
        sandbox._all[0].process.wait()
        _same(prepare(clip, SPEC, sandbox=sandbox), prepare(clip, SPEC))


def _doom(warm: Warm) -> None:
    """Let the warm child take no notice of its next request, and die of something else soon after."""

    def end(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    warm.ready()
    os.killpg(warm.pid, signal.SIGSTOP)
    threading.Timer(0.2, end, [warm.pid]).start()


@LINUX
def test_a_child_that_dies_with_a_request_in_hand_costs_no_clip(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        warm = sandbox._all[0]
        _doom(warm)
        _same(prepare(clip, SPEC, sandbox=sandbox), prepare(clip, SPEC))
        assert warm.replaced == 1
        start = warm._start
        monkeypatch.setattr(warm, "_start", lambda: (start(), _doom(warm)))
        _doom(warm)
        with pytest.raises(Undecodable, match="ended the decoder"):
            prepare(clip, SPEC, sandbox=sandbox)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _strike(pid: int, number: int) -> threading.Thread:
    """Send a signal to the process that decodes for `pid`, as soon as there is one."""

    def run() -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for child in _children(pid):
                os.kill(child, number)
                return
            time.sleep(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@LINUX
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGSEGV, (Undecodable, "SIGSEGV")),
        (signal.SIGABRT, (Undecodable, "SIGABRT")),
        (signal.SIGXCPU, (DecodeTimeout, "processor time")),
    ],
)
def test_a_clip_that_ends_its_process_costs_itself_only(
    sandbox: Sandbox, slow_clip: Path, clip: Path, number: int, expected: tuple[type[ClipError], str]
) -> None:
    assert sandbox.achieved["process"]
    warm = sandbox._all[0].pid
    striker = _strike(warm, number)
    with pytest.raises(expected[0], match=expected[1]):
        prepare(slow_clip, SPEC, sandbox=sandbox)
    striker.join()
    assert prepare(clip, SPEC, sandbox=sandbox)
    assert sandbox._all[0].pid == warm  # the warm process lives on
    assert _children(warm) == []


@LINUX
def test_processor_time_runs_out(sandbox: Sandbox, slow_clip: Path) -> None:
    heavy = Preprocess(frames=512, patches=4096, max_tokens=10**6)
    limits = Limits(cpu_s=1, wall_s=120, address_space_bytes=8 * 2**30)
    with pytest.raises(DecodeTimeout, match="1 s of processor time"):
        prepare(slow_clip, heavy, limits, sandbox=sandbox)


def test_threads_share_a_sandbox(sandbox: Sandbox, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    expected = prepare(clip, SPEC)

    def one(index: int) -> str:
        try:
            _same(prepare(clip if index % 3 else tmp_path / "bad.mp4", SPEC, sandbox=sandbox), expected)
        except NotAVideo:
            return "refused"
        return "read"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(12))) == ["read" if i % 3 else "refused" for i in range(12)]


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@LINUX
def test_closing_leaves_nothing_behind(clip: Path) -> None:
    sandbox = Sandbox()
    descriptors = _descriptors()
    prepare(clip, SPEC, sandbox=sandbox)
    with pytest.raises(NotAVideo):
        prepare(clip.parent, SPEC, sandbox=sandbox)
    assert _descriptors() == descriptors
    pid = sandbox._all[0].pid
    sandbox.close()
    sandbox.close()
    assert not Path(f"/proc/{pid}").exists()
    assert _descriptors() == descriptors - 1
    with pytest.raises(SandboxError, match="closed"):
        prepare(clip, SPEC, sandbox=sandbox)


@LINUX
def test_a_child_whose_parent_is_gone_ends() -> None:
    program = (
        "import os; from uijepa.video.sandbox import Sandbox\n"
        "box = Sandbox(); box.achieved; print(box._all[0].pid, flush=True); os._exit(0)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    path = Path(f"/proc/{told.stdout.strip()}/stat")
    end = time.monotonic() + 5
    while path.exists() and " Z " not in path.read_text() and time.monotonic() < end:
        time.sleep(0.01)
    assert not path.exists() or " Z " in path.read_text()


@LINUX
def test_nothing_of_the_parent_reaches_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UIJEPA_TEST_SECRET", "hush")
    with Sandbox() as sandbox:
        achieved = sandbox.achieved
        pid = sandbox._all[0].pid
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getsid(pid) == pid
    # The rest depends on the kernel.
    assert {name for name, held in achieved.items() if not held} <= {"processes", "paths", "calls"}


CONFINED = """
import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys
from pathlib import Path
from uijepa.video import confine, Limits
clip, other = map(Path, sys.argv[1:])
written = other.open("ab", buffering=0)
status = open("/proc/self/status")
achieved = confine.verify(confine.apply(Limits(address_space_bytes=512 * 2**20), clip))
tries = {
    "read the clip": lambda: clip.read_bytes(),
    "read another file": lambda: other.read_bytes(),
    "read by a link": lambda: clip.with_name("link").read_bytes(),
    "list a folder": lambda: os.listdir(clip.parent),
    "delete the clip": clip.unlink,
    "make a file": lambda: clip.with_name("new").touch(),
    "write the clip": lambda: clip.open("ab"),
    "write what is open": lambda: written.write(b"x"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "open a socket": lambda: socket.socket(socket.AF_UNIX),
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "make code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6)),
    "have much memory": lambda: bytearray(600 * 2**20),
    "have many files": lambda: [os.dup(0) for _ in range(64)],
}
done = {}
for name, attempt in tries.items():
    try:
        attempt()
        done[name] = "done"
    except (OSError, ValueError, MemoryError) as error:
        done[name] = type(error).__name__
facts = dict(line.split(":", 1) for line in status.read().splitlines())
print(json.dumps([achieved, done, facts["NoNewPrivs"].strip(), facts["Seccomp"].strip()]))
"""
BY_PATHS = {
    "read another file",
    "read by a link",
    "list a folder",
    "delete the clip",
    "make a file",
    "write the clip",
}
BY_CALLS = {"connect", "open a socket", "fork", "exec", "signal the parent", "make code"}


@LINUX
def test_what_a_confined_process_cannot_do(tmp_path: Path) -> None:
    clip, other = tmp_path / "clip", tmp_path / "other"
    clip.write_bytes(b"clip")
    other.write_bytes(b"secret")
    (tmp_path / "link").symlink_to(other)
    command = [sys.executable, "-c", CONFINED, str(clip), str(other)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    achieved, done, no_new_privileges, seccomp = json.loads(told.stdout)
    assert {name for name, held in achieved.items() if not held} <= {"processes", "paths", "calls"}
    assert done.pop("read the clip") == "done"
    expected = {"write what is open": "OSError", "have much memory": "MemoryError", "have many files": "OSError"}
    if achieved["paths"]:
        expected |= dict.fromkeys(BY_PATHS, "PermissionError")
    if achieved["calls"]:
        expected |= dict.fromkeys(BY_CALLS, "PermissionError") | {"raise a limit": "ValueError"}
    assert {name: done[name] for name in expected} == expected
    assert (no_new_privileges, seccomp) == ("1", "2" if achieved["calls"] else "0")
    assert (clip.read_bytes(), other.read_bytes()) == (b"clip", b"secret")
    assert not (tmp_path / "new").exists()


@LINUX
def test_every_kind_of_clip_is_decoded_in_confinement(sandbox: Sandbox, tmp_path: Path) -> None:
    """A library that opens a file or starts a thread only for some codec would fail here."""
    if not (sandbox.achieved["paths"] and sandbox.achieved["calls"]):
        pytest.skip("this kernel has no Landlock or no seccomp")
    clips = [
        recording(tmp_path / "a.mp4"),
        recording(tmp_path / "b.webm", codec="libvpx-vp9"),
        recording(tmp_path / "c.mp4", codec="libsvtav1", **{"svtav1-params": "preset=11"}),
        write(tmp_path / "d.gif", [numbered(i) for i in range(3)], [0, 100, 200], codec="gif", pixel="rgb8"),
        recording(tmp_path / "e.mov", rotation=90),
        recording(tmp_path / "f.mkv", codec="libx265", **{"x265-params": "log-level=none"}),
        recording(tmp_path / "g.mp4", codec="mpeg4", container={"movflags": "frag_keyframe+empty_moov"}),
    ]
    damaged = bytearray(clips[0].read_bytes())
    pictures = damaged.index(b"mdat"), damaged.index(b"moov")
    begin, end = int(np.quantile(pictures, 0.6)), int(np.quantile(pictures, 0.85))
    damaged[begin:end] = b"\xff" * (end - begin)
    (tmp_path / "h.mp4").write_bytes(damaged)  # its decoder complains all the way
    for path in [*clips, tmp_path / "h.mp4"]:
        _same(prepare(path, SPEC, sandbox=sandbox), prepare(path, SPEC, library="pyav"))


def test_a_partial_sandbox_can_be_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    if all(sandbox.achieved.values()):
        sandbox.require()
    monkeypatch.setitem(sandbox._all[0].achieved, "paths", False)
    with pytest.raises(SandboxError, match=r"refuses: .*paths"):
        sandbox.require()


@LINUX
def test_children_decode_at_once_and_one_that_hangs_stops_no_other(clip: Path) -> None:
    with Sandbox(2) as sandbox, ThreadPoolExecutor(1) as pool:
        assert all(child.ready() is None for child in sandbox._all)
        stuck = sandbox._free[-1]
        os.killpg(stuck.pid, signal.SIGSTOP)
        late = pool.submit(prepare, clip, SPEC, Limits(wall_s=1.5), sandbox=sandbox)
        _wait(lambda: stuck not in sandbox._free)
        start = time.monotonic()
        assert prepare(clip, SPEC, sandbox=sandbox)
        assert time.monotonic() - start < 1.4
        with pytest.raises(DecodeTimeout):
            late.result()
        assert sandbox.children == (2, 1)
        assert prepare(clip, SPEC, sandbox=sandbox)


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    assert condition()


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_lying_child_cannot_hurt_its_parent(clip: Path, data: st.DataObject) -> None:
    message = bytearray(_message(clip))
    header = struct.unpack_from(">I", message, 4)[0]
    for _ in range(data.draw(st.integers(1, 4))):
        # the header is where lies matter; arrays are only numbers
        at = data.draw(st.integers(0, header + 400))
        message[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(message), len(message) - 1, header, 5, 0]))
    try:
        prepared = wire.parse(bytes(message[:cut]), clip, SPEC, Limits())
    except (wire.Garbled, ClipError):
        return
    assert len(prepared.values) <= SPEC.max_tokens
    assert max(prepared.screens.shape[1:]) <= SPEC.text_side
    assert 2 <= len(prepared.screens) <= 1 + SPEC.screens
    assert (prepared.positions < (prepared.grid.t, prepared.grid.h, prepared.grid.w)).all()
    assert np.isfinite(prepared.facts.times_s).all()


_MESSAGES: dict[Path, bytes] = {}


def _message(clip: Path) -> bytes:
    if clip not in _MESSAGES:
        _MESSAGES[clip] = wire.answer(prepare(clip, SPEC))
    return _MESSAGES[clip]


def _forged(clip: Path, **changes: object) -> bytes:
    """An answer whose header says something else."""
    message = _message(clip)
    (length,) = struct.unpack_from(">I", message, 4)
    header = json.loads(message[8 : 8 + length])
    for name, value in changes.items():
        table = header["facts"] if name in header["facts"] else header
        table[name] = value
    text = json.dumps(header).encode()
    return struct.pack(">4sI", wire.MAGIC, len(text)) + text + message[8 + length :]


def test_an_honest_answer_passes(clip: Path) -> None:
    _same(wire.parse(_forged(clip), clip, SPEC, Limits()), prepare(clip, SPEC))
    assert len(_message(clip)) <= wire.most_bytes(SPEC, Limits())


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 10**9},
        {"width": True},
        {"duration_s": float("nan")},
        {"duration_s": -1},
        {"container": "exe"},
        {"codec": ["h264"]},
        {"rotation": 45},
        {"still": 2},
        {"grid": [1, 1, 1]},
        {"seconds": {"probe": 0, "decode": 0}},
        {"shapes": {}},
        {"facts": None},
        {"error": "rm -rf", "reason": "", "remedy": ""},
        {"error": "undecodable", "reason": "\x1b[2J", "remedy": ""},
    ],
)
def test_an_answer_that_cannot_be_true_is_refused(clip: Path, changes: dict[str, object]) -> None:
    with pytest.raises(wire.Garbled):
        wire.parse(_forged(clip, **changes), clip, SPEC, Limits())


def test_bytes_too_many_or_too_few_are_refused(clip: Path) -> None:
    for message in (_message(clip) + b"x", _message(clip)[:-1], b"", b"GIF89a" * 100):
        with pytest.raises(wire.Garbled):
            wire.parse(message, clip, SPEC, Limits())
