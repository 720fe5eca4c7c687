"""People's motion and free values: properties that hold for every seed."""

from __future__ import annotations

import itertools
import math
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uijepa.data.manifest import SPLITS, Split, split_of
from uijepa.errors import RecordingError
from uijepa.record import people
from uijepa.record.lexicon import PHRASES
from uijepa.record.values import Values

seeds = st.integers(0, 2**48)
places = st.tuples(st.floats(0, 2000), st.floats(0, 2000))
quick = settings(max_examples=50)


def typed(strokes: list[people.Stroke]) -> str:
    text = ""
    for stroke in strokes:
        text = text[:-1] if stroke.key == "Backspace" else text + stroke.key
    return text


@quick
@given(seeds, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40), st.floats(0, 1))
def test_typing_always_ends_with_the_text(seed: int, text: str, typo_rate: float) -> None:
    strokes = people.typing(text, random.Random(seed), 180, typo_rate)
    assert typed(strokes) == text
    assert all(stroke.wait_ms > 0 for stroke in strokes)


def test_typos_happen_and_are_corrected() -> None:
    keys = [stroke.key for stroke in people.typing("hello world", random.Random(1), typo_rate=1.0)]
    # Every letter slipped once, the space has no neighbour; some slips were seen a few letters late.
    assert 10 < keys.count("Backspace") <= 40
    assert ("Backspace", "Backspace") in itertools.pairwise(keys)
    assert typed(people.typing("hello world", random.Random(1), typo_rate=1.0)) == "hello world"


@quick
@given(seeds, places, places, st.floats(4, 300))
def test_a_path_is_smooth_and_ends_at_its_target(
    seed: int, start: tuple[float, float], end: tuple[float, float], width: float
) -> None:
    moves = people.path(start, end, width, random.Random(seed))
    distance = math.dist(start, end)
    if distance < 1:
        assert moves == []
        return
    assert (moves[-1].x, moves[-1].y) == end
    times = [0.0, *(move.ms for move in moves)]
    assert all(later - earlier >= 109 for earlier, later in itertools.pairwise(times[1:]))
    assert all(math.dist((move.x, move.y), start) <= 1.5 * distance + 1 for move in moves)
    # Minimum jerk: the middle of the way is the fastest part.
    if len(moves) >= 5:
        way = [start, *((move.x, move.y) for move in moves)]
        steps = [math.dist(a, b) for a, b in itertools.pairwise(way)]
        assert max(steps) > 1.2 * steps[0]
        assert max(steps) > 1.2 * steps[-1]


@quick
@given(seeds, st.floats(1, 3000), st.floats(4, 200))
def test_far_and_small_targets_take_longer(seed: int, distance: float, width: float) -> None:
    def reach(far: float, wide: float) -> float:
        return people.reach_ms(far, wide, random.Random(seed))

    assert reach(2 * distance, width) > reach(distance, width)
    assert reach(distance, 2 * width) < reach(distance, width)


def test_hesitation_has_the_mean_it_is_given() -> None:
    rng = random.Random(0)
    pauses = [people.hesitation(rng, 800) for _ in range(4000)]
    assert sum(pauses) / len(pauses) == pytest.approx(800, rel=0.05)
    assert min(pauses) > 0
    assert max(pauses) <= 3200


@quick
@given(seeds, st.floats(-3000, 3000))
def test_a_scroll_goes_exactly_as_far_as_asked(seed: int, dy: float) -> None:
    steps = people.wheel(dy, random.Random(seed))
    assert sum(part for _, part in steps) == pytest.approx(dy, abs=0.51)
    assert all(part * dy > 0 for _, part in steps)


@quick
@given(seeds, st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(1, 300), st.floats(1, 300)))
def test_clicks_land_well_inside(seed: int, box: tuple[float, float, float, float]) -> None:
    x, y = people.aim(box, random.Random(seed))
    assert box[0] + 0.2 * box[2] < x < box[0] + 0.8 * box[2]
    assert box[1] + 0.2 * box[3] < y < box[1] + 0.8 * box[3]


@pytest.mark.parametrize("split", SPLITS)
def test_values_belong_to_their_split_and_are_plain(split: str) -> None:
    values = Values(split, random.Random(3))  # type: ignore[arg-type]
    makers = {
        "first_name": values.first_name,
        "full_name": values.full_name,
        "city": values.city,
        "email": values.email,
        "time": values.time,
        "date": values.date,
        "phone": values.phone_number,
        "sentence": values.sentence,
        "title": values.title,
        "word": values.word,
        "number": lambda: values.number(1, 500),
        "amount": values.amount,
    }
    for name, make in makers.items():
        for _ in range(5):
            value = make()
            assert split_of(value) == split, name
            assert value.isascii(), name
            assert value == value.strip(), name
    assert re.fullmatch(r"(1[0-2]|[1-9]):[0-5][05] [AP]M", values.time(5))
    assert re.fullmatch(r"\d{3}-\d{3}-\d{4}", values.phone_number())


@pytest.mark.parametrize("split", SPLITS)
def test_every_kind_of_phrase_has_values_in_every_split(split: Split) -> None:
    values = Values(split, random.Random(4))
    for kind, patterns in PHRASES.items():
        said = {values.phrase(kind) for _ in range(12)}
        assert len(said) >= 3, kind
        assert all(split_of(text) == split and text.isascii() and text[0].isupper() for text in said)
        assert not any("{" in text for text in said), patterns


def test_same_seed_same_values() -> None:
    def some(seed: int) -> list[str]:
        values = Values("train", random.Random(seed))
        return [values.full_name(), values.sentence(), values.time(), values.city()]

    assert some(5) == some(5)
    assert some(5) != some(6)


def test_a_pool_too_small_for_a_split_says_so() -> None:
    values = Values("val", random.Random(0))
    other = next(word for word in ("red", "green", "blue", "black") if split_of(word) != "val")
    with pytest.raises(RecordingError, match="too small"):
        values.draw(lambda: other)
    with pytest.raises(RecordingError, match="belongs to split"):
        values.choice([other])
