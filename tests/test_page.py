"""The page in a real Chromium, served by a real service with a real (tiny, random) model."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import FakePredictor, Running, serving

SHOWN_MS = 20_000


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("page") / "uploads"
    with serving(uploads, bundle=tiny_bundle, max_bytes=200_000, threads=1) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("UIJEPA_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert program, "The page is tested in Chromium; install it or name it in UIJEPA_CHROMIUM."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.set_default_timeout(SHOWN_MS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on(
        "request", lambda asked: None if asked.url.startswith((running.url, "blob:")) else wrong.append(asked.url)
    )
    page.goto(running.url)
    yield page
    page.close()
    assert wrong == []


DROP = """async ([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  const zone = document.querySelector(".drop");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
}"""


def drop(page: Page, name: str, kind: str, content: bytes) -> None:
    page.evaluate(DROP, [name, kind, base64.b64encode(content).decode()])


def test_a_dropped_clip_is_answered(page: Page, running: Running, sample_clip: Path) -> None:
    expected = running.post(sample_clip.read_bytes()).json()
    drop(page, "my clip.mp4", "video/mp4", sample_clip.read_bytes())
    expect(page.locator("#intent")).to_have_text(expected["intent"], timeout=SHOWN_MS)
    share = round(expected["confidence"] * 100)
    expect(page.locator("#sure")).to_have_text(f"Confidence {share} %")
    expect(page.locator("#clip-name")).to_have_text("my clip.mp4")
    expect(page.locator("#moments i")).to_have_count(len(expected["times_s"]))
    expect(page.locator("#timings")).to_contain_text("Decoding")
    # A screen reader is told without looking around.
    expect(page.get_by_role("status")).to_contain_text(f"Answer: {expected['intent']}")
    expect(page.locator(".screen video")).to_be_visible()
    assert page.evaluate("document.querySelector('video').videoWidth") == 160


def test_what_is_no_video_is_said_in_words(page: Page, sample_clip: Path) -> None:
    drop(page, "notes.txt", "text/plain", b"milk, bread")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("Not a video", timeout=SHOWN_MS)
    expect(alert).to_contain_text("Send an mp4, mov, webm, mkv or gif recording.")
    expect(alert.get_by_role("button")).to_be_hidden()
    # And the page goes on working.
    page.set_input_files("#file", sample_clip)
    expect(page.locator("#intent")).not_to_be_empty(timeout=SHOWN_MS)
    expect(alert).to_be_hidden()


def test_a_file_too_large_is_not_even_sent(page: Page) -> None:
    posts: list[str] = []
    page.on("request", lambda asked: posts.append(asked.url) if asked.method == "POST" else None)
    expect(page.locator("#bounds")).to_contain_text("up to 195 KiB and 10 minutes")
    drop(page, "long.mp4", "video/mp4", bytes(300_000))
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("Clip too large")
    expect(alert).to_contain_text("long.mp4 has 293 KiB; at most 195 KiB are read.")
    assert posts == []


def test_with_the_keyboard_alone(page: Page, sample_clip: Path) -> None:
    expect(page.locator("#running")).to_contain_text("Model tiny")
    names = []
    for _ in range(3):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('href')"))
    assert names == ["/", "/docs", "file"]
    assert page.evaluate("getComputedStyle(document.querySelector('.drop')).outlineStyle") == "solid"
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Space")
    chosen.value.set_files(sample_clip)
    expect(page.locator("#intent")).not_to_be_empty(timeout=SHOWN_MS)
    # The control that was used is still there, named for what it does now.
    expect(page.get_by_label("Another recording")).to_be_focused()


@pytest.mark.parametrize("width", [320, 760, 1600])
def test_nothing_overflows(browser: Browser, running: Running, sample_clip: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.goto(running.url)
    page.set_input_files("#file", sample_clip)
    expect(page.locator("#intent")).not_to_be_empty(timeout=SHOWN_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_themes(browser: Browser, running: Running, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(running.url)
    for selector in ("h1", ".lead p", ".drop-note", ".drop-main .link", "footer p"):
        ratio = page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, (selector, ratio)
    page.close()


CONTRAST = """(node) => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3)
      .map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = node;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const [one, two] = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor].map(light);
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}"""


def test_a_busy_service_is_said_in_words_and_tried_again(browser: Browser, sample_clip: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "u", lambda _: FakePredictor(), queue=0) as running:
        page = browser.new_page()
        page.goto(running.url)
        with running.service.gate.place():
            page.set_input_files("#file", sample_clip)
            alert = page.get_by_role("alert")
            expect(alert.get_by_role("heading")).to_have_text("Too many requests at once", timeout=SHOWN_MS)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#intent")).to_have_text("Call Ada.", timeout=SHOWN_MS)
        page.close()


def test_cancelling_goes_back_to_the_start(browser: Browser, sample_clip: Path, tmp_path: Path) -> None:
    import threading

    go = threading.Event()
    with serving(tmp_path / "u", lambda _: FakePredictor(lambda _: go.wait(20) and None)) as running:
        page = browser.new_page()
        page.goto(running.url)
        page.set_input_files("#file", sample_clip)
        expect(page.locator("#stage")).to_have_text("Watching the recording…", timeout=SHOWN_MS)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="What did they want?")).to_be_visible()
        expect(page.locator("#file")).to_be_focused()
        go.set()
        page.close()


def test_the_documentation_lists_every_route_and_problem(page: Page, running: Running) -> None:
    schema = running.client.get("/openapi.json").json()
    page.goto(f"{running.url}/docs#busy")
    expect(page.locator("article")).to_have_count(len(schema["paths"]))
    for path in schema["paths"]:
        expect(page.locator("article h2 code", has_text=path)).to_be_visible()
    expect(page.locator("article pre").first).to_have_text(f"curl -F file=@clip.mp4 {running.url}/v1/intent")
    expect(page.locator("tr#busy")).to_be_in_viewport()
