"""What the bench's pictures are drawn with: colours, text, and small charts, by Pillow alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

INK, FAINT, RULE, PAPER = (32, 33, 36), (112, 117, 122), (226, 228, 232), (255, 255, 255)
COLOURS = (
    (31, 111, 235),
    (214, 93, 14),
    (27, 138, 90),
    (155, 81, 200),
    (200, 40, 80),
    (110, 100, 40),
    (0, 150, 180),
    (228, 166, 0),
    (60, 62, 66),
    (150, 152, 156),
)
"""Of lines, told apart by people who see few colours too: they differ in lightness."""
SMOOTH = 3
"""Lines are drawn so many times larger and shrunk, for Pillow draws hard edges."""

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]


def write(
    picture: Image.Image,
    at: tuple[float, float],
    text: str,
    *,
    size: int = 15,
    fill: Colour = INK,
    anchor: str = "la",
) -> None:
    """A line of text; `anchor` as Pillow's."""
    ImageDraw.Draw(picture).text(at, text, fill=fill, font=ImageFont.load_default(size), anchor=anchor)


def width_of(text: str, size: int = 15) -> int:
    """How wide a line of text is, in px."""
    return math.ceil(ImageFont.load_default(size).getlength(text))


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line of a chart."""

    name: str
    points: Sequence[tuple[float, float]]
    """(x, y), x rising; a y that is no number leaves a gap."""
    colour: Colour
    dots: bool = False


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within [low, high], at most `most` (2 or more), evenly apart."""
    if not high > low:
        return [low]
    finest = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (finest * m for m in (1, 2, 5, 10, 20)):
        found = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        if len(found) <= most:
            break
    return [n * step for n in found]


def label(value: float) -> str:
    """A tick as short text: 1500 as 1.5k."""
    if abs(value) >= 1000:
        return f"{value / 1000:.6g}k"
    return f"{value:.6g}" if abs(value) > 1e-12 else "0"


def span(values: Sequence[float], least: float = 1e-6) -> tuple[float, float]:
    """A range that holds the finite values with some air around, never empty."""
    finite = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    air = max(0.06 * (high - low), least)
    return low - air, high + air


def chart(
    picture: Image.Image,
    box: Box,
    lines: Sequence[Series],
    *,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    unit: str = "",
) -> None:
    """Lines over two axes within `box` (left, top, right, bottom), the labels of the axes left of and below it."""
    left, top, right, bottom = box
    points = [p for line in lines for p in line.points]
    x0, x1 = x or (min((p[0] for p in points), default=0.0), max((p[0] for p in points), default=1.0))
    x1 = x1 if x1 > x0 else x0 + 1
    y0, y1 = y or span([p[1] for p in points])

    def place(px: float, py: float) -> tuple[float, float]:
        return left + (px - x0) / (x1 - x0) * (right - left), bottom - (py - y0) / (y1 - y0) * (bottom - top)

    pen = ImageDraw.Draw(picture)
    for value in ticks(y0, y1):
        level = round(place(x0, value)[1])
        pen.line((left, level, right, level), fill=RULE)
        write(picture, (left - 8, level), label(value), size=13, fill=FAINT, anchor="rm")
    for value in ticks(x0, x1, 6):
        across = place(value, y0)[0]
        pen.line((across, bottom, across, bottom + 4), fill=FAINT)
        write(picture, (across, bottom + 7), label(value) + unit, size=13, fill=FAINT, anchor="ma")
    pen.line((left, bottom, right, bottom), fill=FAINT)
    for line in lines:
        _smooth(picture, box, [place(*p) for p in line.points], line)


def _smooth(picture: Image.Image, box: Box, points: Sequence[tuple[float, float]], line: Series) -> None:
    """Draw a line on `picture` with soft edges; a gap where a point is no number."""
    left, top, right, bottom = box
    air = 6
    mask = Image.new("L", ((right - left + 2 * air) * SMOOTH, (bottom - top + 2 * air) * SMOOTH))
    pen = ImageDraw.Draw(mask)
    here = [((px - left + air) * SMOOTH, (py - top + air) * SMOOTH) for px, py in points]
    for a, b in itertools.pairwise(here):
        if all(map(math.isfinite, (*a, *b))):
            pen.line((*a, *b), fill=255, width=2 * SMOOTH)
    for px, py in here:
        if math.isfinite(py):
            reach = 4 * SMOOTH if line.dots else SMOOTH  # a round joint
            pen.ellipse((px - reach, py - reach, px + reach, py + reach), fill=255)
    mask = mask.resize((mask.width // SMOOTH, mask.height // SMOOTH), Image.Resampling.LANCZOS)
    picture.paste(line.colour, (left - air, top - air), mask)


LEGEND_ROW = 22
"""Height of a legend's row in px."""


def legend_rows(width: int, entries: Sequence[tuple[str, Colour]]) -> list[list[tuple[str, Colour]]]:
    """A legend's entries, as many in a row as `width` px hold."""
    rows: list[list[tuple[str, Colour]]] = [[]]
    left = width
    for entry in entries:
        needed = _entry_width(entry[0])
        if rows[-1] and needed > left:
            rows.append([])
            left = width
        rows[-1].append(entry)
        left -= needed
    return rows


def legend(picture: Image.Image, at: tuple[int, int], entries: Sequence[tuple[str, Colour]]) -> None:
    """Names beside a stroke of their colour, in rows that end with the picture."""
    pen = ImageDraw.Draw(picture)
    for number, row in enumerate(legend_rows(picture.width - at[0], entries)):
        x, y = at[0], at[1] + number * LEGEND_ROW
        for name, colour in row:
            pen.rounded_rectangle((x, y + 6, x + 18, y + 9), 2, fill=colour)
            write(picture, (x + 25, y), name, size=14)
            x += _entry_width(name)


def _entry_width(name: str) -> int:
    return 25 + width_of(name, 14) + 22
