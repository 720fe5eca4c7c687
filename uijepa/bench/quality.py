"""The quality suite: a bundle and its baselines on the held-out clips of a manifest, as one JSON object."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from uijepa.bench import answers, baselines, trust
from uijepa.bench.answers import Outcome
from uijepa.bench.metrics import Score, Scorer, bootstrap
from uijepa.data import cache, layouts, leakage
from uijepa.data.looks import last_frame, looks
from uijepa.data.manifest import Clip, Labels, Split, labelled, line_of
from uijepa.errors import ConfigError, ManifestError
from uijepa.runtime.bundle import MANIFEST, Manifest

SYSTEM = "uijepa"
_NEAREST = "nearest neighbour,"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure, and where to keep what need not be done twice."""

    manifest: Path
    bundle: Path
    work: Path
    """Journals of answers, cached looks, per-clip scores."""
    split: Split = "test"
    labels: Labels = "reference"
    others: Mapping[str, Path] = field(default_factory=dict)
    """Further bundles, by the name they get in the results."""
    trained_on: Sequence[Path] = ()
    """Further manifests that the bundles saw: baselines have their training clips too, leaks are looked for there."""
    limit: int | None = None
    """Score only this many clips of the split, drawn by a fixed seed."""
    suite: str = ""
    date: str = ""
    strict_leakage: bool = False
    read_train: bool = False
    """Read the text of the clips that baselines know as the bundle reads a clip (seconds a clip, kept in the token
    cache of training); without it they know what the recorder says about the last screen."""
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The labelled clips of a manifest by their use."""

    train: list[leakage.Shown]
    choose: list[leakage.Shown]
    """Clips that baselines are chosen on: the validation split, or every fifth training clip without one."""
    scored: list[leakage.Shown]


def key(clip: Clip) -> str:
    """What names a clip in journals and results."""
    return clip.id or clip.path


def measure(plan: Plan, open_engine: Callable[[Path], answers.Opener], scorer: Scorer) -> dict[str, Any]:
    """Run everything and return the results.

    Raises ManifestError without labelled clips, ClipError for a clip the baselines cannot read, and Leak with
    `strict_leakage`.
    """
    shelf = gather(plan)
    kept = plan.work / "looks"
    leaks = leakage.check(shelf.train, shelf.scored, lambda s: last_frame(s.sha256, s.path, kept))
    if leaks.found and plan.strict_leakage:
        raise leakage.Leak(f"{plan.manifest}: {leaks.summary()}.")
    said = {
        name: answers.run(
            open_engine(bundle),
            [(key(s.clip), s.path) for s in shelf.scored],
            answers.journal_path(plan.work, bundle),
            f"{name}: {len(shelf.scored)} clips",
            quiet=plan.quiet,
        )
        for name, bundle in {SYSTEM: plan.bundle, **plan.others}.items()
    }
    easy = simple(shelf, [o.text for o in said[SYSTEM]], scorer, read(plan) if plan.read_train else {})
    sentences = {name: [o.intent for o in outcomes] for name, outcomes in said.items()}
    sentences.update({b.name: b.answers for b in easy})
    clips = [s.clip for s in shelf.scored]
    references = [c.intent for c in clips]
    slots = [said_values(c) for c in clips]
    scores = {name: scorer.score(found, references, slots) for name, found in sentences.items()}
    keep(plan.work / "scores.jsonl", clips, sentences, scores)
    grouped = groups(clips, {s.clip.intent for s in shelf.train})
    return {
        "suite": plan.suite or layouts.read(plan.manifest).root.resolve().name,
        "split": plan.split,
        "labels": plan.labels,
        **({"date": plan.date} if plan.date else {}),
        "manifest_sha256": digest(plan.manifest),
        **({"trained_on_sha256": [digest(path) for path in plan.trained_on]} if plan.trained_on else {}),
        "bundle_sha256": answers.bundle_sha256(plan.bundle),
        "clips": {"train": len(shelf.train), "chosen_on": len(shelf.choose), "scored": len(shelf.scored)},
        "rows": rows(plan.split, scores, grouped),
        "differences": differences(scores, grouped),
        "confidence": trust.by_part(said[SYSTEM], scores[SYSTEM], grouped),
        "errors": {n: dict(sorted(Counter(o.error for o in x if o.error).items())) for n, x in said.items()},
        "latency_ms": latency(said[SYSTEM]),
        "machine": answers.machine(),
        "leakage": leaks.as_json(),
        "train_text": "read" if plan.read_train else "true",
        "baselines": {b.name: b.chosen for b in easy},
    }


def gather(plan: Plan) -> Shelf:
    """The labelled clips of the manifest with their digests and looks."""
    clips = _labelled(plan.manifest, plan.labels)
    twice = [k for k, n in Counter(key(c) for c, _ in clips).items() if n > 1]
    if twice:
        raise ManifestError(f"{plan.manifest}: the clip id {twice[0]!r} occurs more than once.")
    more = [item for path in plan.trained_on for item in _labelled(path, plan.labels)]
    train = [(c, f) for c, f in [*clips, *more] if c.split == "train" and not c.measuring_only]
    choose = [(c, f) for c, f in clips if c.split == "val" and plan.split != "val"]
    if plan.split == "train":
        raise ConfigError("split: the training split cannot be scored against itself.")
    scored = [(c, f) for c, f in clips if c.split == plan.split]
    if plan.limit is not None and plan.limit < len(scored):
        drawn = np.random.default_rng(0).choice(len(scored), plan.limit, replace=False)
        scored = [scored[i] for i in np.sort(drawn)]
    if not scored or not train:
        raise ManifestError(f"{plan.manifest}: needs labelled clips in the splits 'train' and {plan.split!r}.")
    used, files = zip(*train, *choose, *scored, strict=True)
    try:
        hashes = [answers.file_sha256(f) for f in files]
    except OSError as error:
        raise ManifestError(f"{plan.manifest}: {error.filename} cannot be read ({error.strerror}).") from error
    seen = looks(list(zip(hashes, files, strict=True)), plan.work / "looks", "baselines: looking", quiet=plan.quiet)
    shown = [
        leakage.Shown(clip=c, path=f, sha256=h, look=x) for c, f, h, x in zip(used, files, hashes, seen, strict=True)
    ]
    first, second = len(train), len(train) + len(choose)
    return Shelf(train=shown[:first], choose=shown[first:second] or shown[:first:5], scored=shown[second:])


def _labelled(manifest: Path, labels: Labels) -> list[tuple[Clip, Path]]:
    """The labelled clips of a manifest and their files."""
    recordings = layouts.read(manifest)
    return [(labelled(c, labels), recordings.file(c)) for c in recordings.clips if c.intent]


def read(plan: Plan) -> dict[Path, list[str]]:
    """What the bundle's own reading finds on the labelled clips of all manifests that are not scored, by file."""
    spec = Manifest.read(plan.bundle / MANIFEST).preprocess
    found: dict[Path, list[str]] = {}
    for path in (plan.manifest, *plan.trained_on):
        recordings = layouts.read(path)
        clips = [c for c in recordings.clips if c.intent and c.split != plan.split]
        with Progress(console=Console(stderr=True), disable=plan.quiet) as progress:
            kept = cache.build(recordings.root, clips, spec, read_text=True, progress=progress)
        found |= {recordings.file(clip): kept[clip.path].text for clip in clips if clip.path in kept}
    return found


