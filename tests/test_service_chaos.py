"""What goes wrong around a service: it says so with the right status, and recovers without a restart."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from processes import address, children, listen, process, until
from serving import FakePredictor, Running, check_problem, serving

from service import server
from service.engine import load


@pytest.fixture(scope="module")
def content(sample_clip: Path) -> bytes:
    return sample_clip.read_bytes()


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("chaos") / "uploads"
    with serving(uploads, bundle=tiny_bundle, threads=1, decoders=1, decode_seconds=2) as made:
        yield made


def _decoder(running: Running) -> int:
    """The process id of the one warm child."""
    predictor = running.service._predictor
    assert predictor is not None
    return int(predictor._sandbox._all[0].pid)  # type: ignore[attr-defined]


def test_a_killed_decoder_is_replaced(running: Running, content: bytes) -> None:
    expected = running.post(content).json()["confidence"]
    first = _decoder(running)
    os.kill(first, signal.SIGKILL)
    assert running.post(content).json()["confidence"] == expected
    assert _decoder(running) != first
    metrics = running.client.get("/metrics").text
    assert "uijepa_decoders 1.0" in metrics
    assert "uijepa_decoders_replaced_total 1.0" in metrics


def test_a_decoder_that_hangs_costs_its_clip_a_504(running: Running, content: bytes) -> None:
    os.killpg(_decoder(running), signal.SIGSTOP)
    began = time.monotonic()
    check_problem(running.post(content), 504, "decode-timeout")
    assert time.monotonic() - began < 10
    assert running.post(content).status_code == 200
    assert running.uploads() == []


def test_an_idle_service_lets_go_of_the_model_and_recovers_from_a_damaged_bundle(
    tiny_bundle: Path, content: bytes, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    decoder = bundle / "decoder.onnx"
    good = decoder.read_bytes()
    with serving(tmp_path / "u", load, bundle=bundle, threads=1, idle_seconds=0.4) as running:
        answer = running.post(content).json()
        until(lambda: not running.service.loaded, "the model is unloaded")
        ready = running.client.get("/readyz")
        assert (ready.status_code, ready.json()["loaded"]) == (200, False)
        assert "uijepa_decoders 0.0" in running.client.get("/metrics").text
        assert running.post(content).json()["intent"] == answer["intent"]
        decoder.write_bytes(good[:-1] + b"x")
        until(lambda: not running.service.loaded, "the model is unloaded again")
        problem = check_problem(running.post(content), 503, "not-ready")
        assert "decoder.onnx" in problem["detail"]
        assert running.client.get("/readyz").status_code == 503
        check_problem(running.post(content), 503, "not-ready")
        decoder.write_bytes(good)
        until(lambda: running.client.get("/readyz").status_code == 200, "it tried again by itself")
        assert running.post(content).json()["intent"] == answer["intent"]
        assert running.uploads() == []


def test_an_upload_folder_that_goes_away_or_cannot_be_used(tmp_path: Path) -> None:
    root = tmp_path / "u"
    with serving(root, lambda _: FakePredictor()) as running:
        shutil.rmtree(root)
        assert running.post(b"clip").status_code == 200  # made again
        shutil.rmtree(root)
        root.write_text("somebody's file")
        response = running.post(b"clip")
        check_problem(response, 503, "no-storage")
        assert response.headers["retry-after"]
        assert running.service.gate.taken == 0
        root.unlink()
        assert running.post(b"clip").status_code == 200
        assert running.uploads() == []


def test_a_full_disk_is_told_and_small_clips_go_on(tiny_bundle: Path, content: bytes, tmp_path: Path) -> None:
    """A limit on the size of files, lowered from outside: a real refusal by the kernel in the middle of a write."""
    arguments = ("--bundle", str(tiny_bundle), "--threads", "1", "--upload-dir", str(tmp_path / "u"))
    with process(*arguments) as made, httpx.Client(base_url=address(made), timeout=20) as client:
        listen(made)
        files = {"file": content}
        before = resource.prlimit(made.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(made.pid, resource.RLIMIT_FSIZE, (len(content) // 2, before[1]))
        response = client.post("/v1/intent", files=files)
        check_problem(response, 503, "no-space")
        assert response.headers["retry-after"]
        check_problem(client.post("/v1/intent", files={"file": b"small"}), 415, "not-a-video")
        resource.prlimit(made.pid, resource.RLIMIT_FSIZE, before)
        assert client.post("/v1/intent", files=files).status_code == 200
        assert list((tmp_path / "u").rglob("*.clip")) == []


def test_sigterm_under_load_loses_nothing(tiny_bundle: Path, content: bytes, tmp_path: Path) -> None:
    """Every request gets its answer or is told to go elsewhere; whoever comes after the end finds nobody."""
    arguments = ("--bundle", str(tiny_bundle), "--threads", "1", "--upload-dir", str(tmp_path / "u"), "--queue", "4")
    with process(*arguments) as made:
        url = address(made)
        said = listen(made)
        outcomes: Counter[str] = Counter()

        def post() -> None:
            with httpx.Client(timeout=30) as client:
                while True:
                    try:
                        response = client.post(f"{url}/v1/intent", files={"file": content})
                    except httpx.ConnectError:
                        return  # the end
                    except httpx.HTTPError as error:
                        outcomes[type(error).__name__] += 1
                        return
                    code = "answered" if response.status_code == 200 else response.json()["code"]
                    outcomes[code] += 1
                    if code != "answered":
                        time.sleep(0.05)

        threads = [threading.Thread(target=post) for _ in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: outcomes["answered"] >= 8, "the load is on")
        decoders = children(made.pid)
        made.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        assert made.wait(20) == 0
    assert outcomes["draining"] > 0
    assert set(outcomes) <= {"answered", "busy", "draining"}, outcomes
    assert not any("Traceback" in line for line in said)
    assert [left.name for left in (tmp_path / "u").iterdir()] == ["lock"]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in decoders), "no child is left")


@pytest.mark.skipif(sys.platform != "linux", reason="socket filters are Linux's")
def test_before_the_end_nobody_begins_to_connect_and_whoever_has_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = listener.getsockname()
        with socket.create_connection(where, timeout=20) as before:
            server._let_nobody_begin(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(where, timeout=0.2)
            (taken,) = server._accepted(listener)
            with taken:
                before.sendall(b"question")
                taken.setblocking(True)
                assert taken.recv(100) == b"question"
                taken.sendall(b"answer")
                assert before.recv(100) == b"answer"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(where, timeout=20)


def test_a_connection_that_says_nothing_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    with serving(tmp_path / "u", lambda _: FakePredictor()) as running:
        address = urlsplit(running.url)
        connections = [socket.create_connection((address.hostname, address.port), timeout=20) for _ in range(3)]
        connections[1].sendall(b"POST /v1/intent HTTP/1.1\r\nHost: localhost\r\n")
        # The third one asks, is answered, and then begins another request that it does not end.
        connections[2].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connections[2].recv(4096).startswith(b"HTTP/1.1 200 ")
        connections[2].sendall(b"GET /livez HTTP/1.1\r\n")
        for connection in connections:
            with connection:
                while connection.recv(4096):
                    pass
        for _ in range(12):  # A client that keeps asking on one connection is not taken for a silent one.
            assert running.client.get("/livez").status_code == 200
            time.sleep(0.1)
