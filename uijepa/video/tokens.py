"""Frames into tubelets, and which of them are worth looking at.

A tubelet is 2 frames x 16 x 16 px. On real screen recordings about a third of them are neither still nor flat;
only those are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from uijepa.config import Preprocess
from uijepa.grid import TUBELET, TUBELET_VALUES, Grid

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MEAN, DEVIATION = 0.5, 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """Kept tubelets, ordered by time, row, column."""

    values: Pixels
    """[N, 1536], ordered (frame, row, column, channel)."""
    positions: npt.NDArray[np.int16]
    """[N, 3] as (t, h, w) on the grid."""
    still: float
    """Share of the tubelets after the first step that do not differ from the one before."""
    flat: float
    """Share of all tubelets that are one colour."""


def shrink(frames: Pixels, grid: Grid) -> Pixels:
    """Frames [n, H, W, 3] at the grid's own size, averaging the area under each pixel."""
    if frames.shape[1:3] == (grid.height, grid.width):
        return frames
    out = np.empty((len(frames), grid.height, grid.width, 3), np.uint8)
    for row, frame in zip(out, frames, strict=True):
        row[:] = np.asarray(Image.fromarray(frame).resize((grid.width, grid.height), Image.Resampling.BOX))
    return out


def patchify(frames: Pixels, grid: Grid) -> Pixels:
    """Frames [2t, 16h, 16w, 3] as tubelets [t, h, w, 1536]."""
    dt, dh, dw = TUBELET
    split = frames.reshape(grid.t, dt, grid.h, dh, grid.w, dw, 3)
    return split.transpose(0, 2, 4, 1, 3, 5, 6).reshape(grid.t, grid.h, grid.w, TUBELET_VALUES)


def change(tubelets: Pixels) -> Floats:
    """Mean absolute difference of each tubelet to the one before at its place, 0..1: [t - 1, h, w]."""
    now, before = tubelets[1:], tubelets[:-1]
    # max - min of unsigned bytes is their distance without widening them
    distance = np.maximum(now, before) - np.minimum(now, before)
    return np.asarray(distance.sum(-1, dtype=np.uint32) / (255.0 * TUBELET_VALUES), np.float32)


def texture(tubelets: Pixels) -> Floats:
    """Standard deviation of each tubelet over its pixels, mean of the three channels' variances, 0..1: [t, h, w].

    A tubelet of one colour has none, whatever the colour.
    """
    count = TUBELET_VALUES // 3
    flat = tubelets.reshape(-1, TUBELET_VALUES).astype(np.float32)
    # Sums of whole numbers below 2^24 are exact in float32 in any order, so this is the same on every machine:
    # a channel sums to at most 512 * 255, and 96 squares to at most 96 * 255^2.
    total = (flat @ np.tile(np.eye(3, dtype=np.float32), (count, 1))).astype(np.int64)
    parts = flat.reshape(-1, 96)
    squares = np.einsum("pv,pv->p", parts, parts).astype(np.int64).reshape(len(flat), -1).sum(1)
    variance = (count * squares - (total * total).sum(1)) / (3.0 * count * count)
    return np.asarray(np.sqrt(variance) / 255, np.float32).reshape(tubelets.shape[:3])


def quotas(counts: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """How many of `counts` candidates a step may keep, in proportion, `most` in all.

    Largest remainders first, earlier steps before later ones: sums to min(most, sum of counts).
    """
    total = int(counts.sum())
    if total <= most:
        return counts.copy()
    share, remainder = np.divmod(counts * most, total)
    left = most - int(share.sum())
    share[np.argsort(-remainder, kind="stable")[:left]] += 1
    return share


def select(tubelets: Pixels, spec: Preprocess) -> Tokens:
    """The tubelets of [t, h, w, 1536] that moved and show something, at most `spec.max_tokens`.

    The first step has nothing before it: its textured tubelets count as changed, ranked by texture. Where the
    budget cuts, each step keeps its share and in it what changed most. Never empty: if all are still or flat,
    the most textured one stays.
    """
    texture_THW = texture(tubelets)
    change_THW = np.concatenate([texture_THW[:1], change(tubelets)])
    textured = texture_THW >= spec.flat
    moved = change_THW >= spec.change
    moved[0] = True
    keep = textured & moved
    if not keep.any():
        keep.flat[int(texture_THW.argmax())] = True
    counts = keep.sum((1, 2), dtype=np.int64)
    for step in np.flatnonzero(counts > (quota := quotas(counts, spec.max_tokens))):
        candidates = np.flatnonzero(keep[step])
        ranked = candidates[np.argsort(-change_THW[step].flat[candidates], kind="stable")]
        keep[step].flat[ranked[quota[step] :]] = False
    positions = np.argwhere(keep).astype(np.int16)
    return Tokens(
        values=tubelets[keep],
        positions=positions,
        still=float(1 - moved[1:].mean()) if len(moved) > 1 else 0.0,
        flat=float(1 - textured.mean()),
    )


def normalise(values: Pixels) -> Floats:
    """Tubelet values uint8 as the encoder takes them: float32, (v / 255 - 0.5) / 0.25."""
    scaled = values.astype(np.float32)
    scaled /= np.float32(255)
    scaled -= np.float32(MEAN)
    scaled /= np.float32(DEVIATION)
    return scaled
