"""Who uses the page without a mouse, without seeing it, on a phone, or in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium, drop, expect_moments, opened
from playwright.sync_api import Browser, Page, expect
from serving import Running, serving

AXE = Path(__file__).parent / "web/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("access") / "u", bundle=tiny_bundle, threads=1) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def violations(page: Page) -> list[str]:
    """What axe finds seriously wrong in the page as it stands."""
    assert AXE.exists(), "axe is missing: make axe"
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((found) => found.violations)")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, running: Running, sample_clip: Path, scheme: str) -> None:
    with opened(browser, running.url, color_scheme=scheme, reduced_motion="reduce") as page:
        expect(page.locator("#running")).to_contain_text("Model tiny")
        assert violations(page) == []
        page.set_input_files("#file", sample_clip)
        expect_moments(page)
        page.set_input_files("#file", sample_clip)
        expect(page.locator("#past-list li")).to_have_count(2)
        assert violations(page) == []
        drop(page, "notes.txt", "text/plain", b"milk, bread")
        expect(page.get_by_role("alert").get_by_role("heading")).to_be_visible()
        assert violations(page) == []
        page.goto(f"{running.url}/docs")
        expect(page.locator("#problems tr").first).to_be_visible()
        assert violations(page) == []


def test_axe_is_at_work(browser: Browser, running: Running) -> None:
    with opened(browser, running.url) as page:
        page.evaluate("document.querySelector('.drop-note').style.color = '#ddd'")
        assert [one.split(":")[0] for one in violations(page)] == ["color-contrast"]


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('href')"))


def test_with_the_keyboard_alone(browser: Browser, running: Running, sample_clip: Path) -> None:
    with opened(browser, running.url) as page:
        expect(page.locator("#running")).to_contain_text("Model tiny")
        names = []
        for _ in range(5):
            page.keyboard.press("Tab")
            names.append(focused(page))
        assert names == ["/", "/docs", "file", "record", "example"]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("getComputedStyle(document.querySelector('.ways .button')).outlineStyle") == "solid"
        with page.expect_file_chooser() as chosen:
            page.keyboard.press("Space")
        chosen.value.set_files(sample_clip)
        expect(page.locator("#intent")).not_to_be_empty()
        # The control that was used is still there, named for what it does now.
        expect(page.get_by_label("Another recording")).to_be_focused()
        moments = page.locator(".moment")
        expect(moments.first.locator("canvas")).to_be_visible()
        for _ in range(9):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.className") == "moment":
                break
        expect(moments.first).to_be_focused()
        page.keyboard.press("End")
        expect(moments.last).to_be_focused()
        expect(moments.last).to_have_attribute("data-now", "")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") != "moment"


def test_nothing_overflows_from_phone_to_wide(browser: Browser, running: Running, sample_clip: Path) -> None:
    with opened(browser, running.url) as page:
        page.set_input_files("#file", sample_clip)
        expect(page.locator("#intent")).not_to_be_empty()
        page.locator("#intent").evaluate(
            "(node) => { node.textContent = 'Rindfleischetikettierungsueberwachung '.repeat(4) }"
        )
        for width in (320, 390, 760, 1000, 1600):
            page.set_viewport_size({"width": width, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
