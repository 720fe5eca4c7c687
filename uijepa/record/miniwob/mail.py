"""The tasks of a mail program, a contact book and a social network."""

from __future__ import annotations

from typing import cast

from uijepa.record.miniwob.hand import Hand, Target
from uijepa.record.miniwob.task import Facts, Task
from uijepa.record.source import Failed


def _row(hand: Hand, name: str, part: str = "") -> Target:
    """The first thread from `name`, or a part of it."""
    names = cast(
        list[str], hand.ask("() => [...document.querySelectorAll('#main .email-sender')].map((e) => e.textContent)")
    )
    if name not in names:
        raise Failed(f"no mail from {name!r}")
    return f"#main .email-thread {part}".strip(), names.index(name)


def _read_another(hand: Hand, name: str) -> None:
    """Sometimes open a wrong mail first and go back."""
    others = [t for t in hand.all("#main .email-sender") if t != _row(hand, name, ".email-sender")][:2]
    if others and hand.chance(0.15):
        hand.press(hand.rng.choice(others))
        hand.stage.think(900)
        hand.press("#close-email")


def trash(hand: Hand, facts: Facts) -> None:
    """email-inbox-delete: opens the mail first, as careful people do, so that it is seen which one goes."""
    _act(hand, facts["name"], ".trash", opened=1.0)


def star(hand: Hand, facts: Facts) -> None:
    """email-inbox-important and email-inbox."""
    _act(hand, facts["name"], ".star", opened=0.6)


def _act(hand: Hand, name: str, icon: str, *, opened: float) -> None:
    """Press an icon of a mail, in a share of `opened` of all cases after opening it."""
    _read_another(hand, name)
    if hand.chance(opened):
        hand.press(_row(hand, name, ".email-body"))
        hand.stage.think(900)
        hand.press(f"#email {icon}")
    else:
        hand.press(_row(hand, name, icon))


def reply(hand: Hand, facts: Facts) -> None:
    """email-inbox-reply."""
    _read_another(hand, facts["name"])
    hand.press(_row(hand, facts["name"], ".email-subject"))
    hand.stage.think(900)
    hand.press(".email-reply")
    hand.write("#reply-text", facts["text"])
    hand.submit("#send-reply")


def forward(hand: Hand, facts: Facts) -> None:
    """email-inbox-forward."""
    _read_another(hand, facts["name"])
    hand.press(_row(hand, facts["name"], ".email-subject"))
    hand.stage.think(900)
    hand.press(".email-forward")
    hand.write(".forward-sender", facts["to"])
    hand.submit("#send-forward")


def look_up_contact(hand: Hand, facts: Facts) -> None:
    """phone-book: leaf through the cards until the name comes."""
    for _ in range(6):
        hand.stage.think(600)
        if hand.all("#contact .name", facts["name"]):
            hand.press(f"#contact a.{facts['what']}")
            return
        hand.press(hand.find("#pagination .page-item:not(.disabled) a", ">"), think_ms=250)
    raise Failed("the name is on no card")


