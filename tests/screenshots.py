"""Draw the README's pictures of the page anew, on a quiet machine: python tests/screenshots.py http://127.0.0.1:8000

The service has to run with the shipped model: answer and timings in the pictures are its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from browsing import chromium, expect_moments, opened
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parent.parent
CLIP = ROOT / "datasets" / "samples" / "reminder.mp4"
SHOWN = 13  # of the moments looked at, one that tells something

PICTURES = {
    "page.png": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "page-dark.png": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "page-phone.png": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2},
}


def draw(page: Page, file: Path) -> None:
    expect(page.locator("#running")).to_contain_text("Model")
    page.set_input_files("#file", CLIP)
    expect_moments(page)
    page.locator(".moment").nth(SHOWN).click()
    expect(page.locator(".moment").nth(SHOWN)).to_have_attribute("data-now", "")
    # The player's buttons lie over the picture while it stands still.
    page.evaluate("document.querySelector('#screen video').controls = false")
    page.evaluate("document.activeElement.blur(); document.querySelector('#reel').scrollLeft = 0; scrollTo(0, 0)")
    page.screenshot(path=file, full_page=True, animations="disabled")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with chromium() as browser:
        for name, options in PICTURES.items():
            with opened(browser, sys.argv[1], reduced_motion="reduce", **options) as page:
                draw(page, ROOT / "docs" / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
