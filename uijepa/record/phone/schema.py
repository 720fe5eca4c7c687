"""What an app definition may say: the keys of every object in it, and the check that holds it to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from uijepa.errors import RecordingError

Spec = Mapping[str, Any]
SLOT = re.compile(r"\{(\w+)\}")

_APP = {"app", "name", "icon", "tabs", "start", "draft", "state", "values", "screens", "intents"}
_SCREEN = {"title", "as", "large", "bare", "live", "ticking", "tab", "left", "right", "body", "composer"}
_INTENT = {"label", "also", "wants", "slots", "hidden", "setup", "values", "paths", "goal", "begin"}
_BLOCKS = {
    "list": {"list", "where", "sort", "search", "large", "empty", "header", "item"},
    "rows": {"rows", "header"},
    "fields": {"fields", "header", "style"},
    "wheel": {"wheel", "kind"},
    "note": {"note", "style"},
    "hero": {"hero", "avatar", "icon", "art", "subtitle", "style"},
    "picture": {"picture", "seed", "style", "title", "subtitle", "route", "pins", "id", "do"},
    "segments": {"segments", "options", "style", "do"},
    "stars": {"stars", "do"},
    "stats": {"stats", "header"},
    "progress": {"progress", "left", "right"},
    "month": {"month", "do"},
    "actions": {"actions", "style"},
    "button": {"button", "id", "fill", "danger", "do"},
    "ticker": {"ticker", "subtitle", "style"},
    "thread": {"thread", "where", "sort"},
    "keypad": {"keypad"},
    "tiles": {"tiles", "value", "do"},
    "cards": {"cards", "where", "sort", "search", "header", "item", "columns", "style", "empty"},
}
_BAR = {"id", "icon", "text", "strong", "fab", "on", "do", "when", "unless"}
_CELL = {"id", "icon", "text", "danger", "on", "style", "do", "when", "unless"}
_COMPOSER = {"field", "placeholder", "id", "do"}
_ANY_BLOCK = {"when", "unless"}
_ROW = {
    "id", "title", "subtitle", "text", "after", "icon", "color", "avatar", "check", "checked", "toggle", "toggled",
    "select", "stepper", "art", "on", "buttons", "style", "tint", "plain", "do", "swipe", "when", "unless",
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
    "flip": {"flip"},
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
    "pick": {"pick", "to"},
    "dial": {"dial"},
    "key": {"key"},
    "wait": {"wait"},
}
ART = ("photo", "scene", "dish", "room", "product", "cover", "map", "bars", "curve")
"""Kinds of pictures the front end can draw (`web/art.js`)."""
_GOALS = {"at": {"at", "where"}, "exists": {"exists", "where"}, "missing": {"missing", "where"}, "values": {"values"}}


def expand(spec: Any) -> Any:
    """A definition with its short forms written out: `"swipe": "delete"` is the usual red button behind a row."""
    if isinstance(spec, dict):
        short = {"swipe": [{"id": "delete", "text": "Delete", "danger": True, "do": {"remove": True}}]}
        return {k: short["swipe"] if (k, v) == ("swipe", "delete") else expand(v) for k, v in spec.items()}
    return [expand(part) for part in spec] if isinstance(spec, list) else spec


def actions_of(do: Any) -> list[Spec]:
    """An action or a list of them, as a list."""
    if do is None:
        return []
    return list(do) if isinstance(do, list) else [do]


def _ids(spec: Any) -> Iterator[str]:
    """The ids of all elements of a definition, form fields, wheels and the buttons of dialogs among them."""
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            if key in ("id", "field", "wheel", "month") and isinstance(value, str):
                yield value
            if key in ("confirm", "prompt"):
                yield from ("ok", "cancel")
            yield from _ids(value)
    elif isinstance(spec, list):
        for part in spec:
            yield from _ids(part)


class Checker:
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
            self.keys(f"{place} bar", item, _BAR, ("id", "do"))
            self.action(f"{place} bar {item['id']}", item["do"])
        if "composer" in screen:
            self.keys(f"{place}.composer", screen["composer"], _COMPOSER, ("field", "id", "do"))
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
            self.keys(place, cell, _CELL, ("id", "icon", "do"))
            self.action(place, cell["do"])
        if kind == "picture" and block["picture"] not in ART:
            raise self.fail(place, f"no picture {block['picture']!r}. Known: {', '.join(ART)}.")
        for art in [block.get("art"), *(row.get("art") for row in rows)]:
            if art is not None and (len(art) != 2 or art[0] not in ART):
                raise self.fail(place, f"'art' is [kind, seed] with a kind of {', '.join(ART)}, not {art!r}.")
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
        for label in [intent["label"], *intent.get("also", [])]:
            if set(SLOT.findall(label)) != set(intent.get("slots", {})):
                raise self.fail(place, f"the label {label!r} and 'slots' name different slots.")
        if "{" in intent.get("wants", ""):
            raise self.fail(place, "'wants' says what is wanted without any value.")
        for added in intent.get("setup", []):
            self.keys(f"{place}.setup", added, {"add", "record"}, ("add", "record"))
            self.collection_exists(f"{place}.setup", added["add"])
        for goal in intent["goal"]:
            kind = self.kind(f"{place}.goal", goal, _GOALS)
            if kind == "at":
                self.screen_exists(f"{place}.goal", goal["at"])
            elif kind != "values":
                self.collection_exists(f"{place}.goal", goal[kind])
        known = set(intent.get("slots", {})) | set(intent.get("hidden", {}))
        unknown = {slot for slot in SLOT.findall(json.dumps([intent["paths"], intent["goal"]])) if slot not in known}
        if unknown:
            raise self.fail(place, f"'paths' or 'goal' use {min(unknown)!r}, which is neither a slot nor hidden.")
        ids = set(_ids(self.spec)) | {"cancel"}
        for path in intent["paths"]:
            for step in path:
                self.step(f"{place}.paths", step, ids)

    def step(self, place: str, step: Any, ids: set[str]) -> None:
        kind = self.kind(place, step, _STEPS)
        if kind == "go":
            self.screen_exists(place, step["go"])
        elif "where" in step:
            self.collection_exists(place, step[kind])
        elif (
            kind in ("tap", "type", "turn", "pick") and step[kind].split("/")[0] not in ids and ":" not in step[kind]
        ):
            raise self.fail(place, f"no element {step[kind]!r} in any screen.")