def simple(
    shelf: Shelf, read_text: Sequence[Sequence[str]], scorer: Scorer, known_text: Mapping[Path, list[str]]
) -> list[baselines.Baseline]:
    """The baselines that need no model.

    read_text: what the engine read on each scored clip; known_text: and on those that the baselines know, by file.
    """
    true, reading = _known(shelf, {}), _known(shelf, known_text)
    looks = np.stack([s.look for s in shelf.scored])
    best = baselines.constant(true.train.labels, len(shelf.scored), scorer)
    made: list[baselines.Baseline | None] = [best, baselines.nearest_pixels(true, looks, scorer)]
    true_text = [s.clip.text for s in shelf.scored]
    otherwise = best.answers[0]
    if any(read_text):
        made.append(baselines.nearest_text(f"{_NEAREST} text read", reading, read_text, scorer, otherwise))
        made.append(baselines.nearest_both(f"{_NEAREST} text read and pixels", reading, read_text, looks, scorer))
    if any(true_text):
        made.append(baselines.nearest_text(f"{_NEAREST} true text", true, true_text, scorer, otherwise))
    return [baseline for baseline in made if baseline is not None]


def _known(shelf: Shelf, texts: Mapping[Path, list[str]]) -> baselines.Shelf:
    """Clips as the baselines see them; their text is that of `texts`, or what the recorder says."""

    def examples(shown: Sequence[leakage.Shown]) -> baselines.Examples:
        return baselines.Examples(
            looks=np.stack([s.look for s in shown]),
            texts=[texts.get(s.path, s.clip.text) for s in shown],
            labels=[s.clip.intent for s in shown],
        )

    aside = {s.path for s in shelf.choose}
    train, rest = examples(shelf.train), [s for s in shelf.train if s.path not in aside]
    return baselines.Shelf(train=train, fit=examples(rest) if rest else train, choose=examples(shelf.choose))


