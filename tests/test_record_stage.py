"""The stage in a real Chromium: virtual time, real input, what is seen."""

from __future__ import annotations

import hashlib
import itertools
import random
import time
from collections.abc import Iterator

import pytest
from record_source import PAGE, SIZE

from uijepa.errors import RecordingError
from uijepa.record.browser import Browser, find
from uijepa.record.stage import FRAME_GAP_MS, Pointer, Stage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


def play(browser: Browser, seed: int) -> Stage:
    """A short use of the page, with every kind of change."""
    with Stage(browser, seed, pointer="mouse") as stage:
        stage.open(PAGE, **SIZE)
        stage.think(300)
        stage.click("#card")
        stage.wait(600)
        stage.click("#name")
        stage.type("Ada")
        stage.scroll("#list", 150)
        stage.wait(200)
        return stage


def digest(stage: Stage) -> str:
    return hashlib.sha256(b"".join(b"%.3f" % frame.ms + frame.jpeg for frame in stage.frames)).hexdigest()


def test_same_seed_same_frames(browser: Browser) -> None:
    first = play(browser, 7)
    assert len(first.frames) > 12
    assert digest(play(browser, 7)) == digest(first)
    assert digest(play(browser, 8)) != digest(first)


RESTLESS = """<!doctype html><style>
  body { background: linear-gradient(120deg, #c41, #721); font: 15px sans-serif }
  #list { height: 120px; width: 200px; overflow: auto; background: #fff }
  dialog { display: block; opacity: 0; transform: scale(1.3); transition: .3s; border: 0; font-size: 19px }
  dialog.in { opacity: 1; transform: none }</style>
  <div id="list"><p style="height: 900px">Long</p></div> <output></output> <dialog>Order now?</dialog> <input>
  <script>
    list.onscroll = () => { document.querySelector('output').value += ` ${Math.round(performance.now())}` };
    let v = 24;
    const coast = () => { list.scrollTop += v; if ((v *= .9) > 1) requestAnimationFrame(coast) };
    onmousedown = () => { coast(); setTimeout(() => document.querySelector('dialog').classList.add('in'), 350) };
  </script>"""
"""What a browser does with its own frames, in real time: it tells of scrolling, and rasterises what moves."""


