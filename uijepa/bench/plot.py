"""Results of probes as a picture: accuracy by labelled clips, a panel a suite and probe, a line an encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from uijepa.bench import drawing
from uijepa.bench.drawing import COLOURS, FAINT, PAPER, Series, write
from uijepa.bench.probe_report import gather
from uijepa.errors import ConfigError

WIDTH, HEIGHT, COLUMNS = 440, 300, 3
"""Of a panel in px, and how many stand in a row."""
ALONE = 1000
"""Width of a panel that stands alone: it has room for many encoders."""
APART = 0.012
"""Between the whiskers of two encoders at one number of shots, as a share of the axis."""


def draw(results: Mapping[str, Any]) -> Image.Image:
    """Means and 95 % intervals of all rows. Raises ConfigError when there is none."""
    if not results["rows"]:
        raise ConfigError("plot: the results hold no row.")
    cells = gather(results["rows"], "encoder")
    panels = list(dict.fromkeys((suite, probe) for suite, probe, _ in cells))
    encoders = list(dict.fromkeys(encoder for *_, encoder in cells))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(encoders)}
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    width = ALONE if len(panels) == 1 else WIDTH
    across = columns * width + 20
    told = drawing.LEGEND_ROW * len(drawing.legend_rows(across - 30, list(colours.items())))
    picture = Image.new("RGB", (across, rows * HEIGHT + told + 62), PAPER)
    drawing.legend(picture, (30, 20), list(colours.items()))
    write(picture, (30, told + 24), "top-1 accuracy in %, by labelled clips a category", size=14, fill=FAINT)
    for number, (suite, probe) in enumerate(panels):
        left, top = 20 + number % columns * width, told + 52 + number // columns * HEIGHT
        lines = _lines({e: cells[suite, probe, e] for e in encoders if (suite, probe, e) in cells}, colours)
        write(picture, (left + 10, top + 8), f"{suite}, {probe}", size=15)
        drawing.chart(picture, (left + 50, top + 38, left + width - 30, top + HEIGHT - 40), lines)
    return picture


def _lines(
    found: Mapping[str, Mapping[int, Mapping[str, Any]]], colours: Mapping[str, drawing.Colour]
) -> Sequence[Series]:
    """Each encoder's line and, beside those of the others, its whiskers."""
    every = [shots for row in found.values() for shots in row]
    apart = APART * max(max(every) - min(every), 1)
    lines: list[Series] = []
    for place, (encoder, row) in enumerate(found.items()):
        aside = (place - (len(found) - 1) / 2) * apart
        points = [(shots + aside, r["mean"]) for shots, r in sorted(row.items())]
        lines.append(Series(name=encoder, points=points, colour=colours[encoder], dots=True))
        for shots, r in row.items():
            whisker = [(shots + aside, r["low"]), (shots + aside, r["high"])]
            lines.append(Series(name=encoder, points=whisker, colour=colours[encoder]))
    return lines
