"""What an encoder sees in a clip, as one picture: its features in colour, and how alike its moments are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from uijepa import video
from uijepa.bench import drawing
from uijepa.bench.drawing import COLOURS, FAINT, PAPER, Series, write
from uijepa.config import Preprocess
from uijepa.grid import TUBELET, Grid
from uijepa.models.encoder import Encoder
from uijepa.video.clip import text_size

Floats = npt.NDArray[np.float64]

WIDTH, MARGIN, GAP = 1600, 40, 14
"""Of the picture, in px."""
DIM = 0.16
"""How much of the frame is left below tubelets that were dropped."""
FRAME_SIDE = 720
"""Long side of the frames read for it, in px."""
CHART_HEIGHT = 190
OUTLINE = (205, 208, 213)


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A clip and an encoder's features of it."""

    frames: npt.NDArray[np.uint8]
    """[t, H, W, 3] the later of the two frames of each step."""
    times_s: Floats
    """[t] their moments."""
    grid: Grid
    positions: npt.NDArray[np.int64]
    """[N, 3] as (t, h, w), of the tubelets that were kept."""
    features: Floats
    """[N, D]"""


def see(clip: Path, encoder: Encoder, spec: Preprocess) -> Seen:
    """Prepare and encode a clip one trusts: it is decoded in this process. Raises ClipError."""
    made = video.prepare(clip, spec)
    later = made.times_s[TUBELET[0] - 1 :: TUBELET[0]]
    frames = video.frames(clip, later, text_size(made.facts, FRAME_SIDE), facts=made.facts)
    positions = torch.from_numpy(made.positions.astype(np.int64))
    with torch.no_grad():
        features = encoder(torch.from_numpy(video.normalise(made.values))[None], positions[None])[0]
    return Seen(
        frames=frames,
        times_s=later,
        grid=made.grid,
        positions=positions.numpy(),
        features=features.double().numpy(),
    )


def components(features: Floats) -> tuple[Floats, float]:
    """The first three principal components of [N, D] as colours [N, 3], 0..1, and the share of variance they hold.

    Each component runs from its 2nd to its 98th percentile, so that single tubelets do not take all the contrast.
    Signs are those that make the largest weight positive: the same features give the same colours.
    """
    x = features - features.mean(0)
    _, deviations, axes = np.linalg.svd(x, full_matrices=False)
    axes = axes[:3] * np.sign(np.take_along_axis(axes[:3], np.abs(axes[:3]).argmax(1)[:, None], 1))
    found = np.zeros((len(x), 3))
    found[:, : len(axes)] = x @ axes.T
    low, high = np.percentile(found, [2, 98], axis=0)
    total = float((deviations**2).sum())
    share = float((deviations[:3] ** 2).sum()) / total if total > 0 else 0.0
    wide = high - low > 1e-9
    return np.where(wide, np.clip((found - low) / np.where(wide, high - low, 1.0), 0, 1), 0.5), share


def timeline(seen: Seen) -> tuple[Floats, Floats]:
    """Cosines [t] of each step's mean feature with the first step's, and with that of the step before.

    Steps without a kept tubelet are NaN, and are passed over: "before" is the last step that has one.
    """
    steps = [seen.features[seen.positions[:, 0] == t] for t in range(seen.grid.t)]
    means = [s.mean(0) if len(s) else None for s in steps]
    first, before = np.full(len(steps), np.nan), np.full(len(steps), np.nan)
    start = last = None
    for t, mean in enumerate(means):
        if mean is None:
            continue
        if start is None or last is None:
            start = mean
            first[t] = 1.0
        else:
            first[t], before[t] = _cosine(mean, start), _cosine(mean, last)
        last = mean
    return first, before


def _cosine(a: Floats, b: Floats) -> float:
    return float(a @ b / np.sqrt(max(float(a @ a) * float(b @ b), 1e-24)))


