"""MiniWoB++ as a source: real pages in a real browser, rewarded by themselves, without their instruction."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image

from uijepa.data.manifest import Split, split_of
from uijepa.record.browser import Browser
from uijepa.record.miniwob import MiniWob
from uijepa.record.miniwob.episode import begin, end
from uijepa.record.miniwob.pools import html_folder, page_pools
from uijepa.record.miniwob.wordings import ALSO
from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values

SOURCE = MiniWob()
FAST: list[tuple[str, Split]] = [
    ("click-button", "test"),
    ("choose-list", "train"),
    ("enter-text", "test"),
    ("drag-items", "train"),
    ("email-inbox-important", "val"),
    ("login-user-popup", "test"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


def values_of(split: Split, seed: int) -> Values:
    return Values(split, random.Random(seed))


def play(stage: Stage, task: str, split: Split, seed: int) -> Performance:
    return SOURCE.perform(stage, f"miniwob/{task}", values_of(split, seed), seed)


def yellow(jpeg: bytes) -> bool:
    """Whether some pixel of a picture at quarter size has the colour of the instruction bar."""
    pixels = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((80, 80)).tobytes()
    triples = zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)
    return any(red > 220 and green > 220 and blue < 60 for red, green, blue in triples)


def test_there_are_enough_categories_and_each_has_its_page() -> None:
    names = SOURCE.categories()
    assert len(names) == len(set(names)) >= 60
    for name in names:
        assert (html_folder() / f"{name.removeprefix('miniwob/')}.html").is_file(), name


def test_no_two_categories_share_a_template() -> None:
    templates = [re.sub(r"\{\w+\}", "{}", task.label) for task in SOURCE.tasks.values()]
    assert len(templates) == len(set(templates))


@pytest.mark.parametrize("category", SOURCE.categories())
def test_slots_are_in_the_template(category: str) -> None:
    task = SOURCE.tasks[category]
    assert set(task.slots) <= set(re.findall(r"\{(\w+)\}", task.label))
    assert len(set(task.slots)) == len(task.slots)


@pytest.mark.parametrize("category", SOURCE.categories())
def test_other_wordings_say_the_same(category: str) -> None:
    task = SOURCE.tasks[category]
    facts = set(re.findall(r"\{(\w+)\}", task.label))
    wordings = ALSO[task.name]
    assert len({task.label, *wordings}) >= 3
    for words in wordings:
        assert set(task.slots) <= set(re.findall(r"\{(\w+)\}", words)) <= facts
        assert words.isascii()
        assert words.endswith(".")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_pools_hold_only_values_of_their_split(split: Split) -> None:
    pools = page_pools(values_of(split, 0), random.Random(0))
    for name in ("people", "families", "countries", "words"):
        assert len(pools[name]) >= 8, name
        assert {split_of(value) for value in pools[name]} == {split}
    assert len(pools["flights"]) >= 3
    for flight in pools["flights"]:
        city, code = flight.rstrip(")").split(" (")
        assert split_of(city) == split_of(code) == split


@pytest.mark.parametrize(("task", "split"), FAST)
def test_a_task_is_played_to_its_own_reward(browser: Browser, task: str, split: Split) -> None:
    with Stage(browser, 3) as stage:
        said = play(stage, task, split, 3)
        assert stage.evaluate("() => wob.reward") == 1
        assert len(stage.frames) >= 4
        assert Image.open(io.BytesIO(stage.frames[-1].jpeg)).size == (320, 320)
        assert not any(yellow(frame.jpeg) for frame in (stage.frames[0], stage.frames[-1]))
        for value in said.slots.values():
            assert value in said.intent
            assert split_of(value) == split
        instruction = stage.evaluate("() => core.getUtterance()")
        assert len(instruction) > 10
        seen = " ".join((*stage.first_text, *stage.visible_text()))
        assert instruction[:18] not in seen
        assert "START" not in seen
        assert "reward" not in seen


def test_same_seed_same_frames(browser: Browser) -> None:
    takes = []
    for _ in range(2):
        with Stage(browser, 5) as stage:
            said = play(stage, "click-option", "train", 5)
            takes.append((said, [(frame.ms, frame.jpeg) for frame in stage.frames]))
    assert takes[0] == takes[1]


def test_a_wrong_answer_is_a_failure(browser: Browser) -> None:
    task = SOURCE.tasks["miniwob/enter-text"]
    with Stage(browser, 2) as stage:
        begin(stage, task, values_of("train", 2), 2)
        stage.wait(100)
        stage.click("#subbtn")
        with pytest.raises(Failed, match="reward -1"):
            end(stage)


def test_an_unfinished_task_is_a_failure(browser: Browser) -> None:
    task = SOURCE.tasks["miniwob/enter-text"]
    with Stage(browser, 2) as stage:
        begin(stage, task, values_of("train", 2), 2)
        stage.wait(100)
        with pytest.raises(Failed, match="did not end"):
            end(stage)


def test_a_problem_that_no_split_can_have_is_a_failure(browser: Browser) -> None:
    never = replace(SOURCE.tasks["miniwob/enter-text"], pattern="no instruction reads like this")
    with Stage(browser, 2) as stage, pytest.raises(Failed, match="none of"):
        begin(stage, never, values_of("train", 2), 2)
