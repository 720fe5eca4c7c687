"""Tasks that are small applications: flights, tickets, food, calendars."""

from __future__ import annotations

from typing import cast

from uijepa.record.miniwob.hand import Hand
from uijepa.record.miniwob.task import Facts, Task
from uijepa.record.source import Failed

DISHES = (
    "Caesar Salad", "Garlic bread", "Spinach dip", "Chicken wings", "Tofu stone pot", "Thai Peanut Chicken",
    "Pork Tenderloin", "Spaghetti", "Cheese wheel", "Chocolate cake", "Ice cream sundae", "Mango tart",
    "Tomato soup", "Onion rings", "Spring rolls", "Greek Salad", "Fish and chips", "Beef burger", "Veggie burger",
    "Lamb curry", "Chicken tikka", "Pad thai", "Sushi plate", "Ramen bowl", "Mushroom risotto", "Margherita pizza",
    "Pepperoni pizza", "Lasagna", "Tuna melt", "Club sandwich", "French fries", "Baked potato", "Grilled salmon",
    "Shrimp tacos", "Bean burrito", "Nachos", "Pumpkin soup", "Lentil stew", "Falafel wrap", "Hummus plate",
    "Apple pie", "Cheesecake", "Lemon sorbet", "Rice pudding", "Carrot cake", "Brownie", "Waffles", "Pancakes",
    "Fruit salad", "Tiramisu", "Banana split", "Peach cobbler", "Omelette", "Steak frites", "Duck breast",
    "Crab cakes", "Clam chowder", "Gazpacho", "Goulash", "Paella",
)  # fmt: skip
EVENTS = (
    "Phonecall", "Food", "Party", "Meeting", "Gym", "Lunch", "Dinner", "Breakfast", "Dentist", "Doctor", "Haircut",
    "Yoga", "Run", "Swim", "Class", "Lecture", "Seminar", "Interview", "Review", "Standup", "Planning", "Demo",
    "Workshop", "Training", "Concert", "Movie", "Theatre", "Shopping", "Cleaning", "Laundry", "Homework", "Study",
    "Piano", "Guitar", "Choir", "Football", "Tennis", "Chess", "Walk", "Hike", "Flight", "Train", "Pickup",
    "Birthday", "Wedding", "Barbecue", "Picnic", "Reading", "Gardening", "Cooking", "Rehearsal", "Vet", "Bank",
)  # fmt: skip

_MENU_ITEMS = """(pools) => { MENU.forEach((dish, i) => { dish.name = pools.dishes[i]; }); }"""
_MONTHS = "January February March April May June July August September October November December".split()


def choose_date(hand: Hand, facts: Facts) -> None:
    """choose-date."""
    hand.press("#datepicker")
    _turn_to(hand, facts["date"])
    hand.submit()


def _turn_to(hand: Hand, date: str) -> None:
    """Leaf a jQuery UI date picker to a month/day/year and press the day."""
    month, day, year = (int(part) for part in date.split("/"))
    hand.stage.wait(400)
    for _ in range(30):
        shown = str(hand.ask("() => document.querySelector('.ui-datepicker-title')?.textContent")).split()
        if len(shown) != 2:
            raise Failed("the calendar did not open")
        away = (year - int(shown[1])) * 12 + month - 1 - _MONTHS.index(shown[0])
        if away == 0:
            hand.press(hand.find(".ui-datepicker-calendar a", str(day)))
            return
        hand.press(".ui-datepicker-next" if away > 0 else ".ui-datepicker-prev", think_ms=140)
    raise Failed("the calendar does not reach the month")


def book_flight(hand: Hand, facts: Facts) -> None:
    """book-flight: two cities by suggestion, a date, then the best of the flights found."""
    for field, key in (("#flight-from", "origin"), ("#flight-to", "goal")):
        hand.write(field, facts[key][:14])
        hand.stage.wait(450)
        hand.stage.think(500)
        hand.press(hand.find(".ui-menu-item", facts[f"{key}_full"]))
    hand.press("#datepicker")
    _turn_to(hand, facts["date"])
    hand.press("#search")
    hand.stage.think(1200)
    kind = "data-price" if facts["which"] == "cheapest" else "data-duration"
    numbers = cast(list[float], hand.ask(_NUMBERS, kind))
    hand.press((".flight-price", numbers.index(min(numbers))), think_ms=800)


_NUMBERS = "(kind) => [...document.querySelectorAll(`[${kind}]`)].map((one) => Number(one.getAttribute(kind)))"


