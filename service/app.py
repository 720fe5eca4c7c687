"""The application: routes, the page, errors, and the guard around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles

import uijepa
from service import api, chat, health, problem
from service.engine import load
from service.guard import Guard
from service.job import Abandoned
from service.lifecycle import Service
from service.predictor import PredictorFactory
from service.problem import Trouble
from service.settings import Settings

PAGE = Path(__file__).parent / "page"
# Asked again each time (a 304 when nothing changed), so that an updated service never shows a stale page.
_CACHE = {"Cache-Control": "no-cache"}


def create_app(settings: Settings, make_predictor: PredictorFactory = load) -> FastAPI:
    """The application, ready for an ASGI server. Its `state.service` is the running Service."""
    service = Service(settings, make_predictor)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    # FastAPI's own documentation pages load scripts from a CDN; /docs is ours.
    app = FastAPI(
        title="uijepa",
        version=uijepa.__version__,
        description="A screen recording in, what its user wanted out.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(api.router)
    app.include_router(chat.router)
    app.include_router(health.router)
    _add_pages(app)
    _add_errors(app)
    _describe_problems(app)
    app.add_middleware(Guard, service=service)
    return app


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers=_CACHE)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html", headers=_CACHE)

    app.mount("/page", _Page(directory=PAGE))


class _Page(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(_CACHE)
        return response


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Trouble)
    async def trouble(request: Request, error: Trouble) -> Response:
        return error.response(request.url.path)

    @app.exception_handler(HTTPException)
    async def status(request: Request, error: HTTPException) -> Response:
        return Trouble.of_status(error.status_code, error.headers).response(request.url.path)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return Trouble("invalid-request", f"{where}: {first['msg']}.", "See /docs.").response(request.url.path)

    @app.exception_handler(Abandoned)
    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: Exception) -> Response:  # noqa: ARG001
        # Nobody reads this; it only ends the request in the log without a traceback.
        return Trouble("malformed", "The client went away.").response(request.url.path)


def _describe_problems(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        schema["components"]["schemas"] |= {"Problem": problem.schema(), **chat.schemas()}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
