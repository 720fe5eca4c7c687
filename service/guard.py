"""Around every request: to whom and by whom it was sent, headers that protect the page, errors that leak nothing."""

from __future__ import annotations

import hashlib
import hmac
import logging
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.lifecycle import Service
from service.problem import Trouble

LOG = logging.getLogger("service")

ANY_HOST = "*"
HEALTH = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that orchestrators ask under an address rather than a name; they tell nothing worth protecting."""
LOCKED = ("/v1/", "/metrics")
"""What the API key opens. The page, the documentation, /version and the health routes are for everybody."""

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

    A Host that is not among the settings' is refused: otherwise any web page could point a name of its own at
    this machine and read the answers (DNS rebinding). A request sent by another site's page is refused as well,
    and so is one without the API key where there is one. All of it before the body is read.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._hosts = frozenset(name.lower().strip("[]") for name in service.settings.hosts)
        key = service.settings.api_key
        self._key = None if key is None else _digest(key.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if self._service.status == "draining":
                    headers["Connection"] = "close"  # So that the client's next request goes elsewhere.
            await send(message)

        try:
            self._check(scope["path"], Headers(scope=scope))
            await self._app(scope, receive, guarded)
        except Trouble as trouble:
            await trouble.response(scope["path"])(scope, receive, guarded)
        except Exception:
            LOG.exception("Error while answering %s %s", scope["method"], scope["path"])
            if not status:
                await Trouble.internal().response(scope["path"])(scope, receive, guarded)
        finally:
            self._service.metrics.request(_route(scope), status)

    def _check(self, path: str, headers: Headers) -> None:
        if path not in HEALTH:
            self._check_origin(headers)
        if self._key is not None and path.startswith(LOCKED):
            scheme, _, key = headers.get("authorization", "").partition(" ")
            # Digests have one length, so that not even the key's can be learnt from the time this takes.
            if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(key.strip()), self._key):
                raise Trouble(
                    "unauthorised",
                    "The request carries no valid API key.",
                    "Send the header Authorization: Bearer KEY.",
                    headers={"WWW-Authenticate": "Bearer"},
                )

    def _check_origin(self, headers: Headers) -> None:
        if ANY_HOST in self._hosts:
            return
        if _name("//" + headers.get("host", "")) not in self._hosts:
            raise Trouble(
                "host-not-allowed",
                "The service does not answer under this name.",
                "Use http://localhost, or start the service with --allowed-hosts NAME.",
            )
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in self._hosts:
            raise Trouble("cross-origin", "The request was sent by a page of another site.")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _route(scope: Scope) -> str:
    """The route's own path, never one that a client made up."""
    path = getattr(scope.get("route"), "path", None)
    return str(path) if path is not None else "/page" if scope["path"].startswith("/page/") else "none"


def _name(url: str) -> str | None:
    """The host name of a URL, without port or brackets; None when there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
