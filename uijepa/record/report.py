"""What a recording holds, category by category, and what went wrong on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uijepa.data.manifest import Clip

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Row:
    """One category."""

    category: str
    clips: int
    seconds: float
    frames: int
    bytes: int
    misses: int
    """Attempts that gave no clip."""
    reasons: dict[str, int]
    """Why, most frequent first."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole recording."""

    asked: int
    made: int
    rows: list[Row]
    given_up: list[str] = field(default_factory=list)
    """Jobs of this run for which all tries failed."""
    skipped: list[str] = field(default_factory=list)
    """Jobs of this run not tried, because their category gave nothing."""

    @classmethod
    def of(
        cls,
        out: Path,
        clips: Iterable[Clip],
        misses: Sequence[Mapping[str, Any]],
        *,
        categories: Sequence[str],
        asked: int,
        given_up: list[str],
        skipped: list[str],
    ) -> Report:
        """Count the clips and misses of a folder."""
        mine: dict[str, list[Clip]] = {category: [] for category in categories}
        for clip in clips:
            mine.setdefault(clip.category, []).append(clip)
        rows = []
        for category, group in mine.items():
            reasons = Counter(str(miss["reason"]) for miss in misses if miss["category"] == category)
            rows.append(
                Row(
                    category=category,
                    clips=len(group),
                    seconds=round(sum(clip.seconds for clip in group), 3),
                    frames=sum(clip.frames for clip in group),
                    bytes=sum((out / clip.path).stat().st_size for clip in group),
                    misses=sum(reasons.values()),
                    reasons=dict(reasons.most_common()),
                )
            )
        made = sum(row.clips for row in rows)
        return cls(asked=asked, made=made, rows=rows, given_up=given_up, skipped=skipped)

    def as_json(self) -> str:
        """All of it, as JSON."""
        return json.dumps(asdict(self), indent=1)

    def table(self) -> Table:
        """For people."""
        from rich.table import Table

        table = Table(title=f"{self.made} clips")
        for name in ("category", "clips", "s a clip", "frames", "KB a clip", "misses", "most frequent reason"):
            left = name in ("category", "most frequent reason")
            table.add_column(name, justify="left" if left else "right", no_wrap=name == "category")
        for row in self.rows:
            each = max(row.clips, 1)
            table.add_row(
                row.category,
                str(row.clips),
                f"{row.seconds / each:.1f}",
                f"{row.frames / each:.0f}",
                f"{row.bytes / each / 1000:.0f}",
                str(row.misses),
                next(iter(row.reasons), ""),
            )
        return table
