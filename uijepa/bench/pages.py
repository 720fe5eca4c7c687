"""The pages that show results: what `python -m uijepa.bench report` writes and checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from uijepa.bench import probe_report, report
from uijepa.errors import ConfigError

RESULTS = Path("uijepa/bench/results")
"""In a checkout."""
_MADE = {"summary": report.summary, "quality": report.block, "probes": probe_report.block}


@dataclass(frozen=True)
class Page:
    """One block of a page, between the markers of its results' name."""

    results: str
    """Name of the results' file, without its suffix."""
    file: str
    kind: Literal["summary", "quality", "probes"]

    def load(self, root: Path) -> dict[str, Any]:
        """The results. Raises ConfigError."""
        return report.load(root / RESULTS / f"{self.results}.json", self.kind)

    def made(self, root: Path) -> str:
        """What must stand between the markers. Raises ConfigError."""
        return _MADE[self.kind](self.load(root))

    def found(self, root: Path) -> str:
        """What does stand there. Raises ConfigError."""
        path = root / self.file
        return report.between(report.text_of(path), str(path), report.markers(self.results))


PAGES = (
    Page("quality", "README.md", "summary"),
    Page("iit", "README.md", "summary"),
    Page("quality", "datasets/iiw/README.md", "quality"),
    Page("iit", "datasets/iit/README.md", "quality"),
    Page("smollm2", "docs/decoders.md", "summary"),
    Page("probe", "docs/pretraining.md", "probes"),
    Page("ablation", "docs/pretraining.md", "probes"),
    Page("terms", "docs/pretraining.md", "probes"),
    Page("centred", "docs/pretraining.md", "probes"),
    Page("longer", "docs/pretraining.md", "probes"),
    Page("places", "docs/pretraining.md", "probes"),
    Page("attentive", "docs/pretraining.md", "probes"),
    Page("supervised", "docs/pretraining.md", "probes"),
    Page("shipped", "docs/pretraining.md", "probes"),
)


def update(root: Path, console: Console, *, check: bool, pages: Sequence[Page] = PAGES) -> None:
    """Write each page's block from its results; with `check` raise ConfigError where one differs instead."""
    for page in pages:
        if check and page.found(root) != page.made(root):
            raise ConfigError(
                f"{root / page.file}: not the tables of {page.results}.json. Run: python -m uijepa.bench report"
            )
        changed = not check and report.write(root / page.file, page.made(root), report.markers(page.results))
        told = "written" if changed else "up to date"
        console.print(f"{page.file}: {page.results} {told}", markup=False, soft_wrap=True)
