"""What an engine tells while it works, for those who do not want to wait for the whole answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

StageName: TypeAlias = Literal["decode", "text", "encoder", "decoder"]


@dataclass(frozen=True)
class Stage:
    """A stage begins: the clip is `decode`d in the sandbox, its `text` is read, the `encoder` looks, the `decoder`
    answers."""

    name: StageName


@dataclass(frozen=True)
class Delta:
    """One more token was generated; `text` is what it adds to the sentence, which may be nothing yet.

    The texts of an answer, one after the other, are its intent.
    """

    text: str


Watch: TypeAlias = Callable[[Stage | Delta], None]
"""Called from the thread that predicts. What it raises ends the prediction."""


def ignore(_: Stage | Delta) -> None:
    """Watches nothing."""
