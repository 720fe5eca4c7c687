"""Replays of people: recorded MiniWoB++ sessions laid out anew by Chromium, pointer and typing at their times.

The public demonstrations hold no pictures: each session is a list of moments with the page's tree (tags, classes,
texts, boxes), and what the person did. They are read from a local copy, which is not part of this project and
carries no licence: the clips are marked `measuring_only`, stand in the split `test`, and training leaves them out.

    python -m uijepa.record replay demos.jsonl.xz --out recordings/human
"""

from __future__ import annotations

import json
import lzma
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from uijepa.data.manifest import Clip
from uijepa.errors import ManifestError, RecordingError
from uijepa.record import people
from uijepa.record.browser import ORIGIN, script
from uijepa.record.miniwob.pools import html_folder
from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.take import Job
from uijepa.record.values import Values

SESSIONS = "UIJEPA_SESSIONS"
"""Environment variable: the folder that `unpack` wrote, for the workers."""
SETTLE_MS = 600
"""How long the last page is held."""
SIDE = 160
ABOVE = 50
"""CSS px of instruction above the page, which is never drawn."""
UNTOLD = frozenset({"svg", "SELECT", "CANVAS"})
"""Tags of which a session does not tell what they show: colours of shapes, what is chosen in a list."""
_SHEETS = re.compile(r"<link[^>]+stylesheet[^>]*>|<style.*?</style>", re.DOTALL)

Session = Mapping[str, Any]


def sessions(path: Path) -> Iterator[tuple[int, str, Session]]:
    """(line number from 1, task, session) of every session that reached its goal and can be drawn.

    `path`: JSON lines, packed by xz or plain. Raises ManifestError naming file and line.
    """
    opened = lzma.open if path.suffix == ".xz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    session = json.loads(line)
                    task = session["source_path"].split("/")[1]
                    good = session["rawReward"] == 1 and _whole(session["utterance"]) and _told(session["states"])
                except (ValueError, KeyError, TypeError, IndexError) as error:
                    raise ManifestError(f"{path}:{number}: no MiniWoB++ demonstration ({error!r}).") from error
                if good and (html_folder() / f"{task}.html").is_file():
                    yield number, task, session
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ManifestError(f"{path}: cannot be read ({error}). Give a demos.jsonl or demos.jsonl.xz.") from error


def _whole(utterance: str) -> bool:
    """Whether a label lacks nothing: where the page named a colour by a patch of it, two spaces are left."""
    return utterance.isascii() and "  " not in utterance.strip()


def _told(states: list[dict[str, Any]]) -> bool:
    def drawn(node: dict[str, Any]) -> bool:
        return node["tag"] not in UNTOLD and all(map(drawn, node["children"]))

    return len(states) > 1 and all(drawn(state["dom"]) for state in (states[0], states[-1]))


def unpack(path: Path, folder: Path, most: int) -> list[Job]:
    """Write at most `most` sessions of each task to `folder`, a file each, and return the jobs that replay them."""
    counts: Counter[str] = Counter()
    jobs = []
    for number, task, session in sessions(path):
        if counts[task] < most:
            (folder / f"{number}.json").write_text(json.dumps(session), encoding="utf-8")
            jobs.append(
                Job(
                    source="uijepa.record.human:Human",
                    category=f"human/{task}",
                    split="test",
                    index=counts[task],
                    seed=0,
                    session=number,
                )
            )
            counts[task] += 1
    if not jobs:
        raise ManifestError(f"{path}: holds no session that can be drawn.")
    return jobs


def finish(clip: Clip) -> Clip:
    """A replay's clip, kept out of training."""
    return replace(clip, suite="human", part="human", source="human", measuring_only=True)


@cache
def page(task: str) -> str:
    """An empty page with a task's own style sheets."""
    html = (html_folder() / f"{task}.html").read_text(encoding="utf-8")
    sheets = "\n".join(_SHEETS.findall(html))
    own = "<style>html, body { overflow: hidden; height: 100% }</style>"
    return f'<!doctype html><html><head><base href="{ORIGIN}/miniwob/">{sheets}{own}</head><body></body></html>'


class Human:
    """The source of replays. The seed of a clip is the number of its session."""

    def __init__(self) -> None:
        folder = os.environ.get(SESSIONS, "")
        if not folder:
            raise RecordingError("Replays need sessions: start them by `python -m uijepa.record replay DEMOS`.")
        self.folder = Path(folder)

    def categories(self) -> list[str]:
        """Which tasks there are depends on the sessions at hand; jobs name them."""
        return []

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:  # noqa: ARG002
        """Replay one session at its own times. Raises Failed when it shows nothing."""
        session = json.loads((self.folder / f"{seed}.json").read_text(encoding="utf-8"))
        states = session["states"]
        stage.pointer = "mouse"
        base = html_folder().parent
        stage.open(page(category.partition("/")[2]), width=SIDE, height=SIDE, scale=2, base=base)
        stage.evaluate(script("replay.js"))
        draw(stage, states[0]["dom"])
        shown = states[0]["dom"]
        start_ms = float(states[0]["time"])
        for state in states[1:]:
            due_ms = float(state["time"]) - start_ms
            act(stage, state["action"] or {}, due_ms)
            if state["dom"] != shown:
                shown = state["dom"]
                draw(stage, shown)
        stage.wait(SETTLE_MS)
        if len(stage.frames) < 2:
            raise Failed("nothing moved on the screen")
        return Performance(intent=session["utterance"].strip())


def draw(stage: Stage, tree: Mapping[str, Any]) -> None:
    """Show a recorded page."""
    stage.evaluate("([tree, above]) => window.replay(tree, above)", [tree, ABOVE])
    stage.changed()


def act(stage: Stage, action: Mapping[str, Any], due_ms: float) -> None:
    """Bring the pointer to where something was done, by the moment it was done, and do it there.

    Only where the pointer was at events is known; its way there is a person's, as everywhere in the recorder.
    """
    if "x" in action and "y" in action:
        x, y = float(action["x"]), float(action["y"]) - ABOVE
        stage.wait(due_ms - stage.now_ms - people.reach_ms(SIDE / 2, 20, stage.rng))
        stage.move(x, y)
    stage.wait(due_ms - stage.now_ms)
    if action.get("timing") == 1 and action.get("type") in ("mousedown", "mouseup"):
        (stage.page.mouse.down if action["type"] == "mousedown" else stage.page.mouse.up)()
        stage.changed()