def buy_ticket(hand: Hand, facts: Facts) -> None:
    """buy-ticket: compare, then book."""
    hand.wander(".buy-ticket", 0.6)
    kind = "data-duration" if "duration" in facts["which"] else "data-price"
    numbers = cast(list[float], hand.ask(_NUMBERS, kind))
    best = max(numbers) if facts["which"].startswith(("most", "longest")) else min(numbers)
    hand.press((".buy-ticket", numbers.index(best)), think_ms=1200)


def order_food(hand: Hand, facts: Facts) -> None:
    """order-food: one of each of two dishes, sometimes a third that is taken off again."""
    dishes = cast(
        list[str], hand.ask("() => [...document.querySelectorAll('.item-name')].map((e) => e.textContent.trim())")
    )
    wanted = sorted(dishes.index(facts[key]) for key in ("first", "second"))
    for i in wanted:
        hand.press((".food-item .add", i), think_ms=600)
        if hand.chance(0.12):
            hand.press((".food-item .add", i), think_ms=200)
            hand.press((".food-item .remove", i), think_ms=700)
    hand.submit("#submit-order button")


def add_event(hand: Hand, facts: Facts) -> None:
    """daily-calendar: drag over free half hours, name the event, create it."""
    start, count = int(facts["start"]), int(facts["half_hours"])
    a = hand.look((".half-hour", start))
    b = hand.look((".half-hour", start + count - 1))
    a = hand.look((".half-hour", start))
    x = a[0] + a[2] * hand.rng.uniform(0.3, 0.7)
    hand.stage.think(500)
    hand.stage.drag((x, a[1] + 6), (x + hand.rng.uniform(-5, 5), b[1] + 13))
    hand.write("#event-name", facts["name"])
    hand.submit("#create-event .create")


# A free stretch of the calendar inside the hours asked for, with room to both neighbours.
_FREE = """(said) => {
  const hour = (text) => (Number(/\\d+/.exec(text)[0]) % 12 + (/PM/.test(text) ? 12 : 0)) * 2;
  const half_hours = Math.round(Number(/[\\d.]+/.exec(said.length)[0]) / (/min/.test(said.length) ? 30 : 0.5));
  const taken = [...document.querySelectorAll('.event')].map((event) => {
    const from = Math.round((parseFloat(event.style.top) - 4) / 20.42);
    return [from - 1, from + Number(event.dataset.duration) + 1];
  });
  const free = [];
  for (let start = hour(said.from) + 1; start + half_hours <= hour(said.to); start++)
    if (taken.every(([from, to]) => start + half_hours <= from || start >= to)) free.push(start);
  return free.length ? {start: free[free.length >> 1], half_hours, minutes: 30 * half_hours} : null;
}"""

TASKS = (
    Task(
        name="choose-date",
        pattern=r"Select (?<date>[\d/]+) as the date",
        label="Pick the date {date} in the calendar and submit.",
        slots=("date",),
        play=choose_date,
    ),
    Task(
        name="book-flight",
        pattern=r"Book the (?<which>\w+) one-way flight from: (?<origin>.+) to: (?<goal>.+) on (?<date>[\d/]+)\.",
        label="Book the {which} flight from {origin} to {goal} on {date}.",
        slots=("origin", "goal", "date"),
        facts="""(said) => {
          const full = (part) => DOMESTIC_FLIGHTS.filter((one) => one.includes(part));
          const [from, to] = [full(said.origin), full(said.goal)];
          return from.length === 1 && to.length === 1 && from[0] !== to[0]
            ? {origin_full: from[0], goal_full: to[0]} : null;
        }""",
        css="#ui-datepicker-div { margin-top: 10px }",
        play=book_flight,
    ),
    Task(
        name="buy-ticket",
        pattern=r"Buy the ticket with the (?<which>[a-z ]+)\.",
        label="Buy the ticket with the {which}.",
        play=buy_ticket,
    ),
    Task(
        name="order-food",
        pattern=r"Order one of each item: (?<first>[^,]+), (?<second>.+)",
        label="Order one {first} and one {second}.",
        slots=("first", "second"),
        pools={"dishes": DISHES},
        before=_MENU_ITEMS,
        play=order_food,
    ),
    Task(
        name="daily-calendar",
        pattern=r'Create a (?<length>[\d.]+ \w+) event named "(?<name>.+)", between (?<from>\w+) and (?<to>\w+)',
        label="Add a {minutes} minute event named {name} to the calendar.",
        slots=("name",),
        facts=_FREE,
        pools={"events": EVENTS},
        before="(pools) => { PROBLEM_ACTIONS = pools.events; }",
        play=add_event,
    ),
)
