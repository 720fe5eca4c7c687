"""The one definition of what the decoder reads and writes; training and the runtime share it.

    [video embeddings] <sep> [text ids] <sep> [intent ids] <eos>

Torch-free: it knows token ids only. The video embeddings come from the projector and stand before the ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import groupby

from tokenizers import Tokenizer

from uijepa.errors import ConfigError

PAD = "<pad>"
SEP = "<sep>"
EOS = "<eos>"
SPECIAL = (PAD, SEP, EOS)
"""A tokenizer trained here gives these the ids 0, 1 and 2."""


def screen_text(lines: Iterable[str]) -> str:
    """The lines read on a screen, as one text.

    Each begins with a space, so that its first word has the ids it has within a sentence: a decoder can copy it.
    """
    return "\n".join(f" {line}" for line in lines)


def told(lines: Iterable[str]) -> list[list[str]]:
    """Lines read on several screens, an empty one between two screens', by screen, without what says nothing.

    A single letter or sign is a key of a keyboard, or an icon. A line that several screens show is told with the last
    of them: what an earlier screen has left is what was lost on the way, such as a deleted row.
    """
    screens = [list(group) for read, group in groupby(lines, bool) if read]
    kept, later = list[list[str]](), set[str]()
    for screen in reversed(screens):
        kept.append([ln for ln in screen if (len(ln) > 1 or ln.isdigit()) and ln.casefold() not in later])
        later.update(line.casefold() for line in screen)
    return [screen for screen in reversed(kept) if screen]


def dealt(counts: list[int], most: int) -> list[int]:
    """How much of each count is kept so that the sum is at most `most`: the small ones whole, the others alike."""
    kept = [0] * len(counts)
    left = most
    for taken, place in enumerate(sorted(range(len(counts)), key=lambda i: counts[i])):
        kept[place] = min(counts[place], left // (len(counts) - taken))
        left -= kept[place]
    return kept


class Sequence:
    """Turns on-screen text and intents into ids, and generated ids back into a sentence.

    Text on a screen is untrusted input: a screen that shows "<eos>" gives ordinary tokens, never the special
    one. The given tokenizer is copied, not changed.

    Raises ConfigError when the tokenizer lacks one of the special tokens or `text_tokens` is negative.
    """

    def __init__(self, tokenizer: Tokenizer, text_tokens: int) -> None:
        if text_tokens < 0:
            raise ConfigError(f"text_tokens must be at least 0, got {text_tokens}.")
        found = {token: tokenizer.token_to_id(token) for token in SPECIAL}
        ids = {token: number for token, number in found.items() if number is not None}
        missing = [token for token in SPECIAL if token not in ids]
        if missing:
            raise ConfigError(f"the tokenizer has no {', '.join(missing)}: add them as special tokens.")
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.text_tokens = text_tokens
        self.pad = ids[PAD]
        self.sep = ids[SEP]
        self.eos = ids[EOS]

    def text_ids(self, lines: Iterable[str]) -> list[int]:
        """Ids of the lines told, at most `text_tokens`: of screens that are too long together, each gives its part.

        Between two screens stands an empty line (its newline, apart from the one that ends a line).
        """
        read = [self._encode(screen_text(screen)) for screen in told(lines)]
        between = self._encode("\n")
        room = max(self.text_tokens - len(between) * max(len(read) - 1, 0), 0)
        kept = dealt([len(ids) for ids in read], room)
        text = [i for ids, count in zip(read, kept, strict=True) for i in [*between, *ids[:count]]]
        return text[len(between) :][: self.text_tokens]

    def intent_ids(self, intent: str) -> list[int]:
        """Ids of an intent, without <eos>."""
        return self._encode(intent)

    def prompt_ids(self, lines: Iterable[str]) -> list[int]:
        """What follows the video embeddings and asks for an intent: `<sep> [text ids] <sep>`."""
        return [self.sep, *self.text_ids(lines), self.sep]

    @property
    def special(self) -> list[int]:
        """Ids that no text has."""
        return [self.pad, self.sep, self.eos]

    @cached_property
    def breaks(self) -> list[int]:
        """Ids with a line break in their text: an answer is one sentence, and copies none from the screen."""
        return [i for i in range(self.tokenizer.get_vocab_size()) if "\n" in self.tokenizer.decode([i])]

    def decode(self, ids: Iterable[int]) -> str:
        """The sentence of generated ids; special tokens, and ids past the vocabulary, say nothing."""
        return self.tokenizer.decode([i for i in ids if i not in self.special], skip_special_tokens=False).strip()

    def _encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)
