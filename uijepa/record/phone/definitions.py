"""App definitions: reading `datasets/phone/*.json`, checking them, and finding ways through their screens.

A definition is a state graph: screens hold blocks (lists, rows, fields, wheels …) whose elements carry actions,
and actions open other screens. `intents` say what a user may want, the way there and how to see that it is done.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uijepa.errors import RecordingError

FOLDER = Path(__file__).resolve().parents[3] / "datasets" / "phone"
"""Definitions live beside the library in a checkout, not in the wheel."""

Spec = Mapping[str, Any]
_SLOT = re.compile(r"\{(\w+)\}")

_APP = {"app", "name", "icon", "tabs", "start", "draft", "state", "values", "screens", "intents"}
_SCREEN = {"title", "as", "large", "bare", "live", "ticking", "tab", "left", "right", "body", "composer"}
_INTENT = {"label", "slots", "hidden", "setup", "values", "paths", "goal", "begin"}
_BLOCKS = {
    "list": {"list", "where", "sort", "search", "large", "empty", "header", "item"},
    "rows": {"rows", "header"},
    "fields": {"fields", "header"},
    "wheel": {"wheel", "kind"},
    "note": {"note"},
    "hero": {"hero", "avatar", "icon", "subtitle", "style"},
    "actions": {"actions", "style"},
    "button": {"button", "id", "fill", "danger", "do"},
    "ticker": {"ticker", "subtitle", "style"},
    "thread": {"thread", "where", "sort"},
    "keypad": {"keypad"},
    "tiles": {"tiles", "value", "do"},
    "cards": {"cards", "where", "sort", "header", "item"},
}
_ANY_BLOCK = {"when", "unless"}
_ROW = {
    "id", "title", "subtitle", "text", "after", "icon", "color", "avatar", "check", "checked", "toggle", "toggled",
    "select", "buttons", "style", "tint", "plain", "do", "swipe", "when", "unless",
}  # fmt: skip
_ACTIONS = {
    "open": {"open"},
    "back": {"back"},
    "home": {"home"},
    "draft": {"draft"},
    "add": {"add", "record", "show"},
    "set": {"set"},
    "update": {"update", "where", "to"},
    "put": {"put"},
    "remove": {"remove", "where"},
    "confirm": {"confirm"},
    "prompt": {"prompt"},
    "menu": {"menu"},
    "toast": {"toast"},
    "after": {"after", "do"},
}
_STEPS = {
    "go": {"go"},
    "tap": {"tap", "where", "part"},
    "swipe": {"swipe", "where", "part"},
    "look": {"look", "where"},
    "type": {"type", "text", "share", "replace"},
    "turn": {"turn", "to"},
    "dial": {"dial"},
    "key": {"key"},
    "wait": {"wait"},
}
_GOALS = {"exists": {"exists", "where"}, "missing": {"missing", "where"}, "values": {"values"}}


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
            if "button" in block:
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


def actions_of(do: Any) -> list[Spec]:
    """An action or a list of them, as a list."""
    if do is None:
        return []
    return list(do) if isinstance(do, list) else [do]


def fill(template: Any, values: Mapping[str, str]) -> Any:
    """`{name}` in a string, or in all strings of a nested value, replaced by the value of that name."""
    if isinstance(template, str):
        return _SLOT.sub(lambda match: values.get(match[1], match[0]), template)
    if isinstance(template, Mapping):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    return template


class _Checker:
    """Walks one definition and raises RecordingError at the first thing that is wrong, naming file and place."""

    def __init__(self, path: Path, spec: Any) -> None:
        self.path = path
        self.spec = spec

    def fail(self, place: str, reason: str) -> RecordingError:
        return RecordingError(f"{self.path.name}: {place}: {reason}")

    def keys(self, place: str, spec: Any, known: set[str], needed: tuple[str, ...] = ()) -> None:
        if not isinstance(spec, dict):
            raise self.fail(place, f"must be an object, not {type(spec).__name__}.")
        for key in spec:
            if key not in known:
                raise self.fail(place, f"unknown key {key!r}. Known: {', '.join(sorted(known))}.")
        for key in needed:
            if key not in spec:
                raise self.fail(place, f"needs {key!r}.")

    def kind(self, place: str, spec: Any, kinds: Mapping[str, set[str]], extra: set[str] | None = None) -> str:
        """Which of `kinds` an object is: the one whose name is among its keys."""
        if not isinstance(spec, dict):
            raise self.fail(place, f"must be an object, not {type(spec).__name__}.")
        found = next((name for name in kinds if name in spec), None)
        if found is None:
            raise self.fail(place, f"is none of {', '.join(kinds)}; it has {', '.join(spec)}.")
        self.keys(place, spec, kinds[found] | (extra or set()))
        return found

    def run(self) -> None:
        self.keys("app", self.spec, _APP, ("app", "name", "icon", "start", "state", "screens", "intents"))
        if self.spec["app"] != self.path.stem:
            raise self.fail("app", f"is {self.spec['app']!r}, the file is {self.path.stem!r}.")
        self.keys("icon", self.spec["icon"], {"ios", "md", "colors"}, ("ios", "md", "colors"))
        for name in [self.spec["start"], *self.spec.get("tabs", [])]:
            self.screen_exists("start and tabs", name)
        for name, seed in self.spec["state"].items():
            self.keys(f"state.{name}", seed, {"count", "record", "per", "final"}, ("count", "record"))
        for name, screen in self.spec["screens"].items():
            self.screen(name, screen)
        for name, intent in self.spec["intents"].items():
            self.intent(name, intent)

    def screen_exists(self, place: str, name: str) -> None:
        if name not in self.spec["screens"]:
            raise self.fail(place, f"no screen {name!r}.")

    def collection_exists(self, place: str, name: Any) -> None:
        if name not in self.spec["state"]:
            raise self.fail(place, f"no collection {name!r} in state.")

    def screen(self, name: str, screen: Any) -> None:
        place = f"screens.{name}"
        self.keys(place, screen, _SCREEN, ("body",))
        for item in [*screen.get("left", []), *screen.get("right", [])]:
            self.keys(f"{place} bar", item, {"id", "icon", "text", "strong", "fab", "do", "when", "unless"}, ("id", "do"))
            self.action(f"{place} bar {item['id']}", item["do"])
        if "composer" in screen:
            self.keys(f"{place}.composer", screen["composer"], {"field", "placeholder", "id", "do"}, ("field", "id", "do"))
            self.action(f"{place}.composer", screen["composer"]["do"])
        for number, block in enumerate(screen["body"]):
            self.block(f"{place}.body[{number}]", block)

    def block(self, place: str, block: Any) -> None:
        kind = self.kind(place, block, _BLOCKS, _ANY_BLOCK)
        if kind in ("list", "cards", "thread"):
            self.collection_exists(place, block[kind])
        rows = [block["item"]] if "item" in block else block.get("rows", [])
        for row in rows:
            self.keys(place, row, _ROW)
            for part in [row, *row.get("swipe", []), *row.get("buttons", [])]:
                for key in ("do", "checked", "toggled"):
                    self.action(place, part.get(key))
        for cell in block.get("actions", []):
            self.keys(place, cell, {"id", "icon", "text", "danger", "do"}, ("id", "icon", "do"))
            self.action(place, cell["do"])
        for field in block.get("fields", []):
            self.keys(place, field, {"id", "label", "placeholder", "kind"}, ("id",))
        self.action(place, block.get("do"))

    def action(self, place: str, do: Any) -> None:
        for action in actions_of(do):
            kind = self.kind(f"{place} do", action, _ACTIONS)
            for name in (action.get("open"), action.get("show")):
                if name is not None:
                    self.screen_exists(place, name)
            if kind in ("add", "update") or (kind == "remove" and action["remove"] is not True):
                self.collection_exists(place, action[kind])
            if kind in ("confirm", "prompt"):
                self.keys(
                    f"{place} {kind}",
                    action[kind],
                    {"title", "text", "ok", "cancel", "danger", "field", "placeholder", "do"},
                    ("title", "ok", "do"),
                )
                self.action(place, action[kind]["do"])
            for item in action["menu"] if kind == "menu" else ():
                self.keys(f"{place} menu", item, {"id", "text", "danger", "do"}, ("id", "text", "do"))
                self.action(place, item["do"])
            if kind == "after":
                self.action(place, action["do"])

    def intent(self, name: str, intent: Any) -> None:
        place = f"intents.{name}"
        self.keys(place, intent, _INTENT, ("label", "paths", "goal"))
        if set(_SLOT.findall(intent["label"])) != set(intent.get("slots", {})):
            raise self.fail(place, "the label and 'slots' name different slots.")
        for added in intent.get("setup", []):
            self.keys(f"{place}.setup", added, {"add", "record"}, ("add", "record"))
            self.collection_exists(f"{place}.setup", added["add"])
        for goal in intent["goal"]:
            kind = self.kind(f"{place}.goal", goal, _GOALS)
            if kind != "values":
                self.collection_exists(f"{place}.goal", goal[kind])
        for path in intent["paths"]:
            for step in path:
                kind = self.kind(f"{place}.paths", step, _STEPS)
                if kind == "go":
                    self.screen_exists(f"{place}.paths", step["go"])


def parse(path: Path, text: str) -> Definition:
    """A checked definition from its JSON text. Raises RecordingError naming file and place of what is wrong."""
    try:
        spec = json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordingError(f"{path.name}:{error.lineno}: not JSON ({error.msg}).") from error
    _Checker(path, spec).run()
    return Definition(name=spec["app"], spec=spec, path=path)


def load(folder: Path = FOLDER) -> dict[str, Definition]:
    """All definitions of a folder by app name, in the order of their files' names."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise RecordingError(f"{folder}: no app definitions. Recording phones needs a checkout of the project.")
    return {path.stem: parse(path, path.read_text(encoding="utf-8")) for path in files}
