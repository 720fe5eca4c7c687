"""The pages say what was measured, of the bundle that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from uijepa.bench import answers, pages
from uijepa.runtime import DEFAULT_BUNDLE

ROOT = Path(__file__).parents[1]
QUALITY = [page for page in pages.PAGES if page.kind == "quality"]


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: f"{page.results} in {page.file}")
def test_the_pages_numbers_are_those_of_the_results(page: pages.Page) -> None:
    assert page.found(ROOT) == page.made(ROOT), "run: python -m uijepa.bench report"


@pytest.mark.parametrize("page", QUALITY, ids=lambda page: page.results)
def test_the_results_are_of_the_shipped_bundle(page: pages.Page) -> None:
    assert page.load(ROOT)["bundle_sha256"] == answers.bundle_sha256(DEFAULT_BUNDLE)


@pytest.mark.parametrize("page", QUALITY, ids=lambda page: page.results)
def test_the_results_hold_no_leak(page: pages.Page) -> None:
    leak = page.load(ROOT)["leakage"]
    assert not leak["identical_files"]
    assert not leak["shared_slot_values"]
