"""Tasks done by dragging and by widgets of steps: sliders, spinners, boxes, sorted lists, text selections."""

from __future__ import annotations

from typing import cast

from uijepa.record.miniwob.hand import Hand
from uijepa.record.miniwob.task import Facts, Task
from uijepa.record.source import Failed

HEIGHTS = tuple(f"{feet}ft {inches}in" for feet in (4, 5, 6) for inches in range(12))
_PLACES = {"1st": 0, "2nd": 1, "3rd": 2}


def _slide(hand: Hand, slider: str, goal: int) -> None:
    """Drag a jQuery UI slider's handle to a value; what the hand misses is set right with the arrow keys."""
    state = cast(
        dict[str, float],
        hand.ask(
            """(slider) => { const $s = $(slider), o = (name) => $s.slider('option', name);
            const r = $s[0].getBoundingClientRect();
            return {low: o('min'), high: o('max'), now: o('value'), upright: o('orientation') === 'vertical',
              left: r.left, top: r.top, width: r.width, height: r.height}; }""",
            slider,
        ),
    )
    handle = hand.look(f"{slider} .ui-slider-handle")
    start = (handle[0] + handle[2] / 2, handle[1] + handle[3] / 2)
    part = (goal - state["low"]) / (state["high"] - state["low"])
    along = state["left"] + part * state["width"], state["top"] + (1 - part) * state["height"]
    end = (start[0], along[1]) if state["upright"] else (along[0], start[1])
    hand.stage.think(450)
    if goal != state["now"]:
        hand.stage.drag(start, (end[0] + hand.rng.uniform(-1, 1), end[1] + hand.rng.uniform(-1, 1)))
    for _ in range(40):
        now = int(hand.ask("(slider) => $(slider).slider('option', 'value')", slider))
        if now == goal:
            return
        hand.stage.think(200)
        hand.stage.key("ArrowRight" if goal > now else "ArrowLeft")
    raise Failed(f"the slider does not reach {goal}")


def set_slider(hand: Hand, facts: Facts) -> None:
    """use-slider."""
    _slide(hand, "#slider", int(facts["number"]))
    hand.submit()


def set_three_sliders(hand: Hand, facts: Facts) -> None:
    """use-slider-2."""
    for i, number in enumerate(facts["numbers"].split(", "), 1):
        _slide(hand, f"#slider-{i}", int(number))
    hand.submit()


def set_spinner(hand: Hand, facts: Facts) -> None:
    """use-spinner: its arrows, one step a click, once in a while one too many."""
    goal = int(facts["number"])
    read = "() => Number(document.getElementById('spinner').value)"
    over = 1 if hand.chance(0.25) else 0
    sign = 1 if goal > 0 else -1
    for _ in range(40):
        now = int(hand.ask(read))
        if now == goal and not over:
            hand.submit()
            return
        aimed = goal + sign * over
        if now == aimed:
            over = 0
            hand.stage.think(400)
            continue
        hand.press(".ui-spinner-up" if aimed > now else ".ui-spinner-down", think_ms=130)
    raise Failed("the spinner does not reach the number")


def slider_and_box(hand: Hand, facts: Facts) -> None:
    """form-sequence."""
    _slide(hand, "#slider", int(facts["number"]))
    hand.press(("#area input[type=checkbox]", _PLACES[facts["place"]]))
    hand.submit()


def dot_and_number(hand: Hand, facts: Facts) -> None:
    """form-sequence-2."""
    hand.press(("#area input[type=radio]", _PLACES[facts["dot"]]))
    hand.write(("#area input[type=text]", _PLACES[facts["place"]]), facts["number"])
    hand.submit()


def choice_and_button(hand: Hand, facts: Facts) -> None:
    """form-sequence-3."""
    hand.press(".selectric")
    hand.stage.wait(300)
    hand.press(hand.find(".selectric-items li", facts["height"]))
    hand.wander("#buttons button")
    hand.submit(hand.find("#buttons button", facts["button"]))


def drag_in_list(hand: Hand, facts: Facts) -> None:
    """drag-items."""
    hand.wander("#sortable li")
    _move_row(hand, int(facts["old"]), int(facts["new"]))


