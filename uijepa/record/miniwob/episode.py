"""One episode on a MiniWoB++ page: open it without its instruction, draw a problem of the split, read the reward."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from uijepa.errors import MissingExtra
from uijepa.record.miniwob.task import Task
from uijepa.record.source import Failed
from uijepa.record.stage import Stage
from uijepa.record.values import Values

WIDTH, BAR, HEIGHT = 160, 50, 160
"""CSS px: the page's task area starts `BAR` px down, under the instruction."""

_BATCH, _TRIES = 20, 400
_NAMES = 120

# The instruction stays in the document for `core.getUtterance`, unseen, and the page is scrolled past it rather
# than moved: jQuery UI places its pop-ups in document coordinates. `core.endEpisode` would cover the page and
# count a clock down; here it only notes the first reward, as the original does.
_PREPARE = """([bar, after]) => {
  const style = document.createElement('style');
  style.textContent = `
    html { overflow: hidden } body { height: 210px; background: white }
    #query { visibility: hidden } #query * { visibility: hidden }
    #reward-display, #sync-task-cover { display: none !important }`;
  document.head.append(style);
  document.body.removeEventListener('click', core.canvasDrawClick);
  document.getElementById('click-canvas').remove();
  core.canvasClear = () => {};
  core.EPISODE_MAX_TIME = 2e9;
  core.countdownTimer = core.clearTimer = () => {};
  const wob = (window.wob = {reward: null});
  const then = new Function(after);
  core.endEpisode = (reward, timed, reason) => {
    if (wob.reward !== null) return;
    wob.reward = reward;
    if (reward === 1) then();
  };
  const down = () => { if (scrollY !== bar || scrollX) scrollTo(0, bar) };
  addEventListener('scroll', down);
  wob.draw = (seed) => {
    Math.seedrandom(seed);
    core.startEpisodeReal();
    clearTimeout(core.EP_TIMER);
    wob.reward = null;
    if (document.activeElement) document.activeElement.blur();
    down();
  };
}"""

_POOLS = """() => typeof ui_utils === 'undefined' ? {} : ({
  people: ui_utils.PEOPLE_NAMES, families: ui_utils.LAST_NAMES, countries: ui_utils.COUNTRIES,
  words: [...new Set(ui_utils.lorem_words.map((word) => word.replace(/,/g, '')))].filter((word) => word.length > 1),
})"""

_FILL = """([pools, strings]) => {
  if (typeof ui_utils === 'undefined') return;
  ui_utils.PEOPLE_NAMES = pools.people;
  ui_utils.FIFTY_NAMES = pools.people;
  ui_utils.LAST_NAMES = pools.families;
  ui_utils.COUNTRIES = pools.countries;
  ui_utils.lorem_words = pools.words;
  if (strings) ui_utils.generateString = () => core.sample(pools.words);
}"""

_DRAW = """([seeds, pattern, more]) => {
  const read = new RegExp(pattern), facts = more ? eval('(' + more + ')') : null;
  return seeds.map((seed) => {
    wob.draw(seed);
    const found = read.exec(core.getUtterance());
    if (!found) return null;
    const said = {...found.groups};
    const seen = facts ? facts(said) : {};
    return seen && {...said, ...seen};
  });
}"""


@lru_cache(maxsize=1)
def html_folder() -> Path:
    """Where the `miniwob` package keeps its pages, found without importing it (that would import gymnasium)."""
    spec = importlib.util.find_spec("miniwob")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("miniwob", "record", "recording MiniWoB++ tasks")
    return Path(spec.submodule_search_locations[0]) / "html" / "miniwob"


def _own(pool: Sequence[str], values: Values, rng: random.Random, most: int) -> list[str]:
    """Up to `most` of a pool, shuffled: those of the split if there are enough for a page, else all, own ones first."""
    mixed = list(pool)
    rng.shuffle(mixed)
    mixed.sort(key=lambda value: not values.accepts(value))
    mine = sum(values.accepts(value) for value in mixed)
    return mixed[: min(most, mine if mine >= 30 else len(mixed))]


def _page_pools(raw: Mapping[str, Sequence[str]], values: Values, rng: random.Random) -> dict[str, list[str]]:
    pools = {name: _own(pool, values, rng, _NAMES) for name, pool in raw.items()}
    pools["people"] += [values.first_name() for _ in range(20)]
    if rng.random() < 0.5:
        # English words half of the time: what is read off these pages should not only be pseudo-Latin.
        pools["words"] = sorted({values.word() for _ in range(_NAMES)})
    return pools


def begin(stage: Stage, task: Task, values: Values, seed: int) -> dict[str, Any]:
    """Open the task's page and draw problems until one can be played in this split. Returns its facts.

    No frame is taken before the problem stands. Raises Failed when `_TRIES` problems would not do.
    """
    rng = random.Random(f"{task.name} {seed}")
    stage.open((html_folder() / f"{task.name}.html").as_uri(), width=WIDTH, height=HEIGHT, scale=2)
    stage.evaluate(_PREPARE, [BAR, task.after])
    raw = stage.evaluate(_POOLS)
    if raw:
        strings = task.words_for_strings and rng.random() < 0.5
        stage.evaluate(_FILL, [_page_pools(raw, values, rng), strings])
    if task.before:
        stage.evaluate(task.before, {name: _own(pool, values, rng, 60) for name, pool in task.pools.items()})
    for start in range(0, _TRIES, _BATCH):
        seeds = [f"{task.name} {seed} {i}" for i in range(start, start + _BATCH)]
        for each, facts in zip(seeds, stage.evaluate(_DRAW, [seeds, task.pattern, task.facts]), strict=True):
            if facts is not None and all(values.accepts(str(facts[slot])) for slot in task.slots):
                again = stage.evaluate(_DRAW, [[each], task.pattern, task.facts])[0]
                if again != facts:
                    raise Failed(f"the problem of {each!r} is not the same twice")
                return {name: str(value) for name, value in facts.items()}
    raise Failed(f"none of {_TRIES} problems has all its values in the split {values.split!r}")


def end(stage: Stage) -> None:
    """Let the last change be seen, then insist on the task's own reward of 1. Raises Failed otherwise."""
    stage.wait(stage.rng.uniform(500, 1100))
    reward = stage.evaluate("() => wob.reward")
    if reward != 1:
        raise Failed("the task did not end" if reward is None else f"reward {reward}")
