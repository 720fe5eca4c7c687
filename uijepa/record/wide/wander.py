"""Aimless use of an app: looking around, opening and closing things, for video without labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from uijepa.record.source import Failed
from uijepa.record.values import Values
from uijepa.record.wide.hand import Hand

_RECORD = re.compile(r"\w+:r\d+")
_PLACES = re.compile(r"nav:.+|head:.+|page:.+|tab:.+|place:.+|.+/check|.+/toggle")


class Wanderer(Hand):
    """A person who wants nothing in particular."""

    def wander(self, seconds: float, values: Values) -> None:
        """Use the app for about `seconds` of virtual time; typed words come from `values`."""
        habits: Mapping[str, tuple[float, Callable[[], None]]] = {
            "place": (3, lambda: self._tap_one(_PLACES)),
            "record": (3, lambda: self._tap_one(_RECORD)),
            "menu": (1, self._menu),
            "scroll": (2, self._scroll),
            "hover": (2, self._hover),
            "search": (1, lambda: self._search(values)),
            "drag": (1, self._drag),
        }
        weights = [weight for weight, _ in habits.values()]
        end_ms = self.stage.now_ms + 1000 * seconds
        while self.stage.now_ms < end_ms:
            name = self.rng.choices(list(habits), weights)[0]
            try:
                if not self._leave():
                    habits[name][1]()
            except Failed:
                # What was wanted is not there or cannot be reached: nobody minds.
                self.think(400)
            self.think(900)

    def _ids(self) -> list[str]:
        found: list[str] = self.stage.ask("() => desk.ids('')")
        return found

    def _leave(self) -> bool:
        """Close what lies above the window, if anything does: by its button or by Escape."""
        here = self.settle()
        if here["cookies"]:
            self.tap("cookies:few", 900)
            return True
        ways = [element for element in ("cancel", "close") if self.sees(element)]
        if not (here["menu"] or ways):
            return False
        self.think(1200)
        if ways and self.rng.random() < 0.6:
            self.tap(ways[0], 300)
        else:
            self.stage.key("Escape")
        return True

    def _tap_one(self, pattern: re.Pattern[str]) -> None:
        found = [element for element in self._ids() if pattern.fullmatch(element)]
        if found:
            self.tap(self.rng.choice(found), 700)

    def _menu(self) -> None:
        found = [element for element in self._ids() if _RECORD.fullmatch(element)]
        if found:
            self.right_click(self.rng.choice(found))
            self.think(800)

    def _scroll(self) -> None:
        extent = self.stage.ask("() => desk.extent()")
        if extent is not None:
            far = self.rng.uniform(150, 500)
            self.stage.scroll((extent["x"], extent["y"]), far if extent["more"] > 60 else -far)

    def _hover(self) -> None:
        width, height = self.stage.width, self.stage.height
        for _ in range(self.rng.randint(1, 3)):
            self.stage.move(self.rng.uniform(0.1, 0.9) * width, self.rng.uniform(0.15, 0.9) * height, width=60)
            self.think(500)

    def _search(self, values: Values) -> None:
        fields = [element for element in self._ids() if element in {"q", "oq"}]
        if not fields:
            return
        self.tap(fields[0], 600)
        self.stage.type(values.phrase("query").split()[0], mean_ms=130)
        self.think(900)
        self.stage.key("Control+a")
        self.stage.key("Backspace")

    def _drag(self) -> None:
        found = [element for element in self._ids() if _RECORD.fullmatch(element)]
        if len(found) < 2:
            return
        start, end = (self.reach(element) for element in self.rng.sample(found, 2))
        self.stage.drag(*((x + width / 2, y + height / 2) for x, y, width, height in (start, end)))
        self.stage.wait(200)
