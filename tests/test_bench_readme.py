"""The README says what was measured, of the bundle that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from uijepa.bench import answers, probe_report, report
from uijepa.runtime import DEFAULT_BUNDLE

ROOT = Path(__file__).parents[1]


def test_the_readmes_numbers_are_those_of_the_results() -> None:
    found = report.between((ROOT / "README.md").read_text(encoding="utf-8"), "README.md")
    assert found == report.block(report.load(report.RESULTS)), "run: python -m uijepa.bench report"


@pytest.mark.parametrize(
    ("markers", "results"),
    [(report.PROBE, report.PROBE_RESULTS), (report.ABLATION, report.ABLATION_RESULTS)],
    ids=["probe", "ablation"],
)
def test_the_probes_numbers_are_those_of_the_results(markers: report.Markers, results: Path) -> None:
    page = ROOT / "docs" / "pretraining.md"
    found = report.between(page.read_text(encoding="utf-8"), page.name, markers)
    assert found == probe_report.block(report.load(results, "probes")), "run: python -m uijepa.bench report"


def test_the_results_are_of_the_shipped_bundle() -> None:
    results = report.load(report.RESULTS)
    assert results["bundle_sha256"] == answers.bundle_sha256(DEFAULT_BUNDLE)


def test_the_results_hold_no_leak() -> None:
    leak = report.load(report.RESULTS)["leakage"]
    assert not leak["identical_files"]
    assert not leak["shared_slot_values"]
