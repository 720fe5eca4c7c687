"""Recordings of desktop and web apps: one front end (Bootstrap, in `wide/web`) draws all apps of `datasets/wide`."""

from __future__ import annotations

from pathlib import Path

from uijepa.errors import RecordingError
from uijepa.record.phone import WEB as PACKAGES
from uijepa.record.phone.definitions import fill
from uijepa.record.phone.world import draw
from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values
from uijepa.record.wide.actor import Actor
from uijepa.record.wide.definitions import FOLDER, Definition, Spec, load
from uijepa.record.wide.wander import Wanderer
from uijepa.record.wide.world import World, build

WEB = Path(__file__).resolve().parent / "web"
_NEEDED = ("bootstrap", "bootstrap-icons", "@fontsource/inter", "@fontsource/lora", "@fontsource/jetbrains-mono")

__all__ = ["Definition", "Roam", "Wide", "load"]


class Wide:
    """The source of recordings on wide screens. Categories are named `wide/<app>-<intent>`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        for package in _NEEDED:
            if not (PACKAGES / "node_modules" / package).is_dir():
                raise RecordingError(f"Wide apps need the npm package {package}. Fetch it with: make recorder")
        self.definitions = load(folder)
        self._intents: dict[str, tuple[Definition, Spec]] = {
            f"wide/{app}-{name}": (definition, intent)
            for app, definition in self.definitions.items()
            for name, intent in definition.intents.items()
        }

    def categories(self) -> list[str]:
        """All intents of all apps, apps in the order of their names."""
        return list(self._intents)

    def show(self, stage: Stage, world: World) -> list[str]:
        """Open a window. Returns the list to which mistakes of the page will be added."""
        mistakes: list[str] = []
        stage.pointer, stage.gap_ms = "mouse", world.gap_ms
        stage.open((WEB / "index.html").as_uri(), width=world.width, height=world.height, scale=world.scale)
        stage.page.on("pageerror", lambda error: mistakes.append(error.message))
        stage.evaluate("world => desk.start(world)", dict(world.page))
        stage.prepare(400)
        return mistakes

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:  # noqa: ARG002
        """Play one intent in a window of its own. Raises Failed when its goal does not hold at the end."""
        definition, intent = self._intents[category]
        rng = stage.rng
        slots = {name: str(draw(generator, values)) for name, generator in intent.get("slots", {}).items()}
        hidden = {name: str(draw(generator, values)) for name, generator in intent.get("hidden", {}).items()}
        known = slots | hidden
        world = build(definition, intent, known, values)
        mistakes = self.show(stage, world)
        goal = fill(intent["goal"], known)
        if stage.ask("goal => desk.holds(goal)", goal):
            raise Failed("the goal holds before anything is done")
        actor = Actor(stage, definition, world, rng)
        actor.think(rng.uniform(900, 3000))
        actor.play(fill(rng.choice(intent["paths"]), known))
        actor.settle()
        if mistakes:
            raise Failed(f"a mistake in the page: {mistakes[0]}")
        if not stage.ask("goal => desk.holds(goal)", goal):
            raise Failed("the goal does not hold at the end")
        stage.wait(rng.uniform(1500, 4000))
        return Performance(
            intent=fill(intent["label"], slots),
            slots=slots,
            alternatives=tuple(fill(wording, slots) for wording in intent["also"]),
        )


class Roam(Wide):
    """Aimless use of wide apps, for video without labels: no intents. Categories are `roam/<app>`."""

    def categories(self) -> list[str]:
        """One for each app."""
        return [f"roam/{app}" for app in self.definitions]

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:  # noqa: ARG002
        """Use an app for 12 to 40 s without any goal. Raises Failed for a mistake in the page."""
        definition = self.definitions[category.partition("/")[2]]
        mistakes = self.show(stage, build(definition, None, {}, values))
        person = Wanderer(stage, stage.rng)
        person.think(1500)
        person.wander(stage.rng.uniform(12, 40), values)
        if mistakes:
            raise Failed(f"a mistake in the page: {mistakes[0]}")
        return Performance(intent="")