def digest(manifest: Path) -> str:
    """Of a manifest's bytes, or of what a folder of clips lists."""
    if manifest.is_file():
        return answers.file_sha256(manifest)
    lines = "\n".join(line_of(clip) for clip in layouts.read(manifest).clips)
    return hashlib.sha256(lines.encode()).hexdigest()


def said_values(clip: Clip) -> list[str]:
    """The free values that the reference says: those a right answer holds."""
    return [value for value in clip.slots.values() if value in clip.intent]


def groups(clips: Sequence[Clip], known: set[str]) -> list[tuple[str, str, list[int]]]:
    """(kind, name, indices) of every group that gets its own row."""
    found: dict[tuple[str, str], list[int]] = {}
    for i, clip in enumerate(clips):
        found.setdefault(("all", "overall"), []).append(i)
        if clip.intent not in known:
            found.setdefault(("label", "label not in training"), []).append(i)
        if said_values(clip):
            found.setdefault(("slots", "with free values"), []).append(i)
        if clip.part:
            found.setdefault(("part", clip.part), []).append(i)
        if clip.source:
            found.setdefault(("source", clip.source), []).append(i)
        if clip.category:
            found.setdefault(("category", clip.category), []).append(i)
    order = ["all", "part", "source", "slots", "label", "category"]
    return [(k, n, found[k, n]) for k, n in sorted(found, key=lambda x: (order.index(x[0]), x[1]))]


def rows(
    split: str, scores: Mapping[str, Sequence[Score]], grouped: Sequence[tuple[str, str, list[int]]]
) -> list[dict[str, Any]]:
    """One row a group and system. Every number is on a scale to 100; SBERT's cosine runs from -100."""
    made = []
    for kind, name, indices in grouped:
        for system, every in scores.items():
            some = [every[i] for i in indices]
            recalls = [s.slot_recall for s in some if s.slot_recall is not None]
            made.append(
                {
                    "system": system,
                    "split": split,
                    "by": kind,
                    "group": name,
                    "n": len(some),
                    "intent_similarity": bootstrap([s.similarity for s in some]).as_json(),
                    "sbert": _percent([s.cosine for s in some]),
                    "rouge1": _percent([s.rouge1 for s in some]),
                    "rouge2": _percent([s.rouge2 for s in some]),
                    "rougeL": _percent([s.rouge_l for s in some]),
                    "exact": _percent([s.exact for s in some]),
                    "slot_recall": _percent(recalls) if recalls else None,
                }
            )
    return made


def _percent(values: Sequence[float]) -> float:
    return round(100 * float(np.mean(values)), 2)


def differences(
    scores: Mapping[str, Sequence[Score]], grouped: Sequence[tuple[str, str, list[int]]]
) -> list[dict[str, Any]]:
    """Intent Similarity of the bundle minus that of each other system, paired by clip: overall, and by part."""
    made = []
    for kind, name, indices in grouped:
        ours = np.array([scores[SYSTEM][i].similarity for i in indices])
        for other, theirs in scores.items():
            if kind in ("all", "part") and other != SYSTEM:
                ahead = bootstrap(ours - np.array([theirs[i].similarity for i in indices]))
                made.append({"a": SYSTEM, "b": other, "group": name, **ahead.as_json()})
    return made


def latency(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """p50 and p95 in ms of each stage over the clips that were answered; `total` is the whole call."""
    stages: dict[str, list[float]] = {}
    for outcome in outcomes:
        for stage, ms in {} if outcome.error else outcome.timings_ms.items():
            stages.setdefault(stage, []).append(ms)
    return {
        stage: {"p50": round(float(np.percentile(ms, 50)), 1), "p95": round(float(np.percentile(ms, 95)), 1)}
        for stage, ms in stages.items()
    }


def keep(
    path: Path,
    clips: Sequence[Clip],
    sentences: Mapping[str, Sequence[str]],
    scores: Mapping[str, Sequence[Score]],
) -> None:
    """Write the per-clip scores, one JSON object a clip and system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        for name, found in sentences.items():
            for clip, answer, score in zip(clips, found, scores[name], strict=True):
                line = {
                    "system": name,
                    "clip": key(clip),
                    "category": clip.category,
                    "intent": clip.intent,
                    "answer": answer,
                    "similarity": round(score.similarity, 2),
                    "slot_recall": score.slot_recall,
                }
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
