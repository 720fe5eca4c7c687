"""The recording run: its journal survives a kill, nothing is lost or doubled, bad attempts are counted."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from record_source import Notes

from uijepa.data import manifest
from uijepa.data.manifest import Clip, split_of
from uijepa.errors import ConfigError, RecordingError
from uijepa.record.jobs import Journal, Plan, every, run
from uijepa.record.report import Report
from uijepa.record.source import Failed, Performance
from uijepa.record.take import MAX_TRIES, Job, check
from uijepa.record.workers import MAX_DEATHS, Miss, Outcome, load

SHORT = ("notes/short",)


def jobs(
    *, train: int = 2, test: int = 1, seed: int = 4, source: str = "Notes", categories: Sequence[str] = SHORT
) -> list[Job]:
    return every([f"record_source:{source}"], categories, {"train": train, "test": test}, seed=seed)


def plan(out: Path, *, resume: bool = False, **of: object) -> Plan:
    asked = {"seed": of.get("seed", 4)}
    return Plan(out=out, jobs=jobs(**of), asked=asked, workers=1, resume=resume)  # type: ignore[arg-type]


def record(asked: Plan, stop_after: int | None = None) -> Report:
    done: list[Outcome] = []
    return run(
        asked, lambda _total, _done: None, done.append, lambda: stop_after is not None and len(done) >= stop_after
    )


def digests(out: Path) -> dict[str, str]:
    return {clip.id: hashlib.sha256((out / clip.path).read_bytes()).hexdigest() for clip in clips(out)}


def clips(out: Path) -> list[Clip]:
    return manifest.read(out / "manifest.jsonl")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording made in one go."""
    out = tmp_path_factory.mktemp("whole") / "out"
    report = record(plan(out))
    assert (report.asked, report.made, report.given_up) == (3, 3, [])
    return out


def test_clips_tell_what_they_show(whole: Path) -> None:
    assert [clip.id for clip in clips(whole)] == [
        "notes/short-test-00000",
        "notes/short-train-00000",
        "notes/short-train-00001",
    ]
    for clip in clips(whole):
        assert (clip.width, clip.height, clip.source) == (240, 320, "record_source:Notes")
        assert clip.intent == f"Enter the name {clip.slots['name']}."
        assert clip.text == [clip.slots["name"]]
        assert split_of(clip.slots["name"]) == clip.split
        assert clip.frames >= 3
        assert clip.seconds > 1


def test_a_stopped_run_goes_on_to_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert record(plan(out), stop_after=1).made == 1
    (before,) = clips(out)
    stamp = (out / before.path).stat().st_mtime_ns
    with pytest.raises(ConfigError, match="--resume"):
        record(plan(out))
    with pytest.raises(ConfigError, match="--seed 4"):
        record(plan(out, resume=True, seed=5))
    # What a kill may leave: half a line, half a film, a whole film without its line.
    with (out / "manifest.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"path": "clips/no')
    (out / "clips/notes/short/train-00009.mp4.part").write_bytes(b"half")
    (out / "clips/notes/short/train-00001.mp4").write_bytes(b"no line yet")
    assert record(plan(out, resume=True)).made == 3
    assert digests(out) == digests(whole)
    assert (out / "manifest.jsonl").read_bytes() == (whole / "manifest.jsonl").read_bytes()
    assert (out / before.path).stat().st_mtime_ns == stamp
    assert not list(out.rglob("*.part"))


def test_a_run_killed_by_force_loses_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--out", str(out), "--source", "record_source:Notes", "--categories", "notes/short"]
    words += ["--train", "4", "--val", "0", "--test", "0", "--workers", "1"]
    command = [sys.executable, "-m", "uijepa.record", *words]
    here = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    killed = subprocess.Popen(command, env=here, stderr=subprocess.DEVNULL)
    journal = out / "manifest.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n")):
        assert killed.poll() is None, "the run ended before its first clip"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    made = clips(out)
    assert 1 <= len(made) < 4
    ended = subprocess.run([*command, "--resume"], env=here, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    after = clips(out)
    assert Counter(clip.id for clip in after) == {f"notes/short-train-{i:05d}": 1 for i in range(4)}
    assert all(clip in after for clip in made)


def test_a_dead_worker_is_replaced_and_its_job_done(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UIJEPA_TEST_MARKER", str(tmp_path / "died"))
    out = tmp_path / "out"
    report = record(plan(out, train=1, test=0, source="Dying"))
    assert (tmp_path / "died").exists()
    assert report.made == 1
    assert report.rows[0].misses == 0
    assert digests(out)["notes/short-train-00000"] == digests(whole)["notes/short-train-00000"]


def test_jobs_that_fail_are_tried_again_counted_and_given_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = record(plan(out, train=5, test=0, categories=("notes/never",)))
    assert report.made == 0
    assert len(report.given_up) == 3
    assert len(report.skipped) == 2
    (row,) = report.rows
    assert row.misses == 3 * MAX_TRIES
    assert row.reasons == {"attempt-failed: as said": 3 * MAX_TRIES}
    assert json.loads((out / "report.json").read_text())["given_up"] == report.given_up
    assert len({json.loads(line)["seed"] for line in (out / "misses.jsonl").read_text().splitlines()}) == row.misses
    assert clips(out) == []


def test_any_part_of_the_work_holds_every_category_alike() -> None:
    made = jobs(train=20, test=5, categories=())
    assert len(made) == len({job.id for job in made}) == 50
    half = Counter((job.category, job.split) for job in made[:25])
    assert {count for (_, split), count in half.items() if split == "train"} == {10}
    assert {count for (_, split), count in half.items() if split == "test"} <= {2, 3}


def test_seeds_differ_between_jobs_and_attempts() -> None:
    seeds = {
        Job(source="s", category=category, split=split, index=index, seed=run).attempt_seed(attempt)
        for category in ("a", "b")
        for split in manifest.SPLITS
        for index in range(5)
        for run in range(2)
        for attempt in range(MAX_TRIES)
    }
    assert len(seeds) == 2 * 3 * 5 * 2 * MAX_TRIES
    assert max(seeds) < 2**48


def test_labels_that_break_the_splits_are_refused() -> None:
    name = "Ada"
    mine = split_of(name)
    check(Performance(intent="Call Ada.", slots={"name": name}), mine)
    with pytest.raises(Failed, match="another split"):
        check(Performance(intent="Call Ada.", slots={"name": name}), "val" if mine != "val" else "test")
    with pytest.raises(Failed, match="verbatim"):
        check(Performance(intent="Call Bob.", slots={"name": name}), mine)


def test_a_miss_is_noted_once_over_resumed_runs(tmp_path: Path) -> None:
    asked = plan(tmp_path / "out", resume=True)
    job = asked.jobs[0]
    outcome = Outcome(job=job, clip=None, misses=[Miss(attempt=0, seed=1, reason="no")])
    for _ in range(2):
        Journal.open(asked).add(outcome, None)
    assert len((asked.out / "misses.jsonl").read_text().splitlines()) == 1


def test_unknown_sources_and_categories_are_named() -> None:
    with pytest.raises(RecordingError, match="miniwob, phone"):
        load("minwob")
    with pytest.raises(RecordingError, match="cannot be loaded"):
        load("record_source:Nothing")
    with pytest.raises(ConfigError, match="notes/shart"):
        jobs(categories=("notes/shart",))
    assert isinstance(load("record_source:Notes"), Notes)
    assert MAX_DEATHS > 1
