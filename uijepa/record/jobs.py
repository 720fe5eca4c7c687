"""A whole recording: which clips to make, in which order, and a journal that survives a kill at any moment.

A recording's folder holds `recording.json` (what was asked), `manifest.jsonl` (one line a clip, valid while the
run goes on, sorted at its end), `misses.jsonl` (attempts that gave no clip), `report.json` and `clips/`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from uijepa.data import manifest
from uijepa.data.manifest import SPLITS, Clip, Split
from uijepa.errors import ConfigError
from uijepa.record.report import Report
from uijepa.record.take import Job
from uijepa.record.workers import Outcome, Pool, load

GIVE_UP_AFTER = 3
"""Jobs of one category that may fail with none made, before the rest of that category is skipped."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to record."""

    out: Path
    sources: tuple[str, ...]
    categories: tuple[str, ...] = ()
    """Names to keep; none means all."""
    counts: Mapping[Split, int]
    """Clips per category of each split."""
    seed: int = 0
    workers: int = 2
    resume: bool = False

    def jobs(self) -> list[Job]:
        """All jobs, ordered so that after k % of them every category and split has k % of its clips.

        Raises ConfigError for a category that no source has.
        """
        pairs = [(source, category) for source in self.sources for category in load(source).categories()]
        known = {category for _, category in pairs}
        unknown = sorted(set(self.categories) - known)
        if unknown:
            raise ConfigError(f"No category {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
        if self.categories:
            pairs = [pair for pair in pairs if pair[1] in self.categories]
        jobs = [
            Job(source=source, category=category, split=split, index=index, seed=self.seed)
            for source, category in pairs
            for split in SPLITS
            for index in range(self.counts.get(split, 0))
        ]

        def turn(job: Job) -> tuple[float, bytes]:
            mixed = hashlib.blake2b(f"{self.seed}|{job.id}".encode(), digest_size=8).digest()
            return (job.index + 0.5) / self.counts[job.split], mixed

        return sorted(jobs, key=turn)


@dataclass
class Journal:
    """What a recording's folder already holds, kept up to date line by line. Written by one process only."""

    out: Path
    clips: dict[str, Clip] = field(default_factory=dict)
    misses: list[dict[str, Any]] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The manifest."""
        return self.out / "manifest.jsonl"

    @classmethod
    def open(cls, plan: Plan) -> Journal:
        """Begin a folder, or take one up again.

        Raises ConfigError when the folder is not empty and `resume` was not asked for, or when it was recorded
        with another seed.
        """
        journal = cls(plan.out)
        settings = plan.out / "recording.json"
        if plan.out.exists() and any(plan.out.iterdir()):
            if not plan.resume:
                raise ConfigError(f"{plan.out} is not empty. Go on with it by --resume, or choose another folder.")
            if not settings.exists():
                raise ConfigError(f"{plan.out} holds no recording (no recording.json). Choose another folder.")
            before = json.loads(settings.read_text(encoding="utf-8"))["seed"]
            if before != plan.seed:
                raise ConfigError(f"{plan.out} was recorded with --seed {before}, not {plan.seed}.")
            journal._take_up()
        plan.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"seed": plan.seed, "sources": plan.sources, "counts": dict(plan.counts)}, indent=1)
        _replace(settings, text + "\n")
        return journal

    def _take_up(self) -> None:
        for path in (self.path, self.out / "misses.jsonl"):
            if path.exists():
                _drop_half_line(path)
        for part in self.out.glob("clips/**/*.part"):
            part.unlink()
        if self.path.exists():
            for clip in manifest.read(self.path):
                if (self.out / clip.path).is_file():
                    self.clips[clip.id] = clip
            manifest.write(self.path, self.clips.values())
        misses = self.out / "misses.jsonl"
        if misses.exists():
            self.misses = [json.loads(line) for line in misses.read_text(encoding="utf-8").splitlines()]

    def add(self, outcome: Outcome) -> None:
        """Note what became of a job."""
        for miss in outcome.misses:
            line = {"id": outcome.job.id, "category": outcome.job.category, **asdict(miss)}
            if line not in self.misses:
                self.misses.append(line)
                _append(self.out / "misses.jsonl", json.dumps(line))
        if outcome.clip is not None:
            self.clips[outcome.clip.id] = outcome.clip
            _append(self.path, manifest.line_of(outcome.clip))

    def close(self) -> None:
        """Sort the manifest, so that it does not tell in which order the workers finished."""
        manifest.write(self.path, [self.clips[name] for name in sorted(self.clips)])


def run(
    plan: Plan,
    on_start: Callable[[int, int], None],
    on_outcome: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Record all that is missing. Calls `on_start(total, done)` once and `on_outcome` after every job.

    Once `stop()` is true no further job is begun; those under way finish.
    Raises ConfigError, RecordingError, MissingExtra.
    """
    jobs = plan.jobs()
    journal = Journal.open(plan)
    todo = [job for job in jobs if job.id not in journal.clips]
    on_start(len(jobs), len(jobs) - len(todo))
    given_up: list[Job] = []
    skipped: list[Job] = []

    def hopeful() -> Iterable[Job]:
        for job in todo:
            failed = sum(other.category == job.category for other in given_up)
            if failed >= GIVE_UP_AFTER and not any(clip.category == job.category for clip in journal.clips.values()):
                skipped.append(job)
            else:
                yield job

    try:
        if todo:
            with Pool(plan.out, min(plan.workers, len(todo))) as pool:
                for outcome in pool.outcomes(hopeful(), stop):
                    journal.add(outcome)
                    if outcome.clip is None:
                        given_up.append(outcome.job)
                    on_outcome(outcome)
    finally:
        journal.close()
    report = Report.of(
        plan.out,
        journal.clips.values(),
        journal.misses,
        categories=sorted({job.category for job in jobs}),
        asked=len(jobs),
        given_up=[job.id for job in given_up],
        skipped=[job.id for job in skipped],
    )
    _replace(plan.out / "report.json", report.as_json() + "\n")
    return report


def _append(path: Path, line: str) -> None:
    # One write a line: a kill leaves a whole line or, at worst, a last half one that the next start drops.
    with path.open("ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


def _drop_half_line(path: Path) -> None:
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        _replace(path, data[: data.rfind(b"\n") + 1].decode())


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
