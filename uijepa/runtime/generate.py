"""From embeddings of a prompt to the ids of an answer, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from uijepa.runtime.sessions import NO_WORD, Floats, Graphs

NO_REPEAT = 4
"""No run of this many ids is said twice in an answer: a small decoder that is lost repeats itself without end."""


@dataclass(frozen=True)
class Step:
    """One generated id and the natural logarithm of the probability the model gave it."""

    token: int
    logprob: float


def greedy(
    graphs: Graphs, prompt: Floats, words: list[int], *, eos: int, max_new_tokens: int, never: Sequence[int] = ()
) -> Iterator[Step]:
    """The most probable id after prompt embeddings [1, S, H], then after it, until <eos> (given too) or the limit.

    words: the ids that end the prompt; what stands before them is video. Ids in `never`, and one that would say
    `NO_REPEAT` ids once more, are passed over. A generator, so that a caller may show each id as it comes; closing it
    stops the work.
    """
    said: list[int] = []
    video = prompt.shape[1] - len(words)
    logits, cache = graphs.decode(prompt, np.array([[NO_WORD] * video + words], np.int64), graphs.empty())
    last = words[-1]
    for count in range(1, max_new_tokens + 1):
        allowed = logits.copy()
        allowed[[*never, *_repeating(said)]] = -np.inf
        token = int(allowed.argmax())
        said.append(token)
        yield Step(token, _logprob(logits, token))
        if token == eos or count == max_new_tokens:
            return
        logits, cache = graphs.decode(graphs.embed([last, token])[:, -1:], np.array([[token]], np.int64), cache)
        last = token


def _repeating(said: list[int]) -> list[int]:
    """Ids that would end a run of `NO_REPEAT` ids that was said before."""
    width = NO_REPEAT - 1
    starts = range(len(said) - width) if len(said) > width else range(0)
    return [said[i + width] for i in starts if said[i : i + width] == said[-width:]]


def confidence(steps: list[Step]) -> float:
    """The probability of the whole answer, 0…1: the product of those of its ids, <eos> included; 0 without any."""
    if not steps:
        return 0.0
    return float(np.exp(np.sum([step.logprob for step in steps])))


def _logprob(logits: Floats, token: int) -> float:
    shifted = logits.astype(np.float64) - float(logits.max())
    return float(shifted[token] - np.log(np.exp(shifted).sum()))