def search(hand: Hand, facts: Facts) -> None:
    """search-engine: search, turn to the page of the result, open it."""
    hand.write("#search-text", facts["text"])
    hand.press("#search")
    place = int(facts["nth"]) - 1
    hand.stage.think(800)
    for _ in range(place // 3):
        hand.press(hand.find("#pagination a", ">"), think_ms=600)
    hand.wander("#page-content .search-title")
    hand.press(("#page-content .search-title", place % 3))


_USERS = "() => [...document.querySelectorAll('.media .username')].map((e) => e.textContent)"


def _posts(hand: Hand, user: str) -> list[int]:
    posts = [i for i, name in enumerate(cast(list[str], hand.ask(_USERS))) if name == user]
    if not posts:
        raise Failed(f"no post by {user!r}")
    return posts


def act_on_post(hand: Hand, facts: Facts) -> None:
    """social-media: an icon of the post, or an item of its menu."""
    post = _posts(hand, facts["user"])[0]
    action = facts["action"]
    if action in {"Reply", "Retweet", "Like"}:
        hand.press((f".media .{action.lower()}", post), think_ms=700)
        return
    hand.press((".media .more", post), think_ms=700)
    hand.stage.think(500)
    hand.wander(".controls ul:not(.hide) li")
    hand.press(hand.find(".controls ul:not(.hide) li", _menu_text(action, facts["user"])))


def _menu_text(action: str, user: str) -> str:
    return f"{action} {user}" if action in {"Mute", "Block"} else action


def act_on_posts(hand: Hand, facts: Facts) -> None:
    """social-media-all and social-media-some."""
    posts = _posts(hand, facts["user"])
    for post in posts[: int(facts["count"])] if "count" in facts else posts:
        hand.press((f".media .{facts['action'].lower()}", post), think_ms=450)
    hand.submit("#submitRow button")


_FROM = r"Find the email by (?<name>.+?) and "
_POSTS = r'Click the "(?<action>\w+)" button on '
# Icons are pictures given by style sheets, shown first on hover: they have to be there when time stands still.
_ICONS = """async () => {
  const urls = [...document.styleSheets].filter((sheet) => !sheet.href).flatMap((sheet) => [...sheet.cssRules])
    .flatMap((rule) => [...rule.cssText.matchAll(/url\\("([^"]+)"\\)/g)].map((m) => new URL(m[1], location).href));
  window.icons = [...new Set(urls)].map((url) => Object.assign(new Image(), {src: url}));
  await Promise.all(window.icons.map((icon) => icon.decode()));
}"""

TASKS = (
    Task(
        name="email-inbox-delete",
        pattern=_FROM + "click the trash",
        label="Delete the email from {name}.",
        slots=("name",),
        before=_ICONS,
        play=trash,
    ),
    Task(
        name="email-inbox-important",
        pattern=_FROM + "click the star",
        label="Star the email from {name}.",
        slots=("name",),
        before=_ICONS,
        play=star,
    ),
    Task(
        name="email-inbox",
        pattern=_FROM + "click the star",
        label="Find the email from {name} in the long inbox and star it.",
        slots=("name",),
        before=_ICONS,
        facts="""(said) => {
          const names = [...document.querySelectorAll('#main .email-sender')].map((e) => e.textContent);
          return names.length > 5 && names.indexOf(said.name) > 2 ? {} : null;
        }""",
        play=star,
    ),
    Task(
        name="email-inbox-reply",
        pattern=_FROM + 'reply to them with the text "(?<text>.+)"',
        label='Reply to the email from {name} with "{text}".',
        slots=("name", "text"),
        before=_ICONS,
        play=reply,
    ),
    Task(
        name="email-inbox-forward",
        pattern=_FROM + r"forward that email to (?<to>.+)\.",
        label="Forward the email from {name} to {to}.",
        slots=("name", "to"),
        before=_ICONS,
        play=forward,
    ),
    Task(
        name="phone-book",
        pattern=r"Find (?<name>.+) in the contact book and click on their (?<what>phone|email|address)",
        label="Look up {name} in the contact book and click the {what}.",
        slots=("name",),
        facts="(said) => document.querySelector('#contact .name').textContent === said.name ? null : {}",
        play=look_up_contact,
    ),
    Task(
        name="search-engine",
        pattern=r'enter "(?<text>.+)" and press "Search", .* click the (?<nth>\d)\w\w search result',
        label="Search the web for {text} and open result {nth}.",
        slots=("text",),
        play=search,
    ),
    Task(
        name="social-media",
        pattern=r'For the user (?<user>@\S+), click on the "(?<action>.+)" button',
        label="Click {action} for the post by {user}.",
        slots=("user",),
        before=_ICONS,
        play=act_on_post,
    ),
    Task(
        name="social-media-all",
        pattern=_POSTS + r"all posts by (?<user>@\S+) and",
        label="Click {action} on all posts by {user} and submit.",
        slots=("user",),
        before=_ICONS,
        play=act_on_posts,
    ),
    Task(
        name="social-media-some",
        pattern=_POSTS + r"(?<count>\d+) posts? by (?<user>@\S+) and",
        label="Click {action} on {count} of the posts by {user}.",
        slots=("user",),
        before=_ICONS,
        play=act_on_posts,
    ),
)
