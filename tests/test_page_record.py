"""Recording the screen, in a Chromium that shares a tab by itself, and in one that refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import chromium, expect_moments, opened
from playwright.sync_api import BrowserContext, Page, expect
from serving import Running, serving

TWO_SECONDS = re.compile(r"(0:0[2-9]|0:[1-5]\d|[1-9]:\d\d)")  # at least
COUNTING = """<!doctype html><title>Counting</title><h1>0</h1><script>
let n = 0;
setInterval(() => {
  document.querySelector("h1").textContent = ++n;
  document.body.style.background = `hsl(${9 * n} 80% 60%)`;
}, 100);
</script>"""


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("record") / "u", bundle=tiny_bundle, threads=1) as made:
        yield made


def counting(context: BrowserContext) -> Page:
    """Another tab, in which something happens."""
    page = context.new_page()
    page.set_content(COUNTING)
    return page


def test_a_tab_is_recorded_and_answered(running: Running) -> None:
    with (
        chromium("--auto-select-tab-capture-source-by-title=Counting") as browser,
        opened(browser, running.url) as page,
    ):
        other = counting(page.context)
        page.bring_to_front()
        page.get_by_role("button", name="Record the screen").click()
        expect(page.get_by_role("button", name="Stop and read it")).to_be_focused()
        expect(page.get_by_role("timer")).to_have_text(TWO_SECONDS)
        expect(page).to_have_title(re.compile(f"^● {TWO_SECONDS.pattern} · recording$"))
        assert page.evaluate("document.querySelector('#live').videoWidth") > 0
        page.keyboard.press("Enter")
        expect(page.locator("#intent")).to_be_focused()
        expect(page).to_have_title("What did they want? · uijepa")
        name = page.locator("#clip-name").text_content() or ""
        assert name.startswith("Recording 2")
        assert name.endswith((".mp4", ".webm"))
        # Its header tells no length, yet the moments have their pictures and their places.
        expect_moments(page)
        last = page.locator(".time-bar i").last.evaluate("(node) => parseFloat(node.style.left)")
        assert 50 < last <= 100

        # One that ends because the tab is closed is kept, and one that is discarded is not.
        page.get_by_role("button", name="Record the screen").click()
        expect(page.get_by_role("timer")).to_have_text(TWO_SECONDS)
        other.close()
        expect(page.locator("#past-list li")).to_have_count(2)
        counting(page.context)
        page.bring_to_front()
        page.get_by_role("button", name="Record the screen").click()
        page.get_by_role("button", name="Discard").click()
        expect(page.get_by_role("heading", name="What did they want?")).to_be_visible()
        expect(page.get_by_role("button", name="Record the screen")).to_be_focused()
        expect(page.locator("#past-list li")).to_have_count(2)


def test_a_refused_permission_is_said_in_words(running: Running) -> None:
    with chromium("--use-fake-ui-for-media-stream=deny") as browser, opened(browser, running.url) as page:
        page.get_by_role("button", name="Record the screen").click()
        alert = page.get_by_role("alert")
        expect(alert.get_by_role("heading")).to_have_text("The screen was not shared")
        expect(alert).to_contain_text("pick a tab, a window or a screen")
        expect(page.get_by_role("button", name="Record the screen")).to_be_focused()


def test_without_the_means_to_record_it_is_not_offered(running: Running) -> None:
    with chromium() as browser, opened(browser, running.url) as page:
        expect(page.get_by_role("button", name="Record the screen")).to_be_visible()
        page.add_init_script("delete MediaDevices.prototype.getDisplayMedia")
        page.reload()
        expect(page.locator("#running")).to_contain_text("Model")
        expect(page.get_by_role("button", name="Record the screen")).to_be_hidden()
