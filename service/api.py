"""`POST /v1/intent`: a clip in, an intent out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from service import form
from service import stream as sse
from service.incoming import Running, received
from service.job import Job
from service.problem import describe

router = APIRouter()

_EXAMPLE: dict[str, Any] = {
    "intent": "Set an alarm for 7:30 AM labelled Gym.",
    "confidence": 0.71,
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
    confidence: float = Field(ge=0, le=1, description="Probability of the sentence, word for word.")
    timings_ms: dict[str, float] = Field(
        description="Milliseconds of each stage: upload, queue, probe, decode, tokens, text, encoder, decoder, total."
    )
    times_s: list[float] = Field(description="Moments of the clip that were looked at, in seconds.")
    tokens: int = Field(description="Pieces of the clip that the video encoder read.")
    text: list[str] = Field(
        description="Lines of text read on the screen, an empty one between two screens'. Whatever they say, it is "
        "not trusted."
    )
    model: str = Field(description="Name and version of the model.")


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

UPLOAD_PROBLEMS = (
    *("malformed", "unauthorised", "cross-origin", "upload-timeout", "upload-too-large", "clip-too-large"),
    *("not-a-video", "undecodable", "clip-too-long", "invalid-request", "busy", "internal"),
    *("not-ready", "draining", "no-space", "no-storage", "no-decoder", "decode-timeout"),
)


async def _posted(request: Request, service: Running) -> AsyncIterator[Job]:
    most = service.settings.max_bytes

    async def store(request: Request, file: BinaryIO) -> int:
        return await form.receive(request.stream(), request.headers.get("content-type", ""), file, max_bytes=most)

    async with received(request, service, store, most) as job:
        yield job


@router.post(
    "/v1/intent",
    response_model=Intent,
    responses={200: sse.DESCRIPTION, **describe(*UPLOAD_PROBLEMS, "not-multipart", "missing-file")},
    openapi_extra=_BODY,
    summary="Read a clip's intent",
)
async def intent(
    job: Annotated[Job, Depends(_posted)],
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
