"""Tasks done by typing: names, codes, dates, answers read off the page, searches, a terminal."""

from __future__ import annotations

from uijepa.record.miniwob.hand import Hand
from uijepa.record.miniwob.task import Facts, Task
from uijepa.record.source import Failed

GENRES = (
    "Action", "Adventure", "Comedy", "Crime", "Drama", "Fantasy", "Historical", "Horror", "Mystery", "Paranoid",
    "Political", "Romance", "Saga", "Satire", "Surreal", "Thriller", "Urban", "Western", "Musical", "War",
    "Biography", "Documentary", "Animation", "Family", "Sports", "Noir", "Disaster", "Spy", "Heist", "Martial arts",
    "Superhero", "Science fiction", "Silent", "Road", "Zombie", "Vampire", "Gothic", "Epic",
)  # fmt: skip


def fill_one(hand: Hand, facts: Facts) -> None:
    """One text field, then Submit."""
    hand.write("#tt", facts["text"])
    hand.submit()


def fill_answer(hand: Hand, facts: Facts) -> None:
    """Read something on the page, type it into the field below, submit."""
    hand.stage.think(1500)
    hand.write(_first(hand, "#answer-input", "#math-answer", "#tt"), facts["answer"])
    hand.submit()


def _first(hand: Hand, *selectors: str) -> str:
    for selector in selectors:
        if hand.all(selector):
            return selector
    raise Failed(f"none of {selectors} is there")


def fill_digits(hand: Hand, facts: Facts) -> None:
    """enter-date and enter-time: the browser's own field takes digits part by part."""
    x, y, width, height = hand.look("#tt")
    hand.stage.think(400)
    hand.stage.click((x + min(12.0, 0.1 * width), y + height / 2))
    hand.stage.think(300)
    for char in facts["keys"]:
        hand.stage.key(char)
        hand.stage.think(260)
    hand.submit()


def password_twice(hand: Hand, facts: Facts) -> None:
    """enter-password."""
    hand.write("#password", facts["password"])
    hand.write("#verify", facts["password"])
    hand.submit()


def log_in(hand: Hand, facts: Facts) -> None:
    """login-user and login-user-popup: whenever a pop-up interrupts, dismiss it and try again."""
    for field in ("username", "password"):
        hand.press(f"#{field}")
        if hand.all("#popup-cancel"):
            hand.stage.think(900)
            hand.press("#popup-cancel")
            hand.press(f"#{field}")
        hand.stage.type(facts[field])
    hand.submit()


def fill_two_from_table(hand: Hand, facts: Facts) -> None:
    """read-table-2."""
    hand.stage.think(1200)
    hand.write("#tt1", facts["first"])
    hand.stage.think(800)
    hand.write("#tt2", facts["second"])
    hand.submit()


def copy_and_paste(hand: Hand, facts: Facts) -> None:
    """copy-paste, with the keyboard: select all, copy, paste."""
    del facts
    hand.press("#to-copy")
    for key, target in (("Control+a", None), ("Control+c", "#answer-input"), ("Control+v", None)):
        hand.stage.think(500)
        hand.stage.key(key)
        if target:
            hand.press(target)
    hand.submit()


def read_to_the_end(hand: Hand, facts: Facts) -> None:
    """scroll-text: scroll a long text to its end, type its last word."""
    _scroll_text(hand, +1)
    fill_answer(hand, facts)


def scroll_to_edge(hand: Hand, facts: Facts) -> None:
    """scroll-text-2."""
    if hand.chance(0.2):
        hand.stage.scroll(hand.spot("#text-area"), hand.rng.uniform(-40, 40))
        hand.stage.think(500)
    _scroll_text(hand, +1 if facts["edge"] == "bottom" else -1)
    hand.submit()


def _scroll_text(hand: Hand, way: int) -> None:
    """Turn the wheel over the text area until it moves no further."""
    at = hand.spot("#text-area")
    hand.stage.think(500)
    for _ in range(40):
        hand.stage.scroll(at, way * hand.rng.uniform(60, 130))
        hand.stage.think(250)
        left = "(way) => { const t = document.getElementById('text-area');"
        left += " return way > 0 ? t.scrollHeight - t.clientHeight - t.scrollTop : t.scrollTop }"
        if hand.ask(left, way) < 1:
            return
    raise Failed("the text has no end")


def autocomplete(hand: Hand, facts: Facts) -> None:
    """use-autocomplete: type the beginning, choose among the suggestions."""
    item, typed = facts["item"], facts["typed"]
    hand.write("#tags", typed)
    hand.stage.wait(450)
    hand.stage.think(600)
    hand.press(hand.find(".ui-menu-item", item))
    hand.submit()


