"""A request's clip: a place in the queue, the upload, and the job that answers it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, BinaryIO, TypeAlias

from fastapi import Depends, Request

from service import upload
from service.job import Job
from service.lifecycle import Service


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Running = Annotated[Service, Depends(_service)]
Store: TypeAlias = Callable[[Request, BinaryIO], Awaitable[int]]
"""Writes the clip of a request's body into a file and returns its length in bytes."""


@asynccontextmanager
async def received(request: Request, service: Service, store: Store, max_bytes: int) -> AsyncIterator[Job]:
    """The clip of a request, stored by `store` and on its way to an answer; gone with the block.

    Raises Trouble while clips are not taken, when all places are, or when the upload is not what it should be.
    """
    service.check_ready()
    with service.gate.place() as leave:
        arrived = time.perf_counter()
        upload.refuse_declared(request.headers.get("content-length"), max_bytes)
        with service.uploads.file() as (path, file):
            async with upload.bounded(service.settings.upload_seconds):
                service.metrics.received(await store(request, file))
            async with Job(service, path, leave, upload_s=time.perf_counter() - arrived) as job:
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
