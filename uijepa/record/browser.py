"""The browser of one worker process: Debian's Chromium, headless, cut off from the network, its time taken away."""

from __future__ import annotations

import json
import mimetypes
import os
import re
import shutil
from functools import cache
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from uijepa.errors import MissingExtra, RecordingError

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Page, Route

ORIGIN = "http://stage.local"
"""Where HTML given as text, and the files of a page's base folder, appear to live."""
TILE_PX = 2048
"""Side of what the browser draws in one piece: more than any screen recorded."""
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--disable-lcd-text",
    "--disable-font-subpixel-positioning",
    "--font-render-hinting=none",
    "--disable-smooth-scrolling",
    "--allow-file-access-from-files",
    "--run-all-compositor-stages-before-draw",
    "--disable-new-content-rendering-timeout",
    "--disable-threaded-animation",
    "--disable-threaded-scrolling",
    "--disable-checker-imaging",
    "--disable-image-animation-resync",
    "--disable-partial-raster",
    # How a page falls into layers, and so where tiles begin, differs between runs; what crosses the edge of a tile
    # is drawn a little otherwise there. One tile a layer has no edge to cross, and takes no more time.
    *(f"--{kind}-{side}={TILE_PX}" for kind in ("default-tile", "max-untiled-layer") for side in ("width", "height")),
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# Files pass unasked: a page of many small ones would spend more time on questions than on loading.
_NOT_LOCAL = re.compile(r"^(?!file:|data:|blob:|about:)")
PATIENCE_MS = 30_000
"""Real time for the browser to answer. Generous: a busy machine must not change what is recorded."""
_CSS = "* { caret-color: transparent !important; scroll-behavior: auto !important; }"


def find() -> str:
    """The Chromium to use: $UIJEPA_CHROMIUM, or the system's. Raises RecordingError when there is none.

    The headless shell goes first where it is installed: it takes less time for a clip.
    """
    chosen = os.environ.get("UIJEPA_CHROMIUM")
    if chosen:
        if shutil.which(chosen) is None:
            raise RecordingError(f"UIJEPA_CHROMIUM={chosen} is no program. Point it at a Chromium, or unset it.")
        return chosen
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        path = shutil.which(name)
        if path:
            return path
    raise RecordingError(
        "No Chromium found. Install one (Debian: apt-get install chromium), or set UIJEPA_CHROMIUM to its path."
    )


@cache
def script(name: str) -> str:
    """The text of one of the page scripts in `js/`."""
    return (resources.files("uijepa.record") / "js" / name).read_text(encoding="utf-8")


class Browser:
    """One running Chromium. Use as a context manager."""

    def __init__(self) -> None:
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise MissingExtra("playwright", "record", "recording") from error
        path = find()
        flags = list(FLAGS)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Chromium's own sandbox refuses to run as root, as in most containers.
            flags.append("--no-sandbox")
        self._playwright = sync_playwright().start()
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=path, headless=True, args=flags, handle_sigint=False
            )
        except BaseException:
            self._playwright.stop()
            raise
        self.version = self._browser.version
        self._bases: dict[BrowserContext, tuple[str, Path | None]] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser; harmless when it has died already."""
        try:
            if self._browser.is_connected():
                self._browser.close()
        finally:
            self._playwright.stop()

    @property
    def alive(self) -> bool:
        """Whether the browser still answers."""
        return self._browser.is_connected()

    def page(
        self,
        *,
        width: int,
        height: int,
        scale: float,
        epoch_ms: int,
        seed: int,
        pointer: str,
        pointer_size: float,
    ) -> tuple[Page, CDPSession]:
        """A page in a context of its own, with the virtual clock in place and all animations held; `scale` is that of
        the pictures to be taken."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=1,
            locale="en-US",
            timezone_id="UTC",
            color_scheme="light",
            reduced_motion="no-preference",
            service_workers="block",
        )
        context.route(_NOT_LOCAL, self._answer)
        config = json.dumps({"epoch": epoch_ms, "seed": seed})
        context.add_init_script(script("clock.js").replace("CONFIG", config))
        if pointer != "none":
            draw = script("pointer.js").replace("KIND", json.dumps(pointer)).replace("SIZE", str(pointer_size))
            context.add_init_script(draw)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        cdp = context.new_cdp_session(page)
        cdp.send("Animation.enable")
        cdp.send("Animation.setPlaybackRate", {"playbackRate": 0})
        if scale != 1:
            # A picture at another scale changes the viewport's for that moment. Layers would be rasterised for both,
            # and which one their edges show would depend on the browser's own frames, in real time. So it stays.
            whole = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            cdp.send("Emulation.setDeviceMetricsOverride", {**size, "viewport": whole})
        return page, cdp

    def show(self, page: Page, url_or_html: str, base: Path | None) -> None:
        """Load a page and wait until it and its fonts are there."""
        html = url_or_html.lstrip().startswith("<")
        self._bases[page.context] = (url_or_html if html else "", base.resolve() if base else None)
        page.on("close", self._forget)
        page.goto(f"{ORIGIN}/" if html else url_or_html, wait_until="load")
        page.add_style_tag(content=_CSS)
        page.evaluate("document.fonts.ready.then(() => 0)")

    def _forget(self, page: Page) -> None:
        self._bases.pop(page.context, None)

    def _answer(self, route: Route) -> None:
        """The page's own origin is answered from memory or its base folder; all else is cut off."""
        url = route.request.url
        if not url.startswith(ORIGIN + "/"):
            route.abort("addressunreachable")
            return
        html, base = self._bases.get(route.request.frame.page.context, ("", None))
        name = unquote(urlsplit(url).path).lstrip("/")
        if not name and html:
            route.fulfill(status=200, content_type="text/html; charset=utf-8", body=html)
            return
        path = (base / (name or "index.html")).resolve() if base else None
        if path is None or base is None or not path.is_relative_to(base) or not path.is_file():
            route.fulfill(status=404, content_type="text/plain", body="")
            return
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        route.fulfill(status=200, content_type=kind, body=path.read_bytes())
