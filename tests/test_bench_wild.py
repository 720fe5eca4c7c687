"""Any folder of clips through an engine: an answer or a typed error for each file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.test_bench_quality import Fake, Reply, Words
from uijepa.bench import wild
from uijepa.bench.metrics import Scorer
from uijepa.errors import ManifestError, NotAVideo


def test_wild_clips_get_an_answer_or_a_typed_error(tmp_path: Path) -> None:
    names = ["a.gif", "b.mp4", "c.mov"]
    lines = [{"file": n, "intent": "Call Ann." if n != "b.mp4" else ""} for n in names]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    engine = Fake(
        {
            "a.gif": Reply("Call Ann."),
            "b.mp4": Reply("[bold]Play it.[/]"),
            "c.mov": NotAVideo("c.mov", "empty."),
        }
    )
    seen = wild.look(tmp_path, engine, Scorer(Words()), quiet=True)
    made = wild.as_json(seen)
    assert made["summary"] == {
        "files": 3,
        "answered": 2,
        "errors": {"not-a-video": 1},
        "intent_similarity": 50,
    }
    assert [f["similarity"] for f in made["files"]] == [100, None, 0]
    assert made["files"][2]["error"] == "not-a-video"
    console = Console(record=True, width=120, file=io.StringIO())
    wild.show(seen, console)
    printed = console.export_text()
    assert "[bold]Play it.[/]" in printed
    assert "[not-a-video] empty." in printed
    assert "2 of 3 answered" in printed


def test_a_folder_without_a_manifest_lists_every_visible_file(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.gif", ".hidden"):
        (tmp_path / name).write_bytes(b"")
    assert wild.listing(tmp_path) == [("a.gif", ""), ("b.mp4", "")]
    (tmp_path / "manifest.jsonl").write_text("[]")
    with pytest.raises(ManifestError, match=r"manifest\.jsonl:1"):
        wild.listing(tmp_path)
    with pytest.raises(ManifestError, match="no such folder"):
        wild.listing(tmp_path / "gone")
