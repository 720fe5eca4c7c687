"""Walks the paths of app definitions on paper: is every element on the screen where a path wants it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from uijepa.record.phone.definitions import Definition
from uijepa.record.phone.schema import actions_of

Elements = dict[str, Any]
"""What a tap does, by element id; records' elements are `<collection>` and `<collection>/<part>`."""


def _of_row(base: str, row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield base, row.get("do")
    for part in ("check", "toggle"):
        if part in row:
            yield f"{base}/{part}", None
    if "stepper" in row:
        yield from ((f"{base}/{sign}", None) for sign in ("plus", "minus"))
    for part in [*row.get("buttons", []), *row.get("swipe", [])]:
        yield f"{base}/{part['id']}", part["do"]


def _of_block(block: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind in ("list", "cards"):
        if kind in block:
            yield from _of_row(block[kind], block["item"])
    for row in block.get("rows", []):
        yield from _of_row(row["id"], row)
    for cell in block.get("actions", []):
        yield cell["id"], cell["do"]
    for field in block.get("fields", []):
        yield field["id"], None
    for name in ("wheel", "month"):
        if name in block:
            yield block[name], None
    for option in block.get("options", []):
        yield f"{block['segments']}:{option}", block.get("do")
    if "stars" in block:
        yield from ((f"{block['stars']}:{n}", block.get("do")) for n in range(1, 6))
    for tile in block.get("tiles", []):
        yield f"tile:{tile}", block["do"]
    if "button" in block or ("picture" in block and "do" in block):
        yield block["id"], block["do"]


def _on_screen(screen: dict[str, Any]) -> Elements:
    elements: Elements = {}
    for name, do in (pair for block in screen["body"] for pair in _of_block(block)):
        elements[name] = do if do is not None else elements.get(name)
    for item in [*screen.get("left", []), *screen.get("right", [])]:
        elements[item["id"]] = item["do"]
    if screen.get("as") and not screen.get("left"):
        elements["cancel"] = {"back": 1}
    if "composer" in screen:
        elements |= {screen["composer"]["id"]: screen["composer"]["do"], screen["composer"]["field"]: None}
    return elements


class Walk:
    """Someone on their way: the screens that are open, and what lies over them."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.stack = [definition.spec["start"]]
        self.over: Elements | None = None

    def elements(self) -> Elements:
        """What can be used now."""
        return self.over if self.over is not None else _on_screen(dict(self.definition.screens[self.stack[-1]]))

    def do(self, actions: Any) -> None:
        """What a tap does to the screens."""
        for action in actions_of(actions):
            if "back" in action:
                del self.stack[len(self.stack) - int(action["back"]) :]
                assert self.stack, f"{action} leaves the app"
            for name in (action.get("open"), action.get("show")):
                self.stack += [name] if name else []
            for kind in ("confirm", "prompt"):
                if kind in action:
                    self.over = {"ok": action[kind]["do"], "cancel": None, action[kind].get("field", "cancel"): None}
            if "menu" in action:
                self.over = {"cancel": None} | {item["id"]: item["do"] for item in action["menu"]}

    def go(self, goal: str) -> None:
        """To a screen by what needs no choice among records, leaving screens where there is no way on."""
        while self.stack[-1] != goal and goal not in self.stack:
            route = self.definition.route(self.stack[-1], goal)
            if route is None or (len(self.stack) > 1 and route[0][0].startswith("tab:")):
                assert len(self.stack) > 1, f"no way to {goal}"
                self.stack.pop()
            elif route[0][0].startswith("tab:"):
                self.stack = [route[0][1]]
            else:
                self.stack.append(route[0][1])
        del self.stack[self.stack.index(goal) + 1 :]

    def step(self, step: dict[str, Any]) -> None:
        """One step of a path. Raises AssertionError where it cannot be done."""
        kind = next(iter(step))
        if kind == "go":
            self.go(step["go"])
        elif kind in ("tap", "swipe", "type", "turn", "pick", "look"):
            name = step[kind] + (f"/{step['part']}" if "part" in step else "")
            here = self.elements()
            wanted = next(
                (known for known in here if known == name or (":{" in name and known.startswith(name.split("{")[0]))),
                None,
            )
            assert wanted is not None, f"{step} at {self.stack[-1]}, which has {sorted(here)}"
            if kind in ("tap", "swipe"):
                self.over = None
                self.do(here[wanted])


def walk(definition: Definition, path: list[dict[str, Any]]) -> list[str]:
    """The screens open after a path. Raises AssertionError at a step that cannot be done."""
    walker = Walk(definition)
    for step in path:
        walker.step(step)
    return walker.stack
