"""A small source for the tests of recording: one page, no network, done in a few virtual seconds."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from uijepa.record.source import Failed, Performance
from uijepa.record.stage import Stage
from uijepa.record.values import Values

PAGE = """<!doctype html>
<style>
  body { margin: 0; font: 16px sans-serif }
  #card { width: 120px; height: 40px; background: #fc8; transition: transform 400ms linear }
  #card.on { transform: translateX(100px) }
  #list { height: 60px; overflow: auto } #list div { height: 600px }
  #cover { position: absolute; left: 0; top: 260px; width: 200px; height: 40px; background: #fff }
  #under { position: absolute; left: 0; top: 265px }
</style>
<div id=card>Card</div>
<input id=name placeholder="Your name">
<p id=line>Some <b>bold</b> words</p>
<p id=late></p>
<div id=list><div>Top of list</div></div>
<span id=under>Covered words</span><div id=cover></div>
<script>
  window.log = [];
  card.onclick = () => card.classList.add('on');
  card.addEventListener('transitionend', () => {
    log.push(['end', Math.round(performance.now())]);
    setTimeout(() => { late.textContent = 'Late news'; log.push(['late', Math.round(performance.now())]); }, 1000);
  });
</script>"""
SIZE = {"width": 240, "height": 320}


class Notes:
    """Types a name. `notes/short` always works, `notes/never` never does."""

    def categories(self) -> list[str]:
        return ["notes/short", "notes/never"]

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:
        assert 0 <= seed < 2**48
        if category == "notes/never":
            raise Failed("as said")
        name = values.first_name()
        stage.pointer = "none"
        stage.open(PAGE, **SIZE)
        stage.click("#name")
        stage.type(name, mean_ms=120)
        return Performance(intent=f"Enter the name {name}.", slots={"name": name})


class Cards(Notes):
    """Four things to type. `cards/coin` types one of two words that no split owns."""

    def categories(self) -> list[str]:
        return ["cards/name", "cards/city", "cards/word", "cards/coin"]

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:
        kind = category.removeprefix("cards/")
        made = {"name": values.first_name, "city": values.city, "word": values.word}
        text = made[kind]() if kind in made else ("heads", "tails")[seed % 2]
        stage.pointer = "none"
        stage.open(PAGE, **SIZE)
        stage.evaluate("(text) => { document.querySelector('#name').value = text }", "")
        stage.wait(200)
        stage.evaluate("(text) => { document.querySelector('#name').value = text }", text)
        stage.wait(800)
        slots = {kind: text} if kind in made else {}
        return Performance(intent=f"Enter {text}.", slots=slots, alternatives=(f"Type {text}.",))


class Dying(Notes):
    """Kills its own worker process the first time it is asked to play."""

    def perform(self, stage: Stage, category: str, values: Values, seed: int) -> Performance:
        marker = Path(os.environ["UIJEPA_TEST_MARKER"])
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().perform(stage, category, values, seed)
