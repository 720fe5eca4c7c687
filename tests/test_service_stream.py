"""Answers as server-sent events, and clients that go away, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import FakePredictor, Running, check_problem, events, serving, until

from uijepa import errors
from uijepa.runtime import Engine


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("stream") / "uploads"
    with serving(uploads, bundle=tiny_bundle, max_bytes=200_000, threads=1) as made:
        yield made


def test_a_stream_tells_the_stages_and_the_words_of_the_same_answer(running: Running, sample_clip: Path) -> None:
    plain = running.post(sample_clip.read_bytes()).json()
    told = running.stream(sample_clip.read_bytes())
    assert told[0] == ("intent.queued", {"ahead": 0})
    stages = [data["stage"] for name, data in told if name == "intent.stage"]
    assert stages == ["decode", "text", "encoder", "decoder"]
    name, answer = told[-1]
    assert name == "intent.done"
    assert "".join(data["text"] for name, data in told if name == "intent.delta") == answer["intent"]
    for key in set(plain) - {"timings_ms"}:
        assert answer[key] == plain[key]
    assert set(answer["timings_ms"]) == set(plain["timings_ms"])
    assert running.uploads() == []


def test_words_of_many_bytes_are_told_whole(tiny_bundle: Path) -> None:
    """A byte-level token may end in the middle of a character."""
    from uijepa.runtime import Delta
    from uijepa.runtime.generate import Step

    engine = Engine.load(tiny_bundle, threads=1)
    encode = engine._sequence.tokenizer.encode
    for sentence in ("Naïve café – 日本語 🎉 ok", " padded ", "🎉", ""):
        told: list[Any] = []
        steps = [Step(token, 0.0) for token in [*encode(sentence).ids, engine._sequence.eos]]
        engine._told(iter(steps), told.append)
        assert "".join(one.text for one in told) == sentence.strip()
        assert [one for one in told if isinstance(one, Delta) and "\N{REPLACEMENT CHARACTER}" in one.text] == []
        assert len(told) == len(steps)


def test_trouble_with_the_clip_is_the_last_event(running: Running) -> None:
    told = running.stream(b"no clip at all")
    assert [name for name, _ in told] == ["intent.queued", "intent.stage", "problem"]
    assert (told[-1][1]["code"], told[-1][1]["status"]) == ("not-a-video", 415)
    assert running.uploads() == []


def test_trouble_with_the_upload_is_a_status(running: Running) -> None:
    response = running.client.post("/v1/intent?stream=true", files={"file": bytes(400_000)})
    check_problem(response, 413, "upload-too-large")
    check_problem(running.client.post("/v1/intent?stream=true", content=b"x"), 415, "not-multipart")
    response = running.client.post("/v1/intent?stream=perhaps", files={"file": b"x"})
    check_problem(response, 422, "invalid-request")
    assert running.service.gate.taken == 0


class Held(FakePredictor):
    """Each prediction waits until it is let go; notes the clips in the order of their turns."""

    def __init__(self) -> None:
        super().__init__(self._hold)
        self.go = threading.Event()
        self.order: list[bytes] = []
        self.ended = 0

    def _hold(self, path: Path) -> None:
        self.order.append(path.read_bytes())
        assert self.go.wait(20)
        assert path.exists()
        self.ended += 1


def _streamed(url: str, content: bytes) -> Any:
    return httpx.stream("POST", f"{url}/v1/intent?stream=true", files={"file": content}, timeout=20)


def test_the_place_in_the_queue_is_told_as_it_changes(tmp_path: Path) -> None:
    held = Held()
    with serving(tmp_path / "u", lambda _: held, queue=3, decoders=1) as running, ThreadPoolExecutor(2) as pool:
        first = pool.submit(running.post, b"0")
        until(lambda: held.order == [b"0"], "the first has its turn")
        with _streamed(running.url, b"1") as gone, _streamed(running.url, b"2") as last:
            told = events(last.iter_lines())
            assert next(events(gone.iter_lines())) == ("intent.queued", {"ahead": 1})
            assert next(told) == ("intent.queued", {"ahead": 2})
            gone.close()  # Its client goes away: whoever is behind moves up at once.
            assert next(told) == ("intent.queued", {"ahead": 1})
            held.go.set()
            assert next(told) == ("intent.queued", {"ahead": 0})
            assert list(told)[-1][0] == "intent.done"
        assert first.result().status_code == 200
    assert held.order == [b"0", b"2"]


@pytest.mark.parametrize("query", ["", "?stream=true"])
def test_a_client_that_goes_away_leaves_the_queue_and_ends_the_work(
    tmp_path: Path, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    with serving(tmp_path / "u", lambda _: held, queue=2, decoders=1) as running:
        url = f"{running.url}/v1/intent{query}"
        for number in range(2):
            with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=httpx.Timeout(20, read=0.3)) as client:
                client.post(url, files={"file": b"%d" % number})
        # The one who waited is gone; the one being answered cannot be stopped in the middle of a stage.
        until(lambda: running.service.gate.taken == 1, "the waiting one left")
        assert len(running.uploads()) == 1
        held.go.set()
        until(lambda: running.service.gate.taken == 0, "the other one ended")
        assert running.uploads() == []
        assert running.post(b"next").status_code == 200
    assert held.order == [b"0", b"next"]
    assert "Traceback" not in caplog.text


def test_an_error_within_a_stream_leaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError(f"secret {path}")

    predictor = FakePredictor(fail)
    with serving(tmp_path / "u", lambda _: predictor) as running:
        told = running.stream(b"x")
        assert told[-1][0] == "problem"
        assert told[-1][1]["code"] == "internal"
        assert "secret" not in str(told)
        assert "secret" in caplog.text

        def refuse(path: Path) -> None:
            raise errors.ClipTooLong(path, "lasts 9 s.")

        predictor.act = refuse
        assert running.stream(b"x")[-1][1]["code"] == "clip-too-long"
    assert [path.name for path in (tmp_path / "u").iterdir()] == ["lock"]


def test_a_silent_stream_says_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.job._PAUSE_S", 0.05)
    held = Held()
    with serving(tmp_path / "u", lambda _: held) as running, _streamed(running.url, b"0") as response:
        lines = response.iter_lines()
        assert any(line.startswith(":") for line in lines)
        held.go.set()
        assert list(events(lines))[-1][0] == "intent.done"