def search_movies(hand: Hand, facts: Facts) -> None:
    """multi-layouts and multi-orderings: find each field by the words before or after it."""
    for i, field in enumerate(facts["order"].split(",")):
        hand.write(("#area input", i), facts[field], think_ms=500)
    hand.submit((facts["button"], 0))


def use_terminal(hand: Hand, facts: Facts) -> None:
    """terminal: list the files, delete one."""
    hand.press("#terminal-contents")
    hand.stage.think(500)
    for line in ("ls", f"rm {facts['file']}"):
        hand.stage.type(line)
        hand.stage.think(400)
        hand.stage.key("Enter")
        hand.stage.think(900)


def sign(hand: Hand, facts: Facts) -> None:
    """sign-agreement: scroll to the end, which wakes the form; sign; press the button."""
    _scroll_text(hand, +1)
    hand.write("#name", facts["name"])
    hand.submit(hand.find("#area button", facts["button"]))


_TABLE = """(said) => {
  const rows = [...document.querySelectorAll('#tab tr')].map((row) => [...row.cells].map((cell) => cell.textContent));
  const value = Object.fromEntries(rows);
  WHAT
}"""

# The words beside each field tell which is which; the button is whatever sits outside the rows.
_MOVIE_FORM = """(said) => {
  const near = (input) => {
    for (let up = input.parentElement; up; up = up.parentElement) {
      const text = up.textContent.trim();
      if (text) return text;
    }
  };
  const order = [...document.querySelectorAll('#area input')].map((input) => {
    const text = near(input);
    return /Genre/.test(text) ? 'genre' : /Director/.test(text) ? 'director' : 'year';
  });
  const button = ['#area button', '#area .final', '#area .ui-submit'].find((one) => document.querySelector(one));
  return {order: order.join(','), button};
}"""

_MOVIE = r"Search for (?<genre>.+) movies directed by (?<director>.+) from year (?<year>\d+)"
_GENRES = "(pools) => { GENRES = pools.genres; }"

