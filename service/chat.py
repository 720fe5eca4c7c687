"""The same answers in the shape that clients of OpenAI's API know: `POST /v1/chat/completions`, `GET /v1/models`.

A clip comes as a data: URL within a message. No other URL is ever fetched: a service that fetches what strangers
name can be made to fetch from inside its own network.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import time
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from service import stream as sse
from service import upload
from service.incoming import Running, received
from service.job import Done, Job, Pause
from service.lifecycle import Service
from service.problem import Trouble, describe_openai
from uijepa.runtime import Delta

router = APIRouter()

ALIAS = "uijepa"
"""A name under which the model answers whatever its own is."""
_DATA = re.compile(r"data:[\w.+/-]*(?:;[\w.+-]+=[^;,]+)*;base64,", re.ASCII | re.IGNORECASE)
_MOST_HEAD = 200
_SLICE = 2**20  # characters decoded at a time; a multiple of four
_REMEDY = "Send one clip in a message as a data: URL, as in data:video/mp4;base64,AAAA."


class _Lenient(BaseModel):
    """Clients send many fields that mean nothing here, such as a temperature: the answer is always the likeliest."""

    model_config = ConfigDict(extra="ignore")


class Url(_Lenient):
    url: str


class FileData(_Lenient):
    file_data: str


class Part(_Lenient):
    """A part of a message. Text is allowed and changes nothing: the question is always what the user wanted."""

    type: Literal["text", "video_url", "image_url", "file"]
    text: str | None = None
    video_url: Url | None = None
    image_url: Url | None = None
    file: FileData | None = None

    @property
    def clip(self) -> str | None:
        """The URL of the clip in it."""
        for holder in (self.video_url, self.image_url):
            if holder is not None:
                return holder.url
        return self.file.file_data if self.file is not None else None


class Message(_Lenient):
    role: str
    content: str | list[Part] | None = None


class StreamOptions(_Lenient):
    include_usage: bool = False


class ChatRequest(_Lenient):
    """A chat with exactly one clip in it."""

    model: str = Field(description="`uijepa`, or an id of /v1/models.")
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1

    @property
    def clip(self) -> str:
        """The clip's URL. Raises Trouble unless there is exactly one."""
        parts = [part for message in self.messages if isinstance(message.content, list) for part in message.content]
        clips = [part.clip for part in parts if part.clip is not None]
        if len(clips) != 1:
            found = "no clip" if not clips else f"{len(clips)} clips"
            raise Trouble("invalid-request", f"The messages hold {found}.", _REMEDY)
        return clips[0]


_EXAMPLE = {
    "model": ALIAS,
    "messages": [
        {
            "role": "user",
            "content": [{"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAAIGZ0eXA="}}],
        }
    ],
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ChatRequest"}, "example": _EXAMPLE},
        },
    }
}


def schemas() -> dict[str, Any]:
    """The OpenAPI schemas of a request, whose body is read here and not by FastAPI: only so its size is bounded."""
    made = ChatRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**made.pop("$defs"), "ChatRequest": made}


@dataclass(frozen=True)
class Asked:
    """A chat and the job that answers it."""

    chat: ChatRequest
    job: Job
    model: str


