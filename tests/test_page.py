"""The page in a real Chromium, served by a real service with a real (tiny, random) model."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import chromium, drop, opened
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import FakePredictor, Running, serving


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("page") / "uploads"
    with serving(uploads, bundle=tiny_bundle, max_bytes=200_000, threads=1) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    with opened(browser, running.url) as page:
        yield page


def test_a_dropped_clip_is_answered(page: Page, running: Running, sample_clip: Path) -> None:
    expected = running.post(sample_clip.read_bytes()).json()
    drop(page, "my clip.mp4", "video/mp4", sample_clip.read_bytes())
    expect(page.locator("#intent")).to_have_text(expected["intent"])
    share = round(expected["confidence"] * 100)
    expect(page.locator("#sure")).to_have_text(f"{share} % sure")
    expect(page.locator("#clip-name")).to_have_text("my clip.mp4")
    expect(page.locator("#timings")).to_contain_text("Decoding")
    # A screen reader is told without looking around.
    expect(page.get_by_role("status")).to_contain_text(f"Answer: {expected['intent']}")
    expect(page.locator("#screen video")).to_be_visible()


COLUMNS = """(nodes) => nodes.map((canvas) => {
  const pixels = canvas.getContext("2d").getImageData(canvas.width / 2 - 20, 0, 40, canvas.height);
  let sum = 0;
  let weight = 0;
  for (let at = 0; at < pixels.data.length; at += 4) {
    const off = Math.abs(pixels.data[at] - 200) > 40 ? 1 : 0; // the plain screen is 200 grey
    sum += off * Math.floor(at / 4 / 40);
    weight += off;
  }
  return sum / weight / canvas.height;
})"""


def test_the_moments_looked_at_are_pictures_on_a_time_bar(page: Page, running: Running, sample_clip: Path) -> None:
    times = running.post(sample_clip.read_bytes()).json()["times_s"]
    page.set_input_files("#file", sample_clip)
    pictures = page.locator(".moment canvas")
    expect(pictures).to_have_count(len(times))
    assert page.evaluate("document.querySelector('#screen video').videoWidth") == 160
    # The square of the clip walks down: each picture shows its own moment.
    heights = pictures.evaluate_all(COLUMNS)
    assert heights == sorted(heights)
    assert heights[-1] - heights[0] > 0.3
    marks = page.locator(".time-bar i").evaluate_all("(nodes) => nodes.map((node) => parseFloat(node.style.left))")
    length = page.evaluate("document.querySelector('#screen video').duration")
    assert marks == pytest.approx([100 * time / length for time in times], abs=0.1)
    moments = page.get_by_role("toolbar").get_by_role("button")
    moments.nth(2).click()
    shown = "document.querySelector('#screen video').currentTime"
    assert page.evaluate(shown) == pytest.approx(times[2], abs=0.01)
    page.keyboard.press("ArrowLeft")
    expect(moments.nth(1)).to_be_focused()
    assert page.evaluate(shown) == pytest.approx(times[1], abs=0.01)


def test_a_gif_stands_on_the_time_bar_without_pictures(page: Page) -> None:
    frames = [Image.new("L", (96, 160), 40 * step) for step in range(5)]
    for step, frame in enumerate(frames):
        frame.paste(255 - 40 * step, (10, 20 * step, 60, 20 * step + 30))
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=300)
    drop(page, "steps.gif", "image/gif", file.getvalue())
    expect(page.locator("#intent")).not_to_be_empty()
    expect(page.locator("#screen img")).to_be_visible()
    assert page.locator(".time-bar i").count() >= 2
    expect(page.locator(".moment")).to_have_count(0)


def test_what_is_no_video_is_said_in_words(page: Page, sample_clip: Path) -> None:
    drop(page, "notes.txt", "text/plain", b"milk, bread")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("Not a video")
    expect(alert).to_contain_text("Send an mp4, mov, webm, mkv or gif recording.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    # And the page goes on working.
    page.set_input_files("#file", sample_clip)
    expect(page.locator("#intent")).not_to_be_empty()
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


def test_a_refused_upload_is_said_in_words(browser: Browser, running: Running) -> None:
    """Who never learnt the limit, because the service was still starting, gets the service's own 413."""
    with opened(browser, running.url) as page:
        page.route("**/version", lambda route: route.abort())
        page.reload()
        expect(page.locator("#running")).to_have_text("The service does not answer.")
        drop(page, "long.mp4", "video/mp4", bytes(500_000))
        alert = page.get_by_role("alert")
        expect(alert.get_by_role("heading")).to_have_text("Upload too large")
        expect(alert).to_contain_text(
            "The upload is larger than 195 KiB. Send a smaller or lower-resolution recording."
        )


