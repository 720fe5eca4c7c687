"""The person at the desk: walks an app's screens to a goal with mouse and keyboard, with a person's detours."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from uijepa.record import people
from uijepa.record.source import Failed
from uijepa.record.stage import Stage
from uijepa.record.wide.definitions import Definition, Spec
from uijepa.record.wide.hand import Hand
from uijepa.record.wide.world import World

_MOST_PAGES = 8


class Actor(Hand):
    """A person with habits of their own, who knows an app."""

    def __init__(self, stage: Stage, definition: Definition, world: World, rng: random.Random) -> None:
        super().__init__(stage, rng)
        self.definition = definition
        self.world = world
        self._strays = rng.random() < 0.25
        self._browses = rng.random() < 0.25
        self._idles = rng.random() < 0.4
        self._tabs = rng.random() < 0.4
        self._right_clicks = rng.random() < 0.5
        self._searches = rng.random() < 0.45
        self._shortcuts = rng.random() < 0.4
        self._slips = rng.choice((0.0, 0.015, 0.04))
        self._searched = ""
        """The search field that was filled on the way to a record."""

    def _wander(self) -> None:
        """Move the pointer somewhere without aim, as people do while they read."""
        self._idles = False
        width, height = self.stage.width, self.stage.height
        self.stage.move(self.rng.uniform(0.3, 0.85) * width, self.rng.uniform(0.3, 0.8) * height, width=120)
        self.think(900)

    # Steps of a path

    def play(self, path: list[Spec]) -> None:
        """Sign in if need be, then do all steps of a path. Raises Failed at a step that cannot be done."""
        if self.where()["cookies"]:
            self.tap(self.rng.choice(("cookies:all", "cookies:all", "cookies:few")), 900)
        if not self.where()["signedIn"]:
            self._sign_in()
        for step in path:
            if self._idles and self.rng.random() < 0.3:
                self._wander()
            kind = next(iter(step))
            getattr(self, f"_{kind}")(step)
        if self._searched and self.rng.random() < 0.7:
            self._clear_search()

    def _clear_search(self) -> None:
        """See the whole list again, if its search field is still there."""
        here = self.settle()
        if not (here["menu"] or here["question"]) and self.sees(self._searched):
            self.tap(self._searched, 800)
            self.stage.key("Control+a")
            self.think(250)
            self.stage.key("Backspace")
            self.stage.wait(100)

    def _sign_in(self) -> None:
        if self.rng.random() < 0.15:
            # Too early: the form says what is missing.
            self.tap("sign-in", 800)
            self.think(700)
        self._type({"type": "user", "text": self.world.user})
        self._type({"type": "secret", "text": self.world.secret})
        if self.rng.random() < 0.25:
            self.tap("remember", 400)
        if self.rng.random() < 0.4 and self.typed_before:
            self.think(300)
            self.stage.key("Enter")
        else:
            self.tap("sign-in", 450)
        self.think(700)

    def _go(self, step: Spec) -> None:
        goal = step["go"]
        for _ in range(12):
            screens = self.settle()["screens"]
            here = screens[-1]
            if here == goal:
                return
            route = self.definition.route(here, goal)
            if route is None:
                self.back()
                continue
            if self._strays and len(self.definition.tabs) > 2 and route[0][0].startswith("nav:"):
                self._strays = False
                others = [name for name in self.definition.tabs if name not in (here, route[0][1])]
                self.tap(f"nav:{self.rng.choice(others)}", 800)
                self.think(1300)
                continue
            key = self._shortcut(route[0][1])
            if key and self._shortcuts:
                self.think(700)
                self.stage.key(key)
                self.stage.wait(80)
                self._shortcuts = False
                continue
            self.tap(route[0][0], 800)
        raise Failed(f"no way to the screen {goal}")

    def _shortcut(self, screen: str) -> str | None:
        for key, do in self.definition.spec.get("keys", {}).items():
            if any(action.get("open") == screen for action in ([do] if isinstance(do, dict) else do)):
                return str(key)
        return None

    def back(self) -> None:
        """Leave the uppermost screen by the way it offers."""
        for element in ("close", "back"):
            if self.sees(element):
                self.tap(element, 500)
                return
        raise Failed("no way back")

    def _id_of(self, collection: str, where: Mapping[str, Any]) -> str:
        key = self.stage.ask("([name, where]) => desk.find(name, where)", [collection, where])
        if key is None:
            raise Failed(f"no record of {collection} with {where}")
        return f"{collection}:{key}"

    def _element(self, step: Spec) -> str:
        """The id of the element a step names: its own, or that of the record with certain values."""
        kind = next(iter(step))
        if "where" not in step:
            return str(step[kind])
        element = self._id_of(step[kind], step["where"])
        self._scroll_past()
        self._seek(element, step[kind], step["where"])
        return f"{element}/{step['part']}" if step.get("part") else element

    def _seek(self, element: str, collection: str, where: Mapping[str, Any]) -> None:
        """Bring a record onto the page: by the search field, or by paging through its table."""
        screen = self.settle()["screens"][-1]
        search = self.definition.search_of(screen, collection)
        hidden = not self.sees(element)
        wanted = [str(where[name]) for name in search[1] if name in where] if search else []
        if search and wanted and self._searches and self.sees(search[0]):
            self._searches = False
            self._searched = search[0]
            words = wanted[0].split()
            self._type(
                {"type": search[0], "text": wanted[0] if self.rng.random() < 0.3 else words[0], "replace": True}
            )
            self.think(700)
            hidden = not self.sees(element)
        elif self.rng.random() < 0.12:
            heads: list[str] = self.stage.ask("() => desk.ids('head:')")
            if heads:
                self.tap(self.rng.choice(heads), 700)
                self.think(900)
                hidden = not self.sees(element)
        for _ in range(_MOST_PAGES if hidden else 0):
            if self.sees(element):
                return
            if not self.sees("page:next"):
                break
            self.tap("page:next", 700)

    def _scroll_past(self) -> None:
        """Look further down and come back, if there is anything further down."""
        if not self._browses:
            return
        extent = self.stage.ask("() => desk.extent()")
        if extent is None or extent["more"] < 60:
            return
        self._browses = False
        far = min(extent["more"], self.rng.uniform(150, 420))
        self.think(500)
        self.stage.scroll((extent["x"], extent["y"]), far)
        self.think(900)
        self.stage.scroll((extent["x"], extent["y"]), -far)

    def _tap(self, step: Spec) -> None:
        element = self._element(step)
        if step.get("twice"):
            self.settle()
            self.think(700)
            self.stage.dblclick(people.aim(self.reach(element), self.rng))
            self.stage.wait(60)
        else:
            self.tap(element, 800)

    def _menu(self, step: Spec) -> None:
        """Choose from a record's menu: by the right button, or by its three dots."""
        element = self._element(step)
        more = f"{element}/more"
        if self._right_clicks or not self.sees(more):
            self.right_click(element)
        else:
            self.tap(more, 700)
        self.tap(step["item"], 550)

    def _drag(self, step: Spec) -> None:
        element = self._element(step)
        self.settle()
        self.think(800)
        target = step["to"] if "to" in step else self._id_of(step["drag"], step["onto"])
        self.reach(target)
        start = people.aim(self.reach(element), self.rng)
        x, y, width, height = self.reach(target)
        self.stage.drag(start, people.aim((x, y, width, min(height, 260)), self.rng))
        self.stage.wait(200)

    def _look(self, step: Spec) -> None:
        self.settle()
        self.reach(self._element(step))
        self.think(500)

    def _type(self, step: Spec) -> None:
        element = self._element(step)
        if not self._by_tab(element):
            self.tap(element, 550)
        if step.get("replace") and self.stage.ask("id => desk.value(id)", element):
            self.stage.wait(self.rng.uniform(150, 350))
            self.stage.key("Control+a")
            self.think(250)
        text = step["text"]
        mean_ms = max(60.0, min(150.0, 3400 / max(len(text), 1)))
        self.stage.type(text, mean_ms=mean_ms, typo_rate=self._slips)
        self.typed_before = True
        if step.get("enter"):
            self.think(350)
            self.stage.key("Enter")
            self.stage.wait(60)

    def _by_tab(self, element: str) -> bool:
        """Go on to the next field with the Tab key, if this person does so and that leads there."""
        if not (self._tabs and self.typed_before):
            return False
        self.think(300)
        self.stage.key("Tab")
        return bool(self.stage.ask("() => desk.focused()") == element)

    def _pick(self, step: Spec) -> None:
        """Open a list of choices and take one."""
        self.tap(self._element(step), 600)
        self.tap(f"option:{step['option']}", 550)

    def _key(self, step: Spec) -> None:
        self.think(350)
        self.stage.key(step["key"])
        self.stage.wait(60)

    def _wait(self, step: Spec) -> None:
        self.stage.wait(step["wait"])
