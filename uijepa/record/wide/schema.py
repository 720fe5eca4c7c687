"""What a definition of a wide app may say: the keys of every object in it, and the check that holds it to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from uijepa.record.phone import schema as phone
from uijepa.record.phone.schema import SLOT, Spec, actions_of

__all__ = ["Checker", "Spec", "actions_of", "blocks_of"]

_APP = {
    "app", "name", "icon", "kind", "host", "brand", "login", "nav", "start", "draft", "generators", "state", "values",
    "chosen", "keys", "screens", "intents",
}  # fmt: skip
_NEEDED = ("app", "name", "icon", "kind", "start", "state", "screens", "intents")
_SCREEN = {"title", "subtitle", "as", "style", "full", "bare", "fresh", "bar", "body"}
_INTENT = {"label", "also", "slots", "hidden", "setup", "values", "paths", "goal"}
_BUTTON = {"id", "text", "icon", "look", "tip", "do", "menu", "when", "unless", "gap"}
_FIELD = {
    "id", "label", "placeholder", "help", "kind", "options", "rows", "half", "bind", "live", "enter", "do", "when",
    "unless",
}  # fmt: skip
_REACH = {"do", "twice", "menu", "drag", "drop"}
_FOUND = {"where", "search", "filter", "sort", "down", "header", "empty"}
_ITEM = _REACH | {
    "title", "subtitle", "text", "avatar", "icon", "color", "picture", "after", "badge", "check", "checked", "toggle",
    "toggled", "select", "buttons", "chosen", "strong", "indent", "edit", "price", "tags", "id", "when", "unless",
}  # fmt: skip
_BLOCKS = {
    "table": {"table", "columns", "page", "foot", "check", "buttons"} | _FOUND | _REACH,
    "list": {"list", "item", "style"} | _FOUND,
    "rows": {"rows", "header", "style"},
    "cards": {"cards", "item", "min"} | _FOUND,
    "board": {"board", "by", "lanes", "item", "add", "moved"} | _FOUND,
    "files": {"files", "item"} | _FOUND,
    "form": {"form", "header", "style"},
    "tools": {"tools", "style"},
    "tabs": {"tabs", "items"},
    "stats": {"stats"},
    "chart": {"chart", "title"},
    "thread": {"thread", "buttons"} | _FOUND | _REACH,
    "calendar": {"calendar", "item", "do"},
    "notebook": {"notebook", "buttons"} | _FOUND | _REACH,
    "total": {"total", "of", "times", "where", "discount", "buttons"},
    "heading": {"heading", "avatar", "picture", "text", "badge", "buttons", "style"},
    "buttons": {"buttons", "style"},
    "text": {"text", "style"},
    "facts": {"facts", "header"},
    "banner": {"banner", "icon", "style"},
    "art": {"art", "name"},
    "steps": {"steps", "at"},
    "card": {"card", "header"},
    "split": {"split"},
    "of": {"of", "body", "else"},
    "nothing": {"nothing", "icon"},
}
_COLLECTIONS = ("table", "list", "cards", "board", "files", "thread", "calendar", "notebook", "total")
_ACTIONS = {
    "open": {"open"},
    "back": {"back"},
    "nav": {"nav"},
    "draft": {"draft"},
    "add": {"add", "record", "first", "choose"},
    "set": {"set"},
    "update": {"update", "where", "to"},
    "put": {"put"},
    "count": {"count", "by", "least"},
    "remove": {"remove", "where"},
    "choose": {"choose"},
    "confirm": {"confirm"},
    "toast": {"toast"},
    "need": {"need"},
    "focus": {"focus"},
}
_CONFIRM = {"title", "text", "ok", "cancel", "danger", "field", "do"}
_STEPS = {
    "go": {"go"},
    "tap": {"tap", "where", "part", "twice"},
    "menu": {"menu", "where", "item"},
    "drag": {"drag", "where", "to", "onto"},
    "look": {"look", "where"},
    "type": {"type", "where", "part", "text", "replace", "enter"},
    "pick": {"pick", "option", "where", "part"},
    "key": {"key"},
    "wait": {"wait"},
}
_GOALS = {"exists": {"exists", "where"}, "missing": {"missing", "where"}, "values": {"values"}}


def blocks_of(body: list[Spec]) -> Iterator[Spec]:
    """All blocks of a body, those inside panes, cards and tabs among them."""
    for block in body:
        yield block
        for part in [*block.get("split", []), *(block.get("items", []) if "tabs" in block else [])]:
            yield from blocks_of(part["body"])
        for inner in ("card", "body", "else"):
            if isinstance(block.get(inner), list):
                yield from blocks_of(block[inner])


class Checker(phone.Checker):
    """Walks one definition and raises RecordingError at the first thing that is wrong, naming file and place."""

    def run(self) -> None:
        self.keys("app", self.spec, _APP, _NEEDED)
        if self.spec["app"] != self.path.stem:
            raise self.fail("app", f"is {self.spec['app']!r}, the file is {self.path.stem!r}.")
        for name in [self.spec["start"], *(link["screen"] for link in self.spec.get("nav", []))]:
            self.screen_exists("start and nav", name)
        for name, seed in self.spec["state"].items():
            self.keys(f"state.{name}", seed, {"count", "record", "per", "final"}, ("count", "record"))
        for name in self.spec.get("chosen", {}).values():
            self.collection_exists("chosen", name)
        for key, do in self.spec.get("keys", {}).items():
            self.action(f"keys.{key}", do)
        for name, screen in self.spec["screens"].items():
            self.screen(name, screen)
        self.ids = set(self._elements())
        for name, intent in self.spec["intents"].items():
            self.intent(name, intent)

    def screen(self, name: str, screen: Any) -> None:
        place = f"screens.{name}"
        self.keys(place, screen, _SCREEN, ("body",))
        self._buttons(f"{place}.bar", screen.get("bar", []))
        for number, block in enumerate(blocks_of(screen["body"])):
            self.block(f"{place} block {number}", block)

    def block(self, place: str, block: Any) -> None:
        kind = self.kind(place, block, _BLOCKS, {"when", "unless"})
        place = f"{place} ({kind})"
        if kind in _COLLECTIONS:
            self.collection_exists(place, block[kind])
        for item in [block["item"]] if isinstance(block.get("item"), dict) else block.get("rows", []):
            self.keys(place, item, _ITEM)
            self._reach(place, item)
            for key in ("checked", "toggled"):
                self.action(place, item.get(key))
        self._reach(place, block)
        for key in ("add", "moved"):
            self.action(place, block.get(key))
        for field in block.get("form", []):
            self._field(place, field)
        for tool in block.get("tools", []):
            if "kind" in tool:
                self._field(place, tool)
            else:
                self._buttons(place, [tool])

    def _reach(self, place: str, spec: Spec) -> None:
        self.action(place, spec.get("do"))
        self.action(place, spec.get("twice"))
        self._buttons(place, [*spec.get("buttons", []), *spec.get("menu", [])])
        if "drop" in spec:
            self.keys(f"{place} drop", spec["drop"], {"where", "as", "key", "do"}, ("do",))
            self.action(place, spec["drop"]["do"])

    def _buttons(self, place: str, buttons: list[Any]) -> None:
        for one in buttons:
            self.keys(place, one, _BUTTON | {"danger", "keys"}, () if "gap" in one else ("id",))
            self.action(f"{place} {one.get('id')}", one.get("do"))
            self._buttons(place, one.get("menu", []))

    def _field(self, place: str, field: Any) -> None:
        self.keys(place, field, _FIELD, ("id",))
        self.action(place, field.get("do"))
        self.action(place, field.get("enter"))

    def action(self, place: str, do: Any) -> None:
        for action in actions_of(do):
            kind = self.kind(f"{place} do", action, _ACTIONS, {"only"})
            if kind in ("open", "nav"):
                self.screen_exists(place, action[kind])
            if kind in ("add", "update") or (kind == "remove" and action["remove"] is not True):
                self.collection_exists(place, action[kind])
            if kind == "confirm":
                self.keys(f"{place} confirm", action["confirm"], _CONFIRM, ("title", "ok", "do"))
                self.action(place, action["confirm"]["do"])

    def _elements(self) -> Iterator[str]:
        """Ids that a step may name: those in the screens, of options, of columns, of what the shell draws."""
        yield from ("ok", "cancel", "back", "close", "me", "sign-out", "profile")
        stack: list[Any] = [self.spec["screens"], self.spec.get("keys", {})]
        while stack:
            here = stack.pop()
            if isinstance(here, Mapping):
                if isinstance(here.get("id"), str):
                    yield here["id"]
                stack += here.values()
            elif isinstance(here, list):
                stack += here

    def intent(self, name: str, intent: Any) -> None:
        place = f"intents.{name}"
        self.keys(place, intent, _INTENT, ("label", "also", "paths", "goal"))
        for wording in [intent["label"], *intent["also"]]:
            if set(SLOT.findall(wording)) != set(intent.get("slots", {})):
                raise self.fail(place, f"{wording!r} and 'slots' name different slots.")
        for added in intent.get("setup", []):
            self.keys(f"{place}.setup", added, {"add", "record"}, ("add", "record"))
            self.collection_exists(f"{place}.setup", added["add"])
        for goal in intent["goal"]:
            kind = self.kind(f"{place}.goal", goal, _GOALS)
            if kind != "values":
                self.collection_exists(f"{place}.goal", goal[kind])
        known = set(intent.get("slots", {})) | set(intent.get("hidden", {}))
        for slot in SLOT.findall(json.dumps([intent["paths"], intent["goal"]])):
            if slot not in known:
                raise self.fail(place, f"'paths' or 'goal' use {slot!r}, which is neither a slot nor hidden.")
        for path in intent["paths"]:
            for step in path:
                self._step(f"{place}.paths", step)

    def _step(self, place: str, step: Any) -> None:
        kind = self.kind(place, step, _STEPS)
        if kind == "go":
            self.screen_exists(place, step["go"])
        elif "where" in step:
            self.collection_exists(place, step[kind])
        elif kind in ("tap", "type", "pick") and step[kind].split("/")[0] not in self.ids and ":" not in step[kind]:
            raise self.fail(place, f"no element {step[kind]!r} in any screen.")
        if step.get("item", "ok") not in self.ids:
            raise self.fail(place, f"no menu item {step['item']!r}.")
