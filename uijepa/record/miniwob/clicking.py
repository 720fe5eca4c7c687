"""Tasks done by clicking: buttons, links, boxes, lists, tabs, menus, trees."""

from __future__ import annotations

from typing import cast

from uijepa.record.miniwob.hand import Hand
from uijepa.record.miniwob.task import Facts, Task
from uijepa.record.source import Failed

VERBS = (
    "Submit", "Okay", "Yes", "No", "Cancel", "Next", "Previous", "Send", "Save", "Open", "Close", "Delete", "Edit",
    "Share", "Copy", "Paste", "Cut", "Undo", "Redo", "Print", "Export", "Import", "Upload", "Download", "Install",
    "Update", "Refresh", "Reload", "Retry", "Continue", "Back", "Finish", "Start", "Stop", "Pause", "Resume", "Play",
    "Record", "Mute", "Archive", "Restore", "Reset", "Apply", "Accept", "Decline", "Confirm", "Dismiss", "Subscribe",
    "Follow", "Block", "Report", "Like", "Reply", "Forward", "Search", "Filter", "Sort", "Add", "Remove", "Create",
    "Rename", "Move", "Buy", "Order", "Book", "Reserve", "Pay", "Donate", "Vote", "Join", "Leave", "Invite", "Call",
    "Log in", "Log out", "Sign up", "Sign in", "Check out", "Learn more", "Show all", "See details", "Get help",
    "Try again", "Skip", "Done", "Help", "Settings", "Details", "Preview", "Publish", "Schedule", "Compare", "Zoom",
)  # fmt: skip

# A headless browser draws no pop-up of a <select>: show the same list as part of the page.
_DROP_DOWN = """() => {
  const style = document.createElement('style');
  style.textContent = `#drop { position: absolute; z-index: 9; background: #fff; border: 1px solid #767676;
    font: 13.33px Arial; overflow-y: auto; max-height: 112px; box-sizing: border-box; box-shadow: 0 2px 5px #0005 }
    #drop div { padding: 1px 4px; white-space: nowrap; cursor: default }
    #drop div.on { background: #1967d2; color: #fff }`;
  document.head.append(style);
  const close = () => document.getElementById('drop')?.remove();
  document.addEventListener('mousedown', (event) => {
    const open = document.getElementById('drop');
    if (open && open.contains(event.target)) return;
    close();
    const select = event.target.closest('select');
    if (!select) return;
    event.preventDefault();
    select.focus();
    if (open) return;
    const at = select.getBoundingClientRect(), list = document.createElement('div');
    list.id = 'drop';
    list.style.cssText = `left:${at.left + scrollX}px;top:${at.bottom + scrollY}px;width:${at.width}px`;
    [...select.options].forEach((option, i) => {
      const row = document.createElement('div');
      row.textContent = option.text;
      if (i === select.selectedIndex) row.className = 'on';
      row.onmouseenter = () => {
        list.querySelectorAll('.on').forEach((one) => one.classList.remove('on'));
        row.className = 'on';
      };
      row.onclick = () => {
        select.selectedIndex = i;
        select.dispatchEvent(new Event('change', { bubbles: true }));
        close();
      };
      list.append(row);
    });
    document.body.append(list);
  }, true);
}"""


def press_labelled(hand: Hand, facts: Facts) -> None:
    """click-button."""
    hand.wander("#area button")
    hand.press(hand.find("#area button", facts["text"]))


def press_link(hand: Hand, facts: Facts) -> None:
    """click-link."""
    hand.wander("#area .alink")
    hand.press(hand.find("#area .alink", facts["text"]))


def _tick(hand: Hand, names: list[str]) -> None:
    """Tick boxes or dots by the words beside them, here and there a wrong one that is cleared again."""
    boxes = hand.all("#area label")
    if len(names) > 1 and hand.chance(0.5):
        order = {name: i for i, (name, _) in enumerate(_labels(hand))}
        names = sorted(names, key=lambda name: order.get(name, 0))
    for name in names:
        if len(boxes) > len(names) and hand.chance(0.06):
            wrong = hand.rng.choice([target for text, target in _labels(hand) if text not in names])
            hand.press(wrong)
            hand.press(wrong, think_ms=700)
        hand.press(hand.find("#area label", name))


def _labels(hand: Hand) -> list[tuple[str, tuple[str, int]]]:
    texts = cast(list[str], hand.ask("() => [...document.querySelectorAll('#area label')].map((l) => l.textContent)"))
    return [(text.strip(), ("#area label", i)) for i, text in enumerate(texts)]


def tick_boxes(hand: Hand, facts: Facts) -> None:
    """click-checkboxes and click-checkboxes-large."""
    _tick(hand, facts["items"].split(", "))
    hand.submit()


