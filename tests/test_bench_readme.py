"""The README says what was measured, of the bundle that ships."""

from __future__ import annotations

from pathlib import Path

from uijepa.bench import answers, report
from uijepa.runtime import DEFAULT_BUNDLE

README = Path(__file__).parents[1] / "README.md"


def test_the_readmes_numbers_are_those_of_the_results() -> None:
    found = report.between(README.read_text(encoding="utf-8"), "README.md")
    assert found == report.block(report.load(report.RESULTS)), "run: python -m uijepa.bench report"


def test_the_results_are_of_the_shipped_bundle() -> None:
    results = report.load(report.RESULTS)
    assert results["bundle_sha256"] == answers.bundle_sha256(DEFAULT_BUNDLE)


def test_the_results_hold_no_leak() -> None:
    leak = report.load(report.RESULTS)["leakage"]
    assert not leak["identical_files"]
    assert not leak["shared_slot_values"]
