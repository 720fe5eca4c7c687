"""Hands and eyes on one phone: finding things, dragging them into view, tapping them at a person's pace."""

from __future__ import annotations

from uijepa.record import people
from uijepa.record.person import Person
from uijepa.record.source import Failed


class Hand(Person):
    """What everybody with a phone can do, whatever they want."""

    page = "phone"

    # Seeing

    def reach(self, element: str) -> tuple[float, float, float, float]:
        """The box of an element, brought into view by dragging the page under it."""
        for _ in range(12):
            box = self.locate(element)
            if box is None:
                raise Failed(f"{element} is not on the screen")
            middle = box["y"] + box["height"] / 2
            if not box["scrolls"] or box["top"] + 8 < middle < box["bottom"] - 8:
                upper, lower = box["y"], box["y"] + box["height"]
                if box["scrolls"]:
                    upper, lower = max(upper, box["top"]), min(lower, box["bottom"])
                return box["x"], upper, box["width"], lower - upper
            room = box["bottom"] - box["top"]
            centre = (box["top"] + box["bottom"]) / 2
            self.drag_page(max(-0.6 * room, min(0.6 * room, centre - middle)), box["top"], box["bottom"])
            self.think(300)
        raise Failed(f"{element} cannot be scrolled into view")

    def drag_page(self, dy: float, top: float, bottom: float) -> None:
        """Move what lies between `top` and `bottom` by `dy` px."""
        centre = (top + bottom) / 2
        x = self.stage.width * self.rng.uniform(0.45, 0.6)
        self.drag((x, centre - dy / 2), (x + self.rng.uniform(-6, 6), centre + dy / 2))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Put a finger down at `start` and drag it to `end`."""
        # A finger comes down where it is wanted; it has not hovered there before.
        self.stage.page.mouse.move(*start)
        self.stage.drag(start, end)

    # Hands

    def tap(self, element: str, mean_ms: float = 550) -> None:
        """Think, find an element of the uppermost layer, tap it and wait for what follows."""
        self.settle()
        self.think(mean_ms)
        spot = people.aim(self.reach(element), self.rng)
        self.stage.move(*spot)
        self.clear_notice(spot[1])
        self.stage.click(spot)
        self.stage.wait(60)
        self.settle()

    def clear_notice(self, y: float) -> None:
        """Swipe away or wait out a notice that lies over what is wanted at height `y`, px."""
        notice = self.where()["notice"]
        if notice is None or y > notice["y"] + notice["height"] + 12:
            return
        self.think(500)
        if self.rng.random() < 0.5:
            x, middle = self.stage.width * self.rng.uniform(0.4, 0.6), notice["y"] + notice["height"] / 2
            self.drag((x, middle), (x + self.rng.uniform(-5, 5), middle - self.rng.uniform(50, 80)))
        for _ in range(20):
            if self.where()["notice"] is None:
                break
            self.stage.wait(300)
        self.stage.wait(280)

    def back(self) -> None:
        """Leave the uppermost screen or overlay by the way it offers."""
        for element in ("back", "cancel", "nav:back"):
            if self.stage.ask("id => phone.locate(id) !== null", element):
                self.tap(element, 450)
                return
        raise Failed("no way back")

    def home(self) -> None:
        """Swipe up from the lower edge."""
        if self.where()["app"] is None:
            return
        middle, low = self.stage.width / 2, self.stage.height - 6
        self.think(400)
        if self.stage.ask("() => document.querySelector('[data-nav=home]') !== null"):
            self.stage.click((middle, self.stage.height - 20))
        else:
            self.drag((middle, low), (middle + self.rng.uniform(-8, 8), low - self.rng.uniform(180, 300)))
        self.stage.wait(700)

    def put_keyboard_away(self) -> None:
        """Tap beside the field, if the keyboard is up."""
        if not self.where()["keyboard"]:
            return
        self.think(500)
        low = self.stage.ask("() => document.getElementById('keyboard').getBoundingClientRect().top")
        self.stage.click((self.stage.width * self.rng.uniform(0.3, 0.7), low * self.rng.uniform(0.5, 0.6)))
        self.stage.wait(350)
