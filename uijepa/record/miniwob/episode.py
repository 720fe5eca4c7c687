"""One episode on a MiniWoB++ page: open it without its instruction, draw a problem of the split, read the reward."""

from __future__ import annotations

import random

from uijepa.record.miniwob.pools import html_folder, own_pools, page_pools
from uijepa.record.miniwob.task import Task
from uijepa.record.source import Failed
from uijepa.record.stage import Stage
from uijepa.record.values import Values

WIDTH = HEIGHT = 160
"""CSS px: what is left of a page's 160 × 210 without its instruction, 50 px high."""

_BATCH, _TRIES = 20, 400

# The instruction stays in the document for `core.getUtterance`, but takes no place and is not drawn.
# `core.endEpisode` would cover the page and draw the next problem; here it only notes the first reward, which is
# the one that counts in the original too.
_PREPARE = """([css, after]) => {
  const style = document.createElement('style');
  style.textContent = `
    html { overflow: hidden } body { background: white } #wrap { height: 160px }
    #query, #reward-display, #sync-task-cover { display: none !important } ${css}`;
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
  addEventListener('scroll', () => { if (scrollX || scrollY) scrollTo(0, 0) });
  wob.draw = (seed) => {
    Math.seedrandom(seed);
    core.startEpisodeReal();
    clearTimeout(core.EP_TIMER);
    wob.reward = null;
    if (document.activeElement) document.activeElement.blur();
  };
}"""

_FILL = """([pools, strings]) => {
  if (typeof ui_utils === 'undefined') return;
  ui_utils.PEOPLE_NAMES = pools.people;
  ui_utils.FIFTY_NAMES = pools.people;
  ui_utils.LAST_NAMES = pools.families;
  ui_utils.COUNTRIES = pools.countries;
  ui_utils.lorem_words = pools.words;
  if (typeof DOMESTIC_FLIGHTS !== 'undefined') DOMESTIC_FLIGHTS = pools.flights;
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


def begin(stage: Stage, task: Task, values: Values, seed: int) -> dict[str, str]:
    """Open the task's page and draw problems until one can be played in this split. Returns its facts.

    No frame is taken before the problem stands. Raises Failed when `_TRIES` problems would not do.
    """
    rng = random.Random(f"{task.name} {seed}")
    stage.open((html_folder() / f"{task.name}.html").as_uri(), width=WIDTH, height=HEIGHT, scale=2)
    stage.evaluate(_PREPARE, [task.css, task.after])
    strings = task.words_for_strings and rng.random() < 0.5
    stage.evaluate(_FILL, [page_pools(values, rng), strings])
    if task.before:
        stage.evaluate(task.before, own_pools(task.pools, values, rng))
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
    stage.wait(stage.rng.uniform(300, 800))
    reward = stage.ask("() => wob.reward")
    if reward != 1:
        raise Failed("the task did not end" if reward is None else f"reward {reward}")
