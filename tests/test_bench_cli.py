"""`python -m uijepa.bench` with a real bundle, the real engine in its sandbox, and the real SBERT."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from uijepa.bench import report
from uijepa.bench.__main__ import app
from uijepa.data.manifest import Clip, Split, write


@pytest.fixture(scope="module")
def recordings(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip under two names, one of them for training, and a file that is no clip."""
    root = tmp_path_factory.mktemp("recordings")
    splits: dict[str, Split] = {"seen.mp4": "train", "new.mp4": "test"}
    for name in splits:
        shutil.copy(sample_clip, root / name)
    clips = [
        Clip(path=n, id=n, intent="Call Ada.", source="toy", slots={"name": s}, split=s) for n, s in splits.items()
    ]
    write(root / "manifest.jsonl", clips)
    return root


def test_the_suite_scores_a_real_bundle(recordings: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out, work = tmp_path / "quality.json", tmp_path / "work"
    options = ["--manifest", str(recordings / "manifest.jsonl"), "--bundle", str(tiny_bundle)]
    options += ["--out", str(out), "--work", str(work), "--threads", "1"]
    options += ["--baseline-bundle", f"untrained={tiny_bundle}"]
    done = CliRunner().invoke(app, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    results = report.load(out)
    overall = {r["system"]: r["intent_similarity"]["mean"] for r in results["rows"] if r["by"] == "all"}
    # The neighbour is the very clip; the random model says something, and twice the same.
    assert overall["nearest neighbour, pixels"] == 100
    assert 0 <= overall["uijepa"] == overall["untrained"] < 100
    assert results["errors"] == {"uijepa": {}, "untrained": {}}
    assert results["latency_ms"]["encoder"]["p50"] > 0
    assert results["latency_ms"]["total"]["p95"] >= results["latency_ms"]["encoder"]["p50"]
    assert results["leakage"]["identical_files"] == ["new.mp4"]
    assert results["leakage"]["same_last_frames"] == ["new.mp4"]
    before = out.read_text()
    assert CliRunner().invoke(app, options).exit_code == 0
    assert out.read_text() == before  # answers and their timings came from the journal
    strict = CliRunner().invoke(app, [*options, "--strict-leakage"])
    assert strict.exit_code == 2
    assert "leak" in strict.output


def test_wild_answers_or_says_why_not(sample_clip: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "wild", tmp_path / "wild.json"
    folder.mkdir()
    shutil.copy(sample_clip, folder / "clip.mp4")
    (folder / "notes.gif").write_text("no picture at all")
    options = ["wild", str(folder), "--bundle", str(tiny_bundle), "--json", str(out), "--threads", "1"]
    done = CliRunner().invoke(app, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "not-a-video" in done.output
    seen = {f["file"]: f for f in json.loads(out.read_text())["files"]}
    assert seen["clip.mp4"]["error"] == ""
    assert 0 <= seen["clip.mp4"]["confidence"] <= 1
    assert seen["clip.mp4"]["ms"] > 0
    assert seen["notes.gif"]["error"] == "not-a-video"
    assert seen["notes.gif"]["reason"]


def test_a_missing_bundle_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["wild", str(tmp_path), "--bundle", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "no such bundle" in done.output
