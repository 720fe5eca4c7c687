"""Around every request: to whom and by whom it was sent, headers that protect the page, errors that leak nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problem import Trouble

LOG = logging.getLogger("service")

ANY_HOST = "*"
HEALTH = frozenset({"/livez", "/readyz"})
"""Paths that orchestrators ask under an address rather than a name; they tell nothing worth protecting."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=(self)",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware. Outermost, so that nothing is answered without its headers.

    A Host that is not one of `hosts` is refused: otherwise any web page could point a name of its own at this
    machine and read the answers (DNS rebinding). A request sent by another site's page is refused as well.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(name.lower().strip("[]") for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope["path"], Headers(scope=scope))
            await self._app(scope, receive, guarded)
        except Trouble as trouble:
            await trouble.response()(scope, receive, guarded)
        except Exception:
            LOG.exception("Error while answering %s %s", scope["method"], scope["path"])
            if not started:
                await Trouble.internal().response()(scope, receive, guarded)

    def _check(self, path: str, headers: Headers) -> None:
        if ANY_HOST in self._hosts or path in HEALTH:
            return
        host = _name("//" + headers.get("host", ""))
        if host not in self._hosts:
            raise Trouble(
                "host-not-allowed",
                "The service does not answer under this name.",
                "Use http://localhost, or start the service with --allowed-hosts NAME.",
            )
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in self._hosts:
            raise Trouble("cross-origin", "The request was sent by a page of another site.")


def _name(url: str) -> str | None:
    """The host name of a URL, without port or brackets; None when there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
