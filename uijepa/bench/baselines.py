"""What a model must beat: answers found without understanding anything.

Each baseline is given its best chance: variants are compared on the validation split (or on held-out training
clips where there is none), never on the clips that are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from uijepa.bench.metrics import Scorer
from uijepa.data.looks import SIDE, Bytes
from uijepa.errors import MissingExtra

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The answers of one baseline, and how it was chosen."""

    name: str
    answers: list[str]
    chosen: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Labelled clips as the baselines see them, one item a clip."""

    looks: Bytes
    """`[n, MOMENTS, SIDE, SIDE]`, grey."""
    texts: list[list[str]]
    """Lines that appeared on the screen."""
    labels: list[str]


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What the baselines may use."""

    train: Examples
    """What the final answers come from."""
    fit: Examples
    """What variants are fitted on while they are compared: `train` without the clips in `choose`."""
    choose: Examples
    """What variants are compared on."""


def constant(
    labels: Sequence[str], count: int, scorer: Scorer, *, candidates: int = 200, against: int = 400, seed: int = 0
) -> Baseline:
    """The training label that scores best against the training labels, `count` times.

    Above `candidates` distinct labels, or `against` clips, a seeded sample stands for the rest.
    """
    rng = np.random.default_rng(seed)
    tried = _sample(sorted(set(labels)), candidates, rng)
    table = scorer.matrix(tried, _sample(list(labels), against, rng)).mean(axis=1)
    best = int(np.argmax(table))
    return Baseline(
        name="best constant answer",
        answers=[tried[best]] * count,
        chosen={"answer": tried[best], "train_similarity": round(float(table[best]), 2), "tried": len(tried)},
    )


def _sample(items: list[str], most: int, rng: np.random.Generator) -> list[str]:
    if len(items) <= most:
        return items
    return [items[i] for i in np.sort(rng.choice(len(items), most, replace=False))]


def shrink(frames: Bytes, side: int) -> Features:
    """Grey frames `[..., SIDE, SIDE]` to block means `[..., side, side]`, 0..1."""
    step = SIDE // side
    blocks = frames.reshape(*frames.shape[:-2], side, step, side, step)
    made: Features = blocks.mean(axis=(-3, -1), dtype=np.float32) / np.float32(255)
    return made


def _last(looks: Bytes) -> Features:
    return shrink(looks[:, -1], 32).reshape(len(looks), -1)


def _moments(looks: Bytes) -> Features:
    return shrink(looks, 16).reshape(len(looks), -1)


def _change(looks: Bytes) -> Features:
    small = shrink(looks, 16)
    steps = np.diff(small, axis=1).reshape(len(looks), -1)
    return np.concatenate([shrink(looks[:, -1], 32).reshape(len(looks), -1), 2 * steps], axis=1)


PIXELS: Mapping[str, Callable[[Bytes], Features]] = {
    "last frame 32x32": _last,
    "8 moments 16x16": _moments,
    "last frame 32x32 and changes 16x16": _change,
}


def nearest(known: Features, asked: Features) -> npt.NDArray[np.intp]:
    """Index of the nearest known row (L2) for every asked row; `[m, d]`, `[n, d]` to `[n]`."""
    squares = (known**2).sum(axis=1)
    made: npt.NDArray[np.intp] = np.argmin(squares[None, :] - 2 * asked @ known.T, axis=1)
    return made


def nearest_pixels(shelf: Shelf, asked: Bytes, scorer: Scorer) -> Baseline:
    """The label of the nearest training clip by downscaled grey pixels; `asked` is `[n, MOMENTS, SIDE, SIDE]`."""

    def by(variant: str, known: Examples, looks: Bytes) -> list[str]:
        features = PIXELS[variant]
        return [known.labels[i] for i in nearest(features(known.looks), features(looks))]

    scores = {v: _mean(by(v, shelf.fit, shelf.choose.looks), shelf.choose.labels, scorer) for v in PIXELS}
    best = max(scores, key=scores.__getitem__)
    return Baseline(
        name="nearest neighbour, pixels",
        answers=by(best, shelf.train, asked),
        chosen={"variant": best, "val_similarity": scores},
    )


TEXTS: Mapping[str, Mapping[str, Any]] = {
    "words": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
    "letters": {"analyzer": "char_wb", "ngram_range": (2, 4)},
}


