"""`uijepa.Client` against a real service."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from serving import FakePredictor, Running, serving, until

import uijepa
from uijepa.client import Client, Delta, Intent, Queued, ServiceError, Stage


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("client") / "uploads"
    with serving(uploads, bundle=tiny_bundle, threads=1, max_bytes=200_000, api_key="sesame-open") as made:
        yield made


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    with uijepa.Client(running.url, api_key="sesame-open", patience_s=0) as made:
        yield made


def test_a_clip_may_be_a_path_its_bytes_or_a_file(client: Client, running: Running, sample_clip: Path) -> None:
    headers = {"Authorization": "Bearer sesame-open"}
    files = {"file": sample_clip.read_bytes()}
    plain = running.client.post("/v1/intent", files=files, headers=headers).json()
    with sample_clip.open("rb") as file:
        for clip in (sample_clip, str(sample_clip), sample_clip.read_bytes(), file, io.BytesIO(files["file"])):
            answer = client.intent(clip)
            assert {**asdict(answer), "timings_ms": None} == {**plain, "timings_ms": None}
            assert answer.timings_ms.keys() == plain["timings_ms"].keys()


def test_a_stream_ends_with_the_answer(client: Client, sample_clip: Path) -> None:
    told = list(client.stream(sample_clip))
    assert told[0] == Queued(0)
    assert [one.name for one in told if isinstance(one, Stage)] == ["decode", "text", "encoder", "decoder"]
    answer = told[-1]
    assert isinstance(answer, Intent)
    assert "".join(one.text for one in told if isinstance(one, Delta)) == answer.intent
    # Whoever stops listening leaves nothing behind.
    assert next(client.stream(sample_clip)) == Queued(0)
    assert client.is_ready()


def test_trouble_is_one_kind_of_error(client: Client, running: Running, tmp_path: Path) -> None:
    for ask in (client.intent, lambda clip: list(client.stream(clip))):
        with pytest.raises(ServiceError, match="Send an mp4") as error:
            ask(b"no clip")
        assert (error.value.code, error.value.status) == ("not-a-video", 415)
        with pytest.raises(ServiceError) as error:
            ask(bytes(300_000))
        assert (error.value.code, error.value.status) == ("upload-too-large", 413)
    with pytest.raises(FileNotFoundError):
        client.intent(tmp_path / "none.mp4")
    with Client(running.url) as stranger:
        assert stranger.version()["uijepa"] == uijepa.__version__
        with pytest.raises(ServiceError, match="Authorization") as error:
            stranger.intent(b"x")
        assert error.value.code == "unauthorised"
    with Client("http://127.0.0.1:1") as nowhere:
        assert not nowhere.is_ready()
        for ask in (lambda: nowhere.intent(b"x"), lambda: list(nowhere.stream(b"x")), nowhere.version):
            with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1") as error:
                ask()
            assert (error.value.code, error.value.status) == ("unreachable", 0)


def test_patience_waits_for_a_place(tmp_path: Path) -> None:
    with serving(tmp_path / "u", lambda _: FakePredictor(), queue=0, decoders=1) as running:
        with running.service.gate.place(), Client(running.url, patience_s=0) as hasty:
            with pytest.raises(ServiceError) as error:
                hasty.intent(b"x")
            assert (error.value.code, error.value.status) == ("busy", 429)
            assert error.value.retry_after_s == 1.0
        with Client(running.url, patience_s=20) as patient, ThreadPoolExecutor(1) as pool:
            file = io.BytesIO(b"some clip")
            with running.service.gate.place():
                answer = pool.submit(patient.intent, file)
                until(lambda: 'status="429"' in running.client.get("/metrics").text, "it was refused once")
            assert answer.result().intent == "Call Ada."
            assert "uijepa_clip_bytes_total 9.0" in running.client.get("/metrics").text  # all of it, the second time


def test_the_library_does_not_need_it() -> None:
    code = "import sys, uijepa; print('httpx' in sys.modules); uijepa.Client; print('httpx' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
    with pytest.raises(AttributeError, match="Clients"):
        uijepa.Clients  # noqa: B018
