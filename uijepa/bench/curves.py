"""Curves of pretraining runs: loss, health, and whatever a run measured of its features, side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from uijepa.bench import drawing
from uijepa.bench.drawing import COLOURS, FAINT, PAPER, Series, write
from uijepa.errors import ConfigError

LOG = Path("pretrain") / "log.jsonl"
PANELS = {
    "loss": "loss",
    "lidar": "LiDAR (rank of clips)",
    "clip_rank": "clip rank (RankMe)",
    "view_agreement": "agreement of a clip's views",
    "between_clips": "variance between clips",
    "position_share": "variance by position",
}
"""What is drawn first, where a log has it."""
PROBES = ("probe", "knn")
"""A logged number whose name holds one of these is drawn as well."""
WIDTH, HEIGHT, COLUMNS = 420, 250, 3
"""Of a panel in px, and how many stand in a row."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The log of one run."""

    name: str
    numbers: dict[str, list[tuple[float, float]]]
    """(step, value) by the number's name, steps rising."""


def read(folder: Path) -> Run:
    """The log of a run's folder, or of a log file. Raises ConfigError.

    A resumed run repeats the steps since its last checkpoint: the later line counts. A line cut short by a kill
    is passed over.
    """
    path = folder if folder.is_file() else folder / LOG
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Give a folder of `uijepa.train`.") from error
    found: dict[str, dict[float, float]] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            step = float(entry.pop("step"))
            for name, value in entry.items():
                if isinstance(value, int | float):
                    found.setdefault(name, {})[step] = float(value)
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
    if not found:
        raise ConfigError(f"{path}: holds no number. Give the folder of a run that has begun.")
    name = folder.parent.parent.name if folder.is_file() else folder.resolve().name
    return Run(name=name, numbers={key: sorted(by_step.items()) for key, by_step in found.items()})


def panels(runs: Sequence[Run]) -> dict[str, str]:
    """What to draw, by the numbers' names, with the title of each."""
    logged = list(dict.fromkeys(name for run in runs for name in run.numbers))
    probes = {name: name.replace("_", " ") for name in logged if any(kind in name for kind in PROBES)}
    return {name: title for name, title in (PANELS | probes).items() if name in logged}


def draw(runs: Sequence[Run]) -> Image.Image:
    """A panel a number, a line a run."""
    drawn = panels(runs)
    if not drawn:
        raise ConfigError(f"curves: no run has logged any of {', '.join(PANELS)}.")
    columns = min(COLUMNS, len(drawn))
    rows = math.ceil(len(drawn) / columns)
    picture = Image.new("RGB", (columns * WIDTH + 20, rows * HEIGHT + 64), PAPER)
    colours = {id(run): COLOURS[i % len(COLOURS)] for i, run in enumerate(runs)}
    drawing.legend(picture, (30, 20), [(run.name, colours[id(run)]) for run in runs])
    ends = [step for run in runs for name in drawn for step, _ in run.numbers.get(name, [])]
    for number, (name, title) in enumerate(drawn.items()):
        left, top = 20 + number % columns * WIDTH, 54 + number // columns * HEIGHT
        lines = [
            Series(name=run.name, points=run.numbers[name], colour=colours[id(run)])
            for run in runs
            if name in run.numbers
        ]
        write(picture, (left + 10, top + 8), title, size=15)
        box = (left + 58, top + 38, left + WIDTH - 30, top + HEIGHT - 40)
        drawing.chart(picture, box, lines, x=(min(0.0, *ends), max(ends)))
    write(picture, (picture.width - 30, 20), "by step", size=14, fill=FAINT, anchor="ra")
    return picture
