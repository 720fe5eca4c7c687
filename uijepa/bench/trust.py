"""What an engine's confidence is worth: its answers by what it claimed, and how many of them were right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from uijepa.bench.answers import Outcome
from uijepa.bench.metrics import Floats, Score, bootstrap

EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Of the bands of confidence that get a row each; most answers of a small model lie near 0."""


def by_part(
    outcomes: Sequence[Outcome], scores: Sequence[Score], grouped: Sequence[tuple[str, str, list[int]]]
) -> list[dict[str, Any]]:
    """`trust` overall and for each part of a suite, over the clips that were answered; (kind, name, indices) each."""
    made = []
    for kind, name, indices in grouped:
        answered = [i for i in indices if not outcomes[i].error]
        if kind in ("all", "part") and answered:
            worth = trust([outcomes[i].confidence for i in answered], [scores[i] for i in answered])
            made.append({"group": name, "n": len(answered), **worth})
    return made


def trust(confidences: Sequence[float], scores: Sequence[Score]) -> dict[str, Any]:
    """A row a band that has answers; over all answers `auroc` and `error`.

    confidences: 0..1, one an answer, the claimed probability that it is right word for word (`Score.exact`).
    auroc: how often a right answer is claimed with more confidence than a wrong one, 0..1, ties half; None where all
    are right, or none is. error: mean distance of what a band claims from what is right in it, in points of a
    hundred, weighted by answers (the expected calibration error of Guo et al. 2017, arXiv 1706.04599).
    """
    claimed = np.asarray(confidences, np.float64)
    right = np.array([score.exact for score in scores])
    if claimed.shape != right.shape or not right.size:
        raise ValueError(f"{claimed.size} confidences for {right.size} scores; one each is needed, and one at least")
    similar = np.array([score.similarity for score in scores])
    band = np.clip(np.searchsorted(EDGES, claimed, "right") - 1, 0, len(EDGES) - 2)
    rows: list[dict[str, Any]] = []
    for number in np.unique(band):
        mine = band == number
        rows.append(
            {
                "above": EDGES[number],
                "up_to": EDGES[number + 1],
                "n": int(mine.sum()),
                "claimed": round(100 * float(claimed[mine].mean()), 2),
                "right": bootstrap(100 * right[mine]).as_json(),
                "intent_similarity": bootstrap(similar[mine]).as_json(),
            }
        )
    error = sum(row["n"] * abs(row["claimed"] - row["right"]["mean"]) for row in rows) / right.size
    return {"auroc": _auroc(claimed, right > 0), "error": round(error, 2), "bands": rows}


def _auroc(claimed: Floats, right: Any) -> float | None:
    good, bad = claimed[right][:, None], claimed[~right][None]
    if not good.size or not bad.size:
        return None
    return round(float(np.mean((good > bad) + 0.5 * (good == bad))), 3)
