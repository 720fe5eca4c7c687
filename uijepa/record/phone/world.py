"""What a phone is like in one clip: its size and looks, what its apps hold, where the person begins."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uijepa.errors import RecordingError
from uijepa.record.lexicon import PHRASES
from uijepa.record.phone.definitions import Definition, Spec, fill
from uijepa.record.values import Values

SIZES = {
    "ios": ((375, 667), (375, 812), (390, 844), (393, 852), (402, 874), (414, 896), (430, 932)),
    "md": ((360, 740), (360, 780), (360, 800), (384, 854), (393, 873), (412, 892), (412, 915)),
}
"""Screens of common phones, CSS px."""
ACCENTS = ("#007aff", "#0b57d0", "#1f9d55", "#e8453c", "#7b4fd6", "#d9772b", "#00857c", "#c2387f")
WALLPAPERS = 6
TEXT_SIZES = (0.92, 1, 1, 1, 1.1, 1.2)
_HOME_ICONS = 24
# Icons that stand on a home screen and open nothing: name, icon in each family, colours.
_DECOYS = (
    ("Wallet", "creditcard_fill", "account_balance_wallet", "#2c2c2e", "#111111"),
    ("Books", "book_fill", "menu_book", "#ffa23a", "#ef7d12"),
    ("Games", "gamecontroller_fill", "sports_esports", "#5ac8c8", "#1a8f8f"),
    ("Compass", "compass_fill", "explore", "#3a3a3c", "#1c1c1e"),
    ("Stocks", "graph_square_fill", "show_chart", "#30343a", "#0f1114"),
    ("Tips", "lightbulb_fill", "tips_and_updates", "#ffd24a", "#f2a900"),
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

    A string is a method of `Values` ('full_name') or a kind of phrase ('dish'), 'coin' a fair bool; a list is a
    method with arguments; an object is a constant {"is": x}, a closed choice {"of": [...]} or a text around free
    values {"text": "{a} at {b}", "a": …, "b": …}.
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
    if name in PHRASES:
        return values.phrase(name)
    method = getattr(values, name, None)
    if method is None or name.startswith("_"):
        raise RecordingError(f"App definitions: Values has no generator {name!r}.")
    return method(*arguments)


def _record(spec: Spec, values: Values, scope: Mapping[str, str]) -> dict[str, Any]:
    """One record; a string with braces takes from `scope`, everything else is a generator."""
    record: dict[str, Any] = {}
    for name, generator in spec.items():
        record[name] = fill(generator, scope) if _from_scope(generator) else draw(generator, values)
    return record


def _from_scope(generator: Any) -> bool:
    return isinstance(generator, str) and "{" in generator


def _records(seed: Spec, values: Values, scope: Mapping[str, str], taken: set[str]) -> list[dict[str, Any]]:
    """The background records of a collection; those that happen to hold a value of `taken` are left out."""
    made = [_record(seed["record"], values, scope) for _ in range(values.rng.randint(*seed["count"]))]
    own = [name for name, generator in seed["record"].items() if not _from_scope(generator)]
    kept = [record for record in made if not taken & {str(record[name]) for name in own}]
    return [*kept, _record(seed["final"], values, scope)] if "final" in seed else kept


def _other(generator: Any, values: Values, taken: set[str]) -> Any:
    """A value from a generator, other than those of `taken` where it has others to give."""
    for _ in range(20):
        value = draw(generator, values)
        if str(value) not in taken:
            break
    return value


def populate(definition: Definition, values: Values, slots: Mapping[str, str], intent: Spec | None) -> dict[str, Any]:
    """The state of an app before the clip: its own records plus what the intent's `setup` needs.

    Nothing of the background holds a slot's value, so that a goal cannot hold by chance.
    """
    taken = set(slots.values())
    seeds = definition.spec["state"]
    collections: dict[str, list[dict[str, Any]]] = {}
    added = list(intent.get("setup", ())) if intent else []
    for own in (True, False):
        # Records that belong to others come second, when those others are there.
        for name in [name for name, seed in seeds.items() if ("per" not in seed) == own]:
            scopes = [{}] if own else [{k: str(v) for k, v in one.items()} for one in collections[seeds[name]["per"]]]
            collections[name] = [one for scope in scopes for one in _records(seeds[name], values, scope, taken)]
        for wanted in [one for one in added if ("per" not in seeds[one["add"]]) == own]:
            held = collections[wanted["add"]]
            held.insert(values.rng.randint(0, min(len(held), 4)), _record(wanted["record"], values, slots))
    single = {key: _other(generator, values, taken) for key, generator in definition.spec.get("values", {}).items()}
    if intent:
        single |= {key: draw(generator, values) for key, generator in intent.get("values", {}).items()}
    return {"collections": collections, "values": single}


def _icon(name: str, ios: str, md: str, colors: list[str]) -> dict[str, Any]:
    return {"app": name.lower(), "name": name, "icon": {"ios": ios, "md": md, "colors": colors}}


def _home(definitions: Mapping[str, Definition], needed: Sequence[str], rng: random.Random) -> dict[str, Any]:
    """One page of icons, those of `needed` among them, in an order of this phone's own."""
    icons = {d.name: {"app": d.name, "name": d.spec["name"], "icon": d.spec["icon"]} for d in definitions.values()}
    others = [icon for name, icon in icons.items() if name not in needed]
    others += [_icon(name, ios, md, [top, low]) for name, ios, md, top, low in _DECOYS]
    most = min(_HOME_ICONS - len(needed), len(others))
    grid = [icons[name] for name in needed] + rng.sample(others, rng.randint(most * 2 // 3, most))
    rng.shuffle(grid)
    return {"grid": grid[4:], "dock": grid[:4]}


def _notices(definitions: Mapping[str, Definition], values: Values) -> list[dict[str, Any]]:
    """Messages that will interrupt, each `ms` after the start: mostly none."""
    rng = values.rng
    notices = []
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        sender = definitions[rng.choice(list(definitions))]
        title, text = rng.choice(
            (
                (values.full_name(), values.phrase("message")),
                (values.phrase("event"), f"Today at {values.time()}"),
                (sender.spec["name"], values.phrase("headline")),
            )
        )
        look = {"name": sender.spec["name"], "icon": sender.spec["icon"]}
        notices.append({"ms": round(rng.uniform(2500, 22000)), "title": title, "text": text, **look})
    return notices


def build(
    definitions: Mapping[str, Definition],
    app: str,
    intent: Spec | None,
    slots: Mapping[str, str],
    values: Values,
    *,
    bystanders: int = 1,
) -> World:
    """A phone on which `intent` of `app` can be done, if any, with as many other apps that can be opened.

    All chance comes from `values.rng`.
    """
    rng = values.rng
    theme = rng.choice(("ios", "md"))
    width, height = rng.choice(SIZES[theme])
    others = rng.sample([name for name in definitions if name != app], bystanders)
    state = {app: populate(definitions[app], values, slots, intent)}
    state |= {name: populate(definitions[name], values, {}, None) for name in others}
    definition = definitions[app]
    begin = None
    chance = rng.random()
    if chance < 0.2:
        begin = {"app": app, "screen": rng.choice(definition.tabs) if definition.tabs else None}
    elif chance < 0.3:
        begin = {"app": others[0], "screen": None}
    dark = rng.random() < 0.35
    if "settings" in state:
        dark = state["settings"]["values"]["dark"]
    page = {
        "theme": theme,
        "dark": dark,
        "accent": rng.choice(ACCENTS),
        "font": "Inter" if theme == "ios" else "Roboto",
        "text": rng.choice(TEXT_SIZES),
        "bars": rng.choice(("floating", "flat")),
        "nav": "buttons" if theme == "md" and rng.random() < 0.4 else "pill",
        "transition": rng.choice(("", "", "f7-cover", "f7-push")),
        "hours24": rng.random() < 0.3,
        "wallpaper": str(rng.randrange(WALLPAPERS)),
        "battery": rng.uniform(0.15, 1),
        "signal": rng.randint(2, 4),
        "notices": _notices(definitions, values),
        "home": _home(definitions, list(state), rng),
        "apps": {name: definitions[name].spec for name in state},
        "state": state,
        "begin": begin,
    }
    return World(width=width, height=height, page=page, app=app)
