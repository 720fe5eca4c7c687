"""The phone: definitions are checked, intents can be reached, and clips show what they say."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from phone_paths import walk
from PIL import Image

from uijepa.data.manifest import SPLITS, Split
from uijepa.errors import RecordingError
from uijepa.record.browser import Browser
from uijepa.record.phone import WEB, Ionic, Phone, Wander
from uijepa.record.phone.actor import Actor
from uijepa.record.phone.definitions import FOLDER, fill, load, parse
from uijepa.record.phone.schema import ART
from uijepa.record.phone.world import build, draw, populate
from uijepa.record.source import Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values

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


def icons(spec: Any) -> Iterator[tuple[str, str]]:
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key == "icon":
                yield (value["ios"], value["md"]) if isinstance(value, dict) else tuple(value)
            yield from icons(value)
    elif isinstance(spec, list):
        for part in spec:
            yield from icons(part)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(colour="red"), r"clock\.json: app: unknown key 'colour'"),
        (lambda s: s["screens"]["alarms"].update(boddy=[]), r"clock\.json: screens\.alarms: unknown key 'boddy'"),
        (lambda s: s["screens"]["alarms"]["body"][0]["item"].update(subtitel=""), r"clock\.json: .*'subtitel'"),
        (lambda s: s["screens"]["alarms"]["right"][0].update(do={"open": "nowhere"}), "no screen 'nowhere'"),
        (lambda s: s["screens"]["alarms"]["body"].append({"lst": "alarms"}), r"body\[1\]: is none of list"),
        (lambda s: s["intents"]["add-alarm"].update(label="Set {tme}."), "different slots"),
        (lambda s: s["intents"]["add-alarm"]["paths"][0].append({"tap": "svae"}), "no element 'svae'"),
        (lambda s: s["intents"]["add-alarm"]["goal"][0].update(exists="alarm"), "no collection 'alarm'"),
        (lambda s: s["intents"]["add-alarm"]["goal"][0]["where"].update(label="{lable}"), "'lable'"),
        (lambda s: s["intents"]["add-alarm"].update(also=["Set an alarm."]), "'Set an alarm.' and 'slots'"),
        (lambda s: s["screens"]["timer"]["body"].append({"picture": "cat"}), "no picture 'cat'"),
        (lambda s: s["screens"]["timer"]["body"].append({"rows": [{"art": ["map"]}]}), "'art' is"),
        (lambda s: s["intents"]["add-alarm"]["goal"].append({"at": "nowhere"}), "no screen 'nowhere'"),
        (lambda s: s["intents"]["add-alarm"].update(wants="set {time}"), "without any value"),
        (lambda s: s.update(app="watch"), "the file is 'clock'"),
    ],
)
def test_wrong_definitions_are_errors_that_name_file_and_place(change: Any, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        parse(FOLDER / "clock.json", changed("clock", change))


def test_broken_json_names_file_and_line() -> None:
    with pytest.raises(RecordingError, match=r"clock\.json:2: not JSON"):
        parse(FOLDER / "clock.json", '{"app":\n}')


def test_an_empty_folder_of_definitions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no app definitions"):
        load(tmp_path)


def test_a_missing_package_names_the_command_that_fetches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uijepa.record.phone.WEB", tmp_path)
    with pytest.raises(RecordingError, match="make recorder"):
        Phone()


def test_categories_are_many_and_unique() -> None:
    categories = Phone().categories()
    assert len(categories) == len(set(categories)) >= 170
    assert len(DEFINITIONS) >= 28
    assert {"phone/clock-add-alarm", "phone/messages-send", "phone/settings-wifi-off"} <= set(categories)
    assert len({name.partition("/")[2] for name in Wander().categories()} & set(DEFINITIONS)) == len(DEFINITIONS)


def test_every_intent_has_other_wordings_and_says_what_is_wanted() -> None:
    for definition in DEFINITIONS.values():
        for name, intent in definition.intents.items():
            labels = [intent["label"], *intent["also"]]
            assert len(set(labels)) == len(labels) >= 3, (definition.name, name)
            assert intent["wants"][0].islower(), (definition.name, name)
    assert Phone().wants("phone/clock-add-alarm") == "set an alarm"


def test_no_form_hides_a_value_of_its_app() -> None:
    for definition in DEFINITIONS.values():
        assert not set(definition.spec.get("draft", {})) & set(definition.spec.get("values", {})), definition.name


def test_pictures_named_in_definitions_are_those_the_front_end_draws() -> None:
    kinds = re.search(r"const kinds = \{ ([\w, ]+) \}", (WEB / "art.js").read_text(encoding="utf-8"))
    assert kinds is not None
    assert tuple(kinds[1].split(", ")) == ART


@pytest.mark.parametrize("split", SPLITS)
def test_no_goal_holds_before_anything_is_done(split: Split) -> None:
    def matches(record: dict[str, Any], where: dict[str, Any]) -> bool:
        return all(record.get(key) == value for key, value in where.items())

    def holds(goal: dict[str, Any], state: dict[str, Any]) -> bool:
        held = state["collections"]
        if "exists" in goal:
            return any(matches(record, goal["where"]) for record in held[goal["exists"]])
        if "missing" in goal:
            return not any(matches(record, goal["where"]) for record in held[goal["missing"]])
        return "values" in goal and matches(state["values"], goal["values"])

    for definition in DEFINITIONS.values():
        for name, intent in definition.intents.items():
            values = Values(split, random.Random(f"{split} {name}"))
            drawn = {**intent.get("slots", {}), **intent.get("hidden", {})}
            known = {slot: str(draw(generator, values)) for slot, generator in drawn.items()}
            state = populate(definition, values, known, intent)
            assert not all(holds(goal, state) for goal in fill(intent["goal"], known)), (definition.name, name)


@pytest.mark.parametrize("app", sorted(DEFINITIONS))
def test_every_screen_a_path_goes_to_can_be_reached_from_the_start(app: str) -> None:
    definition = DEFINITIONS[app]
    for name, intent in definition.intents.items():
        for path in intent["paths"]:
            for step in path:
                if "go" in step:
                    assert definition.route(definition.spec["start"], step["go"]) is not None, (name, step)


@pytest.mark.parametrize("app", sorted(DEFINITIONS))
def test_every_step_of_a_path_finds_its_element(app: str) -> None:
    definition = DEFINITIONS[app]
    for name, intent in definition.intents.items():
        for path in intent["paths"]:
            try:
                stack = walk(definition, path)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error
            for goal in intent["goal"]:
                assert goal.get("at", stack[-1]) == stack[-1], (name, stack)


def test_a_route_is_the_shortest_and_absent_where_there_is_none() -> None:
    clock = DEFINITIONS["clock"]
    assert clock.route("timer", "new-alarm") == [("tab:alarms", "alarms"), ("add", "new-alarm")]
    assert clock.route("alarms", "alarms") == []
    assert clock.route("new-alarm", "alarms") is None


def test_every_icon_exists_in_both_families() -> None:
    ios = {path.stem for path in (WEB / "node_modules/framework7-icons/svg").glob("*.svg")}
    points = (WEB / "node_modules/material-icons/css/_codepoints.scss").read_text(encoding="utf-8")
    material = set(re.findall(r'"?([a-z0-9_]+)"?: ', points))
    named = {pair for d in DEFINITIONS.values() for pair in icons(d.spec)}
    assert not [pair for pair in named if pair[0] not in ios or pair[1] not in material]


def test_all_free_values_on_the_phone_belong_to_its_split() -> None:
    values = Values("test", random.Random(3))
    intent = DEFINITIONS["messages"].intents["send"]
    slots = {name: str(draw(generator, values)) for name, generator in intent["slots"].items()}
    world = build(DEFINITIONS, "messages", intent, slots, values)
    held = world.page["state"]["messages"]["collections"]
    names = [record["name"] for record in held["conversations"]]
    assert slots["name"] in names
    assert all(values.accepts(name) for name in names)
    assert all(values.accepts(record["text"]) for record in held["messages"])


def test_an_unknown_generator_is_an_error() -> None:
    with pytest.raises(RecordingError, match="no generator 'fullname'"):
        draw("fullname", Values("train", random.Random(0)))


class Watched(Stage):
    """A stage that keeps all text it ever showed."""

    seen: set[str]

    def key(self, name: str) -> None:
        super().key(name)
        self._look()

    def type(self, text: str, *, mean_ms: float = 180, typo_rate: float = 0.015) -> None:
        super().type(text, mean_ms=mean_ms, typo_rate=typo_rate)
        self._look()

    def click(self, target: Any) -> None:
        super().click(target)
        self._look()

    def drag(self, a: Any, b: Any) -> None:
        self._look()
        super().drag(a, b)

    def _look(self) -> None:
        if not hasattr(self, "seen"):
            self.seen = set()
        self.seen.update(self.visible_text())


def play(stage: Stage, category: str, seed: int) -> Performance:
    return Phone().perform(stage, category, Values("train", random.Random(seed)), seed)


@pytest.mark.parametrize(
    ("category", "seed"),
    [("phone/clock-add-alarm", 4), ("phone/dialer-add-contact", 4), ("phone/notes-delete", 5)],
)
def test_an_intent_is_done_and_its_slots_are_seen(browser: Browser, category: str, seed: int) -> None:
    with Watched(browser, seed) as stage:
        done = play(stage, category, seed)
        seen = stage.seen | set(stage.visible_text())
        assert all(any(value in line for line in seen) for value in done.slots.values()), (done.slots, seen)
        assert all(value in done.intent for value in done.slots.values())
        assert not any(done.intent in line for line in seen), "the label itself was in the picture"
        assert len(stage.frames) >= 8
        assert 3_000 < stage.frames[-1].ms < 40_000


@pytest.mark.parametrize("category", ["ionic/reminders-add", "ionic/bank-remove-payee", "ionic/chat-send"])
def test_the_same_apps_in_the_other_look(browser: Browser, category: str) -> None:
    with Watched(browser, 3) as stage:
        done = Ionic().perform(stage, category, Values("test", random.Random(3)), 3)
        seen = stage.seen | set(stage.visible_text())
        assert stage.evaluate("document.querySelectorAll('ion-item').length") > 2
        assert stage.evaluate("typeof Framework7") == "undefined"
    assert all(any(value in line for line in seen) for value in done.slots.values()), (done.slots, seen)
    assert set(Ionic().categories()) == {name.replace("phone/", "ionic/") for name in Phone().categories()}


def test_a_wandering_has_no_intent_and_goes_on_for_a_while(browser: Browser) -> None:
    with Stage(browser, 8) as stage:
        done = Wander().perform(stage, "wander/weather", Values("train", random.Random(8)), 8)
        assert done.intent == ""
        assert done.slots == {}
        assert 10_000 < stage.now_ms < 60_000
        assert len(stage.frames) > 10


@pytest.mark.parametrize("seed", [1, 4])
def test_a_notice_is_cleared_before_what_it_covers_is_tapped(browser: Browser, seed: int) -> None:
    world = build(DEFINITIONS, "notes", None, {}, Values("train", random.Random(2)))
    look = {"name": "Notes", "icon": DEFINITIONS["notes"].spec["icon"], "title": "Hello", "text": "There"}
    page = {**world.page, "begin": {"app": "notes", "screen": None}, "notices": [{"ms": 700, **look}]}
    with Stage(browser, 2, pointer="none") as stage:
        stage.open((WEB / "index.html").as_uri(), width=world.width, height=world.height)
        stage.evaluate("world => phone.start(world)", page)
        stage.prepare(600)
        stage.wait(500)
        assert {"Hello", "There"} <= set(stage.visible_text())
        actor = Actor(stage, DEFINITIONS["notes"], random.Random(seed))
        actor.clear_notice(700.0)
        assert actor.where()["notice"] is not None, "what lies below the notice can be tapped at once"
        actor.clear_notice(60.0)
        assert actor.where()["notice"] is None
        assert actor.where()["screens"] == ["all"], "the notice took the touch"
        assert "Hello" not in stage.visible_text()


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), dtype=int)


def test_the_same_seed_gives_the_same_frames(browser: Browser) -> None:
    takes = []
    for _ in range(2):
        with Stage(browser, 11) as stage:
            play(stage, "phone/settings-dark-on", 11)
            takes.append(list(stage.frames))
    assert [frame.ms for frame in takes[0]] == [frame.ms for frame in takes[1]]
    for first, second in zip(*takes, strict=True):
        # Now and then Chromium draws one frame of a transition a few of 255 levels lighter or darker.
        assert first.jpeg == second.jpeg or abs(pixels(first.jpeg) - pixels(second.jpeg)).max() <= 16
