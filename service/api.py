"""The routes that programs use."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import onnxruntime
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

import uijepa
from service import stream as sse
from service import upload
from service.job import Job
from service.lifecycle import Service, Status
from service.problem import KINDS, MEDIA_TYPE, Problem

router = APIRouter()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Running = Annotated[Service, Depends(_service)]


async def _uploaded(request: Request, service: Running) -> AsyncIterator[Job]:
    """The clip of a form, received and on its way to an answer; gone with its file once the answer is sent."""
    settings = service.settings
    predictor = service.check_ready()
    with service.gate.place():
        arrived = time.perf_counter()
        upload.refuse_declared(request.headers.get("content-length"), settings.max_bytes)
        with service.uploads.file() as (path, file):
            await upload.receive(
                request.stream(),
                request.headers.get("content-type", ""),
                file,
                max_bytes=settings.max_bytes,
                seconds=settings.upload_seconds,
            )
            async with Job(service.gate, predictor, path, upload_s=time.perf_counter() - arrived) as job:
                with _unless_gone(request, job):
                    yield job


@contextmanager
def _unless_gone(request: Request, job: Job) -> Iterator[None]:
    """Abandon the job when its client goes away. The request's body must have been read."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        job.abandon()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


Uploaded = Annotated[Job, Depends(_uploaded)]

_EXAMPLE: dict[str, Any] = {
    "intent": "Set an alarm for 7:30 AM labelled Gym.",
    "confidence": 0.94,
    "timings_ms": {"upload": 3.1, "queue": 0.0, "probe": 2.9, "decode": 61.0, "tokens": 8.2, "text": 410.5}
    | {"encoder": 48.7, "decoder": 95.3, "total": 629.7},
    "times_s": [0.0, 1.2, 2.75, 4.1],
    "tokens": 212,
    "text": ["7:30 AM", "Gym"],
    "model": "default 1",
}


class Intent(BaseModel):
    """What the user of a clip wanted."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    intent: str = Field(description="One sentence.")
    confidence: float = Field(ge=0, le=1, description="Geometric mean of the probabilities of the sentence's tokens.")
    timings_ms: dict[str, float] = Field(
        description="Milliseconds of each stage: upload, queue, probe, decode, tokens, text, encoder, decoder, total."
    )
    times_s: list[float] = Field(description="Moments of the clip that were looked at, in seconds.")
    tokens: int = Field(description="Pieces of the clip that the video encoder read.")
    text: list[str] = Field(description="Lines of text read on the screen. Whatever they say, it is not trusted.")
    model: str = Field(description="Name and version of the model.")


class Sandboxing(BaseModel):
    """How well the decoding of clips is shut in."""

    level: Literal["full", "partial"] = Field(description="full when every measure holds on this machine.")
    measures: dict[str, bool]


class Readiness(BaseModel):
    """Whether clips are answered now."""

    status: Status
    sandbox: Sandboxing | None = Field(description="Null until it is known.")
    in_progress: int = Field(description="Requests being received, waiting or being answered.")
    reason: str | None = Field(None, description="Why not, when the status is not ready.")


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Bounds(BaseModel):
    """What one clip may be."""

    max_bytes: int
    max_seconds: float


class Version(BaseModel):
    """What is running."""

    uijepa: str
    model: str | None = Field(description="Null until it is loaded.")
    onnxruntime: str
    python: str
    limits: Bounds


def _problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the problems a route may answer with."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = KINDS[code]
        description = f"{kind.title} (`{code}`)"
        if kind.status in found:
            found[kind.status]["description"] += f"; {description}"
        else:
            content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            found[kind.status] = {"description": description, "content": content}
        if kind.status in (429, 503):
            found[kind.status]["headers"] = {
                "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}
            }
    return found


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The recording: mp4, mov, webm, mkv or gif.",
                        }
                    },
                }
            }
        },
    }
}

_INTENT_PROBLEMS = _problems(
    *("malformed", "cross-origin", "upload-timeout", "upload-too-large", "clip-too-large", "not-a-video"),
    *("not-multipart", "missing-file", "undecodable", "clip-too-long", "busy", "internal"),
    *("not-ready", "draining", "no-space", "no-decoder", "decode-timeout"),
)


@router.post(
    "/v1/intent",
    response_model=Intent,
    responses={200: sse.DESCRIPTION, **_INTENT_PROBLEMS},
    openapi_extra=_BODY,
    summary="Read a clip's intent",
)
async def intent(
    job: Uploaded,
    stream: Annotated[bool, Query(description="Answer with server-sent events while the clip is read.")] = False,
) -> Any:
    """Post a screen recording as the form field `file`; the answer says what its user wanted.

    With `?stream=true` the answer is a stream of server-sent events: `intent.queued` {ahead}, `intent.stage`
    {stage}, `intent.delta` {text}, and at the end `intent.done` with the same JSON, or `problem` with the body of
    an error. What is wrong with the upload itself is told by the status before any event.

    Nothing of the clip is kept. A few clips are looked at at a time; a few may wait, more get 429.
    """
    if stream:
        return sse.respond(job)
    return Intent.model_validate(await job.answer())


@router.get("/livez", summary="Is the process alive?")
async def livez() -> Alive:
    """200 whenever the process answers at all."""
    return Alive()


@router.get(
    "/readyz",
    summary="Are clips answered now?",
    responses={503: {"model": Readiness, "description": "Loading, failed, or shutting down"}},
)
async def readyz(service: Running, response: Response) -> Readiness:
    """200 once a first clip was answered, 503 before that and while the service shuts down."""
    if service.status != "ready":
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return Readiness(
        status=service.status,
        sandbox=_sandboxing(service.sandbox),
        in_progress=service.gate.taken,
        reason=service.reason or None,
    )


def _sandboxing(measures: Mapping[str, bool] | None) -> Sandboxing | None:
    if measures is None:
        return None
    return Sandboxing(level="full" if all(measures.values()) else "partial", measures=dict(measures))


@router.get("/version", summary="What is running?")
async def version(service: Running) -> Version:
    """Versions, and the limits that clips are held to."""
    settings = service.settings
    return Version(
        uijepa=uijepa.__version__,
        model=service.model,
        onnxruntime=onnxruntime.__version__,
        python=platform.python_version(),
        limits=Bounds(max_bytes=settings.max_bytes, max_seconds=settings.max_seconds),
    )


def problem_schema() -> dict[str, Any]:
    """The OpenAPI schema of every error, with the codes it may carry."""
    schema = Problem.model_json_schema()
    kinds = {code: {"status": kind.status, "title": kind.title} for code, kind in KINDS.items()}
    schema["properties"]["code"] |= {"enum": list(kinds), "x-kinds": kinds}
    return schema
