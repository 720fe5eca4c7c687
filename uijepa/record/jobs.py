"""A whole recording: which clips to make, in which order, and a journal that survives a kill at any moment.

A recording's folder holds `recording.json` (what was asked), `manifest.jsonl` (one line a clip, valid while the
run goes on, sorted at its end), `misses.jsonl` (attempts that gave no clip), `report.json` and `clips/`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from uijepa.data import manifest
from uijepa.data.check import endings
from uijepa.data.layouts import Recordings
from uijepa.data.manifest import SPLITS, Clip, Split
from uijepa.data.survey import Seen, survey
from uijepa.errors import ConfigError
from uijepa.record.report import Report
from uijepa.record.take import Job
from uijepa.record.workers import Miss, Outcome, Pool, load

GIVE_UP_AFTER = 3
"""Jobs of one category that may fail with none made, before the rest of that category is skipped."""
ROUNDS = 5
"""Times that clips which end like one of another split are recorded anew."""
ALIKE = "ends like "
"""How the reason of a clip begins that was dropped for that."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to record, and where."""

    out: Path
    jobs: Sequence[Job]
    asked: Mapping[str, Any]
    """What the jobs were made from, for `recording.json`. A folder goes on with the same suite, seed and share."""
    finish: Callable[[Clip], Clip] = lambda clip: clip
    """What the recording as a whole has to say of each clip: its suite, its label there."""
    exact: bool = False
    """Whether clips of earlier runs that are no job of this one leave the manifest."""
    workers: int = 2
    resume: bool = False


def every(
    sources: Sequence[str], categories: Sequence[str], counts: Mapping[Split, int], *, seed: int = 0
) -> list[Job]:
    """The same number of clips of all `categories`, or of all that the sources have when none is named.

    Raises ConfigError for a category that no source has.
    """
    pairs = [(source, category) for source in sources for category in load(source).categories()]
    known = {category for _, category in pairs}
    unknown = sorted(set(categories) - known)
    if unknown:
        raise ConfigError(f"No category {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    return in_turn(
        Job(source=source, category=category, split=split, index=index, seed=seed)
        for source, category in pairs
        if not categories or category in categories
        for split in SPLITS
        for index in range(counts.get(split, 0))
    )


def in_turn(jobs: Iterable[Job]) -> list[Job]:
    """Jobs ordered so that after k % of them every category and split has k % of its clips."""
    listed = list(jobs)
    totals = Counter((job.category, job.split) for job in listed)

    def turn(job: Job) -> tuple[float, bytes]:
        return (job.index + 0.5) / totals[job.category, job.split], _hash(f"{job.seed}|{job.id}")

    return sorted(listed, key=turn)


def share(jobs: Sequence[Job], which: str) -> list[Job]:
    """The jobs of one of several machines: `which` is "2/3" for the second of three shares of about one size.

    A job's share depends on its id alone, so those of a larger suite stay where they were. Raises ConfigError when
    `which` is no share, or when the jobs are of several splits: their clips must be compared with each other.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", which)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise ConfigError(f"--share {which} is none. Say 2/3 for the second of three.")
    if len({job.split for job in jobs}) > 1:
        raise ConfigError("--share is for suites of one split: clips of different splits are compared as a whole.")
    return [job for job in jobs if int.from_bytes(_hash(job.id), "big") % of == number - 1]


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
        with another seed, suite or share.
        """
        journal = cls(plan.out)
        settings = plan.out / "recording.json"
        if plan.out.exists() and any(plan.out.iterdir()):
            if not plan.resume:
                raise ConfigError(f"{plan.out} is not empty. Go on with it by --resume, or choose another folder.")
            if not settings.exists():
                raise ConfigError(f"{plan.out} holds no recording (no recording.json). Choose another folder.")
            before = json.loads(settings.read_text(encoding="utf-8"))
            for name in ("suite", "seed", "share"):
                if before.get(name) != plan.asked.get(name):
                    given = f"--{name} {before.get(name, '(none)')}, not {plan.asked.get(name, '(none)')}"
                    raise ConfigError(f"{plan.out} was recorded with {given}. Choose another folder.")
            journal._take_up(plan)
        plan.out.mkdir(parents=True, exist_ok=True)
        _replace(settings, json.dumps(plan.asked, indent=1) + "\n")
        return journal

    def _take_up(self, plan: Plan) -> None:
        for path in (self.path, self.out / "misses.jsonl"):
            if path.exists():
                _drop_half_line(path)
        for part in self.out.glob("clips/**/*.part"):
            part.unlink()
        misses = self.out / "misses.jsonl"
        if misses.exists():
            self.misses = [json.loads(line) for line in misses.read_text(encoding="utf-8").splitlines()]
        dropped = {(miss["id"], miss["seed"]) for miss in self.misses if miss["reason"].startswith(ALIKE)}
        wanted = {job.id for job in plan.jobs}
        if self.path.exists():
            for clip in manifest.read(self.path):
                kept = (clip.id, clip.seed) not in dropped and (clip.id in wanted or not plan.exact)
                if kept and (self.out / clip.path).is_file():
                    self.clips[clip.id] = plan.finish(clip)
            manifest.write(self.path, self.clips.values())

    def add(self, outcome: Outcome, clip: Clip | None) -> None:
        """Note what became of a job; `clip` is its clip, finished."""
        self._miss(outcome.job, outcome.misses)
        if clip is not None:
            self.clips[clip.id] = clip
            _append(self.path, manifest.line_of(clip))

    def drop(self, job: Job, clip: Clip, reason: str) -> None:
        """Note that a clip will not do. It is gone for good once its line stands in `misses.jsonl`."""
        tried = next((n for n in range(1000) if job.attempt_seed(n) == clip.seed), job.first)
        self._miss(job, [Miss(attempt=tried, seed=clip.seed, reason=ALIKE + reason)])
        del self.clips[clip.id]

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """Jobs without a clip, each beginning after the last attempt that was dropped."""
        after: dict[str, int] = {}
        for miss in self.misses:
            if miss["reason"].startswith(ALIKE):
                after[miss["id"]] = max(after.get(miss["id"], 0), miss["attempt"] + 1)
        return [replace(job, first=after.get(job.id, 0)) for job in jobs if job.id not in self.clips]

    def close(self) -> None:
        """Sort the manifest, so that it does not tell in which order the workers finished."""
        manifest.write(self.path, [self.clips[name] for name in sorted(self.clips)])

    def _miss(self, job: Job, misses: Iterable[Miss]) -> None:
        for miss in misses:
            line = {"id": job.id, "category": job.category, **asdict(miss)}
            if line not in self.misses:
                self.misses.append(line)
                _append(self.out / "misses.jsonl", json.dumps(line))


