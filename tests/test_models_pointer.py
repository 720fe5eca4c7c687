from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from uijepa.models.pointer import Pointer

WIDTH, KEYS, VOCABULARY, ENDS = 12, 6, 20, [0, 1, 19]


def drawn(seed: int, places: int, batch: int = 2) -> tuple[Pointer, Tensor, Tensor, Tensor]:
    """A pointer, states, words and logits, all random."""
    torch.manual_seed(seed)
    pointer = Pointer(WIDTH, KEYS, VOCABULARY, ENDS)
    words = torch.randint(0, VOCABULARY, (batch, places))
    return pointer, torch.randn(batch, places, WIDTH), words, torch.randn(batch, places, VOCABULARY)


def by_hand(pointer: Pointer, states: Tensor, words: Tensor, logits: Tensor) -> Tensor:
    """The same from its definition, one clip, one place and one earlier word after the other."""
    found = torch.zeros_like(logits)
    for row in range(len(words)):
        for place in range(words.shape[1]):
            own = logits[row, place].softmax(-1)
            scores = [
                float(pointer.query(states[row, place]) @ pointer.key(states[row, earlier - 1])) / KEYS**0.5
                for earlier in range(1, place + 1)
            ]
            copied = torch.zeros(VOCABULARY)
            for earlier, share in enumerate(torch.tensor(scores).softmax(0).tolist() if scores else [], 1):
                copied[words[row, earlier]] += share
            gate = float(pointer.gate(states[row, place]).sigmoid()) if scores else 0.0
            ended = float(copied[ENDS].sum())
            copied[ENDS] = 0
            found[row, place] = (1 - gate + gate * ended) * own + gate * copied
    return found


@torch.no_grad()
@given(st.integers(0, 1000), st.integers(1, 7))
@settings(max_examples=20, deadline=None)
def test_it_is_what_its_definition_says(seed: int, places: int) -> None:
    pointer, states, words, logits = drawn(seed, places)
    told = pointer(states, words, logits).exp()
    assert torch.allclose(told, by_hand(pointer, states, words, logits), atol=1e-5)
    assert torch.allclose(told.sum(-1), torch.ones(2, places), atol=1e-5)


@torch.no_grad()
@given(st.integers(0, 1000), st.integers(1, 7), st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_one_step_on_kept_keys_says_the_same(seed: int, places: int, video: int) -> None:
    pointer, states, words, logits = drawn(seed, places, batch=1)
    whole = pointer(states, words, logits)[:, -1:]
    seen = torch.cat([torch.randn(1, video, WIDTH), states], 1)
    held = torch.cat([torch.full((1, video), -1), words], 1)
    assert torch.allclose(pointer.last(states[:, -1:], held, pointer.key(seen), logits[:, -1:]), whole, atol=1e-5)


@torch.no_grad()
def test_later_words_and_states_change_nothing() -> None:
    pointer, states, words, logits = drawn(0, 6)
    before = pointer(states, words, logits)[:, :3]
    states[:, 3:], words[:, 3:] = 9.0, 7
    assert torch.equal(pointer(states, words, logits)[:, :3], before)


def test_every_part_of_it_learns() -> None:
    pointer, states, words, logits = drawn(0, 5)
    pointer(states, words, logits)[:, -1].gather(1, words[:, 1:2]).sum().backward()
    assert all(p.grad is not None and 1e-6 < p.grad.abs().sum() < 1e3 for p in pointer.parameters())


@pytest.mark.parametrize("copies", [True, False])
def test_a_repeated_run_is_found_again(copies: bool) -> None:
    """After `a b c d … a b` comes c: states that resemble where words do make it certain, once the gate is open."""
    pointer, _, _, _ = drawn(0, 1)
    words = torch.tensor([[1, 5, 6, 7, 8, 9, 5, 6]])
    states = torch.nn.functional.one_hot(words, WIDTH).float()
    with torch.no_grad():
        for linear in (pointer.query, pointer.key):
            linear.weight.copy_(20 * torch.eye(WIDTH)[4:10])
        pointer.query.bias.zero_()
        pointer.gate.weight.zero_()
        pointer.gate.bias.fill_(6.0 if copies else -6.0)
        told = pointer(states, words, torch.zeros(1, 8, VOCABULARY))[0, -1].exp()
    assert (float(told[7]) > 0.95) == copies


@torch.no_grad()
def test_it_stops_at_the_end_of_a_line() -> None:
    """Where all of it points at ids that end a line, the model's own choice is all there is."""
    pointer, states, words, logits = drawn(0, 6)
    pointer.gate.bias.fill_(50.0)
    words[:, 1:] = 19
    assert torch.allclose(pointer(states, words, logits), logits.log_softmax(-1), atol=1e-4)
