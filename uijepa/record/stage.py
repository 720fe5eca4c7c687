"""The stage: one page under a virtual clock, the hands that use it, and the frames that were seen.

Time stands still except inside `wait` (which all other actions use), so a clip of 15 s takes only the time its
frames take to draw. A frame is taken only when the screen may have changed, at most 12 a second.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from uijepa.errors import RecordingError
from uijepa.record import people
from uijepa.record.browser import Browser, script

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Locator, Page

Pointer = Literal["mouse", "touch", "none"]
Target: TypeAlias = "Locator | str | tuple[float, float]"

FRAME_GAP_MS = 1000 / 12
"""Least virtual time between two frames: 12 fps."""
FRAMES_PER_TRANSITION = 6
ENDLESS_GAP_MS = 200
"""Time between frames while only animations without an end (spinners) run."""
JPEG_QUALITY = 80
_ADVANCE = "arg => window.__stage.advance(arg)"
_EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture and the moment it was seen, in virtual ms since the first frame."""

    ms: float
    jpeg: bytes


class Stage:
    """A fresh page for one clip. Use as a context manager; `open` first, then act.

    All chance comes from `rng`. The first frame is taken when time first moves (`wait`, `think` or any action),
    so a page may be set up with `evaluate` and `prepare` before anything is seen. Places are CSS px in the
    viewport; a target is a place, a Playwright locator or a selector.
    """

    def __init__(self, browser: Browser, seed: int, *, pointer: Pointer = "mouse", max_seconds: float = 90) -> None:
        self.rng = random.Random(seed)
        self.pointer: Pointer = pointer
        self.frames: list[Frame] = []
        self.first_text: list[str] = []
        self.width = self.height = 0
        self.scale = 1.0
        self.gap_ms = FRAME_GAP_MS
        """Least virtual time between two frames. Set it before `open` to record at another rate."""
        self.crf = "36"
        """x264's constant rate factor for the clip: larger means smaller files."""
        self.epoch_ms = 1_735_689_600_000 + self.rng.randrange(365 * 24 * 60) * 60_000
        """The virtual wall clock at the page's start (Unix ms, UTC). Set it before `open` to choose it."""
        self._browser = browser
        self._seed = seed
        self._limit_ms = 1000 * max_seconds
        self._page: Page | None = None
        self._cdp: CDPSession | None = None
        self._clock_ms = 0.0
        self._first_ms = 0.0
        self._shot_ms = 0.0
        self._gap_ms = self.gap_ms
        # `_dirty` asks for a look at the next moment a frame may be taken; `_touched` says that the look may show
        # something new. Only the first decides over moments, so that they do not depend on the second.
        self._dirty = True
        self._touched = True
        self._at = (0.0, 0.0)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the page; the frames stay."""
        if self._page is not None and self._browser.alive:
            self._page.context.close()
        self._page = self._cdp = None

    @property
    def page(self) -> Page:
        """The Playwright page. Its own actions work too; call `changed` after them."""
        if self._page is None:
            raise RecordingError("The stage is empty: call open() first.")
        return self._page

    @property
    def now_ms(self) -> float:
        """Virtual time since the first frame, in ms; 0 before it."""
        return self._clock_ms - self._first_ms if self.frames else 0.0

    # Setting up

    def open(
        self, url_or_html: str, *, width: int, height: int, scale: float = 1.0, base: Path | None = None
    ) -> None:
        """Show a page: an URL, or HTML itself when the text starts with '<'.

        `width`, `height` in CSS px; frames are `scale` times that. Files of the folder `base` are served at
        http://stage.local/; apart from file:// nothing else can be reached. Set `pointer` and `epoch_ms` before.
        """
        if self._page is None:
            self.width, self.height, self.scale = width, height, scale
            self._page, self._cdp = self._browser.page(
                width=width,
                height=height,
                scale=scale,
                epoch_ms=self.epoch_ms,
                seed=self._seed & 0xFFFFFFFF,
                pointer=self.pointer,
                pointer_size=round(self.rng.uniform(0.9, 1.4), 2),
            )
            self._at = (self.rng.uniform(0.3, 0.95) * width, self.rng.uniform(0.4, 0.95) * height)
        elif (width, height, scale) != (self.width, self.height, self.scale):
            raise RecordingError("A clip keeps one size: open() was called with another one.")
        self._browser.show(self._page, url_or_html, base)
        self.changed()
        self._react()

    def prepare(self, ms: float) -> None:
        """Let virtual time pass before the first frame, unseen: a page starting up."""
        if self.frames:
            raise RecordingError("prepare() is for the time before the first frame; use wait().")
        self._advance(self._clock_ms + ms, shot_ms=self._clock_ms + ms)
        self._dirty = self._touched = True

    def evaluate(self, js: str, arg: Any = None) -> Any:
        """Run JavaScript in the page (an expression, or a function of `arg`) and return its value."""
        self._dirty = self._touched = True
        return self.page.evaluate(js, arg)

    def ask(self, js: str, arg: Any = None) -> Any:
        """As `evaluate`, for JavaScript that changes nothing on the screen: no picture is taken on its account."""
        self._dirty = True
        return self.page.evaluate(js, arg)

    def changed(self) -> None:
        """Say that something outside these methods may have changed the screen, and let the page react."""
        self._touched = True
        self._settle()

    # Time

    def wait(self, ms: float) -> None:
        """Let `ms` of virtual time pass: timers and animations run, changes become frames."""
        if not self.frames:
            self._first_ms = self._clock_ms
            self._advance(self._clock_ms, shot_ms=self._clock_ms)
            self._capture()
            self.mark_first()
        end = self._clock_ms + max(ms, 0.0)
        if end - self._first_ms > self._limit_ms:
            raise RecordingError(f"The clip grew longer than {self._limit_ms / 1000:.0f} s of virtual time.")
        while True:
            shot = self._shot_ms + self._gap_ms
            self._advance(end, shot_ms=shot)
            if self._dirty and self._clock_ms >= shot - _EPS:
                self._capture()
            if self._clock_ms >= end - _EPS:
                return

    def think(self, mean_ms: float) -> None:
        """Hesitate as a person does, `mean_ms` on average."""
        self.wait(people.hesitation(self.rng, mean_ms))

    def mark_first(self) -> None:
        """Note the text visible now as the text of the first frame. Done by itself at the first frame."""
        self.first_text = self.visible_text()

    # Hands

    def move(self, x: float, y: float, *, width: float = 20) -> None:
        """Move the pointer to a place, to hit a thing `width` px wide. A finger just gets there."""
        if self.pointer != "mouse":
            self.wait(people.reach_ms(abs(x - self._at[0]) + abs(y - self._at[1]), width, self.rng))
            self._at = (x, y)
            return
        self._glide((x, y), width, down=False)

    def click(self, target: Target) -> None:
        """Go to a target and press once."""
        self._go_to(target)
        self._press(1)

    def dblclick(self, target: Target) -> None:
        """Go to a target and press twice."""
        self._go_to(target)
        self._press(1)
        self.wait(self.rng.uniform(60, 120))
        self._press(2)

    def drag(self, a: Target, b: Target) -> None:
        """Press at `a`, move to `b` and let go there."""
        self._go_to(a)
        end, width = self._place(b)
        self.page.mouse.move(*self._at)
        self._react()
        self.page.mouse.down()
        self._react(down=True)
        self.wait(self.rng.uniform(80, 180))
        self._glide(end, width, down=True)
        self.wait(self.rng.uniform(60, 160))
        self.page.mouse.up()
        self._lift()

    def key(self, name: str) -> None:
        """Press a key by its Playwright name ('Enter', 'Control+a', 'x')."""
        self.page.keyboard.press(name)
        self._react()
        self.wait(self.rng.uniform(40, 90))

    def type(self, text: str, *, mean_ms: float = 180, typo_rate: float = 0.015) -> None:
        """Type into what has the focus, at a person's rhythm, with a corrected slip now and then."""
        for stroke in people.typing(text, self.rng, mean_ms, typo_rate):
            self.wait(stroke.wait_ms)
            if len(stroke.key) == 1:
                self.page.keyboard.type(stroke.key)
            else:
                self.page.keyboard.press(stroke.key)
            self._react()
        self.wait(self.rng.uniform(40, 120))

    def scroll(self, target: Target, dy: float) -> None:
        """Scroll what lies under a target by `dy` px (down is positive), in steps."""
        self._go_to(target)
        for pause, part in people.wheel(dy, self.rng):
            self.wait(pause)
            self.page.mouse.move(*self._at)
            self._wheel(part)
            self.changed()
        self.wait(self.rng.uniform(100, 250))
        if self.pointer == "touch":
            self._lift()

    # Seeing

    def visible_text(self) -> list[str]:
        """Lines of text that can be seen now, in reading order: texts and values of fields, not covered ones."""
        lines: list[str] = self._in_page(script("text.js"))
        return lines

    def new_text(self) -> list[str]:
        """Lines visible now that were not visible on the first frame."""
        before = set(self.first_text)
        return [line for line in self.visible_text() if line not in before]

    # Inside

    def _place(self, target: Target) -> tuple[tuple[float, float], float]:
        """Where to press for a target, and how wide it is."""
        if isinstance(target, tuple):
            return (float(target[0]), float(target[1])), 20.0
        locator = self.page.locator(target).first if isinstance(target, str) else target
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        if box is None:
            raise RecordingError(f"Nothing to press: {target} is not on the page.")
        spot = people.aim((box["x"], box["y"], box["width"], box["height"]), self.rng)
        return spot, max(8.0, min(box["width"], box["height"]))

    def _go_to(self, target: Target) -> None:
        self.wait(0)
        (x, y), width = self._place(target)
        self._dirty = True
        # Finding a place may have scrolled to it.
        self._touched |= not isinstance(target, tuple)
        self.move(x, y, width=width)

    def _glide(self, end: tuple[float, float], width: float, *, down: bool) -> None:
        start_ms = self._clock_ms
        for step in people.path(self._at, end, width, self.rng, max(110, self.gap_ms)):
            self.wait(start_ms + step.ms - self._clock_ms)
            self._at = (step.x, step.y)
            self.page.mouse.move(step.x, step.y)
            self._react(down=down)

    def _press(self, count: int) -> None:
        self.wait(self.rng.uniform(20, 90))
        self.page.mouse.move(*self._at)
        self._react()
        self.page.mouse.down(click_count=count)
        self._react(down=True)
        self.wait(self.rng.uniform(60, 130))
        self.page.mouse.up(click_count=count)
        self._lift()

    def _wheel(self, dy: float) -> None:
        assert self._cdp is not None
        # The browser looks up what a wheel scrolls in the picture, at its scale; all other input, in the page.
        x, y = (self.scale * place for place in self._at)
        turn = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": dy}
        self._cdp.send("Input.dispatchMouseEvent", turn)

    def _lift(self) -> None:
        self._react()
        if self.pointer == "touch":
            # A finger that has left hovers over nothing.
            self.page.mouse.move(-5, -5)
        self._settle()
        self.wait(self.rng.uniform(40, 90))

    def _react(self, *, down: bool = False) -> None:
        """Draw the pointer where it is, and let the browser show what the last input changed."""
        self._dirty = True
        self._in_page("([x, y, down]) => window.__stage.react(x, y, down)", [*self._at, down])

    def _settle(self) -> None:
        """Let the page react to the input just given."""
        self._dirty = True
        self._in_page("() => window.__stage.settle()")

    def _in_page(self, js: str, arg: Any = None) -> Any:
        """Evaluate in the page, once more when a navigation took the page away underneath."""
        from playwright.sync_api import Error

        try:
            return self.page.evaluate(js, arg)
        except Error as error:
            if not self._browser.alive or "navigation" not in error.message:
                raise
            self.page.wait_for_load_state("load")
            return self.page.evaluate(js, arg)

    def _advance(self, until_ms: float, *, shot_ms: float) -> None:
        state: Mapping[str, Any] = self._in_page(
            _ADVANCE, {"from": self._clock_ms, "until": until_ms, "shot": shot_ms, "changed": self._dirty}
        )
        self._clock_ms = float(state["now"])
        self._dirty = bool(state["dirty"])
        self._touched |= bool(state["touched"])
        longest = float(state["longest"])
        self._gap_ms = max(self.gap_ms, ENDLESS_GAP_MS if longest < 0 else longest / FRAMES_PER_TRANSITION)

    def _capture(self) -> None:
        self._shot_ms = self._clock_ms
        self._dirty = False
        if self.frames and not self._touched:
            return
        self._touched = False
        jpeg = self._shoot()
        if not self.frames or jpeg != self.frames[-1].jpeg:
            self.frames.append(Frame(ms=self._clock_ms - self._first_ms, jpeg=jpeg))

    def _shoot(self) -> bytes:
        """A picture of the page as it is. The dearest thing a stage does."""
        assert self._cdp is not None
        shot = {"format": "jpeg", "quality": JPEG_QUALITY, "optimizeForSpeed": True, "captureBeyondViewport": False}
        if self.scale != 1:
            # Screenshots come in CSS px whatever the page's scale is: `Browser.page` holds it, this asks for it.
            shot["clip"] = {"x": 0, "y": 0, "width": self.width, "height": self.height, "scale": self.scale}
        answer = self._cdp.send("Page.captureScreenshot", shot)
        return base64.b64decode(answer["data"])
