"""Wide apps: definitions are checked, intents can be reached, and clips show what they say."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from uijepa.errors import RecordingError
from uijepa.record.browser import Browser
from uijepa.record.phone import WEB as PACKAGES
from uijepa.record.phone.world import draw
from uijepa.record.source import Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values
from uijepa.record.wide import Roam, Wide
from uijepa.record.wide.definitions import FOLDER, load, parse
from uijepa.record.wide.world import World, build

DEFINITIONS = load()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


def changed(app: str, change: Any) -> str:
    """A shipped definition as JSON after `change(spec)`."""
    spec = json.loads((FOLDER / f"{app}.json").read_text(encoding="utf-8"))
    change(spec)
    return json.dumps(spec)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(colour="red"), r"kanban\.json: app: unknown key 'colour'"),
        (lambda s: s["screens"]["board"].update(boddy=[]), r"kanban\.json: screens\.board: unknown key 'boddy'"),
        (lambda s: s["screens"]["board"]["body"][0]["item"].update(subtitel=""), r"kanban\.json: .*'subtitel'"),
        (lambda s: s["screens"]["board"]["bar"][0].update(do={"open": "nowhere"}), "no screen 'nowhere'"),
        (lambda s: s["screens"]["board"]["body"].append({"tabel": "tasks"}), "is none of table"),
        (lambda s: s["screens"]["list"]["body"][1].update(table="task"), "no collection 'task'"),
        (lambda s: s["intents"]["finish"].update(label="Move {titel}."), "different slots"),
        (lambda s: s["intents"]["finish"]["also"].append("Finish it."), "different slots"),
        (lambda s: s["intents"]["add-card"]["paths"][0].append({"tap": "craete"}), "no element 'craete'"),
        (lambda s: s["intents"]["delete"]["paths"][0][1].update(item="delte"), "no menu item 'delte'"),
        (lambda s: s["intents"]["finish"]["goal"][0]["where"].update(who="{name}"), "'name'"),
        (lambda s: s["generators"].pop("task"), "generators: none is called 'task'"),
        (lambda s: s.update(app="boards"), "the file is 'kanban'"),
    ],
)
def test_wrong_definitions_are_errors_that_name_file_and_place(change: Any, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        parse(FOLDER / "kanban.json", changed("kanban", change))


def test_broken_json_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"shop\.json:2: not JSON"):
        parse(FOLDER / "shop.json", '{"app":\n}')
    with pytest.raises(RecordingError, match="no app definitions"):
        load(tmp_path)


def test_a_missing_package_names_the_command_that_fetches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uijepa.record.wide.PACKAGES", tmp_path)
    with pytest.raises(RecordingError, match="make recorder"):
        Wide()


def test_there_are_many_apps_and_categories_each_said_in_several_ways() -> None:
    categories = Wide().categories()
    assert len(DEFINITIONS) >= 8
    assert len(categories) == len(set(categories)) >= 60
    assert {"wide/kanban-finish", "wide/files-move", "wide/shop-buy", "wide/notebook-run"} <= set(categories)
    said = [w for d in DEFINITIONS.values() for i in d.intents.values() for w in (i["label"], *i["also"])]
    assert len(said) == len(set(said)) >= 3 * len(categories)


@pytest.mark.parametrize("app", sorted(DEFINITIONS))
def test_every_screen_a_path_goes_to_can_be_reached_from_every_place_of_the_navigation(app: str) -> None:
    definition = DEFINITIONS[app]
    for name, intent in definition.intents.items():
        for path in intent["paths"]:
            for step in path:
                for start in [definition.spec["start"], *definition.tabs] if "go" in step else ():
                    assert definition.route(start, step["go"]) is not None, (name, step, start)


def icons(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key == "icon":
                yield from value["of"] if isinstance(value, dict) and "of" in value else [value]
            yield from icons(value)
    elif isinstance(spec, list):
        for part in spec:
            yield from icons(part)


def test_every_icon_exists() -> None:
    drawn = {path.stem for path in (PACKAGES / "node_modules/bootstrap-icons/icons").glob("*.svg")}
    named = {
        name for d in DEFINITIONS.values() for name in icons(d.spec) if isinstance(name, str) and "{" not in name
    }
    assert named
    assert not named - drawn


def a_world(app: str, name: str, seed: int, split: Any = "train") -> tuple[World, dict[str, str], Values]:
    values = Values(split, random.Random(seed))
    intent = DEFINITIONS[app].intents[name]
    known = {
        slot: str(draw(generator, values))
        for part in ("slots", "hidden")
        for slot, generator in intent.get(part, {}).items()
    }
    return build(DEFINITIONS[app], intent, known, values), known, values


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_all_free_values_in_a_window_belong_to_its_split(split: Any) -> None:
    world, known, values = a_world("mail", "reply", 3, split)
    held = world.page["state"]["collections"]["inbox"]
    assert known["name"] in [record["name"] for record in held]
    for record in held:
        assert all(values.accepts(record[field]) for field in ("name", "subject"))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_app_and_every_slot_has_values_in_every_split(split: Any) -> None:
    values = Values(split, random.Random(1))
    for app, definition in DEFINITIONS.items():
        a_world(app, next(iter(definition.intents)), 1, split)
        for intent in definition.intents.values():
            for generator in intent.get("slots", {}).values():
                assert values.accepts(str(draw(generator, values)))


def test_windows_differ_in_size_looks_and_frame() -> None:
    worlds = [a_world("kanban", "finish", seed)[0] for seed in range(60)]
    assert len({(w.width, w.height) for w in worlds}) >= 8
    for name in ("dark", "chrome", "shell", "bar"):
        assert len({w.page["look"][name] for w in worlds}) >= 2
    assert len({w.page["look"]["variables"]["accent"] for w in worlds}) >= 8
    assert {w.page["gated"] for w in worlds} == {True, False}
    assert all(640 < w.width * w.scale <= 1024 and w.scale <= 1 for w in worlds)


class Watched(Stage):
    """A stage that keeps all text it ever showed."""

    seen: frozenset[str] = frozenset()

    def key(self, name: str) -> None:
        super().key(name)
        self._look()

    def type(self, text: str, *, mean_ms: float = 180, typo_rate: float = 0.015) -> None:
        super().type(text, mean_ms=mean_ms, typo_rate=typo_rate)
        self._look()

    def click(self, target: Any) -> None:
        super().click(target)
        self._look()

    def _look(self) -> None:
        self.seen |= set(self.visible_text())


def play(stage: Stage, category: str, seed: int) -> Performance:
    return Wide().perform(stage, category, Values("train", random.Random(seed)), seed)


@pytest.mark.parametrize(
    ("category", "seed"), [("wide/kanban-finish", 2), ("wide/files-rename", 3), ("wide/admin-add-customer", 4)]
)
def test_an_intent_is_done_and_its_slots_are_seen(browser: Browser, category: str, seed: int) -> None:
    with Watched(browser, seed) as stage:
        done = play(stage, category, seed)
        seen = stage.seen | set(stage.first_text) | set(stage.visible_text())
        # Word by word: a long title is broken into lines on a card.
        words = {word for value in done.slots.values() for word in value.split()}
        assert all(any(word in line for line in seen) for word in words), (done.slots, seen)
        for wording in (done.intent, *done.alternatives):
            assert all(value in wording for value in done.slots.values())
            assert not any(wording in line for line in seen), "a label was in the picture"
        assert len(stage.frames) >= 6
        assert 5_000 < stage.frames[-1].ms < 80_000


def test_people_roam_without_a_goal(browser: Browser) -> None:
    assert Roam().categories() == [f"roam/{app}" for app in DEFINITIONS]
    with Stage(browser, 5) as stage:
        done = Roam().perform(stage, "roam/settings", Values("train", random.Random(5)), 5)
        assert not done.intent
        assert not done.slots
        assert stage.now_ms > 12_000
        assert len(stage.frames) >= 8


@pytest.mark.parametrize(
    ("category", "seed"), [("wide/files-share", 5513246518865), ("wide/kanban-rename", 40743386561844)]
)
def test_the_same_seed_gives_the_same_pixels(browser: Browser, category: str, seed: int) -> None:
    """Of two clips of the suite in which edges of layers once were drawn now so, now so."""
    takes = []
    for _ in range(3):
        with Stage(browser, seed) as stage:
            Wide().perform(stage, category, Values("train", random.Random(f"values {seed}")), seed)
            takes.append([(frame.ms, hashlib.sha256(frame.jpeg).hexdigest()) for frame in stage.frames])
    assert takes[1] == takes[0]
    assert takes[2] == takes[0]
