"""One job into one clip: play it, check what was said of it, write the film."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uijepa.data.manifest import Clip, Split, split_of
from uijepa.record import video
from uijepa.record.source import Failed, Performance, Source
from uijepa.record.stage import Stage
from uijepa.record.values import Values

if TYPE_CHECKING:
    from uijepa.record.browser import Browser

MAX_TRIES = 8


@dataclass(frozen=True, kw_only=True)
class Job:
    """One clip to make."""

    source: str
    """A name of the registry, or 'module:Class'."""
    category: str
    split: Split
    index: int
    """Counts the clips of this category and split from 0."""
    seed: int
    """The run's seed."""
    first: int = 0
    """The attempt to begin with: those before gave clips that would not do beside the others."""
    session: int | None = None
    """Replays only: which recorded session to play. It takes the place of the seeds."""

    @property
    def id(self) -> str:
        """Unique within a recording."""
        return f"{self.category}-{self.split}-{self.index:05d}"

    @property
    def path(self) -> str:
        """The clip's file, relative to the manifest."""
        return f"clips/{self.category}/{self.split}-{self.index:05d}.mp4"

    def attempt_seed(self, attempt: int) -> int:
        """The seed of one attempt, 48 bits, the same on every machine."""
        if self.session is not None:
            return self.session
        text = f"{self.seed}|{self.category}|{self.split}|{self.index}|{attempt}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")


def check(performance: Performance, split: Split) -> None:
    """Raise Failed when a label breaks the rules that keep the splits apart."""
    for name, value in performance.slots.items():
        if value not in performance.intent:
            raise Failed(f"slot {name!r} is not verbatim in the intent")
        if split_of(value) != split:
            raise Failed(f"slot {name!r} belongs to another split")
    if not performance.intent.isascii():
        raise Failed("the intent is not plain ASCII")


def play(browser: Browser, source: Source, job: Job, attempt: int, out: Path) -> Clip:
    """Record one attempt at `job` to its file beneath `out`, and say what it shows.

    The file appears under its name only when whole. Raises Failed, or what the browser raises.
    """
    seed = job.attempt_seed(attempt)
    with Stage(browser, seed) as stage:
        values = Values(job.split, random.Random(f"values {seed}"))
        performance = source.perform(stage, job.category, values, seed)
        check(performance, job.split)
        stage.wait(stage.rng.uniform(500, 1500))
        if len(stage.frames) < 2:
            raise Failed("nothing moved on the screen")
        text = stage.new_text()
        end_ms = stage.now_ms
    path = out / job.path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    width, height = video.write(partial, stage.frames, end_ms, stage.crf)
    partial.replace(path)
    return Clip(
        id=job.id,
        path=job.path,
        intent=performance.intent,
        alternatives=list(performance.alternatives),
        category=job.category,
        slots=dict(performance.slots),
        text=text,
        source=job.source,
        split=job.split,
        width=width,
        height=height,
        seconds=round(end_ms / 1000, 3),
        frames=len(stage.frames),
        seed=seed,
    )
