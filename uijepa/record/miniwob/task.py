"""What one MiniWoB++ task is to the recorder: how to read its instruction, word its label and play it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from uijepa.record.miniwob.hand import Hand

Facts = Mapping[str, str]
Play = Callable[[Hand, Facts], None]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One MiniWoB++ page and a person who can do it."""

    name: str
    """File name of the page without `.html`."""
    label: str
    """The intent, with the names of facts in braces."""
    play: Play
    """Does the task with the mouse and the keyboard. Raises Failed when it sees no way."""
    pattern: str = r"^"
    """JavaScript regular expression for the instruction; its named groups are facts. No match: another problem
    is drawn, so a pattern also picks one kind among a page's problems."""
    slots: tuple[str, ...] = ()
    """Facts that are free values and must belong to the split."""
    facts: str = ""
    """JavaScript function from the facts of the instruction to further facts read off the page, or null to
    draw another problem."""
    css: str = ""
    """Style for what the page places by fixed coordinates below the instruction, or cuts off."""
    before: str = ""
    """JavaScript function of the pools, run once on the page before the first problem."""
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Own pools of values by name, handed to `before` in shuffled order, those of the split first."""
    after: str = ""
    """JavaScript statements for what a real page would show once the goal is reached (`dialog closes`)."""
    words_for_strings: bool = False
    """Whether half of the clips show words where the page would make up strings like `x7Qa`."""
