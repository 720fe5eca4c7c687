"""Hands and eyes at one window: finding things, bringing them into view, clicking them at a person's pace."""

from __future__ import annotations

import random

from uijepa.record import people
from uijepa.record.person import Person
from uijepa.record.source import Failed
from uijepa.record.stage import Stage


class Hand(Person):
    """What every person at a desk can do, whatever they want."""

    page = "desk"

    def __init__(self, stage: Stage, rng: random.Random) -> None:
        super().__init__(stage, rng, pace=rng.uniform(1.0, 1.9))
        self.typed_before = False
        """Whether the last thing done was typing into a field."""

    # Seeing

    def sees(self, element: str) -> bool:
        """Whether the uppermost layer has an element."""
        return self.locate(element) is not None

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
