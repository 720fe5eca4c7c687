"""Features of clips: an encoder's, in memory one clip after the other without padding; those of their words, and of
where their tokens lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from uijepa.bench.shots import Item, Suite
from uijepa.data.batches import PAD_TO
from uijepa.errors import ManifestError, MissingExtra
from uijepa.jepa.objective import take
from uijepa.jepa.terms import pool
from uijepa.models.encoder import Encoder, fourier, frequencies
from uijepa.training.device import autocast
from uijepa.video.tokens import DEVIATION, MEAN

PLACES = 96
"""Frequencies of `where`."""
ENCODED_AT_ONCE = 32
"""Clips of one pass of the encoder."""


def pad(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows [N_i, …] as [B, N, …], zeros behind each, and the mask [B, N], True where real."""
    longest = -(-max(map(len, rows)) // PAD_TO) * PAD_TO
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    behind = [0, 0] * (padded.ndim - 2) + [0, longest - padded.shape[1]]
    lengths = torch.tensor([len(row) for row in rows])
    return F.pad(padded, behind), torch.arange(longest)[None] < lengths[:, None]


@dataclass(frozen=True)
class Features:
    """Token features of clips."""

    values: Tensor
    """[T, D], float16, on the CPU."""
    first: Sequence[int]
    """[clips + 1] where each clip's tokens begin; the last is their number."""

    def of(self, clip: int) -> Tensor:
        """[N, D] of one clip."""
        return self.values[self.first[clip] : self.first[clip + 1]]

    def batch(self, clips: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """float32 [B, N, D] and its mask [B, N]."""
        padded, mask = pad([self.of(clip) for clip in clips])
        return padded.to(device).float(), mask.to(device)

    def pooled(self) -> Tensor:
        """float32 [clips, D], each clip's mean over its tokens."""
        return torch.stack([self.of(clip).float().mean(0) for clip in range(len(self.first) - 1)])


def tokens(items: Sequence[Item], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """What the encoder takes for some clips: normalised values [B, N, 1536], positions [B, N, 3], mask [B, N]."""
    read = [item.tokens() for item in items]
    values, mask = pad([torch.from_numpy(np.array(t.values)) for t in read])  # a copy: the cache's are read-only
    positions, _ = pad([torch.from_numpy(t.positions.astype(np.int64)) for t in read])
    # Bytes are sent and made floats over there, as `uijepa.video.normalise` does: a quarter of the way.
    scaled = (values.to(device).float() / 255 - MEAN) / DEVIATION
    return scaled, positions.to(device), mask.to(device)


@torch.no_grad()
def encode(
    encoder: Encoder,
    items: Sequence[Item],
    device: torch.device,
    precision: str = "auto",
    advance: Callable[[int], None] = lambda _: None,
) -> Features:
    """The encoder's features of every item; `advance` is told the number of clips after each pass."""
    encoder = encoder.to(device).eval()
    counts = [len(item.tokens().values) for item in items]
    order = np.argsort(counts, kind="stable")  # clips of about one length together: little padding
    made: dict[int, Tensor] = {}
    for start in range(0, len(order), ENCODED_AT_ONCE):
        chosen = order[start : start + ENCODED_AT_ONCE].tolist()
        values, positions, mask = tokens([items[i] for i in chosen], device)
        with autocast(device, precision):
            seen = encoder(values, positions, mask)
        made.update({i: row[keep].half().cpu() for i, row, keep in zip(chosen, seen, mask, strict=True)})
        advance(len(chosen))
    return Features(torch.cat([made[i] for i in range(len(items))]), [0, *np.cumsum(counts).tolist()])


@torch.no_grad()
def halves(encoder: Encoder, items: Sequence[Item], device: torch.device, precision: str = "auto") -> Tensor:
    """Mean features of two halves of each clip that share no token, drawn at random: float32 [clips, 2, D].

    Clips need two tokens or more each.
    """
    encoder = encoder.to(device).eval()
    rng = np.random.default_rng(0)
    made: list[Tensor] = []
    for start in range(0, len(items), ENCODED_AT_ONCE):
        values, positions, mask = tokens(items[start : start + ENCODED_AT_ONCE], device)
        keys = torch.from_numpy(rng.random(mask.shape)).masked_fill(~mask.cpu(), 2)
        first = (keys.argsort(1).argsort(1) < mask.cpu().sum(1, keepdim=True) // 2).to(device)
        with autocast(device, precision):
            parts = [take(half, values, positions) for half in (first, mask & ~first)]
            made.append(torch.stack([pool(encoder(*part).float(), part[-1]).cpu() for part in parts], dim=1))
    return torch.cat(made)


def words(suite: Suite, width: int) -> Tensor:
    """What a clip's words on the screen say, float32 [clips, D]: TF-IDF of words and pairs of them, as its `width`
    largest components (latent semantic analysis, Deerwester et al. 1990).

    Words and components are those of the clips that are not tested. Raises ManifestError when these show none.
    """
    try:
        from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]
        from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra("scikit-learn", "bench", "Words as features") from error
    texts = ["\n".join(item.text) for item in suite.items]
    known = [text for text, item in zip(texts, suite.items, strict=True) if item.role != "test"]
    try:
        vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(known)
    except ValueError as error:  # of an empty vocabulary
        raise ManifestError(f"{suite.name}: its manifest names no text on the screens of its clips.") from error
    rows = vectorizer.transform(known)
    largest = TruncatedSVD(min(width, min(rows.shape) - 1), random_state=0).fit(rows)
    made: Tensor = torch.from_numpy(largest.transform(vectorizer.transform(texts)).astype(np.float32))
    return made


def where(suite: Suite) -> Tensor:
    """Where a clip's tokens lie in space and time and nothing of what they show, float32 [clips, 2 PLACES]: the mean
    of the Fourier features of their places."""
    every = frequencies(PLACES)
    places = (torch.from_numpy(item.tokens().positions.astype(np.int64)) for item in suite.items)
    return torch.stack([fourier(mine, every).mean(0) for mine in places])
