"""The MiniWoB++ pages (the `miniwob` package, MIT) as a source of recordings, played by scripted people.

The yellow instruction is never on the screen; success is the task's own reward of 1.
"""

from __future__ import annotations

from uijepa.record.miniwob import apps, clicking, dragging, entering, mail
from uijepa.record.miniwob.episode import begin, end
from uijepa.record.miniwob.hand import Hand
from uijepa.record.miniwob.task import Task
from uijepa.record.miniwob.wordings import ALSO
from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values

__all__ = ["MiniWob"]


def _tasks() -> dict[str, Task]:
    tasks = (*clicking.TASKS, *entering.TASKS, *dragging.TASKS, *mail.TASKS, *apps.TASKS)
    return {f"miniwob/{task.name}": task for task in tasks}


class MiniWob:
    """A source (see `uijepa.record.source`) with one category for each MiniWoB++ page it can play."""

    def __init__(self) -> None:
        self.tasks = _tasks()

    def categories(self) -> list[str]:
        """`miniwob/<page>` for every page that can be played."""
        return list(self.tasks)

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:
        """Play one page. Raises Failed when the page gave no reward of 1, or had no problem for this split."""
        task = self.tasks[category]
        stage.pointer = "mouse"
        facts = begin(stage, task, values, seed)
        stage.think(1500)
        task.play(Hand(stage), facts)
        end(stage)
        intent = task.label.format_map(facts)
        slots = {name: facts[name] for name in task.slots}
        missing = [value for value in slots.values() if value not in intent]
        if missing:
            raise Failed(f"{missing[0]!r} is not in the label {intent!r}")
        also = tuple(words.format_map(facts) for words in ALSO[task.name])
        return Performance(intent=intent, slots=slots, alternatives=also)
