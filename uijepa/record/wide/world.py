"""What a wide window is like in one clip: its size and looks, what its app holds, where the person begins."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uijepa.record.phone.world import draw, populate
from uijepa.record.values import Values
from uijepa.record.wide.definitions import Definition, Spec

SIZES = (
    *((1024, 640), (1024, 768), (1120, 700), (1152, 720), (1200, 675), (1280, 720), (1280, 800)),
    *((1366, 768), (1440, 810), (1440, 900), (1600, 900)),
)
"""Windows, CSS px."""
LONG_SIDES = (720, 800, 864, 960, 1024)
"""Widths of recordings, px: people share recordings smaller than their screens."""
GAPS_MS = (125, 143, 143, 167, 200)
"""Time between frames; animated pictures of software run at 5 to 10 frames a second."""
ACCENTS = (
    *("#2563eb", "#4f46e5", "#7c3aed", "#c026d3", "#db2777", "#dc2626", "#d9480f", "#b7791f"),
    *("#2f9e44", "#0d9488", "#0284c7", "#475569"),
)
FONTS = ("Inter", "Inter", "Roboto", "Open Sans", "IBM Plex Sans", "Nunito", "Liberation Sans")
WALLPAPERS = (
    "linear-gradient(135deg, #2b5876, #4e4376)",
    "linear-gradient(160deg, #134e5e, #71b280)",
    "linear-gradient(120deg, #f6b38e, #c1698a 60%, #5a4a86)",
    "linear-gradient(140deg, #1f2937, #4b5563)",
    "radial-gradient(circle at 30% 20%, #6bb5ff, #1c4fa3)",
)
_TAB_NAMES = ("Inbox", "News", "Weather", "Docs", "Search", "Calendar", "Video", "Maps", "Untitled", "Dashboard")
_LOGINS = (
    {"title": "Sign in", "button": "Sign in", "label": "Email", "hint": "name@example.com"},
    {"title": "Welcome back", "button": "Log in", "label": "Username", "hint": "Username"},
    {"title": "Log in to your account", "button": "Continue", "label": "Email address", "hint": "Email address"},
)


@dataclass(frozen=True, kw_only=True)
class World:
    """One window, ready to be shown."""

    width: int
    """CSS px."""
    height: int
    """CSS px."""
    scale: float
    """Recorded px per CSS px."""
    gap_ms: float
    """Least time between two frames."""
    page: Mapping[str, Any]
    """What the front end's `desk.start` takes."""
    user: str
    """What the person types to sign in."""
    secret: str
    """The password typed, shown as dots."""


def _chrome(kind: str, rng: random.Random) -> str:
    if kind == "web":
        return rng.choice(("none", "none", "none", "browser", "browser-mac", "browser-dark"))
    return rng.choice(("none", "title-mac", "title-mac", "title-win", "title-gnome"))


def _looks(definition: Definition, values: Values, scale: float) -> dict[str, Any]:
    """Everything about how one window is drawn."""
    rng = values.rng
    kind = definition.spec["kind"]
    chrome = _chrome(kind, rng)
    font, accent = rng.choice(FONTS), rng.choice(ACCENTS)
    # Text stays readable in the recording: 9.5 to 12 px there, whatever the window's own scale.
    size = max(13.0, min(18.5, rng.uniform(9.6, 12) / scale))
    density = rng.uniform(0.26, 0.52)
    inset = chrome.startswith("title") and rng.random() < 0.5
    classes = [
        name
        for name in ("flat", "upper", "striped", "pill", "toast-top", "toast-left", "undimmed")
        if rng.random() < 0.25
    ]
    generator = definition.spec.get("brand", "last_name")
    brand = str(draw(generator, values))
    variables = {
        "accent": accent,
        "tint": rng.choice((accent, "#808080")),
        "font": f'"{font}"',
        "head-font": '"Lora"' if rng.random() < 0.1 else f'"{font}"',
        "doc-font": rng.choice(('"Lora"', f'"{font}"')),
        "size": f"{size:.2f}px",
        "zoom": f"{max(1.0, size / 14):.2f}",
        "radius": rng.choice(("2px", "4px", "6px", "8px", "12px")),
        "round": rng.choice(("50%", "50%", "30%")),
        "pad": f"{density:.2f}rem",
        "gap": f"{0.7 + density:.2f}rem",
        "shadow": rng.choice(("none", "none", "0 1px 3px rgba(0,0,0,.1)", "0 3px 12px rgba(0,0,0,.09)")),
        "inset": f"{rng.randint(14, 40)}px {rng.randint(20, 60)}px" if inset else "0",
        "wallpaper": rng.choice(WALLPAPERS),
    }
    host = str(definition.spec.get("host", "{brand}.com")).replace(
        "{brand}", brand.split(maxsplit=1)[0].strip(",").lower()
    )
    return {
        "dark": rng.random() < 0.3,
        "classes": [*classes, *(["inset"] if inset else [])],
        "variables": variables,
        "fonts": [font, "Lora", "JetBrains Mono", "bootstrap-icons"],
        "chrome": chrome,
        "menus": chrome == "title-win" and rng.random() < 0.6,
        "tabNames": rng.sample(_TAB_NAMES, rng.randint(0, 3)),
        "host": host,
        "shell": rng.choice(("side", "side", "side", "top", "rail")),
        "bar": rng.choice(("", "", "ink", "loud")),
        "tabs": rng.choice(("nav-tabs", "nav-pills", "nav-underline")),
        "brand": brand,
        "user": values.full_name(),
        "login": {**rng.choice(_LOGINS), "style": rng.choice(("card", "plain", "split"))},
    }


def build(definition: Definition, intent: Spec | None, known: Mapping[str, str], values: Values) -> World:
    """A window in which `intent` of an app can be done, if any. All chance comes from `values.rng`."""
    rng = values.rng
    width, height = rng.choice(SIZES)
    scale = min(1.0, rng.choice(LONG_SIDES) / width)
    spec = definition.spec
    looks = _looks(definition, values, scale)
    gated = intent is not None and bool(spec.get("login")) and rng.random() < 0.22
    begin = spec["start"]
    if not gated and definition.tabs and rng.random() < 0.25:
        begin = rng.choice(definition.tabs)
    page = {
        "def": {key: value for key, value in spec.items() if key not in ("intents", "state", "generators")},
        "state": populate(definition, values, known, intent),
        "look": looks,
        "begin": begin,
        "gated": gated,
        "cookies": spec["kind"] == "web" and not gated and rng.random() < 0.08,
        "chosen": {name: [held, 0] for name, held in spec.get("chosen", {}).items() if rng.random() < 0.6},
    }
    user = values.email() if looks["login"]["label"].startswith("Email") else values.username()
    secret = "x" * rng.randint(7, 12)
    return World(
        width=width,
        height=height,
        scale=scale,
        gap_ms=rng.choice(GAPS_MS),
        page=page,
        user=user,
        secret=secret,
    )