def nearest_text(
    name: str, shelf: Shelf, asked: Sequence[Sequence[str]], scorer: Scorer, otherwise: str
) -> Baseline | None:
    """The label of the training clip whose on-screen text is nearest (TF-IDF cosine).

    `otherwise` answers for clips that share nothing with any training clip. None when no training clip has text.
    """
    if not all(_letters(x.texts) for x in (shelf.train, shelf.fit)):
        return None
    scores = {
        v: _mean(_by_text(v, shelf.fit, shelf.choose.texts, otherwise), shelf.choose.labels, scorer) for v in TEXTS
    }
    best = max(scores, key=scores.__getitem__)
    return Baseline(
        name=name,
        answers=_by_text(best, shelf.train, asked, otherwise),
        chosen={"variant": best, "val_similarity": scores},
    )


WEIGHTS = (0.25, 0.5, 1.0, 2.0)
"""Of likeness in pixels beside likeness in text."""


def nearest_both(
    name: str, shelf: Shelf, texts: Sequence[Sequence[str]], looks: Bytes, scorer: Scorer
) -> Baseline | None:
    """The label of the training clip that is nearest in text and pixels together, weighed against each other.

    Likeness in pixels is exp(-d² / the median d²), so that it lies in 0..1 as the cosine of texts does.
    None when no training clip has text.
    """
    if not all(_letters(x.texts) for x in (shelf.train, shelf.fit)):
        return None
    cosines = {text: _cosines(text, shelf.fit, shelf.choose.texts) for text in TEXTS}
    alike = {pixels: _alike(PIXELS[pixels], shelf.fit, shelf.choose.looks) for pixels in PIXELS}
    scores = {
        (text, pixels, weight): _mean(
            _labels(shelf.fit, cosines[text] + weight * alike[pixels]), shelf.choose.labels, scorer
        )
        for text, pixels, weight in product(TEXTS, PIXELS, WEIGHTS)
    }
    best = text, pixels, weight = max(scores, key=scores.__getitem__)
    both = _cosines(text, shelf.train, texts) + weight * _alike(PIXELS[pixels], shelf.train, looks)
    return Baseline(
        name=name,
        answers=_labels(shelf.train, both),
        chosen={
            "variant": f"{text}, {pixels}, weight {weight}",
            "val_similarity": {f"{text}, {pixels}, weight {weight}": scores[best]},
            "tried": len(scores),
        },
    )


def _letters(texts: Sequence[Sequence[str]]) -> bool:
    return any(letter.isalnum() for lines in texts for line in lines for letter in line)


def _by_text(variant: str, known: Examples, asked: Sequence[Sequence[str]], otherwise: str) -> list[str]:
    cosines = _cosines(variant, known, asked)
    found = _labels(known, cosines)
    return [label if row.max() > 0 else otherwise for label, row in zip(found, cosines, strict=True)]


def _cosines(variant: str, known: Examples, asked: Sequence[Sequence[str]]) -> Features:
    """Likeness of texts, `[asked, known]`, 0..1."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra("scikit-learn", "bench", "The text baseline") from error
    vectorizer: Any = TfidfVectorizer(sublinear_tf=True, **TEXTS[variant])
    rows = vectorizer.fit_transform(["\n".join(lines) for lines in known.texts])
    made: Features = (vectorizer.transform(["\n".join(lines) for lines in asked]) @ rows.T).toarray()
    return made


def _alike(features: Callable[[Bytes], Features], known: Examples, looks: Bytes) -> Features:
    """Likeness of pictures, `[asked, known]`, 0..1."""
    rows, asked = features(known.looks), features(looks)
    squares = (asked**2).sum(1)[:, None] + (rows**2).sum(1)[None] - 2 * asked @ rows.T
    made: Features = np.exp(-squares / max(float(np.median(squares)), 1e-9))
    return made


def _labels(known: Examples, likeness: Features) -> list[str]:
    return [known.labels[i] for i in likeness.argmax(axis=1)]


def _mean(answers: Sequence[str], references: Sequence[str], scorer: Scorer) -> float:
    scores = scorer.score(answers, references)
    return round(float(np.mean([s.similarity for s in scores])), 2)
