"""The person with the phone: walks an app's screens to a goal, at a person's pace and with a person's detours."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping
from typing import Any

from uijepa.record.phone.definitions import Definition, Spec
from uijepa.record.phone.hand import Hand
from uijepa.record.source import Failed
from uijepa.record.stage import Stage
from uijepa.record.values import Values


class Actor(Hand):
    """Somebody with a goal, or none. `definition` is the app the goal is in."""

    def __init__(self, stage: Stage, definition: Definition, rng: random.Random) -> None:
        super().__init__(stage, rng, pace=rng.uniform(0.9, 1.6))
        self.definition = definition
        self._stray = rng.random() < 0.25
        self._browse = rng.random() < 0.25

    def enter(self, app: str) -> None:
        """Be in an app, from wherever this is."""
        here = self.where()["app"]
        if here == app:
            return
        self.home()
        if self._stray:
            self._stray = False
            self._wrong_app(app)
        self.tap(f"app:{app}", 900)
        self.stage.wait(450)

    def _wrong_app(self, app: str) -> None:
        others: list[str] = self.stage.ask("() => phone.apps()")
        wrong = self.rng.choice([name for name in others if name != app])
        self.tap(f"app:{wrong}", 700)
        self.think(1100)
        self.home()

    # Without a goal

    def wander(self, seconds: float, values: Values) -> None:
        """Use the phone for `seconds` of virtual time without any goal: look around, scroll, type, leave again."""
        end = self.stage.now_ms + 1000 * seconds
        while self.stage.now_ms < end:
            with contextlib.suppress(Failed):
                self._stroll(values)

    def _stroll(self, values: Values) -> None:
        here = self.settle()
        ways: list[str] = self.stage.ask("() => phone.reachable()")
        if here["app"] is None:
            known: list[str] = self.stage.ask("() => phone.apps()")
            self.tap(f"app:{self.rng.choice(known)}", 1100)
            self.stage.wait(450)
            return
        roll = self.rng.random()
        onward = [way for way in ways if way not in ("back", "cancel") and not way.startswith(("nav:", "dial:"))]
        if here["keyboard"]:
            self.stage.type(values.phrase("query")[: self.rng.randint(3, 14)], mean_ms=170)
            self.put_keyboard_away()
        elif roll < 0.06 or (roll < 0.2 and len(here["screens"]) == 1 and not here["overlay"]):
            self.home()
        elif roll < 0.3 or not onward:
            self.back()
        elif roll < 0.5:
            self._browse = True
            self._scroll_past(back=self.rng.random() < 0.4)
            self.think(900)
        else:
            self.tap(self.rng.choice(onward), 1200)
            self.think(600)

    # Steps of a path

    def play(self, path: list[Spec]) -> None:
        """Do all steps of a path. Raises Failed at a step that cannot be done."""
        for step in path:
            kind = next(iter(step))
            getattr(self, f"_{kind}")(step)

    def _go(self, step: Spec) -> None:
        goal = step["go"]
        self.enter(self.definition.name)
        for _ in range(12):
            screens = self.settle()["screens"]
            if not screens:
                raise Failed(f"{self.definition.name} did not open")
            if screens[-1] == goal:
                return
            if goal in screens:
                self.back()
                continue
            route = self.definition.route(screens[-1], goal)
            if route is None or (len(screens) > 1 and route[0][0].startswith("tab:")):
                self.back()
                continue
            if self._stray:
                self._stray = False
                self._wrong_turn(screens[-1], route[0][1])
                continue
            self.tap(route[0][0])
        raise Failed(f"no way to the screen {goal}")

    def _wrong_turn(self, screen: str, wanted: str) -> None:
        """Open another screen than the wanted one, look, and leave it to the next round to go back."""
        others = [element for element, there in self.definition.edges(screen) if there != wanted]
        if others:
            self.tap(self.rng.choice(others))
            self.think(1000)

    def _item(self, step: Spec) -> str:
        """The element id a step names: an element's own, or that of the record with certain values."""
        kind = next(iter(step))
        if "where" not in step:
            return str(step[kind])
        key = self.stage.ask("([name, where]) => phone.find(name, where)", [step[kind], step["where"]])
        if key is None:
            raise Failed(f"no record of {step[kind]} with {step['where']}")
        return f"{step[kind]}:{key}"

    def _tap(self, step: Spec) -> None:
        element = self._item(step)
        if "where" in step:
            self._scroll_past()
        if step.get("part"):
            element = f"{element}/{step['part']}"
        self.tap(element, 700)

    def _scroll_past(self, *, back: bool = True) -> None:
        """Look further down a list and come back, if there is anything further down."""
        extent = self.stage.ask("() => phone.extent()")
        if not self._browse or extent["more"] < 40:
            return
        self._browse = False
        far = min(extent["more"], self.rng.uniform(120, 260))
        self.think(500)
        self.drag_page(-far, extent["top"], extent["bottom"])
        self.think(600)
        if not back:
            return
        self.drag_page(far, extent["top"], extent["bottom"])

    def _swipe(self, step: Spec) -> None:
        element = self._item(step)
        self._scroll_past()
        self.think(650)
        x, y, width, height = self.reach(element)
        y += height * self.rng.uniform(0.4, 0.6)
        self.drag((x + width * 0.8, y), (x + width * 0.25, y + self.rng.uniform(-3, 3)))
        self.stage.wait(350)
        self.tap(f"{element}/{step['part']}", 350)
        self.stage.wait(350)

    def _look(self, step: Spec) -> None:
        self.settle()
        self.reach(self._item(step))

    def _type(self, step: Spec) -> None:
        self.tap(step["type"], 450)
        self.stage.wait(300)
        if step.get("replace"):
            self.stage.page.keyboard.press("End")
            for _ in range(len(self.stage.ask("() => document.activeElement.value"))):
                self.stage.key("Backspace")
        text = step["text"]
        if "share" in step:
            text = text[: max(3, round(len(text) * step["share"]))]
        self.stage.type(text, mean_ms=self._rhythm(text))

    def _rhythm(self, text: str) -> float:
        """ms a key: long texts are typed by people in practice, so that a clip stays within its time."""
        return max(70.0, min(180.0, 3800 / max(len(text), 1)))

    def _turn(self, step: Spec) -> None:
        """Turn each column of a wheel until its goal stands in the middle."""
        if self.where()["keyboard"]:
            self.stage.key("Enter")
            self.stage.wait(300)
        self.think(500)
        for column in range(len(self._columns(step))):
            for _ in range(6):
                col = self._columns(step)[column]
                away = col["index"] - col["goal"]
                if away == 0:
                    break
                most = col["span"] * 0.9 / col["height"]
                # People flick far and then correct by an item or two.
                turn = max(-most, min(most, away)) * (1 if abs(away) < 3 else self.rng.choice((1, 1, 0.8)))
                dy = round(turn) * col["height"]
                start = col["y"] - dy * 0.5
                self.drag((col["x"], start), (col["x"], start + dy))
                self.stage.wait(220)
            else:
                raise Failed(f"the wheel {step['turn']} does not reach {step['to']}")

    def _columns(self, step: Spec) -> list[Mapping[str, Any]]:
        columns: list[Mapping[str, Any]] = self.stage.ask(
            "([name, to]) => Wheels.columns(phone.layer(), name, to)", [step["turn"], step["to"]]
        )
        return columns

    def _pick(self, step: Spec) -> None:
        """Leaf through a calendar to a date's month and tap its day."""
        month, day = step["to"].split(" ")
        for _ in range(12):
            away = self.stage.ask(
                "([name, month]) => Blocks.monthsTo(phone.draft(name), month)", [step["pick"], month]
            )
            if away == 0:
                break
            self.tap("month:next" if away > 0 else "month:previous", 260)
        self.tap(f"day:{day}", 500)

    def _dial(self, step: Spec) -> None:
        for digit in step["dial"]:
            if digit.isdigit():
                self.tap(f"dial:{digit}", 160)

    def _key(self, step: Spec) -> None:
        self.think(250)
        self.stage.key(step["key"])

    def _wait(self, step: Spec) -> None:
        self.stage.wait(step["wait"])
