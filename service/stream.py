"""A job's events as server-sent events."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from service.job import Abandoned, Done, Event, Job, Pause, Queued
from service.problem import Trouble
from uijepa.runtime import Stage

LOG = logging.getLogger("service")

MEDIA_TYPE = "text/event-stream"
HEADERS = {"X-Accel-Buffering": "no"}  # nginx would collect the events otherwise

_EXAMPLE = """\
event: intent.queued
data: {"ahead": 0}

event: intent.stage
data: {"stage": "decode"}

event: intent.delta
data: {"text": "Call Ada."}

event: intent.done
data: {"intent": "Call Ada.", "confidence": 0.91}

"""
DATA = {"type": "string", "contentMediaType": "application/json"}
DESCRIPTION: dict[str, Any] = {
    "description": "The answer; with `?stream=true` as the last of a stream of events.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "description": "One event of the stream.",
                "required": ["event", "data"],
                "properties": {
                    "event": {"enum": ["intent.queued", "intent.stage", "intent.delta", "intent.done", "problem"]},
                    "data": DATA,
                },
            },
            "example": _EXAMPLE,
        }
    },
}


STILL_HERE = format_sse_event(comment="still here")
END = format_sse_event(data_str="[DONE]")
"""What ends a stream of chat completion chunks."""


def response(lines: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(lines, media_type=MEDIA_TYPE, headers=HEADERS)


def respond(job: Job) -> StreamingResponse:
    """`intent.queued`, `intent.stage`, `intent.delta` … and `intent.done`, or `problem` where it all ends."""
    return response(_lines(job))


async def _lines(job: Job) -> AsyncIterator[bytes]:
    async for event in told(job):
        if isinstance(event, Pause):
            yield STILL_HERE
        elif isinstance(event, Trouble):
            yield message("problem", event.problem().model_dump(exclude_none=True))
        elif isinstance(event, Queued):
            yield message("intent.queued", {"ahead": event.ahead})
        elif isinstance(event, Stage):
            yield message("intent.stage", {"stage": event.name})
        elif isinstance(event, Done):
            yield message("intent.done", event.values)
        elif event.text:
            yield message("intent.delta", {"text": event.text})


def message(event: str | None, values: dict[str, Any]) -> bytes:
    return format_sse_event(event=event, data_str=json.dumps(values, ensure_ascii=False))


async def told(job: Job) -> AsyncIterator[Event | Trouble]:
    """The job's events; what goes wrong is the last of them, because the answer's status is sent already."""
    try:
        async for event in job.events():
            yield event
    except Abandoned:
        return
    except Trouble as trouble:
        yield trouble
    except Exception:
        LOG.exception("Error while a clip was answered")
        yield Trouble.internal()
