"""A contact sheet: many clips at a glance, a row each, so that people can look at the data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from uijepa import video
from uijepa.data.layouts import Recordings
from uijepa.data.manifest import Clip
from uijepa.errors import ClipError, ManifestError

GAP = 6
CAPTION = 34


def draw(
    recordings: Recordings, *, clips: int = 24, moments: int = 6, tall: int = 240, columns: int = 1, seed: int = 0
) -> Image.Image:
    """Rows of `moments` evenly spaced frames, `tall` px high, under what the clip is labelled.

    At most `clips` clips, of as many categories as there are. Clips that cannot be read say so in their place.
    Raises ManifestError when there is nothing to draw.
    """
    chosen = choose(recordings.clips, clips, seed)
    if not chosen:
        raise ManifestError(f"{recordings.path}: holds no clip to draw.")
    strips = [_strip(recordings.file(clip), clip, moments, tall) for clip in chosen]
    width = max(strip.width for strip in strips)
    height = max(strip.height for strip in strips)
    rows = -(-len(strips) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), (225, 225, 228))
    for number, strip in enumerate(strips):
        row, column = divmod(number, columns)
        sheet.paste(strip, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return sheet


def choose(clips: Sequence[Clip], most: int, seed: int) -> list[Clip]:
    """At most `most` clips by lot: one of every category, then a second of each, and so on."""
    mixed = list(clips)
    random.Random(seed).shuffle(mixed)
    turns: dict[str, int] = {}
    ranked = []
    for clip in mixed:
        turns[clip.category] = turns.get(clip.category, 0) + 1
        ranked.append((turns[clip.category], clip))
    ranked.sort(key=lambda pair: pair[0])
    return sorted((clip for _, clip in ranked[:most]), key=lambda clip: (clip.category, clip.path))


def _strip(path: Path, clip: Clip, moments: int, tall: int) -> Image.Image:
    try:
        facts = video.probe(path, video.Limits())
        wide = max(1, round(tall * facts.width / facts.height))
        times = np.linspace(0.0, facts.duration_s, moments)
        frames = video.frames(path, times, (wide, tall), facts=facts)
        length = f"{facts.duration_s:.1f} s, {facts.frames} frames, {facts.bytes / 1000:.0f} KB"
    except ClipError as error:
        frames, wide, length = np.zeros((0, tall, tall, 3), np.uint8), tall, str(error)
    strip = Image.new("RGB", (moments * (wide + GAP) - GAP, CAPTION + tall), (255, 255, 255))
    for number, frame in enumerate(frames):
        strip.paste(Image.fromarray(frame), (number * (wide + GAP), CAPTION))
    pen = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size=13)
    pen.text((3, 1), clip.intent or "(unlabelled)", fill=(0, 0, 0), font=font)
    told = " · ".join(filter(None, (clip.category or clip.path, clip.part or clip.split, length)))
    pen.text((3, 17), told, fill=(110, 110, 115), font=font)
    return strip
