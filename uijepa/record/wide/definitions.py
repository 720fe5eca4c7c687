"""Definitions of wide apps: reading `datasets/wide/*.json`, checking them, finding ways through their screens.

They say what phone apps' definitions say (screens, state, intents), with blocks made for wide windows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uijepa.errors import RecordingError
from uijepa.record.phone import definitions as phone
from uijepa.record.wide.schema import Checker, Spec, actions_of, blocks_of

__all__ = ["FOLDER", "Definition", "Spec", "load", "parse"]

FOLDER = phone.FOLDER.parent / "wide"
"""Definitions live beside the library in a checkout, not in the wheel."""


@dataclass(frozen=True, kw_only=True)
class Definition(phone.Definition):
    """One app: the JSON as it was read, checked, its generators put in place of their names."""

    @property
    def tabs(self) -> list[str]:
        """Screens of the app's navigation."""
        return [link["screen"] for link in self.spec.get("nav", [])]

    def edges(self, screen: str) -> Iterator[tuple[str, str]]:
        """(element id, screen it opens) of everything on a screen that needs no choice among records."""
        spec = self.screens[screen]
        if "as" not in spec:
            yield from ((f"nav:{name}", name) for name in self.tabs if name != screen)
        elements = list(spec.get("bar", []))
        for block in blocks_of([b for b in spec["body"] if "of" not in b or "total" in b]):
            for kind in ("rows", "buttons", "tools"):
                elements += block.get(kind, []) if not set(block) & {"table", "thread", "notebook"} else []
        for element in elements:
            for action in actions_of(element.get("do")):
                if "open" in action or "nav" in action:
                    yield element["id"], action.get("open") or action["nav"]

    def search_of(self, screen: str, collection: str) -> tuple[str, list[str]] | None:
        """The search field of a screen and the fields of a collection's records it looks at; None without one."""
        for block in blocks_of(self.screens[screen]["body"]):
            if collection in (block.get("table"), block.get("list"), block.get("cards")) and "search" in block:
                field, *looked_at = block["search"]
                return field, looked_at
        return None


def _with_generators(spec: Any, generators: Mapping[str, Any]) -> Any:
    """`spec` with each '@name' replaced by the generator of that name."""
    if isinstance(spec, str) and spec.startswith("@"):
        return _with_generators(generators[spec[1:]], generators)
    if isinstance(spec, Mapping):
        return {key: _with_generators(value, generators) for key, value in spec.items()}
    if isinstance(spec, list):
        return [_with_generators(part, generators) for part in spec]
    return spec


def parse(path: Path, text: str) -> Definition:
    """A checked definition from its JSON text. Raises RecordingError naming file and place of what is wrong."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordingError(f"{path.name}:{error.lineno}: not JSON ({error.msg}).") from error
    try:
        spec: Spec = _with_generators(raw, raw.get("generators", {}))
    except KeyError as error:
        raise RecordingError(f"{path.name}: generators: none is called {error}.") from error
    Checker(path, spec).run()
    return Definition(name=spec["app"], spec=spec, path=path)


def load(folder: Path = FOLDER) -> dict[str, Definition]:
    """All definitions of a folder by app name, in the order of their files' names."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise RecordingError(f"{folder}: no app definitions. Recording apps needs a checkout of the project.")
    return {path.stem: parse(path, path.read_text(encoding="utf-8")) for path in files}
