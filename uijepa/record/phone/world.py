"""What a phone is like in one clip: its size and looks, what its apps hold, where the person begins."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uijepa.errors import RecordingError
from uijepa.record.phone.definitions import Definition, Spec, fill
from uijepa.record.values import Values

SIZES = {
    "ios": ((375, 812), (390, 844), (393, 852), (402, 874), (430, 932)),
    "md": ((360, 780), (360, 800), (384, 854), (412, 892), (412, 915)),
}
"""Screens of common phones, CSS px."""
ACCENTS = ("#007aff", "#0b57d0", "#34a853", "#e8453c", "#7b4fd6", "#d9772b", "#00857c", "#c2387f")
WALLPAPERS = 6
# Icons that stand on a home screen and open nothing: name, icon in each family, colours.
_DECOYS = (
    ("Camera", "camera_fill", "photo_camera", "#8e8e93", "#5a5a5e"),
    ("Photos", "photo_fill_on_rectangle_fill", "photo_library", "#ff9f43", "#e0486d"),
    ("Weather", "cloud_sun_fill", "wb_sunny", "#3b9cf5", "#1763c6"),
    ("Maps", "map_fill", "map", "#5fce7a", "#2a9d55"),
    ("Music", "music_note_2", "music_note", "#ff5a6e", "#e0203c"),
    ("Wallet", "creditcard_fill", "account_balance_wallet", "#2c2c2e", "#111111"),
    ("Browser", "compass_fill", "travel_explore", "#4db5ff", "#1273de"),
    ("Files", "folder_fill", "folder", "#6db7ff", "#2f7fe6"),
    ("Books", "book_fill", "menu_book", "#ffa23a", "#ef7d12"),
    ("Health", "heart_fill", "favorite", "#ff7a92", "#f0325a"),
    ("Podcasts", "antenna_radiowaves_left_right", "podcasts", "#b86bf0", "#8436d0"),
    ("Games", "gamecontroller_fill", "sports_esports", "#5ac8c8", "#1a8f8f"),
)


@dataclass(frozen=True, kw_only=True)
class World:
    """One phone, ready to be shown."""

    width: int
    """CSS px."""
    height: int
    """CSS px."""
    page: Mapping[str, Any]
    """What the front end's `phone.start` takes."""
    app: str
    """The app the intent belongs to."""


def draw(generator: Any, values: Values) -> Any:
    """A value from a generator of a definition.

    A string is a method of `Values` ('full_name'), 'coin' a fair bool; a list is a method with arguments; an
    object is a constant {"is": x}, a closed choice {"of": [...]} or a text around free values
    {"text": "{a} at {b}", "a": …, "b": …}.
    """
    if generator == "coin":
        return values.rng.random() < 0.5
    if isinstance(generator, Mapping):
        if "is" in generator:
            return generator["is"]
        if "of" in generator:
            return values.rng.choice(list(generator["of"]))
        parts = {key: str(draw(part, values)) for key, part in generator.items() if key != "text"}
        return fill(generator["text"], parts)
    name, *arguments = [generator] if isinstance(generator, str) else generator
    method = getattr(values, name, None)
    if method is None or name.startswith("_"):
        raise RecordingError(f"App definitions: Values has no generator {name!r}.")
    return method(*arguments)


def _record(spec: Spec, values: Values, scope: Mapping[str, str]) -> dict[str, Any]:
    """One record; a string with braces takes from `scope`, everything else is a generator."""
    record: dict[str, Any] = {}
    for name, generator in spec.items():
        known = isinstance(generator, str) and "{" in generator
        record[name] = fill(generator, scope) if known else draw(generator, values)
    return record


def populate(definition: Definition, values: Values, slots: Mapping[str, str], intent: Spec | None) -> dict[str, Any]:
    """The state of an app before the clip: its own records plus what the intent's `setup` needs.

    Nothing of the background holds a slot's value, so that a goal cannot hold by chance.
    """
    taken = set(slots.values())
    collections: dict[str, list[dict[str, Any]]] = {}
    for name, seed in definition.spec["state"].items():
        if "per" in seed:
            continue
        records = [_record(seed["record"], values, {}) for _ in range(values.rng.randint(*seed["count"]))]
        collections[name] = [record for record in records if not taken & {str(v) for v in record.values()}]
    for added in intent.get("setup", ()) if intent else ():
        held = collections[added["add"]]
        held.insert(values.rng.randint(0, min(len(held), 4)), _record(added["record"], values, slots))
    for name, seed in definition.spec["state"].items():
        if "per" not in seed:
            continue
        collections[name] = []
        for parent in collections[seed["per"]]:
            scope = {key: str(value) for key, value in parent.items()}
            for _ in range(values.rng.randint(*seed["count"])):
                collections[name].append(_record(seed["record"], values, scope))
            if "final" in seed:
                collections[name].append(_record(seed["final"], values, scope))
    single = {key: draw(generator, values) for key, generator in definition.spec.get("values", {}).items()}
    if intent:
        single |= {key: draw(generator, values) for key, generator in intent.get("values", {}).items()}
    return {"collections": collections, "values": single}


def _icon(name: str, ios: str, md: str, colors: list[str]) -> dict[str, Any]:
    return {"app": name.lower(), "name": name, "icon": {"ios": ios, "md": md, "colors": colors}}


def _home(definitions: Mapping[str, Definition], rng: random.Random) -> dict[str, Any]:
    """Icons of all apps and some others, in an order of this phone's own."""
    apps = [{"app": d.name, "name": d.spec["name"], "icon": d.spec["icon"]} for d in definitions.values()]
    others = [_icon(name, ios, md, [top, low]) for name, ios, md, top, low in _DECOYS]
    grid = apps + rng.sample(others, rng.randint(4, 12))
    rng.shuffle(grid)
    return {"grid": grid[4:24], "dock": grid[:4]}


def build(
    definitions: Mapping[str, Definition], app: str, intent: Spec, slots: Mapping[str, str], values: Values
) -> World:
    """A phone on which `intent` of `app` can be done. All chance comes from `values.rng`."""
    rng = values.rng
    theme = rng.choice(("ios", "md"))
    width, height = rng.choice(SIZES[theme])
    bystander = rng.choice([name for name in definitions if name != app])
    state = {app: populate(definitions[app], values, slots, intent)}
    state[bystander] = populate(definitions[bystander], values, {}, None)
    definition = definitions[app]
    begin = None
    chance = rng.random()
    if chance < 0.2:
        begin = {"app": app, "screen": rng.choice(definition.tabs) if definition.tabs else None}
    elif chance < 0.3:
        begin = {"app": bystander, "screen": None}
    dark = rng.random() < 0.35
    if "settings" in state:
        dark = state["settings"]["values"]["dark"]
    page = {
        "theme": theme,
        "dark": dark,
        "accent": rng.choice(ACCENTS),
        "font": "Inter" if theme == "ios" else "Roboto",
        "nav": "buttons" if theme == "md" and rng.random() < 0.4 else "pill",
        "transition": rng.choice(("", "", "f7-cover", "f7-push")),
        "wallpaper": str(rng.randrange(WALLPAPERS)),
        "battery": rng.uniform(0.15, 1),
        "signal": rng.randint(2, 4),
        "home": _home(definitions, rng),
        "apps": {name: definitions[name].spec for name in state},
        "state": state,
        "begin": begin,
    }
    return World(width=width, height=height, page=page, app=app)
