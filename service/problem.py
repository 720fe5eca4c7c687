"""Errors as RFC 9457 problem+json: one table of what can go wrong, and the answer made from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from uijepa.errors import ClipError

MEDIA_TYPE = "application/problem+json"
OPENAI_PATHS = ("/v1/chat/", "/v1/models")
"""Where errors have the shape that clients of OpenAI's API know."""


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its HTTP status and the title that never changes."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    # What a clip can be (the codes of uijepa.errors.ClipError).
    "not-a-video": Kind(415, "Not a video"),
    "clip-too-large": Kind(413, "Clip too large"),
    "clip-too-long": Kind(422, "Clip too long"),
    "undecodable": Kind(422, "Clip cannot be decoded"),
    "decode-timeout": Kind(504, "Decoding took too long"),
    "clip": Kind(422, "Clip cannot be used"),
    # What a request can be.
    "malformed": Kind(400, "Malformed request"),
    "host-not-allowed": Kind(400, "Host not allowed"),
    "unauthorised": Kind(401, "API key missing or wrong"),
    "cross-origin": Kind(403, "Request from another site"),
    "not-found": Kind(404, "Not found"),
    "model-not-found": Kind(404, "No such model"),
    "method-not-allowed": Kind(405, "Method not allowed"),
    "upload-timeout": Kind(408, "Upload took too long"),
    "upload-too-large": Kind(413, "Upload too large"),
    "not-multipart": Kind(415, "Not a multipart form"),
    "missing-file": Kind(422, "File missing"),
    "invalid-request": Kind(422, "Invalid request"),
    # What the service can be.
    "busy": Kind(429, "Too many requests at once"),
    "not-ready": Kind(503, "Not ready"),
    "draining": Kind(503, "Shutting down"),
    "no-space": Kind(503, "No space for uploads"),
    "no-storage": Kind(503, "Uploads cannot be stored"),
    "no-decoder": Kind(503, "No decoder"),
    "internal": Kind(500, "Internal error"),
}
"""Every `code` this service answers with. Codes and types are stable; details and remedies may be reworded."""

_VERBS = ("is ", "holds ", "tells ", "cannot ", "lasts ")
_PATH = re.compile(r"""['"]?(?<![\w.])/[^\s'")]+['"]?""")
_BY_STATUS = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 413: "upload-too-large"}


class Problem(BaseModel):
    """The body of every error (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="Stable identifier of the problem; opens its description.")
    title: str = Field(description="The kind of problem, always in the same words.")
    status: int = Field(description="The HTTP status again.")
    detail: str = Field(description="What happened, in a sentence.")
    remedy: str | None = Field(None, description="What to do about it.")
    code: str = Field(description="The last part of `type`, for programs.")


class OpenAIFault(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str = Field(description="The `code` that other routes give, with _ for -.")


class OpenAIError(BaseModel):
    """The body of every error in OpenAI's shape."""

    error: OpenAIFault


class Trouble(Exception):
    """Raised anywhere while answering; becomes the problem+json of its code."""

    def __init__(
        self,
        code: str,
        detail: str,
        remedy: str | None = None,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.kind = KINDS[code]
        self.code, self.detail, self.remedy = code, detail, remedy
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)

    @classmethod
    def of_clip(cls, error: ClipError) -> Trouble:
        """The same error for a client. Without the path, which is the service's own business."""
        if error.code not in KINDS:
            return cls.internal()
        return cls(error.code, _sentence(error.reason), error.remedy)

    @classmethod
    def of_status(cls, status: int, headers: Mapping[str, str] | None = None) -> Trouble:
        """For errors that the framework raises knowing only a status."""
        code = _BY_STATUS.get(status, "internal" if status >= 500 else "malformed")
        details = {
            "not-found": ("There is nothing at this address.", "See /docs for what there is."),
            "method-not-allowed": ("This address does not take this method.", "See /docs for what it takes."),
        }
        detail, remedy = details.get(code, (HTTPStatus(status).description or HTTPStatus(status).phrase, None))
        return cls(code, detail, remedy, headers=headers)

    @classmethod
    def internal(cls) -> Trouble:
        return cls("internal", "The service made a mistake; its log has the details.", "Try again, or another clip.")

    def problem(self) -> Problem:
        """What a client is told."""
        return Problem(
            type=f"/docs#{self.code}",
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            remedy=self.remedy,
            code=self.code,
        )

    def openai(self) -> dict[str, Any]:
        """What a client of OpenAI's API is told."""
        kind = "invalid_request_error" if self.kind.status < 500 else "server_error"
        message = f"{self.detail} {self.remedy}" if self.remedy else self.detail
        return {"error": {"message": message, "type": kind, "param": None, "code": self.code.replace("-", "_")}}

    def response(self, path: str) -> JSONResponse:
        """The answer to a request for `path`."""
        if path.startswith(OPENAI_PATHS):
            return JSONResponse(self.openai(), self.kind.status, headers=self.headers)
        body = self.problem().model_dump(exclude_none=True)
        return JSONResponse(body, self.kind.status, headers=self.headers, media_type=MEDIA_TYPE)


def _sentence(reason: str) -> str:
    """A ClipError's reason on its own: with a subject, and without paths that a decoder may have put into it."""
    reason = _PATH.sub("the file", reason)
    return f"The clip {reason}" if reason.startswith(_VERBS) else reason[:1].upper() + reason[1:]


def describe(*codes: str) -> dict[int | str, dict[str, Any]]:
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


def describe_openai(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for routes whose errors have OpenAI's shape."""
    return {status: {"model": OpenAIError, "description": HTTPStatus(status).phrase} for status in statuses}


def schema() -> dict[str, Any]:
    """The OpenAPI schema of every error, with the codes it may carry."""
    made = Problem.model_json_schema()
    kinds = {code: {"status": kind.status, "title": kind.title} for code, kind in KINDS.items()}
    made["properties"]["code"] |= {"enum": list(kinds), "x-kinds": kinds}
    return made
