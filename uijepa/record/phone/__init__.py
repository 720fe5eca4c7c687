"""Recordings of phone apps: one front end (Framework7, in `record/web`) draws all apps from `datasets/phone`."""

from __future__ import annotations

from pathlib import Path

from uijepa.errors import RecordingError
from uijepa.record.phone.actor import Actor
from uijepa.record.phone.definitions import FOLDER, Definition, Spec, fill, load
from uijepa.record.phone.world import build, draw
from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values

WEB = Path(__file__).resolve().parents[1] / "web"
_NEEDED = ("framework7", "framework7-icons", "material-icons", "@fontsource/inter", "@fontsource/roboto")

__all__ = ["Definition", "Phone", "load"]


class Phone:
    """The source of phone recordings. Categories are named `phone/<app>-<intent>`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        for package in _NEEDED:
            if not (WEB / "node_modules" / package).is_dir():
                raise RecordingError(f"The phone needs the npm package {package}. Fetch it with: make recorder")
        self.definitions = load(folder)
        self._intents: dict[str, tuple[Definition, Spec]] = {
            f"phone/{app}-{name}": (definition, intent)
            for app, definition in self.definitions.items()
            for name, intent in definition.intents.items()
        }

    def categories(self) -> list[str]:
        """All intents of all apps, apps in the order of their names."""
        return list(self._intents)

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:  # noqa: ARG002
        """Play one intent on a phone of its own. Raises Failed when its goal does not hold at the end."""
        definition, intent = self._intents[category]
        rng = stage.rng
        slots = {name: str(draw(generator, values)) for name, generator in intent.get("slots", {}).items()}
        hidden = {name: str(draw(generator, values)) for name, generator in intent.get("hidden", {}).items()}
        known = slots | hidden
        world = build(self.definitions, definition.name, intent, known, values)
        # Real recordings of iOS show no touches; Android's can, and simulators show a mouse.
        stage.pointer = rng.choice(("touch", "touch", "none", "none", "none", "mouse"))
        stage.open((WEB / "index.html").as_uri(), width=world.width, height=world.height)
        stage.evaluate("world => phone.start(world)", dict(world.page))
        stage.prepare(600)
        goal = fill(intent["goal"], known)
        if stage.evaluate("([app, goal]) => phone.holds(app, goal)", [definition.name, goal]):
            raise Failed("the goal holds before anything is done")
        actor = Actor(stage, definition, rng)
        actor.think(rng.uniform(800, 3000))
        actor.play(fill(rng.choice(intent["paths"]), known))
        actor.settle()
        actor.put_keyboard_away()
        if not stage.evaluate("([app, goal]) => phone.holds(app, goal)", [definition.name, goal]):
            raise Failed("the goal does not hold at the end")
        stage.wait(rng.uniform(1200, 3500))
        return Performance(intent=fill(intent["label"], slots), slots=slots)