def draw(seen: Seen, title: str) -> Image.Image:
    """The whole picture: frames, below each its features in colour, below all the similarity over time."""
    t = seen.grid.t
    tall = seen.frames.shape[1] > seen.frames.shape[2]
    columns = min(t, 8 if tall else 4)
    rows = math.ceil(t / columns)
    cell = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) // columns
    high = round(cell * seen.frames.shape[1] / seen.frames.shape[2])
    block = 26 + 2 * high + 8 + 2 * GAP
    top = MARGIN + 72
    picture = Image.new("RGB", (WIDTH, top + rows * block + CHART_HEIGHT + 105), PAPER)
    colours, share = components(seen.features)
    kept = len(seen.positions) / seen.grid.tokens
    write(picture, (MARGIN, MARGIN - 8), title, size=26)
    told = (
        f"{seen.grid.t} x {seen.grid.h} x {seen.grid.w} tubelets, {kept:.0%} kept; in colour their first three "
        f"principal components ({share:.0%} of the variance), in grey what was dropped as still or flat"
    )
    write(picture, (MARGIN, MARGIN + 30), told, size=15, fill=FAINT)
    for step in range(t):
        x = MARGIN + step % columns * (cell + GAP)
        y = top + step // columns * block
        write(picture, (x, y), f"{seen.times_s[step]:.1f} s", size=14, fill=FAINT)
        frame = Image.fromarray(seen.frames[step]).resize((cell, high), Image.Resampling.LANCZOS)
        mine = seen.positions[:, 0] == step
        coloured = paint(frame, seen.grid, seen.positions[mine], colours[mine])
        for number, part in enumerate((frame, coloured)):
            at = (x, y + 24 + number * (high + 8))
            picture.paste(part, at)
            edge = (at[0], at[1], at[0] + cell - 1, at[1] + high - 1)
            ImageDraw.Draw(picture).rectangle(edge, outline=OUTLINE)
    _chart(picture, seen, top + rows * block + 30)
    return picture


def paint(frame: Image.Image, grid: Grid, positions: npt.NDArray[np.int64], colours: Floats) -> Image.Image:
    """The frame dimmed to grey, and over it the kept tubelets of one step in their colours."""
    grey = frame.convert("L").convert("RGB")
    made = Image.blend(Image.new("RGB", frame.size, (236, 238, 241)), grey, DIM)
    pen = ImageDraw.Draw(made)
    for (_, h, w), colour in zip(positions.tolist(), colours, strict=True):
        left, right = (round(n * frame.width / grid.w) for n in (w, w + 1))
        top, bottom = (round(n * frame.height / grid.h) for n in (h, h + 1))
        red, green, blue = (round(255 * c) for c in colour)
        pen.rectangle((left, top, right - 1, bottom - 1), fill=(red, green, blue))
    return made


def _chart(picture: Image.Image, seen: Seen, top: int) -> None:
    first, before = timeline(seen)
    # Where nothing was kept nothing had changed: the line goes on to the next moment that has something.
    lines = [
        Series(
            name=name,
            points=[(x, y) for x, y in zip(seen.times_s.tolist(), ys.tolist(), strict=True) if math.isfinite(y)],
            colour=colour,
            dots=True,
        )
        for name, ys, colour in (
            ("to the first moment", first, COLOURS[0]),
            ("to the moment before", before, COLOURS[1]),
        )
    ]
    write(picture, (MARGIN, top), "Cosine of mean features", size=17)
    beside = MARGIN + drawing.width_of("Cosine of mean features", 17) + 30
    drawing.legend(picture, (beside, top + 1), [(line.name, line.colour) for line in lines])
    low, _ = drawing.span([1.0, *(y for line in lines for _, y in line.points)], 0.01)
    box = (MARGIN + 48, top + 40, WIDTH - MARGIN - 10, top + 40 + CHART_HEIGHT)
    air = 0.02 * float(seen.times_s[-1] - seen.times_s[0]) or 0.5
    ends = float(seen.times_s[0]) - air, float(seen.times_s[-1]) + air
    drawing.chart(picture, box, lines, x=ends, y=(low, 1.0 + (1.0 - low) * 0.06), unit=" s")
