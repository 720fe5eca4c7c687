"""A person at a MiniWoB++ page: looks for things by what they say, reaches for them, sometimes strays."""

from __future__ import annotations

import random
from typing import Any, cast

from uijepa.record import people
from uijepa.record.source import Failed
from uijepa.record.stage import Stage

# The visible box of an element's first line (a link may wrap over two), and how far its scrolling ancestor has
# to move for it to come into view.
_LOOK = """([selector, nth]) => {
  const el = document.querySelectorAll(selector)[nth];
  if (!el) return null;
  const rects = [...el.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
  if (!rects.length) return null;
  const r = rects[0];
  let frame = {left: 0, top: 0, right: innerWidth, bottom: innerHeight}, at = null;
  for (let up = el.parentElement; up; up = up.parentElement) {
    const scrolls = /auto|scroll/.test(getComputedStyle(up).overflowY) && up.scrollHeight > up.clientHeight + 1;
    if (!scrolls || up === document.body || up === document.documentElement) continue;
    const b = up.getBoundingClientRect();
    frame = {left: b.left, top: Math.max(0, b.top), right: b.right, bottom: Math.min(innerHeight, b.bottom)};
    at = [(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2];
    break;
  }
  let dy = 0;
  if (r.top < frame.top) dy = r.top - frame.top - 6;
  else if (r.bottom > frame.bottom) dy = r.bottom - frame.bottom + 6;
  return {box: [r.left, r.top, r.width, r.height], dy, at};
}"""

_FIND = """([selector, text]) => [...document.querySelectorAll(selector)].map((el, i) => [el, i])
  .filter(([el]) => el.getClientRects().length
    && (text === null || el.textContent.replace(/\\s+/g, ' ').trim() === text))
  .map(([, i]) => i)"""

Target = tuple[str, int]


class Hand:
    """Gestures in terms of selectors. A target is a selector, or (selector, n) for its n-th match."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.rng: random.Random = stage.rng

    def ask(self, js: str, arg: Any = None) -> Any:
        """The answer of a JavaScript function that only looks at the page."""
        return self.stage.page.evaluate(js, arg)

    def chance(self, share: float) -> bool:
        """True in `share` of all cases."""
        return self.rng.random() < share

    def all(self, selector: str, text: str | None = None) -> list[Target]:
        """All visible matches, optionally only those that say exactly `text`."""
        return [(selector, i) for i in cast(list[int], self.ask(_FIND, [selector, text]))]

    def find(self, selector: str, text: str) -> Target:
        """The first visible match that says exactly `text`. Raises Failed when there is none."""
        found = self.all(selector, text)
        if not found:
            raise Failed(f"nothing in {selector!r} says {text!r}")
        return found[0]

    def look(self, target: str | Target) -> tuple[float, float, float, float]:
        """The box (x, y, width, height in CSS px) of a target, scrolled into view if it has to be."""
        selector, nth = (target, 0) if isinstance(target, str) else target
        for _ in range(25):
            seen = self.ask(_LOOK, [selector, nth])
            if seen is None:
                break
            if abs(seen["dy"]) < 1 or seen["at"] is None:
                x, y, width, height = seen["box"]
                return x, y, width, height
            step = max(-90.0, min(90.0, seen["dy"]))
            self.stage.scroll(tuple(seen["at"]), step)
            self.stage.wait(self.rng.uniform(60, 200))
        raise Failed(f"{selector!r} [{nth}] is not in reach")

    def spot(self, target: str | Target) -> tuple[float, float]:
        """A point inside a target where someone would click."""
        return people.aim(self.look(target), self.rng)

    def press(self, target: str | Target, *, think_ms: float = 480) -> None:
        """Hesitate, then click."""
        self.stage.think(think_ms)
        self.stage.click(self.spot(target))

    def hover(self, target: str | Target, *, think_ms: float = 300) -> None:
        """Point at something and look at it."""
        x, y = self.spot(target)
        self.stage.move(x, y)
        self.stage.think(think_ms)

    def wander(self, selector: str, share: float = 0.3) -> None:
        """Sometimes point at another thing first. Only at what is in view, so nothing scrolls."""
        if not self.chance(share):
            return
        targets = self.all(selector)
        if targets:
            self.hover(self.rng.choice(targets[:8]))

    def write(self, target: str | Target, text: str, *, think_ms: float = 480) -> None:
        """Click a field and type into it."""
        self.press(target, think_ms=think_ms)
        self.stage.think(180)
        self.stage.type(text)

    def submit(self, target: str | Target = "#subbtn") -> None:
        """Press the button that ends the task."""
        self.press(target, think_ms=650)

    def hold(self, key: str) -> None:
        """Keep a modifier key down until `release`."""
        self.stage.page.keyboard.down(key)

    def release(self, key: str) -> None:
        self.stage.page.keyboard.up(key)
