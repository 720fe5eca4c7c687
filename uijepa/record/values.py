"""Free values for labels: names, times, texts, each belonging to one split.

A value is returned only if `split_of(value)` is the split asked for, so that no value of a test clip is ever
seen in training. All values are plain ASCII English.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from uijepa.data.manifest import Split, split_of
from uijepa.errors import MissingExtra, RecordingError
from uijepa.record.lexicon import PHRASES, POOLS

if TYPE_CHECKING:
    from faker import Faker

_TRIES = 2000
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS_IN = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_POOL = re.compile(r"\{(\w+)\}")
_CLOSE = ("tonight", "soon", "later", "today", "tomorrow", "now", "again", "please", "thanks", "okay")


@lru_cache(maxsize=1)
def _faker() -> Faker:
    """One instance a process: building it costs more than a clip's values. Seeded anew for each clip."""
    try:
        from faker import Faker
    except ImportError as error:
        raise MissingExtra("faker", "record", "recording") from error
    return Faker("en_US")


class Values:
    """Random values of one split, drawn from one seeded `rng`."""

    def __init__(self, split: Split, rng: random.Random) -> None:
        self.split = split
        self.rng = rng
        self._fake = _faker()
        self._fake.seed_instance(rng.getrandbits(64))

    def accepts(self, value: str) -> bool:
        """Whether `value` belongs to this split and is plain ASCII."""
        return value.isascii() and bool(value.strip()) and split_of(value) == self.split

    def draw(self, make: Callable[[], str]) -> str:
        """The first value of `make()` that belongs to this split.

        Raises RecordingError when none does: then the pool behind `make` is too small for a slot.
        """
        for _ in range(_TRIES):
            value = make()
            if self.accepts(value):
                return value
        raise RecordingError(
            f"No value for split {self.split!r} in {_TRIES} draws of {make!r}: "
            "the pool is too small. Leave it out of the label, or widen it."
        )

    def choice(self, pool: Sequence[str]) -> str:
        """One of `pool` that belongs to this split. Raises RecordingError when there is none."""
        mine = [value for value in pool if self.accepts(value)]
        if not mine:
            raise RecordingError(f"None of {len(pool)} values belongs to split {self.split!r}: {list(pool)[:5]}")
        return self.rng.choice(mine)

    def mix(self, template: str, *pools: Sequence[str]) -> str:
        """`template` with each '{}' filled from its pool in turn: mix('{} {}', woods, goods) -> 'Oak chair'."""
        return self.draw(lambda: template.format(*(self.rng.choice(list(pool)) for pool in pools)))

    def first_name(self) -> str:
        """'Maria'."""
        return self.draw(self._fake.first_name)

    def last_name(self) -> str:
        """'Jensen'."""
        return self.draw(self._fake.last_name)

    def full_name(self) -> str:
        """'Maria Jensen'."""
        return self.draw(lambda: f"{self._fake.first_name()} {self._fake.last_name()}")

    def city(self) -> str:
        """'Port Samuel'."""
        return self.draw(self._fake.city)

    def street(self) -> str:
        """'412 Hill Road'."""
        return self.draw(self._fake.street_address)

    def company(self) -> str:
        """'Reed and Sons'."""
        return self.draw(self._fake.company)

    def email(self) -> str:
        """'maria.jensen@example.org'."""
        return self.draw(self._fake.safe_email)

    def username(self) -> str:
        """'maria42'."""
        return self.draw(self._fake.user_name)

    def url(self) -> str:
        """'jensen.com'."""
        return self.draw(self._fake.domain_name)

    def phone_number(self) -> str:
        """'555-013-2746': twelve characters, ten digits."""
        return self.draw(
            lambda: f"{self.rng.randint(200, 989)}-{self.rng.randint(200, 999)}-{self.rng.randint(0, 9999):04d}"
        )

    def time(self, step: int = 5) -> str:
        """'7:30 AM', with minutes in multiples of `step` (1 or 5)."""
        return self.draw(
            lambda: f"{self.rng.randint(1, 12)}:{self.rng.randrange(0, 60, step):02d} {self.rng.choice(('AM', 'PM'))}"
        )

    def date(self) -> str:
        """'March 4', never February 29."""

        def make() -> str:
            month = self.rng.randrange(12)
            return f"{_MONTHS[month]} {self.rng.randint(1, _DAYS_IN[month])}"

        return self.draw(make)

    def word(self) -> str:
        """One lower-case word, 'garden'."""
        return self.draw(lambda: str(self._fake.word()).lower())

    def words(self, count: int) -> str:
        """`count` lower-case words, 'garden music late'."""
        return self.draw(lambda: " ".join(self._fake.words(count)).lower())

    def title(self, most: int = 3) -> str:
        """A short name for a thing, one to `most` words, first letter large: 'Garden party'."""
        return self.draw(lambda: " ".join(self._fake.words(self.rng.randint(1, most))).capitalize())

    def sentence(self, words: int = 6) -> str:
        """A short message of about `words` words, without a full stop: 'Call me about the house tonight'."""

        def make() -> str:
            text = str(self._fake.sentence(nb_words=max(2, words - 1))).rstrip(".")
            return f"{text} {self.rng.choice(_CLOSE)}" if self.rng.random() < 0.5 else text

        return self.draw(make)

    def phrase(self, kind: str) -> str:
        """An everyday phrase of a kind of `lexicon.PHRASES`, first letter large: 'Spicy chicken wrap'."""

        def make() -> str:
            pattern = self.rng.choice(PHRASES[kind])
            text = _POOL.sub(lambda match: self.rng.choice(POOLS[match[1]]), pattern)
            return text[0].upper() + text[1:]

        return self.draw(make)

    def number(self, low: int, high: int) -> str:
        """A whole number from `low` to `high`, both included, in digits."""
        return self.draw(lambda: str(self.rng.randint(low, high)))

    def amount(self, low: int = 1, high: int = 500) -> str:
        """An amount of money, '$12.50'."""
        return self.draw(lambda: f"${self.rng.randint(low, high - 1)}.{self.rng.randrange(0, 100, 5):02d}")