async def _asked(request: Request, service: Running) -> AsyncIterator[Asked]:
    settings = service.settings
    most_bytes = settings.max_inline_bytes
    chats: list[ChatRequest] = []

    async def store(request: Request, file: BinaryIO) -> int:
        with service.uploads.file() as (path, body):
            # To disk first: a slow sender must not hold memory, and only one body at a time is unpacked in it.
            await upload.store(request.stream(), body, -(-most_bytes // 3) * 4 + upload.SLACK_BYTES, most_bytes)
            async with service.unpacking:
                chat, length = await asyncio.to_thread(_unpack, path, file, _names(service), most_bytes)
        chats.append(chat)
        return length

    async with received(request, service, store, -(-most_bytes // 3) * 4) as job:
        yield Asked(chats[0], job, _id(service))


def _unpack(path: Path, file: BinaryIO, names: Container[str], most_bytes: int) -> tuple[ChatRequest, int]:
    """The chat in a body, its clip written into `file`, and the clip's length in bytes."""
    try:
        chat = ChatRequest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Trouble("invalid-request", f"{where or 'body'}: {first['msg']}.", "See /docs.") from error
    if chat.model not in names:
        raise Trouble("model-not-found", "There is no such model here.", f"Use {ALIAS}, or ask /v1/models.")
    url = chat.clip
    head = _DATA.match(url, 0, _MOST_HEAD)
    if head is None:
        raise Trouble("invalid-request", "The clip is no data: URL in base64; no other is fetched.", _REMEDY)
    length = 0
    for start in range(head.end(), len(url), _SLICE):
        try:
            piece = base64.b64decode(url[start : start + _SLICE].encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise Trouble("invalid-request", "The clip is not valid base64.", _REMEDY) from error
        length += len(piece)
        if length > most_bytes:
            raise upload.too_large(most_bytes)
        upload.write(file, piece)
    return chat, length


def _id(service: Service) -> str:
    if service.model is None:
        service.check_ready()
    return "-".join((service.model or ALIAS).split())


def _names(service: Service) -> frozenset[str]:
    return frozenset({ALIAS, _id(service)})


@router.post(
    "/v1/chat/completions",
    summary="The same as a chat completion",
    response_class=Response,
    responses={
        200: {
            "description": "A `chat.completion`; with `stream` its chunks as server-sent events.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                sse.MEDIA_TYPE: {"schema": {"type": "object", "properties": {"data": sse.DATA}}},
            },
        },
        **describe_openai(400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504),
    },
    openapi_extra=_BODY,
)
async def chat(asked: Annotated[Asked, Depends(_asked)]) -> Response:
    """For programs that speak OpenAI's API. The clip comes as a data: URL in a part of a message, of type
    `video_url`, `image_url` (a gif) or `file`; no other URL is fetched. Text is allowed and changes nothing.

    The whole answer of /v1/intent is in the field `uijepa`.
    """
    if asked.chat.stream:
        return sse.response(_chunks(asked))
    words = 0
    async for event in asked.job.events():
        if isinstance(event, Delta):
            words += 1
        elif isinstance(event, Done):
            message = {"role": "assistant", "content": event.values["intent"], "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            return JSONResponse(
                {
                    **_head(asked, "chat.completion"),
                    "choices": [choice],
                    "usage": _usage(event, words),
                    "uijepa": event.values,
                }
            )
    raise Trouble.internal()


async def _chunks(asked: Asked) -> AsyncIterator[bytes]:
    head = _head(asked, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return sse.message(None, {**head, "choices": [choice], **more})

    words = 0
    yield chunk({"role": "assistant", "content": ""})
    async for event in sse.told(asked.job):
        if isinstance(event, Pause):
            yield sse.STILL_HERE
        elif isinstance(event, Trouble):
            yield sse.message(None, event.openai())
            return
        elif isinstance(event, Delta):
            words += 1
            if event.text:
                yield chunk({"content": event.text})
        elif isinstance(event, Done):
            yield chunk({}, "stop", uijepa=event.values)
            if asked.chat.stream_options is not None and asked.chat.stream_options.include_usage:
                yield sse.message(None, {**head, "choices": [], "usage": _usage(event, words)})
    yield sse.END


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    name = f"chatcmpl-{secrets.token_hex(12)}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": asked.model}


def _usage(done: Done, words: int) -> dict[str, int]:
    """Pieces of the clip that were looked at, and tokens of the answer."""
    pieces = int(done.values["tokens"])
    return {"prompt_tokens": pieces, "completion_tokens": words, "total_tokens": pieces + words}


class Model(BaseModel):
    """The model that answers."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(default=0, description="Not known.")
    owned_by: str = "uijepa"


class Models(BaseModel):
    """All one of them."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/v1/models", summary="Which model answers?", responses=describe_openai(401, 403, 503))
async def models(service: Running) -> Models:
    return Models(data=[Model(id=_id(service))])


@router.get("/v1/models/{name}", summary="One model", responses=describe_openai(401, 403, 404, 422, 503))
async def model(name: str, service: Running) -> Model:
    if name not in _names(service):
        raise Trouble("model-not-found", "There is no such model here.", "Ask /v1/models.")
    return Model(id=_id(service))