def test_real_time_has_no_say(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that is busy with other things: pauses of other lengths, other frames of the browser's own."""
    advance = Stage._advance

    def restless(seconds: random.Random | None) -> tuple[str, str]:
        def late(self: Stage, until_ms: float, *, shot_ms: float) -> None:
            time.sleep(seconds.uniform(0, 0.04) if seconds else 0)
            advance(self, until_ms, shot_ms=shot_ms)

        monkeypatch.setattr(Stage, "_advance", late)
        with Stage(browser, 3, pointer="mouse") as stage:
            stage.open(RESTLESS, **SIZE)
            stage.click((60, 60))
            stage.wait(900)
            stage.click("input")
            stage.type("Ada")
            return digest(stage), stage.ask("document.querySelector('output').value")

    first, heard = restless(None)
    assert len(heard.split()) > 20
    for seed in range(3):
        assert restless(random.Random(seed)) == (first, heard)


QUIET_CHANGES = """<!doctype html><style>
  a:hover { color: red } button:active { background: blue } input:focus { outline: 4px solid green }
  #box { height: 60px; overflow: auto }</style>
  <a>Over</a> <button>Press</button> <input> <div id="box"><p style="height: 300px">Long</p></div>
  <script>
    setTimeout(() => { document.querySelector('input').value = 'set' }, 4000);
    setTimeout(() => { box.scrollTop = 30 }, 4500);
    setTimeout(() => { document.querySelector('input').select() }, 5000);
  </script>"""
"""Everything here changes the screen without changing the document."""


@pytest.mark.parametrize("pointer", ["mouse", "touch", "none"])
def test_no_change_goes_unseen_where_a_picture_is_spared(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, pointer: Pointer
) -> None:
    capture, shoot = Stage._capture, Stage._shoot
    shots: list[bytes] = []
    spared: list[tuple[float, bool]] = []

    def noted(stage: Stage) -> bytes:
        shots.append(shoot(stage))
        return shots[-1]

    def checked(stage: Stage) -> None:
        before = len(shots)
        capture(stage)
        if len(shots) == before:
            spared.append((stage.now_ms, shoot(stage) == stage.frames[-1].jpeg))

    monkeypatch.setattr(Stage, "_shoot", noted)
    monkeypatch.setattr(Stage, "_capture", checked)
    with Stage(browser, 5, pointer=pointer) as stage:
        stage.open(QUIET_CHANGES, **SIZE)
        stage.click("a")
        stage.click("button")
        stage.click("input")
        stage.type("ab")
        stage.key("Control+a")
        stage.wait(6000 - stage.now_ms)
        stage.ask("document.title")
        stage.wait(500)
        stage.click("a")
        for _ in range(3):
            stage.ask("document.title")
            stage.wait(200)
        assert stage.evaluate("[document.querySelector('input').value, box.scrollTop]") == ["set", 30]
        assert len(stage.frames) >= 7
    assert len(spared) >= 2
    assert all(same for _, same in spared), spared


def test_transitions_and_timers_run_in_virtual_time(browser: Browser) -> None:
    with Stage(browser, 1, pointer="none") as stage:
        stage.open(PAGE, **SIZE)
        stage.wait(10)
        stage.evaluate("card.click()")
        stage.wait(200)
        halfway = stage.evaluate("new DOMMatrix(getComputedStyle(card).transform).e")
        assert halfway == pytest.approx(50, abs=1)
        stage.wait(250)
        assert stage.evaluate("log") == [["end", 410]]
        moving = [frame.ms for frame in stage.frames[1:]]
        assert 4 <= len(moving) <= 7
        assert all(b - a >= FRAME_GAP_MS - 1e-3 for a, b in itertools.pairwise(moving))
        stage.wait(1000)
        assert stage.evaluate("log") == [["end", 410], ["late", 1410]]
        assert "Late news" in stage.new_text()


def test_idle_time_costs_nothing(browser: Browser) -> None:
    with Stage(browser, 1, pointer="none") as stage:
        stage.open(PAGE, **SIZE)
        stage.evaluate("setInterval(() => {}, 100)")
        began = time.monotonic()
        stage.wait(60_000)
        assert time.monotonic() - began < 30
        assert stage.now_ms == pytest.approx(60_000)
        assert len(stage.frames) == 1
        with pytest.raises(RecordingError, match="longer than"):
            stage.wait(60_000)


def test_promises_between_timers_and_animation_frames_keep_their_order(browser: Browser) -> None:
    with Stage(browser, 1, pointer="none") as stage:
        stage.open("<p>x", **SIZE)
        stage.wait(0)
        stage.evaluate("""
            window.seen = [];
            const note = (what) => seen.push([what, Math.round(performance.now())]);
            setTimeout(() => { note('a'); Promise.resolve().then(() => setTimeout(() => note('c'), 30)); }, 20);
            setTimeout(() => note('b'), 40);
            const start = Date.now();
            let count = 0;
            requestAnimationFrame(function step() { count++ < 6 ? requestAnimationFrame(step) : note('frames'); });
            setTimeout(() => note('date ' + (Date.now() - start)), 500);
        """)
        stage.wait(1000)
        seen = stage.evaluate("seen")
    assert [what for what, _ in seen] == ["a", "b", "c", "frames", "date 500"]
    assert dict(seen)["c"] == 50
    assert 100 <= dict(seen)["frames"] <= 120


def test_typing_and_text_on_the_screen(browser: Browser) -> None:
    with Stage(browser, 3, pointer="touch") as stage:
        stage.open(PAGE, **SIZE)
        stage.wait(0)
        assert stage.first_text == ["Card", "Your name", "Some bold words", "Top of list"]
        stage.click("#name")
        stage.type("Grace Hopper", typo_rate=0.3)
        stage.key("Backspace")
        assert stage.evaluate("document.querySelector('#name').value") == "Grace Hoppe"
        assert stage.new_text() == ["Grace Hoppe"]
        stage.scroll("#list", 200)
        assert stage.evaluate("list.scrollTop") == pytest.approx(200, abs=1)
        assert "Top of list" not in stage.visible_text()


@pytest.mark.parametrize("scale", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("pane", ["left", "right"])
def test_the_wheel_scrolls_what_lies_under_the_pointer_at_any_scale(
    browser: Browser, scale: float, pane: str
) -> None:
    html = """<style>
      body { margin: 0; display: flex } div { width: 200px; height: 300px; overflow: auto } p { height: 2000px }
    </style><div id="left"><p>left</p></div><div id="right"><p>right</p></div>"""
    with Stage(browser, 5) as stage:
        stage.open(html, width=400, height=300, scale=scale)
        stage.scroll((350.0, 280.0) if pane == "right" else (150.0, 200.0), 240)
        tops = stage.ask("['left', 'right'].map(id => document.getElementById(id).scrollTop)")
    assert tops == ([240, 0] if pane == "left" else [0, 240])


def test_drag_moves_with_real_mouse_events(browser: Browser) -> None:
    page = """<!doctype html><body style="margin:0"><script>window.log = [];
      for (const kind of ['mousedown', 'mousemove', 'mouseup'])
        addEventListener(kind, (e) => log.push([kind, e.isTrusted, e.clientX, e.clientY, e.buttons]));</script>"""
    with Stage(browser, 3) as stage:
        stage.open(page, **SIZE)
        stage.drag((20.0, 20.0), (200.0, 220.0))
        log = stage.evaluate("log")
    assert all(trusted for _, trusted, *_ in log)
    down = next(i for i, entry in enumerate(log) if entry[0] == "mousedown")
    assert log[down][2:4] == [20, 20]
    assert sum(entry[0] == "mousemove" and entry[4] == 1 for entry in log[down:]) >= 3
    up = next(entry for entry in log if entry[0] == "mouseup")
    assert up[2:4] == [200, 220]


def test_chance_and_dates_in_the_page_follow_the_seed(browser: Browser) -> None:
    def look(seed: int) -> list[object]:
        with Stage(browser, seed, pointer="none") as stage:
            stage.open("<p>x", **SIZE)
            found: list[object] = stage.evaluate(
                "[Math.random(), Math.random(), new Date().toISOString(), Date.now()]"
            )
            return found

    assert look(1) == look(1)
    assert look(1)[0] != look(2)[0]


def test_nothing_outside_is_reachable(browser: Browser) -> None:
    with Stage(browser, 1, pointer="none") as stage:
        stage.open("<p>x", **SIZE)
        for url in ("http://example.org/", "http://127.0.0.1:1/", "http://stage.local/../secret"):
            answer = stage.evaluate("(url) => fetch(url).then((r) => r.status, () => 'cut off')", url)
            assert answer in ("cut off", 404)


def test_a_chromium_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UIJEPA_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(RecordingError, match="UIJEPA_CHROMIUM"):
        find()
    monkeypatch.delenv("UIJEPA_CHROMIUM")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RecordingError, match="Install one"):
        find()
