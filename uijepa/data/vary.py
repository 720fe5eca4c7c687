"""Changes to a clip's tubelets during training, so that what is learned holds in other colours and for other tokens.

Both are functions of their generator. Everything on a clip changes alike: what differs between two of its frames, or
between two of its buttons, still does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from uijepa.data.cache import Tokens

_GREY = np.full((3, 3), 1 / 3, np.float32)
"""Takes a colour to its grey, and turns leave it where it is."""
_CROSS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.sqrt(np.float32(3))
"""The cross product with the grey axis: what a turn of hue adds."""


def recolour(values: NDArray[np.uint8], rng: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    """Tubelets [N, 1536] with other hues, saturation, contrast and brightness, one change for all of them.

    `strength` from 0 (nothing changes) to 1 (any hue, saturation and contrast by half, brightness by a fifth).
    """
    turn = np.pi * strength * rng.uniform(-1, 1)
    saturation, contrast = 1 + 0.5 * strength * rng.uniform(-1, 1, 2)
    brightness = 255 * 0.2 * strength * rng.uniform(-1, 1)
    # Rodrigues' formula about the grey axis, the part beside the axis scaled by saturation.
    hue = _GREY + saturation * (np.cos(turn) * (np.eye(3, dtype=np.float32) - _GREY) + np.sin(turn) * _CROSS)
    pixels = values.reshape(-1, 3).astype(np.float32) - 127.5
    changed = pixels @ (contrast * hue).T.astype(np.float32) + np.float32(127.5 + brightness)
    bounded: NDArray[np.uint8] = np.rint(changed).clip(0, 255).astype(np.uint8)
    return bounded.reshape(values.shape)


def thin(tokens: Tokens, rng: np.random.Generator, most: float, least: int = 8) -> Tokens:
    """The tokens without a share of them, drawn between 0 and `most`; order is kept, and at least `least` stay."""
    count = len(tokens.values)
    kept = max(min(least, count), round(count * (1 - rng.uniform(0, most))))
    chosen = np.sort(rng.choice(count, kept, replace=False))
    return replace(tokens, values=tokens.values[chosen], positions=tokens.positions[chosen])


def vary(tokens: Tokens, rng: np.random.Generator, *, recoloured: float, thinned: float) -> Tokens:
    """A clip as training sees it this time: recoloured by that strength, thinned by up to that share."""
    if thinned:
        tokens = thin(tokens, rng, thinned)
    return replace(tokens, values=recolour(tokens.values, rng, recoloured)) if recoloured else tokens