def sort_numbers(hand: Hand, facts: Facts) -> None:
    """drag-sort-numbers: put the least that is out of place where it belongs, until all are."""
    del facts
    for place in range(4):
        numbers = [int(text) for text in cast(list[str], hand.ask(_ROWS))]
        least = min(range(place, len(numbers)), key=lambda i: numbers[i])
        if least != place:
            hand.stage.think(500)
            _move_row(hand, least, place)
            hand.stage.wait(400)
    hand.submit()


_ROWS = "() => [...document.querySelectorAll('#sortable li')].map((row) => row.textContent.trim())"


def _move_row(hand: Hand, old: int, new: int) -> None:
    """Drag a row of a sortable list past the middle of the row at its new place."""
    a, b = hand.look(("#sortable li", old)), hand.look(("#sortable li", new))
    x = a[0] + a[2] * hand.rng.uniform(0.35, 0.7)
    y = a[1] + a[3] / 2
    beyond = 4 if new > old else -4
    hand.stage.think(500)
    hand.stage.drag((x, y), (x + hand.rng.uniform(-4, 4), b[1] + b[3] / 2 + beyond))


def drag_into_box(hand: Hand, facts: Facts) -> None:
    """drag-box."""
    del facts
    small, large = hand.look("#draggableSmall"), hand.look("#draggableLarge")
    end = [large[i] + large[i + 2] / 2 + hand.rng.uniform(-5, 5) for i in range(2)]
    hand.stage.think(600)
    hand.stage.drag((small[0] + small[2] / 2, small[1] + small[3] / 2), (end[0], end[1]))
    hand.submit()


def resize(hand: Hand, facts: Facts) -> None:
    """resize-textarea: pull at the corner."""
    x, y, width, height = hand.look(".ui-resizable-se")
    start = (x + width / 2, y + height / 2)
    by = hand.rng.uniform(14, 30) * (1 if facts["how"] == "larger" else -1)
    jitter = hand.rng.uniform(-2, 2)
    end = (start[0] + by, start[1] + jitter) if facts["what"] == "width" else (start[0] + jitter, start[1] + by)
    hand.stage.think(600)
    hand.stage.drag(start, (min(end[0], 155), min(end[1], 155)))
    hand.submit("#submit")


def style_word(hand: Hand, facts: Facts) -> None:
    """text-editor: double-click a word, press a button of the tool bar, submit."""
    box = cast(
        dict[str, float] | None,
        hand.ask(
            """(word) => {
          const p = document.querySelector('.ql-editor p').firstChild, range = document.createRange();
          const at = new RegExp(`(?<!\\\\S)${word}(?!\\\\S)`).exec(p.data)?.index ?? -1;
          if (at < 0) return null;
          range.setStart(p, at); range.setEnd(p, at + word.length);
          const r = range.getClientRects()[0];
          return {x: r.left + r.width / 2, y: r.top + r.height / 2}; }""",
            facts["word"],
        ),
    )
    if box is None:
        raise Failed("the word is not in the editor")
    hand.stage.think(700)
    hand.stage.dblclick((box["x"], box["y"]))
    hand.wander(".ql-toolbar button", 0.3)
    hand.press({"bold": ".ql-bold", "italics": ".ql-italic", "underlined": ".ql-underline"}[facts["style"]])
    hand.submit()


def pick_greatest(hand: Hand, facts: Facts) -> None:
    """find-greatest: turn the cards one after the other, then the greatest again."""
    goal = int(facts["place"])
    for i in range(3):
        hand.press((".card", i), think_ms=600)
        hand.stage.think(500)
    if goal != 2:
        hand.press((".card", goal))
    hand.submit("#submit")


def draw_number(hand: Hand, facts: Facts) -> None:
    """number-checkboxes: tick the pattern of a digit."""
    for i in facts["boxes"].split(","):
        hand.press(("#checkboxes input", int(i)), think_ms=90)
    hand.submit()


def press_both(hand: Hand, facts: Facts) -> None:
    """click-button-sequence."""
    del facts
    hand.press("#subbtn", think_ms=600)
    hand.press("#subbtn2", think_ms=500)


_PLACE_NAMES = r"1st|2nd|3rd"

