"""A running service for tests: real HTTP on a free port, in a thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from processes import until

from service.app import create_app
from service.engine import load
from service.lifecycle import Service
from service.predictor import PredictorFactory
from service.server import Server
from service.settings import Settings
from uijepa.runtime import Delta, Stage, Watch
from uijepa.runtime.progress import ignore


class Running:
    """A service under way, and a client for it."""

    def __init__(self, server: Server, service: Service) -> None:
        port = server.servers[0].sockets[0].getsockname()[1]
        self.server, self.service = server, service
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def post(self, content: bytes, name: str = "clip.mp4") -> httpx.Response:
        return self.client.post("/v1/intent", files={"file": (name, content)})

    def stream(self, content: bytes) -> list[tuple[str, Any]]:
        """The events of a streamed answer: (event, data)."""
        with self.client.stream(
            "POST", "/v1/intent", params={"stream": "true"}, files={"file": ("clip.mp4", content)}
        ) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            return list(events(response.iter_lines()))

    def uploads(self) -> list[Path]:
        """Clips that are in the upload folder now."""
        return list(self.service.settings.upload_dir.rglob("*.clip"))


def events(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """(event, data) of each server-sent event, as it comes."""
    name, data = "message", ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not line and data:
            yield name, json.loads(data) if data != "[DONE]" else data
            name, data = "message", ""


@contextmanager
def serving(
    upload_dir: Path, make_predictor: PredictorFactory = load, *, ready: bool = True, **settings: Any
) -> Iterator[Running]:
    """A service on a free port; waits until it answers clips unless `ready` is false."""
    chosen = Settings(port=0, upload_dir=upload_dir, **settings)
    app = create_app(chosen, make_predictor)
    server = Server(app, chosen)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server listens")
        running = Running(server, app.state.service)
        with running.client:
            if ready:
                until(lambda: running.service.status == "ready", "the service is ready")
            yield running
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


class FakeAnswer:
    def as_json(self) -> dict[str, Any]:
        return {
            "intent": "Call Ada.",
            "confidence": 0.5,
            "timings_ms": {"decode": 1.0, "total": 2.0},
            "times_s": [0.0],
            "tokens": 3,
            "text": [],
        }


class FakePredictor:
    """Answers what `act` says about the clip's bytes; the first call is the service's warm-up and only counted."""

    model = "fake 1"

    def __init__(self, act: Callable[[Path], None] = lambda _: None) -> None:
        self.act = act
        self.calls = 0
        self.closed = False

    @property
    def decoders(self) -> tuple[int, int]:
        return (1, 0)

    @property
    def sandbox(self) -> Mapping[str, bool]:
        return {"process": True, "memory": False}

    def predict(self, path: Path, watch: Watch = ignore) -> FakeAnswer:
        self.calls += 1
        watch(Stage("decode"))
        if self.calls > 1:
            self.act(path)
        watch(Stage("decoder"))
        for text in ("Call", " Ada", "."):
            watch(Delta(text))
        return FakeAnswer()

    def close(self) -> None:
        self.closed = True


def check_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a response that must be this problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code
    assert problem["type"] == f"/docs#{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].endswith(".")
    return problem