def choose_dot(hand: Hand, facts: Facts) -> None:
    """click-option: radio buttons, so a wrong one first does no harm."""
    if hand.chance(0.2):
        hand.press(hand.rng.choice(hand.all("#area label")))
        hand.stage.think(500)
    hand.press(hand.find("#area label", facts["item"]))
    hand.submit()


def choose_in_list(hand: Hand, facts: Facts) -> None:
    """choose-list, through the drop-down drawn by `_DROP_DOWN`."""
    hand.press("#options")
    hand.stage.think(500)
    hand.wander("#drop div", 0.5)
    hand.press(hand.find("#drop div", facts["item"]))
    hand.submit("#area button")


def choose_in_scroll_list(hand: Hand, facts: Facts) -> None:
    """click-scroll-list: one or two rows of an open list."""
    for i, item in enumerate(facts["items"].split(", ")):
        target = _option(hand, item)
        if i:
            hand.hold("Control")
        hand.press(target)
        if i:
            hand.release("Control")
    hand.submit("#area button")


def _option(hand: Hand, item: str) -> tuple[str, int]:
    rows = cast(list[str], hand.ask("() => [...document.querySelectorAll('#options option')].map((o) => o.text)"))
    if item not in rows:
        raise Failed(f"no row says {item!r}")
    return "#options option", rows.index(item)


def press_in_dialog(hand: Hand, facts: Facts) -> None:
    """click-dialog-2."""
    hand.wander(".ui-dialog button")
    if facts["button"] == "x":
        hand.press(".ui-dialog-titlebar button")
    else:
        hand.press(hand.find(".ui-dialog-buttonpane button", facts["button"]))


def press_widget(hand: Hand, facts: Facts) -> None:
    """click-widget."""
    hand.wander("#area .widget")
    kind = facts["kind"]
    targets = hand.all(f"#area [data-type={kind}]")
    if not targets:
        raise Failed(f"no {kind}")
    hand.press(hand.rng.choice(targets))


def open_tab_link(hand: Hand, facts: Facts) -> None:
    """click-tab-2: look through the tabs, then click the link."""
    where = int(facts["place"])
    if where == 0 and hand.chance(0.7):
        hand.press(hand.find("#area .alink", facts["text"]), think_ms=1200)
        return
    others = [i for i in range(1, 3) if i != where]
    hand.stage.think(900)
    if others and (where == 0 or hand.chance(0.35)):
        hand.press((".ui-tabs-anchor", hand.rng.choice(others)))
        hand.stage.think(1100)
    hand.press((".ui-tabs-anchor", where))
    hand.press(hand.find("#area .alink", facts["text"]), think_ms=1000)


def open_section_link(hand: Hand, facts: Facts) -> None:
    """click-collapsible-2: open sections, then click the link."""
    where = int(facts["place"])
    if hand.chance(0.35):
        hand.press(("#area h3", hand.rng.choice([i for i in range(3) if i != where])))
        hand.stage.wait(450)
        hand.stage.think(900)
    hand.press(("#area h3", where))
    hand.stage.wait(500)
    hand.press(hand.find("#area .alink", facts["text"]), think_ms=800)


def choose_in_menu(hand: Hand, facts: Facts) -> None:
    """click-menu: walk down nested menus."""
    path = facts["path"].split(">")
    hand.wander("#menu > li > div")
    for step in path[:-1]:
        hand.hover(hand.find("#menu .ui-menu-item-wrapper", step))
        hand.stage.wait(450)
    hand.press(hand.find("#menu .ui-menu-item-wrapper", path[-1]))


def choose_in_icon_menu(hand: Hand, facts: Facts) -> None:
    """click-menu-2: a button opens the menu, some items are one menu deeper."""
    hand.press("#open-menu")
    hand.stage.think(400)
    if facts["item"] in {"Prev", "Stop", "Play", "Next"}:
        hand.hover(hand.find("#menu > li > div", "Playback"))
        hand.stage.wait(450)
    hand.press(hand.find("#menu .ui-menu-item-wrapper", facts["item"]))


def open_in_tree(hand: Hand, facts: Facts) -> None:
    """navigate-tree: open the folders on the way, then click the name."""
    path = [int(i) for i in facts["path"].split(",")]
    closed = [t for t in hand.all("#tree > li > span.folder") if t[1] not in path]
    if len(path) > 1 and closed and hand.chance(0.25):
        hand.hover(hand.rng.choice(closed))
    for i in path:
        hand.press(("#tree span", i), think_ms=600)
        hand.stage.wait(250)