TASKS = (
    Task(
        name="use-slider",
        pattern=r"Select (?<number>-?\d+) with the slider",
        label="Set the slider to {number} and submit.",
        slots=("number",),
        play=set_slider,
    ),
    Task(
        name="use-slider-2",
        pattern=r"combination \[(?<list>[\d,]+)\]",
        label="Set the three sliders to {numbers}.",
        slots=("numbers",),
        facts="(said) => ({numbers: said.list.replace(/,/g, ', ')})",
        play=set_three_sliders,
    ),
    Task(
        name="use-spinner",
        pattern=r"Select (?<number>-?[1-9]\d*) with the spinner",
        label="Set the spinner to {number} and submit.",
        slots=("number",),
        before="""() => {  // The page's -10 … 9 are too few to be shared between the splits.
          const draw = core.randi;
          core.randi = (low, high) => low === -10 && high === 10 ? draw(-18, 19) : draw(low, high);
        }""",
        play=set_spinner,
    ),
    Task(
        name="form-sequence",
        pattern=rf"Select (?<number>-?\d+) with the slider, click the (?<place>{_PLACE_NAMES}) checkbox",
        label="Set the slider to {setting}.",
        slots=("setting",),
        facts="(said) => ({setting: `${said.number} and tick the ${said.place} checkbox`})",
        play=slider_and_box,
    ),
    Task(
        name="form-sequence-2",
        pattern=rf'the (?<dot>{_PLACE_NAMES}) radio .* "(?<number>-?\d+)" into the (?<place>{_PLACE_NAMES})',
        label="Check the {dot} radio button and enter {setting} text box.",
        slots=("setting",),
        facts="(said) => ({setting: `${said.number} in the ${said.place}`})",
        play=dot_and_number,
    ),
    Task(
        name="form-sequence-3",
        pattern=r'Choose (?<height>.+) from the dropdown, .* "(?<button>.+)"',
        label="Choose the height {height} and press {button}.",
        slots=("height",),
        pools={"heights": HEIGHTS},
        css=".selectric-wrapper { width: 110px !important }",
        before="(pools) => { SELECT_OPTS = ['', ...pools.heights.slice(0, 6), '']; }",
        play=choice_and_button,
    ),
    Task(
        name="drag-items",
        pattern=r"Drag (?<name>\S+) (?<where>.+)\.",
        label="Drag {name} to position {position} of the list.",
        slots=("name",),
        facts="""(said) => {
          const rows = [...document.querySelectorAll('#sortable li')].map((row) => row.textContent.trim());
          const old = rows.indexOf(said.name), w = said.where;
          const to = /top/.test(w) ? 0 : /bottom/.test(w) ? rows.length - 1 : /down/.test(w) ? old + 1
            : /up/.test(w) ? old - 1 : Number(/\\d/.exec(w)[0]) - 1;
          return {old, new: to, position: to + 1};
        }""",
        play=drag_in_list,
    ),
    Task(name="drag-sort-numbers", label="Sort the numbers from lowest to highest.", play=sort_numbers),
    Task(name="drag-box", label="Drag the small box into the large box and submit.", play=drag_into_box),
    Task(
        name="resize-textarea",
        pattern=r"so that the (?<what>width|height) is (?<how>smaller|larger)",
        label="Make the {what} of the text area {how}.",
        play=resize,
    ),
    Task(
        name="text-editor",
        pattern=r"give the text (?<word>[A-Za-z]+) the style (?<style>bold|italics|underlined)",
        label="Style the word {word} as {style}.",
        slots=("word",),
        facts="""(said) => document.querySelector('.ql-editor').textContent.split(' ').filter((one) =>
          one.replace('.', '') === said.word).length === 1 ? {} : null""",
        play=style_word,
    ),
    Task(
        name="find-greatest",
        label="Turn the cards and pick the greatest number, {number}.",
        slots=("number",),
        facts="""() => {
          const all = [...document.querySelectorAll('.card-value')].map((one) => Number(one.textContent));
          const number = Math.max(...all);
          return {number, place: all.indexOf(number)};
        }""",
        play=pick_greatest,
    ),
    Task(
        name="number-checkboxes",
        pattern=r'Draw the number "(?<number>\d)"',
        label="Draw the digit {number} with the checkboxes.",
        facts="(said) => ({boxes: PATTERNS[said.number].flat().flatMap((on, i) => on ? [i] : []).join(',')})",
        play=draw_number,
    ),
    Task(
        name="click-button-sequence",
        label="Press ONE, then TWO.",
        css="#subbtn, #subbtn2 { margin-top: -50px }",
        play=press_both,
    ),
)
