"""Order under load, trouble inside, start and end: real HTTP, a predictor that does as it is told."""

from __future__ import annotations

import errno
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from serving import FakePredictor, Running, check_problem, serving, until

from uijepa import errors
from uijepa.video.sandbox import SandboxError


class Held(FakePredictor):
    """Each prediction waits until it is let go; notes the clips in the order of their turns."""

    def __init__(self) -> None:
        super().__init__(self._hold)
        self.go = threading.Event()
        self.order: list[bytes] = []
        self.most, self._now = 0, 0

    def _hold(self, path: Path) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        self.order.append(path.read_bytes())
        assert self.go.wait(20)
        self._now -= 1


def test_one_at_a_time_in_order_and_429_past_the_queue(tmp_path: Path) -> None:
    held = Held()
    with serving(tmp_path / "u", lambda _: held, queue=2, decoders=1) as running, ThreadPoolExecutor(4) as pool:
        answers = []
        for number in range(3):
            answers.append(pool.submit(httpx.post, f"{running.url}/v1/intent", files={"file": b"%d" % number}))
            until(lambda n=number: len(running.uploads()) == n + 1, "the upload arrived")  # type: ignore[misc]
        assert running.client.get("/readyz").json()["in_progress"] == 3
        refused = running.post(b"one too many")
        check_problem(refused, 429, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        held.go.set()
        assert [answer.result().status_code for answer in answers] == [200, 200, 200]
        assert running.post(b"later").status_code == 200
    assert held.order == [b"0", b"1", b"2", b"later"]
    assert held.most == 1
    assert held.closed


def test_a_place_is_refused_before_the_upload_is_read(tmp_path: Path) -> None:
    held = Held()
    with serving(tmp_path / "u", lambda _: held, queue=0, decoders=1) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx.post, f"{running.url}/v1/intent", files={"file": b"0"})
        until(lambda: held.order == [b"0"], "the first has its turn")
        with _connect(running) as connection:
            connection.sendall(_head(running, length=1000))
            assert connection.recv(4096).startswith(b"HTTP/1.1 429 ")
        held.go.set()
        assert first.result().status_code == 200


def test_a_slow_sender_keeps_nobody_waiting_and_gets_408(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "u", lambda _: FakePredictor(), upload_seconds=1.0) as running,
        _connect(running) as connection,
    ):
        connection.sendall(_head(running, length=1000) + b"--x\r\n")
        until(lambda: len(running.uploads()) == 1, "the slow upload has begun")
        assert running.post(b"quick").status_code == 200
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
        until(lambda: not running.uploads(), "the half upload is gone")


def test_a_sender_that_goes_away_leaves_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tmp_path / "u", lambda _: FakePredictor()) as running:
        with _connect(running) as connection:
            connection.sendall(_head(running, length=1000) + b"--x\r\n")
            until(lambda: len(running.uploads()) == 1, "the upload has begun")
        until(lambda: not running.uploads() and not running.service.gate.taken, "the place is free again")
    assert "Traceback" not in caplog.text


def test_clips_are_private_while_they_are_looked_at(tmp_path: Path) -> None:
    seen: list[tuple[int, int, bytes]] = []

    def look(path: Path) -> None:
        modes = [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)]
        seen.append((modes[0], modes[1], path.read_bytes()))

    with serving(tmp_path / "u", lambda _: FakePredictor(look)) as running:
        assert running.post(b"secret").status_code == 200
        assert running.uploads() == []
    assert seen == [(0o600, 0o700, b"secret")]
    assert [path.name for path in (tmp_path / "u").iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NotAVideo, 415, "not-a-video"),
        (errors.ClipTooLarge, 413, "clip-too-large"),
        (errors.ClipTooLong, 422, "clip-too-long"),
        (errors.Undecodable, 422, "undecodable"),
        (errors.DecodeTimeout, 504, "decode-timeout"),
        (errors.ClipError, 422, "clip"),
        (errors.ClipNotFound, 500, "internal"),
    ],
)
def test_each_clip_error_has_its_status(
    running: Running, error: type[errors.ClipError], status: int, code: str
) -> None:
    def fail(path: Path) -> None:
        raise error(path, f"cannot be decoded (Invalid data: '{path}').", "Do something.")

    _predictor(running).act = fail
    problem = check_problem(running.post(b"x"), status, code)
    assert str(running.service.settings.upload_dir) not in str(problem)
    assert ".clip" not in str(problem)
    if code != "internal":
        assert problem["detail"] == "The clip cannot be decoded (Invalid data: the file)."
        assert problem["remedy"] == "Do something."


def test_an_error_nobody_foresaw_leaks_nothing(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError(f"secret {path}")

    _predictor(running).act = fail
    response = running.post(b"x")
    check_problem(response, 500, "internal")
    assert "secret" not in response.text
    assert response.headers["content-security-policy"]
    assert "secret" in caplog.text
    assert running.uploads() == []
    _predictor(running).act = lambda _: None
    assert running.post(b"x").status_code == 200


def test_a_decoder_that_cannot_start_is_503(running: Running) -> None:
    def fail(_: Path) -> None:
        raise SandboxError("no process left")

    _predictor(running).act = fail
    response = running.post(b"x")
    check_problem(response, 503, "no-decoder")
    assert int(response.headers["retry-after"]) > 0


def test_a_full_disk_is_503(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("service.form.write", full)
    response = running.post(b"x")
    check_problem(response, 503, "no-space")
    assert int(response.headers["retry-after"]) > 0


def test_not_ready_until_the_warm_up_was_answered(tmp_path: Path) -> None:
    held = Held()
    held.calls = 1  # So that the warm-up is held too.
    with serving(tmp_path / "u", lambda _: held, ready=False) as running:
        until(lambda: len(held.order) == 1, "the warm-up has begun")
        assert held.order[0].startswith(b"GIF89a")
        assert running.client.get("/livez").status_code == 200
        waiting = running.client.get("/readyz")
        assert (waiting.status_code, waiting.json()["status"]) == (503, "starting")
        refused = running.post(b"x")
        check_problem(refused, 503, "not-ready")
        assert refused.headers["retry-after"]
        held.go.set()
        until(lambda: running.client.get("/readyz").status_code == 200, "ready")
        assert running.client.get("/readyz").json()["sandbox"]["level"] == "partial"
        assert running.post(b"x").status_code == 200


def test_while_draining_nothing_new_is_taken(tmp_path: Path) -> None:
    held = Held()
    with serving(tmp_path / "u", lambda _: held) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx.post, f"{running.url}/v1/intent", files={"file": b"0"})
        until(lambda: held.order == [b"0"], "the first has its turn")
        running.server.handle_exit(15, None)
        draining = running.client.get("/readyz")
        assert (draining.status_code, draining.json()["status"]) == (503, "draining")
        check_problem(running.post(b"x"), 503, "draining")
        held.go.set()
        assert first.result().status_code == 200
    assert held.closed


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    predictor = FakePredictor()
    with serving(tmp_path_factory.mktemp("order") / "u", lambda _: predictor) as made:
        yield made


def _predictor(running: Running) -> FakePredictor:
    predictor = running.service._predictor
    assert isinstance(predictor, FakePredictor)
    return predictor


def _connect(running: Running) -> socket.socket:
    address = urlsplit(running.url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 0), timeout=20)


def _head(running: Running, *, length: int) -> bytes:
    lines = ["POST /v1/intent HTTP/1.1", f"Host: {urlsplit(running.url).netloc}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "Content-Type: multipart/form-data; boundary=x", "", ""]).encode()