_PLACE = """(said) => {
  const links = [...document.querySelectorAll('#area .alink')].filter((link) => link.innerHTML === said.text);
  const parts = [...document.querySelectorAll('PART')];
  return {place: parts.findIndex((part) => part.contains(links[0]))};
}"""

# From the first span with the name, the way up through its folders; a folder of the same name must not be on it.
_TREE_PATH = """(said) => {
  const all = [...document.querySelectorAll('#tree span')];
  const goal = all.find((span) => span.textContent === said.name);
  const way = [goal];
  for (let li = goal.parentElement.parentElement.closest('li'); li; li = li.parentElement.closest('li'))
    way.unshift(li.querySelector('span'));
  if (way.length > 3 || new Set(all.map((span) => span.textContent)).size < all.length) return null;
  return {path: way.map((span) => all.indexOf(span)).join(',')};
}"""

# What a browser does to a link once it is visited.
_VISITED = "document.querySelectorAll('.alink:hover').forEach((link) => { link.style.color = '#551a8b' });"

TASKS = (
    Task(
        name="click-button",
        pattern=r'Click on the "(?<text>.+)" button',
        label="Click the button labelled {text}.",
        slots=("text",),
        pools={"verbs": VERBS},
        before="(pools) => { buttons = pools.verbs; }",
        play=press_labelled,
    ),
    Task(
        name="click-link",
        pattern=r'Click on the link "(?<text>[\w-]+)"',
        label="Click the link {text} in the text.",
        slots=("text",),
        after=_VISITED,
        play=press_link,
    ),
    Task(
        name="click-checkboxes",
        pattern=r"Select (?!nothing)(?<items>.+) and click Submit",
        label="Tick {items} and submit.",
        slots=("items",),
        facts="(said) => new Set(said.items.split(', ')).size === said.items.split(', ').length ? {} : null",
        words_for_strings=True,
        play=tick_boxes,
    ),
    Task(
        name="click-checkboxes-large",
        pattern=r"Select (?<items>[^,]+(?:, [^,]+){2,5}) and click Submit",
        label="Tick {items} in the two columns and submit.",
        slots=("items",),
        facts="(said) => new Set(said.items.split(', ')).size === said.items.split(', ').length ? {} : null",
        words_for_strings=True,
        play=tick_boxes,
    ),
    Task(
        name="click-option",
        pattern=r"Select (?<item>.+) and click Submit",
        label="Choose the option {item} and submit.",
        slots=("item",),
        words_for_strings=True,
        play=choose_dot,
    ),
    Task(
        name="choose-list",
        pattern=r"Select (?<item>.+) from the list",
        label="Choose {item} from the drop-down list.",
        slots=("item",),
        before=_DROP_DOWN,
        play=choose_in_list,
    ),
    Task(
        name="click-scroll-list",
        pattern=r"Select (?<items>[^,]+(?:, [^,]+)?) from the scroll list",
        label="Select {items} in the scroll list.",
        slots=("items",),
        play=choose_in_scroll_list,
    ),
    Task(
        name="click-dialog-2",
        pattern=r'labeled "(?<button>.+)"',
        label="Press {button} in the dialog.",
        after="$('#dialog').dialog('close')",
        play=press_in_dialog,
    ),
    Task(
        name="click-widget",
        pattern=r'Click on a "(?<kind>.+)" widget',
        label="Click a {kind} widget.",
        play=press_widget,
    ),
    Task(
        name="click-tab-2",
        pattern=r'click on the link "(?<text>[\w-]+)"',
        label="Look through the tabs and click the link {text}.",
        slots=("text",),
        facts=_PLACE.replace("PART", "#area > div"),
        after=_VISITED,
        play=open_tab_link,
    ),
    Task(
        name="click-collapsible-2",
        pattern=r'click on the link "(?<text>[\w-]+)"',
        label="Expand the sections and click the link {text}.",
        slots=("text",),
        facts=_PLACE.replace("PART", "#area > div"),
        after=_VISITED,
        play=open_section_link,
    ),
    Task(
        name="click-menu",
        pattern=r"Select (?<path>.+)",
        label="Choose {item} in the nested menu.",
        slots=("item",),
        facts="(said) => ({item: said.path.split('>').at(-1)})",
        play=choose_in_menu,
    ),
    Task(
        name="click-menu-2",
        pattern=r'labeled "(?<item>.+)"',
        label="Open the menu and choose {item}.",
        play=choose_in_icon_menu,
    ),
    Task(
        name="navigate-tree",
        pattern=r'named "(?<name>.+)"',
        label="Find and open {name} in the file tree.",
        slots=("name",),
        facts=_TREE_PATH,
        play=open_in_tree,
    ),
)
