"""A real Chromium on the page of a running service, and what tests do there."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

_SHOWN_MS = 60_000
"""Longest wait for anything: a test says what has to come, not how fast a busy machine is."""

_DROP = """async ([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  const zone = document.querySelector(".drop");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The system's Chromium, headless."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("UIJEPA_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert program, "The page is tested in Chromium; install it or name it in UIJEPA_CHROMIUM."
    expect.set_options(timeout=_SHOWN_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *flags])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """The page at `url` in a tab of its own. Nothing in it may throw, break its policy, or ask anybody else."""
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}} | options)
    page = context.new_page()
    page.set_default_timeout(_SHOWN_MS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("request", lambda asked: None if asked.url.startswith((url, "blob:")) else wrong.append(asked.url))
    page.goto(url)
    yield page
    context.close()
    assert wrong == []


def drop(page: Page, name: str, kind: str, content: bytes) -> None:
    """Drop a file onto the page as a person does with the mouse."""
    page.evaluate(_DROP, [name, kind, base64.b64encode(content).decode()])


def expect_moments(page: Page) -> None:
    """Wait until the answer stands there with a picture of every moment."""
    expect(page.locator(".moment canvas").first).to_be_visible()
    expect(page.locator(".moment canvas")).to_have_count(page.locator(".time-bar i").count())
