"""What an engine's confidence is worth: bands, calibration error, and how well it tells right answers from wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uijepa.bench.answers import Outcome
from uijepa.bench.metrics import Score
from uijepa.bench.trust import EDGES, by_part, trust


def score(right: float) -> Score:
    return Score(cosine=right, rouge1=right, rouge2=right, rouge_l=right, exact=right, slot_recall=None)


def scores(right: Sequence[float]) -> list[Score]:
    return [score(each) for each in right]


def test_claims_that_come_true_have_no_error() -> None:
    worth = trust([0.25] * 4 + [0.75] * 4, scores([1, 0, 0, 0, 1, 1, 1, 0]))
    assert worth["error"] == 0
    bands = [(band["n"], band["claimed"], band["right"]["mean"]) for band in worth["bands"]]
    assert bands == [(4, 25, 25), (4, 75, 75)]
    assert [band["intent_similarity"]["mean"] for band in worth["bands"]] == [34.38, 78.12]


def test_the_error_is_the_mean_distance_over_answers() -> None:
    # Three claim 90 % and one of them is right, one claims 10 % and is right: (3 x 56.7 + 90) / 4.
    assert trust([0.9, 0.9, 0.9, 0.1], scores([1, 0, 0, 1]))["error"] == pytest.approx(65, abs=0.01)


@pytest.mark.parametrize(
    ("claimed", "right", "auroc"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5], [0, 1], 0.5),
        ([0.3, 0.6], [1, 1], None),
        ([0.3, 0.6], [0, 0], None),
    ],
)
def test_right_answers_are_told_by_more_confidence(
    claimed: list[float], right: list[float], auroc: float | None
) -> None:
    assert trust(claimed, scores(right))["auroc"] == auroc


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=1, max_size=30))
def test_each_answer_is_in_the_band_of_its_confidence(answers: list[tuple[float, float]]) -> None:
    claimed, right = zip(*answers, strict=True)
    worth = trust(claimed, scores(right))
    assert sum(band["n"] for band in worth["bands"]) == len(answers)
    assert 0 <= worth["error"] <= 100
    for band in worth["bands"]:
        above, up_to = band["above"], band["up_to"]
        assert (above, up_to) in pairwise(EDGES)
        mine = [c for c in claimed if above <= c < up_to or c == up_to == 1]
        assert band["n"] == len(mine)
        assert band["claimed"] == pytest.approx(100 * sum(mine) / len(mine), abs=0.01)


def test_as_many_confidences_as_scores() -> None:
    for claimed, right in (([0.5], [1, 0]), ([], [])):
        with pytest.raises(ValueError, match="one each is needed"):
            trust(claimed, scores(right))


def test_parts_are_told_apart_and_failures_left_out() -> None:
    outcomes = [Outcome(clip=str(i), sha256="", confidence=0.5) for i in range(3)]
    outcomes.append(Outcome(clip="3", sha256="", error="not_a_video"))
    grouped = [("all", "overall", [0, 1, 2, 3]), ("part", "few-shot", [0, 1]), ("part", "broken", [3])]
    grouped += [("category", "alarm", [0, 1, 2, 3])]
    made = by_part(outcomes, scores([1, 0, 0, 0]), grouped)
    assert [(part["group"], part["n"], part["auroc"]) for part in made] == [("overall", 3, 0.5), ("few-shot", 2, 0.5)]
