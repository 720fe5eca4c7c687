"""What a source of recordings must offer, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from uijepa.errors import UijepaError

if TYPE_CHECKING:
    from uijepa.record.stage import Stage
    from uijepa.record.values import Values


class Failed(UijepaError):
    """This attempt did not reach its goal: the clip is dropped and the next seed tried."""

    code = "attempt-failed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What was played, in words."""

    intent: str
    """One canonical English imperative sentence; its template is the same for all clips of the category."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """Free values, each verbatim inside `intent`. Closed pools (colours, on/off) are no slots."""
    alternatives: tuple[str, ...] = ()
    """Other wordings of the same intent."""


class Source(Protocol):
    """A kind of pages with scripted people. Built without arguments, once per worker process."""

    def categories(self) -> list[str]:
        """Names of all tasks this source can play, in a fixed order, unique across sources."""
        ...

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:
        """Play one task, from `stage.open(...)` to its end; all chance comes from `stage.rng` and `values`.

        Raises Failed when the attempt did not reach its goal.
        """
        ...
