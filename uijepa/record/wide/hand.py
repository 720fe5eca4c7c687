"""Hands and eyes at one window: finding things, bringing them into view, clicking them at a person's pace."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from uijepa.record import people
from uijepa.record.source import Failed
from uijepa.record.stage import Stage

_SETTLE_MS = 120.0
_MOST_SETTLES = 25


class Hand:
    """What every person at a desk can do, whatever they want."""

    def __init__(self, stage: Stage, rng: random.Random) -> None:
        self.stage = stage
        self.rng = rng
        self.pace = rng.uniform(1.0, 1.9)
        """How slow this person is, around 1."""
        self.typed_before = False
        """Whether the last thing done was typing into a field."""

    # Seeing

    def where(self) -> Mapping[str, Any]:
        """Open screens from the root up, whether signed in, whether a menu or question is up, whether all rests."""
        answer: Mapping[str, Any] = self.stage.ask("() => desk.where()")
        return answer

    def settle(self) -> Mapping[str, Any]:
        """Wait until transitions have ended."""
        for _ in range(_MOST_SETTLES):
            here = self.where()
            if here["idle"]:
                return here
            self.stage.wait(_SETTLE_MS)
        raise Failed("a transition never ended")

    def think(self, mean_ms: float) -> None:
        """Hesitate."""
        self.stage.think(mean_ms * self.pace)

    def sees(self, element: str) -> bool:
        """Whether the uppermost layer has an element."""
        return self.locate(element) is not None

    def locate(self, element: str) -> Mapping[str, Any] | None:
        """Box of an element, px, and between which places it can be seen; None when it is not there."""
        box: Mapping[str, Any] | None = self.stage.ask("id => desk.locate(id)", element)
        return box

    def reach(self, element: str) -> tuple[float, float, float, float]:
        """The box of an element, px, brought into view with the wheel."""
        for _ in range(14):
            box = self.locate(element)
            if box is None:
                raise Failed(f"{element} is not on the screen")
            top, bottom = float(box["top"]), float(box["bottom"])
            upper, lower = float(box["y"]), float(box["y"] + box["height"])
            inside = upper >= top - 1 and lower <= bottom + 1
            if (
                inside
                or not box["scrolls"]
                or (box["height"] > bottom - top and upper < bottom - 20 and lower > top + 20)
            ):
                left, right = max(box["x"], box["left"]), min(box["x"] + box["width"], box["right"])
                return left, max(upper, top), right - left, min(lower, bottom) - max(upper, top)
            away = (upper + lower - top - bottom) / 2
            middle = ((box["left"] + box["right"]) / 2, (top + bottom) / 2)
            most = 0.7 * (bottom - top)
            self.stage.scroll(middle, max(-most, min(most, away)))
            self.think(250)
        raise Failed(f"{element} cannot be scrolled into view")

    # Hands

    def tap(self, element: str, mean_ms: float = 650) -> None:
        """Think, find an element of the uppermost layer, click it and wait for what follows."""
        self.settle()
        self.think(mean_ms)
        self.stage.click(people.aim(self.reach(element), self.rng))
        self.typed_before = False
        self.stage.wait(60)
        self.settle()

    def right_click(self, element: str) -> None:
        """Ask for an element's menu with the right button."""
        self.settle()
        self.think(650)
        x, y, width, height = self.reach(element)
        at = people.aim((x, y, min(width, 320), height), self.rng)
        self.stage.move(*at, width=max(8.0, min(width, height)))
        self.stage.wait(self.rng.uniform(40, 120))
        self.stage.page.mouse.click(*at, button="right")
        self.stage.changed()
        self.stage.wait(80)
        self.settle()
