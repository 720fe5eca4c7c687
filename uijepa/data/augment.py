"""Changes to on-screen text during training, so that the decoder reads values instead of remembering them.

`swap_values` writes another value wherever a slot's value stands, in the intent and on the screen; `misread` adds the
kind of mistakes that OCR makes; `recital` is a made-up screen with the exercise to repeat some of it. All are
functions of their generator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

_ONSETS = "b c d f g h j k l m n p r s t v w z br ch cl cr dr fl gr kn pl pr qu sc sh sk sl sn sp st th tr wh".split()
_VOWELS = "a e i o u ai ea ee ie oo ou y".split()
_CODAS = ["", "", "", *"b ck d g l ll m n nd ng nt p r rd rk s ss st t th x".split()]
_RUDE = (
    "anal anus arse bitch coc cok cum cun dick dyk fag fuc fuk homo jew kik nazi nig penis "
    "pis poo porn pus rap sex shit sho slu slut suc suk sux tit twat vag wank wet whor"
).split()
"""What no invented word may contain: a decoder spells unread names from the pieces it was trained on."""
_CONFUSED = {"0": "O", "O": "0", "1": "l", "l": "I", "I": "l", "5": "S", "S": "5", "8": "B", "rn": "m", ":": "."}


def swap_values(
    intent: str, lines: Sequence[str], slots: Mapping[str, str], words: Sequence[str], rng: np.random.Generator
) -> tuple[str, list[str]]:
    """The intent and the lines with each slot's value replaced by another of the same form.

    A value is swapped only where it stands in the intent and on the screen, whole. `words` are drawn from beside
    invented ones.
    """
    changed = list(lines)
    for value in sorted(slots.values(), key=len, reverse=True):
        whole = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
        if not value or not whole.search(intent) or not any(whole.search(line) for line in changed):
            continue
        other = _like(value, words, rng).replace("\\", "")  # re.sub reads backslashes as groups
        intent = whole.sub(other, intent)
        changed = [whole.sub(other, line) for line in changed]
    return intent, changed


def _like(value: str, words: Sequence[str], rng: np.random.Generator) -> str:
    """Another value with the same digits' places, word count and letter case."""

    def number(match: re.Match[str]) -> str:
        return "".join(str(d) for d in rng.integers(0, 10, len(match[0])))

    def word(match: re.Match[str]) -> str:
        old = match[0]
        if old in ("AM", "PM"):
            return str(rng.choice(["AM", "PM"]))
        new = str(rng.choice(words)) if words and rng.random() < 0.5 else invented(rng)
        if old.isupper() and len(old) > 1:
            return new.upper()
        return new.capitalize() if old[0].isupper() else new.lower()

    return re.sub(r"\d+", number, re.sub(r"[^\W\d_]+", word, value))


def invented(rng: np.random.Generator) -> str:
    """A word of one to three syllables that may not exist."""
    while True:
        syllables = int(rng.integers(1, 4))
        word = "".join(
            str(rng.choice(_ONSETS)) + str(rng.choice(_VOWELS)) + str(rng.choice(_CODAS)) for _ in range(syllables)
        )
        if not any(fragment in word for fragment in _RUDE):
            return word


def recital(words: Sequence[str], rng: np.random.Generator) -> tuple[str, list[str]]:
    """A made-up screen, and two to four of its lines to be repeated in another order: (what to say, the lines).

    Nothing but copying answers it, and most of its ids are copied ones: more to learn copying from than a sentence.
    """

    def piece() -> str:
        kind = rng.random()
        if kind < 0.35 and words:
            return str(rng.choice(words))
        if kind < 0.75:
            return invented(rng).capitalize() if rng.random() < 0.5 else invented(rng)
        if kind < 0.85:
            return f"{rng.integers(1, 13)}:{rng.integers(0, 60):02d} {rng.choice(['AM', 'PM'])}"
        return str(rng.integers(0, 10 ** int(rng.integers(1, 7))))

    lines = [" ".join(piece() for _ in range(int(rng.integers(1, 4)))) for _ in range(int(rng.integers(3, 9)))]
    chosen = rng.permutation(len(lines))[: int(rng.integers(2, 5))]
    return " ".join(lines[i] for i in chosen), lines


def misread(lines: Sequence[str], rng: np.random.Generator, rate: float = 1.0) -> list[str]:
    """The lines as OCR might give them: some lost, joined or out of order, a few spaces and letters wrong.

    `rate` scales every probability; 0 changes nothing.
    """
    read: list[str] = []
    for line in lines:
        if not line:
            read.append(line)  # between two screens
            continue
        if rng.random() < 0.03 * rate:
            continue
        text = "".join(
            ""
            if c == " " and rng.random() < 0.02 * rate
            else _CONFUSED.get(c, c)
            if rng.random() < 0.005 * rate
            else c
            for c in line
        )
        if read and read[-1] and rng.random() < 0.04 * rate:
            read[-1] = f"{read[-1]} {text}"
        else:
            read.append(text)
    for place in range(len(read) - 1):
        if rng.random() < 0.05 * rate and read[place] and read[place + 1]:
            read[place], read[place + 1] = read[place + 1], read[place]
    return read
