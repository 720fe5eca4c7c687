"""Asks a running service: `uijepa.Client().intent("clip.mp4")`. Needs httpx (`pip install 'uijepa[client]'`)."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from uijepa.errors import MissingExtra, UijepaError

if TYPE_CHECKING:
    import httpx

Clip: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes]
"""The path of a recording, its bytes, or a file opened for reading them."""

_BUSY = (429, 503)


class ServiceError(UijepaError):
    """The service did not answer the question. `code` is the problem's own, or "unreachable"."""

    def __init__(
        self,
        code: str,
        detail: str,
        remedy: str | None = None,
        *,
        status: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{detail} {remedy}" if remedy else detail)
        self.code, self.detail, self.remedy = code, detail, remedy
        self.status = status
        """HTTP status; 0 when there was no answer at all."""
        self.retry_after_s = retry_after_s
        """When the service says that another try may succeed."""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What the user of a clip wanted."""

    intent: str
    """One sentence."""
    confidence: float
    """The probability that the model gives to this sentence, word for word, 0…1."""
    timings_ms: dict[str, float]
    times_s: list[float]
    """Moments of the clip that were looked at."""
    tokens: int
    """Pieces of the clip that the video encoder read."""
    text: list[str]
    """Lines read on the screen, an empty one between two screens'; whatever they say, it is not trusted."""
    model: str


@dataclass(frozen=True)
class Queued:
    """The clip waits until `ahead` others were answered."""

    ahead: int


@dataclass(frozen=True)
class Stage:
    """A stage begins: "decode", "text", "encoder" or "decoder"."""

    name: str


@dataclass(frozen=True)
class Delta:
    """More of the sentence."""

    text: str


Event: TypeAlias = Queued | Stage | Delta | Intent


class Client:
    """A client of one service; safe to share between threads. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 120.0,
        patience_s: float = 60.0,
    ) -> None:
        """timeout_s: longest silence of the service. patience_s: how long, in all, to wait and try again while the
        service is busy or starting (429, 503); 0 tries once. Raises MissingExtra without httpx.
        """
        try:
            import httpx
        except ImportError as error:
            raise MissingExtra("httpx", "client", "asking a service") from error
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)
        self._unreachable = httpx.TransportError
        self._patience_s = patience_s

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def intent(self, clip: Clip) -> Intent:
        """What the user of the clip wanted. Raises ServiceError, and OSError when the clip cannot be read."""
        with self._posted(clip, stream=False) as response:
            return _intent(response.json())

    def stream(self, clip: Clip) -> Iterator[Event]:
        """The same as it comes about: the place in the queue, the stages, the words, and the Intent at the end."""
        with self._posted(clip, stream=True) as response:
            for name, values in _events(response.iter_lines()):
                if name == "problem":
                    raise _error(values, int(values.get("status", 0)), None)
                yield _event(name, values)

    def is_ready(self) -> bool:
        """Whether the service answers clips now."""
        try:
            return self._http.get("/readyz").status_code == 200
        except self._unreachable:
            return False

    def version(self) -> dict[str, Any]:
        """Versions of the service and its model, and the limits that clips are held to."""
        with self._told():
            response = self._http.get("/version")
        _check(response)
        values: dict[str, Any] = response.json()
        return values

    @contextlib.contextmanager
    def _posted(self, clip: Clip, *, stream: bool) -> Iterator[httpx.Response]:
        """The answer to a clip, once the service has taken it."""
        until = time.monotonic() + self._patience_s
        with contextlib.ExitStack() as stack:
            name, file = _opened(clip, stack)
            start = 0 if isinstance(file, bytes) else file.tell()
            while True:
                attempt = stack.enter_context(contextlib.ExitStack())
                try:
                    with self._told():
                        request = self._http.build_request(
                            "POST",
                            "/v1/intent",
                            params={"stream": "true"} if stream else None,
                            files={"file": (name, file)},
                        )
                        response = self._http.send(request, stream=True)
                        attempt.callback(response.close)
                        if not (stream and response.is_success):
                            response.read()
                    _check(response)
                except ServiceError as error:
                    attempt.close()
                    wait_s = error.retry_after_s or 1.0
                    if error.status not in _BUSY or time.monotonic() + wait_s > until:
                        raise
                    time.sleep(wait_s)
                    if not isinstance(file, bytes):
                        file.seek(start)
                    continue
                with self._told():
                    yield response
                return

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._unreachable as error:
            said = str(error) or type(error).__name__
            raise ServiceError(
                "unreachable",
                f"The service at {self._http.base_url} cannot be reached ({said}).",
                "See whether it runs.",
            ) from error


def _opened(clip: Clip, stack: contextlib.ExitStack) -> tuple[str, bytes | IO[bytes]]:
    if isinstance(clip, bytes):
        return "clip", clip
    if isinstance(clip, str | os.PathLike):
        path = Path(clip)
        return path.name, stack.enter_context(path.open("rb"))
    return "clip", clip


def _check(response: httpx.Response) -> None:
    """Raises ServiceError unless the response is a success."""
    if response.is_success:
        return
    try:
        values = response.json()
        known = isinstance(values, dict) and "detail" in values
    except ValueError:
        known = False
    if not known:
        values = {"code": "unknown", "detail": f"The service answered with status {response.status_code}."}
    raise _error(values, response.status_code, response.headers.get("retry-after"))


def _error(values: dict[str, Any], status: int, retry_after: str | None) -> ServiceError:
    seconds = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
    return ServiceError(
        str(values.get("code", "unknown")),
        str(values.get("detail", "")),
        values.get("remedy"),
        status=status,
        retry_after_s=seconds,
    )


def _events(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(event, data) of server-sent events; one line of data each, as the service sends them."""
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def _event(name: str, values: dict[str, Any]) -> Event:
    if name == "intent.queued":
        return Queued(int(values["ahead"]))
    if name == "intent.stage":
        return Stage(str(values["stage"]))
    if name == "intent.delta":
        return Delta(str(values["text"]))
    return _intent(values)


def _intent(values: dict[str, Any]) -> Intent:
    return Intent(**{field.name: values[field.name] for field in fields(Intent)})
