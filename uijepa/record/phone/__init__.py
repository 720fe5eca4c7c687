"""Recordings of phone apps: one front end (in `record/web`) draws all apps from `datasets/phone`."""

from __future__ import annotations

from pathlib import Path

from uijepa.errors import RecordingError
from uijepa.record.phone.actor import Actor
from uijepa.record.phone.definitions import FOLDER, Definition, Spec, fill, load
from uijepa.record.phone.world import World, build, draw
from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values

WEB = Path(__file__).resolve().parents[1] / "web"

__all__ = ["Definition", "Ionic", "Phone", "Wander", "load"]


class Phone:
    """The source of phone recordings, drawn by Framework7. Categories are named `phone/<app>-<intent>`."""

    name = "phone"
    page = "index.html"
    packages: tuple[str, ...] = (
        "framework7",
        "framework7-icons",
        "material-icons",
        "@fontsource/inter",
        "@fontsource/roboto",
    )
    """npm packages the page needs."""

    def __init__(self, folder: Path = FOLDER) -> None:
        for package in self.packages:
            if not (WEB / "node_modules" / package).exists():
                raise RecordingError(f"The phone needs the npm package {package}. Fetch it with: make recorder")
        self.definitions = load(folder)
        self._intents: dict[str, tuple[Definition, Spec]] = {
            f"{self.name}/{app}-{name}": (definition, intent)
            for app, definition in self.definitions.items()
            for name, intent in definition.intents.items()
        }

    def categories(self) -> list[str]:
        """All intents of all apps, apps in the order of their names."""
        return list(self._intents)

    def wants(self, category: str) -> str:
        """What the intent of a category is about, without its values: 'set an alarm'."""
        return str(self._intents[category][1].get("wants", ""))

    def show(self, stage: Stage, world: World) -> None:
        """Put a phone on the stage, ready to be used."""
        # Real recordings of iOS show no touches; Android's can, and simulators show a mouse.
        stage.pointer = stage.rng.choice(("touch", "touch", "none", "none", "none", "mouse"))
        stage.open((WEB / self.page).as_uri(), width=world.width, height=world.height)
        stage.evaluate("world => phone.start(world)", dict(world.page))
        stage.prepare(600)

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:  # noqa: ARG002
        """Play one intent on a phone of its own. Raises Failed when its goal does not hold at the end."""
        definition, intent = self._intents[category]
        rng = stage.rng
        slots = {name: str(draw(generator, values)) for name, generator in intent.get("slots", {}).items()}
        hidden = {name: str(draw(generator, values)) for name, generator in intent.get("hidden", {}).items()}
        known = slots | hidden
        self.show(stage, build(self.definitions, definition.name, intent, known, values))
        goal = fill(intent["goal"], known)
        if stage.ask("([app, goal]) => phone.holds(app, goal)", [definition.name, goal]):
            raise Failed("the goal holds before anything is done")
        actor = Actor(stage, definition, rng)
        actor.think(rng.uniform(800, 3000))
        actor.play(fill(rng.choice(intent["paths"]), known))
        actor.settle()
        actor.put_keyboard_away()
        if not stage.ask("([app, goal]) => phone.holds(app, goal)", [definition.name, goal]):
            raise Failed("the goal does not hold at the end")
        stage.wait(rng.uniform(1200, 3500) if rng.random() < 0.8 else rng.uniform(3500, 9000))
        return Performance(
            intent=fill(intent["label"], slots),
            slots=slots,
            alternatives=tuple(fill(other, slots) for other in intent.get("also", ())),
        )


class Ionic(Phone):
    """The same apps drawn by Ionic: a look to test on, never to train on. Categories are `ionic/<app>-<intent>`."""

    name = "ionic"
    page = "ionic.html"
    packages = ("@ionic/core", "ionic-bundle.js", *Phone.packages[1:])


class Wander(Phone):
    """Aimless use of phones, for unlabelled video: no intents. Categories are `wander/<app>`, the app begun with."""

    name = "wander"

    def categories(self) -> list[str]:
        """One for each app."""
        return [f"{self.name}/{app}" for app in self.definitions]

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:  # noqa: ARG002
        """Use a phone for 12 to 40 s without any goal."""
        app = category.partition("/")[2]
        self.show(stage, build(self.definitions, app, None, {}, values, bystanders=4))
        actor = Actor(stage, self.definitions[app], stage.rng)
        actor.think(1500)
        actor.wander(stage.rng.uniform(12, 40), values)
        return Performance(intent="")