TASKS = (
    Task(
        name="enter-text",
        pattern=r'Enter "(?<text>.+)" into the text field',
        label="Enter the text {text} and submit.",
        slots=("text",),
        play=fill_one,
    ),
    Task(
        name="enter-text-dynamic",
        pattern=r'Enter "(?<text>.+)" into the text field',
        label="Type the code {text} and submit.",
        slots=("text",),
        play=fill_one,
    ),
    Task(
        name="enter-text-2",
        pattern=r'Type "(?<said>.+)" in all (?<case>upper|lower) case letters',
        label="Write {text} in {case} case letters and submit.",
        slots=("text",),
        facts="(said) => ({text: said.case === 'upper' ? said.said.toUpperCase() : said.said.toLowerCase()})",
        play=fill_one,
    ),
    Task(
        name="enter-password",
        pattern=r'Enter the password "(?<password>.+)" into both',
        label="Set a password, enter it twice and submit.",
        play=password_twice,
    ),
    Task(
        name="enter-date",
        pattern=r"Enter (?<date>[\d/]+) as the date",
        label="Enter the date {date} and submit.",
        slots=("date",),
        facts="(said) => ({keys: said.date.replace(/\\D/g, '')})",
        play=fill_digits,
    ),
    Task(
        name="enter-time",
        pattern=r"Enter (?<time>[\d:]+ [AP]M) as the time",
        label="Enter the time {time} and submit.",
        slots=("time",),
        facts="(said) => ({keys: said.time.replace(/[^\\dAP]/g, '').padStart(5, '0')})",
        play=fill_digits,
    ),
    Task(
        name="login-user",
        pattern=r'username "(?<username>.+)" and the password "(?<password>.+)" into',
        label="Log in as {username}.",
        slots=("username",),
        play=log_in,
    ),
    Task(
        name="login-user-popup",
        pattern=r'username "(?<username>.+)" and the password "(?<password>.+)" into',
        label="Dismiss the pop-up and log in as {username}.",
        css="#popup { margin-top: -50px }",
        slots=("username",),
        facts="() => d3.select('#username').on('focus') || d3.select('#password').on('focus') ? {} : null",
        play=log_in,
    ),
    Task(
        name="find-word",
        pattern=r"Find the (?<nth>\d+)\w\w word",
        label="Type the word {answer} of the paragraph and submit.",
        slots=("answer",),
        facts="""(said) => {
          const words = document.querySelector('#area p').textContent.trim().split(/\\s+/);
          return {answer: words[said.nth - 1].replace(/[^a-zA-Z]/g, '')};
        }""",
        play=fill_answer,
    ),
    Task(
        name="read-table",
        pattern=r"Enter the value of (?<key>.+) into the text field",
        label="Enter the {key} {answer} from the table.",
        slots=("answer",),
        facts=_TABLE.replace("WHAT", "return {answer: value[said.key]};"),
        play=fill_answer,
    ),
    Task(
        name="read-table-2",
        label="Enter {key1} {first} and {key2} {second} from the table.",
        slots=("first", "second"),
        facts=_TABLE.replace(
            "WHAT",
            """const key = (id) => document.getElementById(id).textContent.replace(':', '').trim();
            const [key1, key2] = [key('ll1'), key('ll2')];
            return {key1, key2, first: value[key1], second: value[key2]};""",
        ),
        play=fill_two_from_table,
    ),
    Task(
        name="copy-paste",
        label='Copy the text "{text}" into the text box.',
        slots=("text",),
        facts="() => ({text: document.getElementById('to-copy').value.trim()})",
        css="#area #to-copy { width: 146px !important; height: 72px !important }",
        play=copy_and_paste,
    ),
    Task(
        name="text-transform",
        label="Type the distorted letters {text}.",
        slots=("text",),
        facts="() => ({text: document.getElementById('captcha').textContent})",
        play=fill_one,
    ),
    Task(
        name="simple-arithmetic",
        label="Work out {problem} and answer {answer}.",
        slots=("problem", "answer"),
        facts="""() => {
          const problem = document.getElementById('math-problem').textContent.replace('=', '').trim();
          return {problem, answer: eval(problem.replace('x', '*'))};
        }""",
        play=fill_answer,
    ),
    Task(
        name="simple-algebra",
        label="Solve {problem} with x = {answer}.",
        slots=("problem", "answer"),
        facts="""() => {
          const problem = document.getElementById('math-problem').textContent.trim();
          const [left, right] = problem.split('='), at = (x) => eval(left.replace('x', `(${x})`)) - right;
          return {problem, answer: -at(0) / (at(1) - at(0))};
        }""",
        play=fill_answer,
    ),
    Task(
        name="scroll-text",
        label="Scroll to the end of the text and type its last word, {answer}.",
        slots=("answer",),
        facts="""() => {
          const area = document.getElementById('text-area');
          if (area.scrollHeight < area.clientHeight + 40) return null;
          return {answer: area.value.trim().split(/\\s+/).at(-1).replace('.', '')};
        }""",
        play=read_to_the_end,
    ),
    Task(
        name="scroll-text-2",
        pattern=r"Scroll the textarea to the (?<edge>bottom|top) of the text",
        label="Scroll the text to its {edge} and submit.",
        play=scroll_to_edge,
    ),
    Task(
        name="use-autocomplete",
        pattern=r'starts with "(?<start>.+?)"(?: and ends with "(?<finish>.+)")?\.$',
        label="Enter {item} with the help of the suggestions.",
        slots=("item",),
        facts="""(said) => {
          const {start, finish = ''} = said;
          const item = ui_utils.COUNTRIES.find((one) => one.startsWith(start) && one.endsWith(finish));
          return {item, typed: item.slice(0, Math.max(start.length, 3))};
        }""",
        play=autocomplete,
    ),
    Task(
        name="multi-layouts",
        pattern=_MOVIE,
        label="Search for {genre} movies directed by {director} from {year}.",
        slots=("genre", "director", "year"),
        facts=_MOVIE_FORM,
        pools={"genres": GENRES},
        before=_GENRES,
        play=search_movies,
    ),
    Task(
        name="multi-orderings",
        pattern=_MOVIE,
        label="Find the {year} {genre} movies of the director {director}.",
        slots=("genre", "director", "year"),
        facts=_MOVIE_FORM,
        pools={"genres": GENRES},
        before=_GENRES,
        play=search_movies,
    ),
    Task(
        name="terminal",
        label="Delete the file {file} in the terminal.",
        pattern=r"delete a file (?:ending with the extension (?<end>\.\S+)|that has (?<none>no) file extension)",
        slots=("file",),
        facts="""(said) => {
          const fits = currentFiles.filter((one) => said.none ? !one.includes('.') : one.endsWith(said.end));
          return {file: fits[0]};
        }""",
        play=use_terminal,
    ),
    Task(
        name="sign-agreement",
        pattern=r'enter the name "(?<name>.+)" then press "(?<button>Agree|Cancel)"',
        label="Sign the agreement as {name} and press {button}.",
        slots=("name",),
        play=sign,
    ),
)
