"""Routes for those who operate the service."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Literal

import onnxruntime
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

import uijepa
from service.incoming import Running
from service.lifecycle import Status
from service.problem import describe

router = APIRouter()

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Sandboxing(BaseModel):
    """How well the decoding of clips is shut in."""

    level: Literal["full", "partial"] = Field(description="full when every measure holds on this machine.")
    measures: dict[str, bool]


class Readiness(BaseModel):
    """Whether clips are answered now."""

    status: Status
    loaded: bool = Field(description="Whether the model is in memory; an idle service lets go of it until asked.")
    sandbox: Sandboxing | None = Field(description="Null until it is known.")
    in_progress: int = Field(description="Requests being received, waiting or being answered.")
    reason: str | None = Field(None, description="Why not, when the status is not ready.")


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
    api_key: bool = Field(description="Whether /v1 asks for a key.")


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
        loaded=service.loaded,
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
        api_key=settings.api_key is not None,
    )


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={200: {"content": {_METRICS: {"schema": {"type": "string"}}}}, **describe("unauthorised")},
)
async def metrics(service: Running) -> Response:
    """Requests, clips by outcome, time of each stage, the queue, decoding children, memory."""
    return Response(service.metrics.text(), headers={"Content-Type": _METRICS})
