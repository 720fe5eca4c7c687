"""Somebody before a page that this project draws: what they see of it, and how slow they are."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, ClassVar

from uijepa.record.source import Failed
from uijepa.record.stage import Stage

_SETTLE_MS = 120.0
_MOST_SETTLES = 25


class Person:
    """Eyes on one page. `pace` is how slow this person is, around 1."""

    page: ClassVar[str]
    """The page's own object: it says where one is, and where things are."""

    def __init__(self, stage: Stage, rng: random.Random, pace: float) -> None:
        self.stage = stage
        self.rng = rng
        self.pace = pace

    def where(self) -> Mapping[str, Any]:
        """What is open, from the root up, what lies above it, and whether all rests."""
        answer: Mapping[str, Any] = self.stage.ask(f"() => {self.page}.where()")
        return answer

    def settle(self) -> Mapping[str, Any]:
        """Wait until transitions have ended. Raises Failed when they do not end."""
        for _ in range(_MOST_SETTLES):
            here = self.where()
            if here["idle"]:
                return here
            self.stage.wait(_SETTLE_MS)
        raise Failed("a transition never ended")

    def think(self, mean_ms: float) -> None:
        """Hesitate."""
        self.stage.think(mean_ms * self.pace)

    def locate(self, element: str) -> Mapping[str, Any] | None:
        """Box of an element of the uppermost layer, px, and between which places it can be seen; None without it."""
        box: Mapping[str, Any] | None = self.stage.ask(f"id => {self.page}.locate(id)", element)
        return box
