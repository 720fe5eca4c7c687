"""A multipart form, streamed into a file under a count of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.problem import Trouble
from service.upload import SLACK_BYTES, too_large, write

FIELD = b"file"
"""The form field that holds the clip."""

_REMEDY = "Send the clip as multipart/form-data in a field named 'file', as in: curl -F file=@clip.mp4"


async def receive(body: AsyncIterator[bytes], content_type: str, file: BinaryIO, *, max_bytes: int) -> int:
    """Write the clip of a multipart body into `file`; returns its length in bytes.

    Believes no declared length. Raises Trouble when the body is no form, is cut short, holds no clip or more than
    one, or is larger than `max_bytes`.
    """
    form = _Form(content_type, max_bytes)
    async for chunk in body:
        for piece in form.feed(chunk):
            await asyncio.to_thread(write, file, piece)
    return form.finish()


class _Form:
    """The state of one multipart form while its bytes come in."""

    def __init__(self, content_type: str, max_bytes: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise Trouble("not-multipart", "The request is not a multipart form.", _REMEDY)
        if not options.get(b"boundary"):
            raise Trouble("malformed", "The form's Content-Type names no boundary.", _REMEDY)
        self._max_bytes = max_bytes
        self._header, self._value = b"", b""
        self._is_clip, self._clips, self._clip_bytes = False, 0, 0
        self._all_bytes = 0
        self._pieces: list[bytes] = []
        self._complete = False
        try:
            self._parser = MultipartParser(options[b"boundary"], self._callbacks())  # type: ignore[arg-type]
        except FormParserError as error:
            raise Trouble("malformed", "The form's boundary is not valid.", _REMEDY) from error

    def _callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }

    def feed(self, chunk: bytes) -> list[bytes]:
        """Pieces of the clip found in the next bytes of the body."""
        self._pieces = []
        self._all_bytes += len(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Trouble("malformed", "The form is not valid multipart data.", _REMEDY) from error
        if self._all_bytes - self._clip_bytes > SLACK_BYTES:
            raise Trouble("malformed", "The form holds too much beside the clip.", _REMEDY)
        return self._pieces

    def finish(self) -> int:
        """The clip's length, once the body has ended."""
        if not self._complete:
            raise Trouble("malformed", "The form ends before it is complete.", _REMEDY)
        if not self._clips:
            raise Trouble("missing-file", "The form has no field named 'file'.", _REMEDY)
        return self._clip_bytes

    def _on_part_begin(self) -> None:
        self._is_clip = False
        self._header, self._value = b"", b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._is_clip = parse_options_header(self._value)[1].get(b"name") == FIELD
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        self._clips += self._is_clip
        if self._clips > 1:
            raise Trouble("malformed", "The form has more than one field named 'file'.", _REMEDY)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_clip:
            return
        self._clip_bytes += end - start
        if self._clip_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        self._pieces.append(bytes(data[start:end]))

    def _on_end(self) -> None:
        self._complete = True
