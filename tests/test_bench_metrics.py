"""Intent Similarity: the paper's own numbers, its bounds, and the intervals around a mean."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from uijepa.bench import metrics
from uijepa.bench.metrics import Scorer, bootstrap, intent_similarity, slot_recall
from uijepa.errors import MissingExtra

ALARM = "Set an alarm for 7:30 AM labelled Gym."


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    """The real one, SBERT included."""
    return Scorer()


class Words:
    """Sentences as unit bags of words: same words 1, no common word 0."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        made = np.zeros((len(texts), 256), np.float32)
        for row, text in zip(made, texts, strict=True):
            for word in text.lower().split():
                row[self.known.setdefault(word, len(self.known))] += 1
        norms: npt.NDArray[np.float32] = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
        return made / norms


@pytest.mark.parametrize(
    ("sbert", "rouge1", "rouge2", "rouge_l", "published"),
    [(66.51, 66.33, 42.94, 65.48, 64.50), (87.43, 83.73, 69.17, 81.51, 82.03)],
)
def test_the_papers_totals_follow_from_its_parts(
    sbert: float, rouge1: float, rouge2: float, rouge_l: float, published: float
) -> None:
    total = intent_similarity(*(x / 100 for x in (sbert, rouge1, rouge2, rouge_l)))
    assert total == pytest.approx(published, abs=0.0051)


def test_the_same_sentence_scores_100_and_an_unrelated_one_about_the_floor(scorer: Scorer) -> None:
    same, other, near = scorer.score(
        [ALARM, "Paris", "Set an alarm for 8:15 AM labelled Work."], [ALARM, ALARM, ALARM]
    )
    assert same.similarity == pytest.approx(100, abs=1e-3)
    assert same.exact == 1
    assert other.similarity == pytest.approx(12.5, abs=3)
    assert other.exact == 0
    assert 50 < near.similarity < 95


def test_an_empty_answer_scores_nothing(scorer: Scorer) -> None:
    empty, blank = scorer.score(["", "  "], [ALARM, ALARM], [["7:30 AM"], []])
    assert empty.similarity == blank.similarity == 0
    assert empty.slot_recall == 0
    assert blank.slot_recall is None


def test_rouge_is_that_of_rouge_score_without_stemming() -> None:
    # 3 of 4 and 3 of 3 words in common, one of 3 and 2 pairs, longest common subsequence 3
    one, two, longest = Scorer(Words()).rouge("turn on the light", "turn the light")
    assert one == pytest.approx(2 * (3 / 4) / (1 + 3 / 4))
    assert two == pytest.approx(2 * (1 / 2 * 1 / 3) / (1 / 2 + 1 / 3))
    assert longest == pytest.approx(one)
    assert Scorer(Words()).rouge("alarms", "alarm")[0] == 0


def test_exact_forgives_case_outer_spaces_and_the_final_stop() -> None:
    scores = Scorer(Words()).score(["  set AN alarm", "Set an alarms."], ["Set an alarm."] * 2)
    assert [s.exact for s in scores] == [1, 0]


def test_slots_must_occur_verbatim() -> None:
    assert slot_recall(ALARM, ["7:30 AM", "Gym"]) == 1
    assert slot_recall(ALARM, ["7:30 AM", "gym"]) == 0.5
    assert slot_recall(ALARM, [""]) is None


def test_the_matrix_is_the_scores_of_all_pairs_and_embeds_each_sentence_once() -> None:
    words = Words()
    scorer = Scorer(words)
    answers, references = ["set an alarm", "call Bob"], ["set a timer", "call Bob now", "call Bob"]
    table = scorer.matrix(answers, references)
    for i, answer in enumerate(answers):
        pairs = scorer.score([answer] * 3, references)
        assert table[i] == pytest.approx([p.similarity for p in pairs])
    assert sorted(words.asked) == sorted({*answers, *references})


def test_scores_need_as_many_answers_as_references() -> None:
    with pytest.raises(ValueError, match="1 answers, 2 references"):
        Scorer(Words()).score(["a"], ["a", "b"])


def test_the_interval_is_that_of_the_normal_law_on_many_clips() -> None:
    values = np.random.default_rng(3).normal(60, 10, 2_000)
    made = bootstrap(values, rounds=4_000)
    error = values.std() / np.sqrt(len(values))
    assert made.mean == pytest.approx(values.mean())
    assert made.low == pytest.approx(values.mean() - 1.96 * error, abs=0.05)
    assert made.high == pytest.approx(values.mean() + 1.96 * error, abs=0.05)
    assert made == bootstrap(values, rounds=4_000)
    assert made != bootstrap(values, rounds=4_000, seed=1)


def test_pairing_makes_the_interval_of_a_difference_narrow() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(0, 90, 200)
    ours, theirs = hard + 5 + rng.normal(0, 1, 200), hard
    paired = bootstrap(ours - theirs)
    assert paired.low > 4.5
    assert bootstrap(ours).low < bootstrap(theirs).high


def test_a_bootstrap_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="non-empty"):
        bootstrap([])


def test_a_missing_model_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "SBERT_PACKAGE", "no-such-package-of-weights")
    with pytest.raises(MissingExtra, match=r"uijepa\[bench\]"):
        metrics.sbert_folder()


def test_importing_the_bench_loads_neither_torch_nor_nltk() -> None:
    code = (
        "import sys, uijepa.bench.quality, uijepa.bench.wild, uijepa.bench.report\n"
        "print(sorted({'torch', 'nltk', 'sklearn', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