@pytest.mark.parametrize(
    ("status", "title"),
    [(413, "Recording too large"), (502, "The service is not there"), (504, "The answer took too long")],
)
def test_what_a_proxy_refuses_is_said_in_words(page: Page, sample_clip: Path, status: int, title: str) -> None:
    page.route(
        "**/v1/intent*", lambda route: route.fulfill(status=status, content_type="text/html", body="<h1>no</h1>")
    )
    page.set_input_files("#file", sample_clip)
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text(title)
    expect(page.get_by_role("button", name="Try again")).to_be_visible(visible=status != 413)


def test_a_service_that_is_gone_is_said_in_words(page: Page, sample_clip: Path) -> None:
    page.route("**/v1/intent*", lambda route: route.abort("connectionrefused"))
    page.set_input_files("#file", sample_clip)
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("The service did not answer")
    page.unroute("**/v1/intent*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#intent")).not_to_be_empty()


def test_a_busy_service_is_said_in_words_and_tried_again(browser: Browser, sample_clip: Path, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "u", lambda _: FakePredictor(), queue=0, decoders=1) as running,
        opened(browser, running.url) as page,
    ):
        with running.service.gate.place():
            page.set_input_files("#file", sample_clip)
            alert = page.get_by_role("alert")
            expect(alert.get_by_role("heading")).to_have_text("Too many requests at once")
            expect(alert).to_contain_text("Try again in a moment.")
            expect(page.locator("#wait")).to_contain_text("it is tried again in 1 s")
        # Retry-After has passed, and nobody pressed anything.
        expect(page.locator("#intent")).to_have_text("Call Ada.")


def test_a_key_is_asked_for_and_kept_in_the_tab(browser: Browser, sample_clip: Path, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "u", lambda _: FakePredictor(), api_key="open sesame") as running,
        opened(browser, running.url) as page,
    ):
        page.set_input_files("#file", sample_clip)
        key = page.get_by_label("Key of this service")
        for attempt in ("wrong key", "open sesame"):
            expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("This service asks for a key")
            key.fill(attempt)
            key.press("Enter")
            if attempt == "wrong key":
                expect(key).to_have_value("")
        expect(page.locator("#intent")).to_have_text("Call Ada.")
        page.set_input_files("#file", sample_clip)
        expect(page.locator("#past-list li")).to_have_count(2)


def test_cancelling_goes_back_to_the_start(browser: Browser, sample_clip: Path, tmp_path: Path) -> None:
    go = threading.Event()
    with (
        serving(tmp_path / "u", lambda _: FakePredictor(lambda _: go.wait(20) and None)) as running,
        opened(browser, running.url) as page,
    ):
        page.set_input_files("#file", sample_clip)
        expect(page.locator("#stage")).to_have_text("Decoding…")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="What did they want?")).to_be_visible()
        expect(page.locator("#file")).to_be_focused()
        go.set()


def test_answers_of_this_tab_can_be_seen_again(page: Page, sample_clip: Path) -> None:
    content = sample_clip.read_bytes()
    for name in ("one.mp4", "two.mp4"):
        drop(page, name, "video/mp4", content)
        expect(page.locator("#clip-name")).to_have_text(name)
        expect(page.locator("#intent")).to_be_visible()
    entries = page.locator("#past-list button")
    expect(entries).to_have_count(2)
    expect(entries.first).to_have_attribute("aria-current", "true")
    posts: list[str] = []
    page.on("request", lambda asked: posts.append(asked.url) if asked.method == "POST" else None)
    entries.last.click()
    expect(page.locator("#clip-name")).to_have_text("one.mp4")
    expect(page.locator(".moment canvas").first).to_be_visible()
    assert posts == []
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator("#past")).to_be_hidden()
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


def test_the_example_is_answered(page: Page) -> None:
    page.get_by_role("button", name="See an example").click()
    expect(page.locator("#intent")).not_to_be_empty()
    expect(page.locator("#intent")).to_be_focused()


def test_the_documentation_lists_every_route_and_problem(page: Page, running: Running) -> None:
    schema = running.client.get("/openapi.json").json()
    page.goto(f"{running.url}/docs#busy")
    expect(page.locator("article")).to_have_count(len(schema["paths"]))
    for path in schema["paths"]:
        expect(page.locator("article h2 code").get_by_text(path, exact=True)).to_be_visible()
    expect(page.locator("article pre").first).to_have_text(f"curl -F file=@clip.mp4 {running.url}/v1/intent")
    expect(page.locator("tr#busy")).to_be_in_viewport()
