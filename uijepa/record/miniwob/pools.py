"""Values that the MiniWoB++ pages draw their problems from, narrowed to one split."""

from __future__ import annotations

import importlib.util
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from uijepa.data.manifest import Split, split_of
from uijepa.errors import MissingExtra
from uijepa.record.values import Values

_MOST = 60
_ENOUGH = 15
_STRING = re.compile(r"""(["'])((?:(?!\1).)*)\1""")
_AIRPORT = re.compile(r"([A-Za-z. ]+, [A-Z]{2}) \(([A-Z]{3})\)")
_ARRAYS = {"people": "PEOPLE_NAMES", "families": "LAST_NAMES", "countries": "COUNTRIES", "words": "lorem_words"}


@lru_cache(maxsize=1)
def html_folder() -> Path:
    """Where the `miniwob` package keeps its pages, found without importing it (that would import gymnasium)."""
    spec = importlib.util.find_spec("miniwob")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("miniwob", "record", "recording MiniWoB++ tasks")
    return Path(spec.submodule_search_locations[0]) / "html" / "miniwob"


@lru_cache(maxsize=1)
def _originals() -> dict[str, list[str]]:
    """The lists in the pages' own scripts, and all US airports as 'City, ST (ABC)'."""
    common = html_folder().parent / "common"
    script = (common / "ui_utils.js").read_text(encoding="utf-8")
    pools = {}
    for name, array in _ARRAYS.items():
        text = script.partition(f"ui_utils.{array} = [")[2].partition("];")[0]
        pools[name] = [value.replace(",", "") for _, value in _STRING.findall(text)]
    flights = (common / "special" / "book-flight" / "domestic.js").read_text(encoding="utf-8")
    pools["flights"] = [value for _, value in _STRING.findall(flights)]
    return pools


def _usable(name: str, value: str, split: Split) -> bool:
    if name == "flights":
        airport = _AIRPORT.fullmatch(value)
        return airport is not None and all(split_of(part) == split for part in airport.groups())
    return len(value) > 1 and value.isascii() and split_of(value) == split


@lru_cache(maxsize=3)
def _of_split(split: Split) -> dict[str, list[str]]:
    return {
        name: list(dict.fromkeys(value for value in pool if _usable(name, value, split)))
        for name, pool in _originals().items()
    }


def page_pools(values: Values, rng: random.Random) -> dict[str, list[str]]:
    """Names, families, countries, words and airports for one clip: some of those that belong to the split.

    In half of the clips the words are English: what is read off these pages should not only be pseudo-Latin.
    """
    pools = {name: rng.sample(pool, min(_MOST, len(pool))) for name, pool in _of_split(values.split).items()}
    pools["people"] += [values.first_name() for _ in range(20)]
    if rng.random() < 0.5:
        pools["words"] = sorted({values.word() for _ in range(2 * _MOST)})
    return pools


def own_pools(pools: Mapping[str, Sequence[str]], values: Values, rng: random.Random) -> dict[str, list[str]]:
    """A task's own pools, shuffled. Where fewer than `_ENOUGH` belong to the split, others follow these."""
    return {name: _first_own(pool, values, rng) for name, pool in pools.items()}


def _first_own(pool: Iterable[str], values: Values, rng: random.Random) -> list[str]:
    mixed = list(pool)
    rng.shuffle(mixed)
    own = [value for value in mixed if values.accepts(value)]
    return own if len(own) >= _ENOUGH else own + [value for value in mixed if value not in own]
