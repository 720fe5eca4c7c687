"""Batches as a function of (seed, step): which clips, in which order, padded to which length.

Nothing here keeps state, so a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from uijepa.data.cache import Tokens, TokenSource
from uijepa.data.manifest import Clip, split_of
from uijepa.errors import ConfigError, ManifestError
from uijepa.grid import TUBELET_VALUES, Grid

PAD_TO = 32
"""Batches are padded to a multiple of this many tokens: CPU kernels are compiled per shape, so few are fast."""
SORTED_OVER = 8
"""Batches among which clips are sorted by length, so that little of a batch is padding."""


@dataclass(frozen=True)
class TokenBatch:
    """Clips of one batch, padded: values [B, N, 1536] u8, positions [B, N, 3], mask [B, N] True where real."""

    clips: list[Clip]
    values: NDArray[np.uint8]
    positions: NDArray[np.int64]
    mask: NDArray[np.bool_]
    grids: list[Grid]
    texts: list[list[str]]


class Order:
    """The clip indices of every step."""

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, parts: int = 1) -> None:
        """`lengths`: tokens of each clip; `parts`: into how many of one size each batch must split.

        With fewer clips than `batch`, all are one batch. Raises ManifestError when there is no clip or not one for
        every part, ConfigError when a batch does not split.
        """
        if not lengths:
            raise ManifestError("no clip to train on: the manifest's train split is empty.")
        if batch % parts:
            raise ConfigError(
                f"a batch of {batch} clips does not split into {parts} parts (processes x accumulate); "
                f"take a batch of {-(-batch // parts) * parts}."
            )
        self._lengths = np.asarray(lengths)
        self._batch = min(batch, len(lengths) // parts * parts)
        if self._batch == 0:
            raise ManifestError(
                f"{len(lengths)} clips do not fill {parts} parts; take fewer processes, or accumulate less."
            )
        self._seed = seed

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass; the few clips left over come first in another pass's order."""
        return len(self._lengths) // self._batch

    def indices(self, step: int) -> NDArray[np.int64]:
        """The clips of a step."""
        epoch, place = divmod(step, self.steps_per_epoch)
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._lengths))[: self.steps_per_epoch * self._batch]
        span = SORTED_OVER * self._batch
        for start in range(0, len(order), span):
            part = order[start : start + span]
            order[start : start + span] = part[np.argsort(self._lengths[part], kind="stable")]
        batches = rng.permutation(self.steps_per_epoch)
        first = batches[place] * self._batch
        return order[first : first + self._batch]


def collate(cache: TokenSource, clips: Sequence[Clip]) -> TokenBatch:
    """The tokens of `clips`, padded to the longest, rounded up to a multiple of PAD_TO."""
    return padded(clips, [cache[clip.path] for clip in clips])


def padded(clips: Sequence[Clip], tokens: Sequence[Tokens]) -> TokenBatch:
    """`clips` with these tokens, padded to the longest, rounded up to a multiple of PAD_TO."""
    longest = -(-max(len(t.values) for t in tokens) // PAD_TO) * PAD_TO
    values = np.zeros((len(clips), longest, TUBELET_VALUES), np.uint8)
    positions = np.zeros((len(clips), longest, 3), np.int64)
    mask = np.zeros((len(clips), longest), bool)
    for row, t in enumerate(tokens):
        count = len(t.values)
        values[row, :count] = t.values
        positions[row, :count] = t.positions
        mask[row, :count] = True
    return TokenBatch(list(clips), values, positions, mask, [t.grid for t in tokens], [t.text for t in tokens])


def with_validation(clips: Sequence[Clip]) -> list[Clip]:
    """The clips, with a tenth of the train split moved to validation where the manifest names none.

    Which clips move depends on their paths alone.
    """
    if any(clip.split == "val" for clip in clips):
        return list(clips)
    return [
        replace(clip, split="val") if clip.split == "train" and split_of(clip.path) == "val" else clip
        for clip in clips
    ]


def spread(clips: Sequence[Clip], most: int) -> list[Clip]:
    """At most `most` clips, evenly spaced: a manifest often lists one task after the other."""
    if len(clips) <= most:
        return list(clips)
    return [clips[i] for i in np.linspace(0, len(clips) - 1, most).round().astype(int)]
