"""Any folder of clips through the engine: an answer or a typed error for each file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from uijepa.bench import answers
from uijepa.bench.answers import Engine, Outcome
from uijepa.bench.metrics import Scorer
from uijepa.errors import ManifestError


@dataclass(frozen=True, kw_only=True)
class Wild:
    """One file, what the engine made of it, and how near that is to the reference where there is one."""

    outcome: Outcome
    reference: str = ""
    similarity: float | None = None
    """Intent Similarity, 0..100; 0 for an error."""

    def as_json(self) -> dict[str, Any]:
        o = self.outcome
        return {
            "file": o.clip,
            "intent": o.intent,
            "confidence": round(o.confidence, 4),
            "ms": round(o.timings_ms["total"], 1),
            "timings_ms": {k: round(v, 1) for k, v in o.timings_ms.items()},
            "error": o.error,
            "reason": o.reason,
            "reference": self.reference,
            "similarity": None if self.similarity is None else round(self.similarity, 2),
        }


def listing(folder: Path) -> list[tuple[str, str]]:
    """(file, reference intent or "") of a folder.

    With a `manifest.jsonl`, its lines in order (`file` or `path`, and `intent`); without, every visible file.
    Raises ManifestError.
    """
    if not folder.is_dir():
        raise ManifestError(f"{folder}: no such folder.")
    manifest = folder / "manifest.jsonl"
    if not manifest.exists():
        names = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
        return [(name, "") for name in names]
    found = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ManifestError(f"{manifest}:{number}: not JSON ({error.msg}).") from error
        name = value.get("file") or value.get("path") if isinstance(value, dict) else None
        if not isinstance(name, str):
            raise ManifestError(f"{manifest}:{number}: needs a 'file' or 'path'.")
        found.append((name, str(value.get("intent") or "")))
    return found


def look(folder: Path, engine: Engine, scorer: Scorer | None, *, quiet: bool = False) -> list[Wild]:
    """Ask the engine about every file of the folder; `scorer` compares where there is a reference."""
    items = listing(folder)
    outcomes = [
        answers.ask(engine, name, folder / name) for name, _ in answers.track(items, "wild", len(items), quiet=quiet)
    ]
    made = []
    for (_, reference), outcome in zip(items, outcomes, strict=True):
        similarity = None
        if reference and scorer is not None:
            similarity = scorer.score([outcome.intent], [reference])[0].similarity
        made.append(Wild(outcome=outcome, reference=reference, similarity=similarity))
    return made


def summary(seen: Sequence[Wild]) -> dict[str, Any]:
    """Counts, and the mean similarity where there are references."""
    known = [w.similarity for w in seen if w.similarity is not None]
    return {
        "files": len(seen),
        "answered": sum(not w.outcome.error for w in seen),
        "errors": dict(sorted(Counter(w.outcome.error for w in seen if w.outcome.error).items())),
        "intent_similarity": round(sum(known) / len(known), 2) if known else None,
    }


def as_json(seen: Sequence[Wild]) -> dict[str, Any]:
    """Everything, for `--json`."""
    return {"summary": summary(seen), "machine": answers.machine(), "files": [w.as_json() for w in seen]}


def show(seen: Sequence[Wild], console: Console) -> None:
    """Print the table of answers."""
    table = Table("file", "answer or error", "confidence", "ms", "similarity")
    for column in table.columns:
        column.overflow = "fold"
    for column in table.columns[2:]:
        column.justify, column.no_wrap = "right", True
    for wild in seen:
        o = wild.outcome
        said = f"[{o.error}] {o.reason}" if o.error else o.intent
        table.add_row(
            _plain(o.clip),
            _plain(said),
            "" if o.error else f"{o.confidence:.2f}",
            f"{o.timings_ms['total']:.0f}",
            "" if wild.similarity is None else f"{wild.similarity:.1f}",
        )
    console.print(table)
    totals: Mapping[str, Any] = summary(seen)
    mean = totals["intent_similarity"]
    console.print(
        f"{totals['answered']} of {totals['files']} answered, errors {totals['errors'] or 'none'}"
        + ("" if mean is None else f", Intent Similarity {mean:.2f}"),
        markup=False,
    )


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)  # what a clip shows may look like markup
