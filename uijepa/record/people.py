"""How people move, wait and type, as pure functions of a seeded `random.Random`. Times in ms, places in CSS px."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

_NEIGHBOURS = {
    "a": "sqz", "b": "vgn", "c": "xvd", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok",
    "j": "hku", "k": "jli", "l": "kop", "m": "nj", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xas",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Move:
    """Where the pointer is, `ms` after the movement began."""

    ms: float
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One key, pressed `wait_ms` after the one before. `key` is a character or a key's name ('Backspace')."""

    wait_ms: float
    key: str


def hesitation(rng: random.Random, mean_ms: float, spread: float = 0.45) -> float:
    """A log-normal pause with the given mean, at most four times it."""
    centre = math.log(max(mean_ms, 1.0)) - spread * spread / 2
    return min(rng.lognormvariate(centre, spread), 4 * mean_ms)


def reach_ms(distance: float, width: float, rng: random.Random) -> float:
    """Fitts' law: how long a hand takes over `distance` px to a target `width` px wide."""
    difficulty = math.log2(max(distance, 0.0) / max(width, 4.0) + 1)
    return (90 + 130 * difficulty) * rng.uniform(0.85, 1.25)


def path(
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
    rng: random.Random,
    step_ms: float = 110,
) -> list[Move]:
    """A pointer's way from `start` to `end`: minimum-jerk speed along a slightly bent line, ending exactly there.

    One place every `step_ms` or a little more; the last is the end. Empty when there is nowhere to go.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    distance = math.hypot(dx, dy)
    if distance < 1:
        return []
    duration = reach_ms(distance, width, rng)
    bend = rng.gauss(0, 0.06) * distance
    steps = max(1, math.floor(duration / step_ms))
    moves = []
    for i in range(1, steps + 1):
        u = i / steps
        s = u**3 * (10 - 15 * u + 6 * u * u)
        off = bend * math.sin(math.pi * s)
        moves.append(
            Move(
                ms=duration * u,
                x=end[0] if i == steps else start[0] + dx * s - dy / distance * off,
                y=end[1] if i == steps else start[1] + dy * s + dx / distance * off,
            )
        )
    return moves


def aim(box: tuple[float, float, float, float], rng: random.Random) -> tuple[float, float]:
    """Where in a box (x, y, width, height) someone clicks: near its middle, never at its edge."""
    x, y, width, height = box

    def within(length: float) -> float:
        return length * min(0.75, max(0.25, rng.gauss(0.5, 0.1)))

    return x + within(width), y + within(height)


def typing(text: str, rng: random.Random, mean_ms: float = 180, typo_rate: float = 0.015) -> list[Stroke]:
    """The strokes that leave `text` typed, among them now and then a neighbouring key and its correction.

    A slip is mostly seen at once, sometimes only up to three characters later.
    """
    strokes: list[Stroke] = []

    def press(key: str, slow: float) -> None:
        strokes.append(Stroke(wait_ms=hesitation(rng, slow * mean_ms), key=key))

    for i, char in enumerate(text):
        near = _NEIGHBOURS.get(char.lower())
        if near and rng.random() < typo_rate:
            wrong = rng.choice(near)
            late = text[i + 1 : i + 1 + rng.randint(1, 3)] if rng.random() < 0.35 else ""
            for key in (wrong.upper() if char.isupper() else wrong) + late:
                press(key, 1.0)
            press("Backspace", 2.2)
            for _ in late:
                press("Backspace", 0.7)
        press(char, 1.4 if char.isspace() or char.isupper() or char.isdigit() else 1.0)
    return strokes


def wheel(dy: float, rng: random.Random, notch: float = 100) -> list[tuple[float, float]]:
    """Steps of a scroll by `dy` px as (wait_ms, px), together exactly `dy`."""
    steps: list[tuple[float, float]] = []
    left = dy
    while abs(left) > 0.5:
        size = min(abs(left), notch * rng.uniform(0.7, 1.3))
        part = math.copysign(size, left)
        left -= part
        if abs(left) <= 0.5:
            part += left
        steps.append((hesitation(rng, 90, 0.3), part))
        if abs(left) <= 0.5:
            break
    return steps
