"""App definitions: reading `datasets/phone/*.json`, checking them, and finding ways through their screens.

A definition is a state graph: screens hold blocks (lists, rows, fields, wheels …) whose elements carry actions,
and actions open other screens. `intents` say what a user may want, the way there and how to see that it is done.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uijepa.errors import RecordingError
from uijepa.record.phone.schema import SLOT, Checker, Spec, actions_of, expand

__all__ = ["FOLDER", "Definition", "Spec", "fill", "load", "parse"]

FOLDER = Path(__file__).resolve().parents[3] / "datasets" / "phone"
"""Definitions live beside the library in a checkout, not in the wheel."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One app: the JSON as it was read, checked."""

    name: str
    spec: Spec
    path: Path

    @property
    def screens(self) -> Mapping[str, Spec]:
        """All screens by name."""
        screens: Mapping[str, Spec] = self.spec["screens"]
        return screens

    @property
    def intents(self) -> Mapping[str, Spec]:
        """All intents by name, without the app's own."""
        intents: Mapping[str, Spec] = self.spec["intents"]
        return intents

    def edges(self, screen: str) -> Iterator[tuple[str, str]]:
        """(element id, screen it opens) of everything on a screen that needs no choice among records."""
        spec = self.screens[screen]
        elements = [*spec.get("left", []), *spec.get("right", [])]
        for block in spec["body"]:
            elements += [*block.get("rows", []), *block.get("actions", [])]
            if "button" in block or "picture" in block:
                elements.append(block)
        for element in elements:
            for action in actions_of(element.get("do")):
                if "open" in action:
                    yield element["id"], action["open"]
        for tab in self.tabs if screen in self.tabs else ():
            if tab != screen:
                yield f"tab:{tab}", tab

    @property
    def tabs(self) -> list[str]:
        """Screens that share the app's tab bar."""
        return list(self.spec.get("tabs", []))

    def route(self, start: str, goal: str) -> list[tuple[str, str]] | None:
        """The shortest taps from one screen forward to another, as (element id, screen); None without one."""
        ways: dict[str, list[tuple[str, str]]] = {start: []}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            if here == goal:
                return ways[here]
            for element, there in self.edges(here):
                if there not in ways:
                    ways[there] = [*ways[here], (element, there)]
                    queue.append(there)
        return None


def fill(template: Any, values: Mapping[str, str]) -> Any:
    """`{name}` in a string, or in all strings of a nested value, replaced by the value of that name."""
    if isinstance(template, str):
        return SLOT.sub(lambda match: values.get(match[1], match[0]), template)
    if isinstance(template, Mapping):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    return template


def parse(path: Path, text: str) -> Definition:
    """A checked definition from its JSON text. Raises RecordingError naming file and place of what is wrong."""
    try:
        spec = expand(json.loads(text))
    except json.JSONDecodeError as error:
        raise RecordingError(f"{path.name}:{error.lineno}: not JSON ({error.msg}).") from error
    Checker(path, spec).run()
    return Definition(name=spec["app"], spec=spec, path=path)


def load(folder: Path = FOLDER) -> dict[str, Definition]:
    """All definitions of a folder by app name, in the order of their files' names."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise RecordingError(f"{folder}: no app definitions. Recording phones needs a checkout of the project.")
    return {path.stem: parse(path, path.read_text(encoding="utf-8")) for path in files}
