"""Copying words of the screen into the answer: a pointer beside the language model's own vocabulary.

Pointer-generator networks (See et al. 2017, "Get to the point", there for summaries) over a causal language model's
last states. Each place asks for earlier words by the state before them, that is by what led up to them: a word whose
context resembles the present one is the next to be said. Learnt from little data, where copying through the layers
alone (Olsson et al. 2022) takes far longer. A name ends where its line does: to point at the end of a line is to stop
copying.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FLOOR = 1e-7
"""Least probability of an id, so that its logarithm is finite. The ONNX exporter takes what is below 1e-8 for 0."""


class Pointer(nn.Module):
    """Mixes the model's next-id probabilities with those of repeating an earlier id of the sequence.

    `ends` are ids that are never repeated: special tokens, and those that end a line.
    """

    ends: Tensor

    def __init__(self, width: int, keys: int, vocabulary: int, ends: Iterable[int]) -> None:
        super().__init__()
        self.query = nn.Linear(width, keys)
        self.key = nn.Linear(width, keys, bias=False)
        self.gate = nn.Linear(width, 1)
        ended = torch.zeros(vocabulary, dtype=torch.bool)
        ended[list(ends)] = True
        self.register_buffer("ends", ended, persistent=False)

    def forward(self, states: Tensor, words: Tensor, logits: Tensor) -> Tensor:
        """Log-probabilities [B, L, V] of the id after each of `words` [B, L].

        states: [B, L, H] of the model at the words; logits: [B, L, V] of its own choice. The first word has no state
        before it and is never repeated.
        """
        places = words.shape[1]
        asked, offered = self.query(states), self.key(states[:, :-1])
        scores = (asked @ offered.transpose(1, 2)).float() * asked.shape[-1] ** -0.5
        earlier = torch.ones(places, places - 1, dtype=torch.bool, device=words.device).tril(-1)
        return self._mixed(scores, earlier[None], words[:, 1:], self.gate(states).float(), logits.float())

    def last(self, state: Tensor, words: Tensor, keys: Tensor, logits: Tensor) -> Tensor:
        """Log-probabilities [B, 1, V] of the id after `words` [B, P], the state at the last of them given.

        state: [B, 1, H]; keys: [B, P, keys] of the states at the words. Where `words` is negative there is none: an
        embedding of the video.
        """
        following = F.pad(words[:, 1:], (0, 1), value=-1)
        earlier = (words >= 0) & (following >= 0)
        scores = (self.query(state) @ keys.transpose(1, 2)).float() * keys.shape[-1] ** -0.5
        return self._mixed(scores, earlier[:, None], following.clamp(min=0), self.gate(state).float(), logits.float())

    def _mixed(self, scores: Tensor, earlier: Tensor, words: Tensor, gate: Tensor, logits: Tensor) -> Tensor:
        """log((1 - g + g ended) softmax(logits) + g copied), where `copied` gives each of `words` its share of
        softmax(scores), and `ended` is that of the words that end a line.

        scores: [B, L, S] of the sources where `earlier` [B or 1, L, S] is true; words: [B, S]; gate: [B, L, 1] before
        its sigmoid; logits: [B, L, V]. A place without a source keeps softmax(logits).
        """
        any_earlier = earlier.any(-1, keepdim=True)
        shares = scores.masked_fill(~earlier, -torch.inf).masked_fill(~any_earlier, 0).softmax(-1)
        ends = self.ends[words][:, None]
        ended = (shares * ends).sum(-1, keepdim=True)
        copied = torch.zeros_like(logits).scatter_add(2, words[:, None].expand_as(shares), shares * ~ends)
        # Not 1 - g: where the gate is open, little of its float is left for the model's own choice.
        own = (-gate).sigmoid().masked_fill(~any_earlier, 1)
        copying = gate.sigmoid().masked_fill(~any_earlier, 0)
        return ((own + copying * ended) * F.softmax(logits, -1) + copying * copied + _FLOOR).log()