@dataclass
class _Failures:
    """Jobs of this run without a clip."""

    given_up: list[Job] = field(default_factory=list)
    skipped: list[Job] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return any(job.id == name for job in (*self.given_up, *self.skipped))


def run(
    plan: Plan,
    on_start: Callable[[int, int], None],
    on_outcome: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Record all that is missing, until no clip ends on the same screen as one of an earlier split.

    Calls `on_start(total, done)` before each round and `on_outcome` after every job. Once `stop()` is true no
    further job is begun; those under way finish. Raises ConfigError, RecordingError, MissingExtra.
    """
    journal = Journal.open(plan)
    by_id = {job.id: job for job in plan.jobs}
    failures = _Failures()
    for _ in range(ROUNDS):
        todo = [job for job in journal.missing(plan.jobs) if job.id not in failures]
        on_start(len(plan.jobs), len(plan.jobs) - len(todo))
        try:
            if todo:
                _record(plan, journal, todo, failures, on_outcome, stop)
        finally:
            journal.close()
        alike = {} if stop() else _alike(plan, journal)
        if not alike:
            break
        for name, like in alike.items():
            journal.drop(by_id[name], journal.clips[name], like)
    journal.close()
    report = Report.of(
        plan.out,
        journal.clips.values(),
        journal.misses,
        categories=sorted({job.category for job in plan.jobs}),
        asked=len(plan.jobs),
        given_up=[job.id for job in failures.given_up],
        skipped=[job.id for job in failures.skipped],
    )
    _replace(plan.out / "report.json", report.as_json() + "\n")
    return report


def _record(  # noqa: PLR0917
    plan: Plan,
    journal: Journal,
    todo: Sequence[Job],
    failures: _Failures,
    on_outcome: Callable[[Outcome], None],
    stop: Callable[[], bool],
) -> None:
    def hopeful() -> Iterable[Job]:
        for job in todo:
            failed = sum(other.category == job.category for other in failures.given_up)
            if failed >= GIVE_UP_AFTER and not any(clip.category == job.category for clip in journal.clips.values()):
                failures.skipped.append(job)
            else:
                yield job

    with Pool(plan.out, min(plan.workers, len(todo))) as pool:
        for outcome in pool.outcomes(hopeful(), stop):
            journal.add(outcome, plan.finish(outcome.clip) if outcome.clip is not None else None)
            if outcome.clip is None:
                failures.given_up.append(outcome.job)
            on_outcome(outcome)


def _alike(plan: Plan, journal: Journal) -> dict[str, str]:
    """Clips of this plan that end on the same screen as one of an earlier split: id to the path of its like."""
    mine = {job.id for job in plan.jobs}
    clips = [clip for name, clip in sorted(journal.clips.items()) if name in mine]
    if len({clip.split for clip in clips}) < 2:
        return {}
    surveyed = survey(Recordings(path=plan.out, root=plan.out, clips=clips), workers=plan.workers)
    seen = [item for item in surveyed if isinstance(item, Seen)]
    return {clip.id: like.path for clip, like in endings(seen)}


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


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
