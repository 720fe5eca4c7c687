"""Results of probes as tables: on the terminal, and as a block of a page."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from uijepa.bench.report import line
from uijepa.errors import ConfigError

Cells = dict[tuple[str, str, str], dict[int, Mapping[str, Any]]]
"""Rows by (suite, probe, encoder), and in each by shots."""


def command(arguments: Sequence[str]) -> str:
    """The command as one can type it elsewhere: paths below this folder as they are, others by their last part."""

    def told(text: str) -> str:
        head, equals, paths = text.partition("=")
        if equals:
            return f"{head}={','.join(told(p) for p in paths.split(','))}"
        path = Path(text)
        if not path.is_absolute():
            return text
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name

    return shlex.join(["python", "-m", "uijepa.bench", *map(told, arguments[1:])])


_NAMES = {
    "encoders": ("encoder",),
    "suites": ("suite",),
    "tasks": ("suite", "shots"),
    "rows": ("suite", "encoder", "probe", "shots"),
    "differences": ("suite", "a", "b", "probe", "shots"),
    "silhouettes": ("suite", "encoder", "by"),
    "agreements": ("suite", "encoder"),
    "chosen": ("suite", "encoder", "probe", "shots"),
}
"""What tells the entries of each list apart."""


def joined(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Two runs' results as one, in their order; where both hold an entry, that of `now`.

    An encoder of before keeps its own budget beside it where that was another one. Raises ConfigError when they
    differ in what else makes their numbers comparable.
    """
    for name in ("seeds", "interval", "preprocess"):
        if before[name] != now[name]:
            raise ConfigError(f"--add: {name} was {before[name]} before and is {now[name]} now; they must be equal.")
    made = {**before, **now, "command": f"{before['command']} && {now['command']}"}
    for part, names in _NAMES.items():
        entries: dict[tuple[Any, ...], Any] = {}
        for entry in (*before.get(part, ()), *now.get(part, ())):
            entries[tuple(entry[name] for name in names)] = entry
        made[part] = list(entries.values())
    if before["budget"] != now["budget"]:
        fresh = {e["encoder"] for e in now["encoders"]}
        made["encoders"] = [
            e if e["encoder"] in fresh else {"budget": before["budget"], **e} for e in made["encoders"]
        ]
    return made


def block(results: Mapping[str, Any]) -> str:
    """A page's part between the markers, as Markdown."""
    shots = columns(results)
    told = [f"{n} a category" for n in shots]
    made = _table(["suite", "probe", "encoder", *told], _lines(gather(results["rows"], "encoder"), shots))
    for first, ahead in _leads(results):
        made += ["", f"Points by which `{first}` is ahead, paired by seed and clip:", ""]
        made += _table(["suite", "probe", "over", *told], _lines(gather(ahead, "b"), shots, sign=True))
    made += _folded(
        "Silhouette of test clips' mean features (−1 to 1)",
        _table(["suite", "by", "encoder", "silhouette"], silhouettes(results)),
    )
    made += _folded(
        "Share of the variance of half clips that both halves have in common (0 to 1)",
        _table(["suite", "encoder", "agreement"], agreements(results)),
    )
    return "\n".join([*made, "", footnote(results)])


def footnote(results: Mapping[str, Any]) -> str:
    """What the numbers are, and what chance is."""
    alike: dict[tuple[str, str], list[str]] = {}
    for task in results["tasks"]:
        chance = f"{task['chance']:.1f}" if task["chance"] is not None else "–"
        asked = f"{task['categories']} categories ({task['left_out']} left out), {task['test_clips']} test clips"
        alike.setdefault((task["suite"], f"{asked}, chance {chance}"), []).append(str(task["shots"]))
    tasks = "; ".join(f"{suite} at {', '.join(shots)}: {asked}" for (suite, asked), shots in alike.items())
    usual = _budget(results["budget"])
    budgets = {e["encoder"]: _budget(e["budget"]) for e in results["encoders"] if "budget" in e}
    others = "".join(f" (`{name}`: {budget})" for name, budget in budgets.items() if budget != usual)
    return (
        f"Top-1 accuracy in %, mean of {results['seeds']} draws ({results['interval']}). Every attentive probe, and "
        f"`supervised` with its encoder, trains {usual}{others}; settings are chosen on clips that are not tested. "
        f"{tasks}."
    )


def _budget(budget: Mapping[str, Any]) -> str:
    settings = len(budget["lrs"]) * len(budget["decays"])
    tried = "one setting" if settings == 1 else f"each of {settings} settings"
    return f"{budget['steps']} steps of {budget['batch']} clips with {tried}"


def columns(results: Mapping[str, Any]) -> list[int]:
    """The numbers of shots, rising."""
    return sorted({row["shots"] for row in results["rows"]})


def gather(rows: Iterable[Mapping[str, Any]], who: str) -> Cells:
    """Rows by suite, probe and `who`, in their order but for the probes, which stand together."""
    made: Cells = {}
    for row in rows:
        made.setdefault((row["suite"], row["probe"], row[who]), {})[row["shots"]] = row
    suites = list(dict.fromkeys(suite for suite, *_ in made))
    return dict(sorted(made.items(), key=lambda item: (suites.index(item[0][0]), item[0][1])))


def spread(row: Mapping[str, Any] | None, *, sign: bool = False) -> str:
    """`12.3 (11.0 to 13.0)`, or a dash."""
    if row is None:
        return "–"
    mean = f"{row['mean']:+.1f}" if sign else f"{row['mean']:.1f}"
    return f"{mean} ({row['low']:.1f} to {row['high']:.1f})"


def silhouettes(results: Mapping[str, Any]) -> list[list[str]]:
    """suite, by, encoder, value."""
    return [[s["suite"], s["by"], s["encoder"], f"{s['silhouette']:+.3f}"] for s in results["silhouettes"]]


def agreements(results: Mapping[str, Any]) -> list[list[str]]:
    """suite, encoder, value; none in results from before they were measured."""
    return [[a["suite"], a["encoder"], f"{a['agreement']:.2f}"] for a in results.get("agreements", ())]


def _leads(results: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The differences of each encoder that others were compared with: one a run, so several after --add."""
    leads: dict[str, list[Mapping[str, Any]]] = {}
    for difference in results["differences"]:
        leads.setdefault(difference["a"], []).append(difference)
    return list(leads.items())


def _lines(cells: Cells, shots: Sequence[int], *, sign: bool = False) -> list[list[str]]:
    return [[*names, *(spread(row.get(n), sign=sign) for n in shots)] for names, row in cells.items()]


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    names = min(3, len(heads) - 1)
    under = ["---"] * names + ["---:"] * (len(heads) - names)
    return [line(heads), line(under), *map(line, lines)]


def _folded(title: str, table: Sequence[str]) -> list[str]:
    """A table that few want, closed until it is asked for; nothing of one without a line below its head."""
    return ["", f"<details><summary>{title}</summary>", "", *table, "", "</details>"] if len(table) > 2 else []


def show(results: Mapping[str, Any], console: Console) -> None:
    """Print the results."""
    shots = columns(results)
    if not results["rows"]:
        console.print("no category has clips enough for these shots")
    else:
        title = "Top-1 accuracy in %, labelled clips a category"
        console.print(_shown(title, "encoder", _lines(gather(results["rows"], "encoder"), shots), shots))
    for first, ahead in _leads(results):
        lines = _lines(gather(ahead, "b"), shots, sign=True)
        console.print(_shown(f"Points ahead: {first} over", "over", lines, shots))
    for suite, by, name, value in silhouettes(results):
        console.print(f"silhouette, {suite} by {by}: {name} {value}", markup=False)
    for suite, name, value in agreements(results):
        console.print(f"halves of a clip agree, {suite}: {name} {value}", markup=False)
    console.print(footnote(results), markup=False)


def _shown(title: str, who: str, lines: Iterable[Sequence[str]], shots: Sequence[int]) -> Table:
    """A table for the terminal; a suite and a probe are named once."""
    table = Table(title=title)
    for head in ("suite", "probe", who):
        table.add_column(head, overflow="fold")
    for n in shots:
        table.add_column(str(n), justify="right")
    last = ("", "")
    for suite, probe, name, *cells in lines:
        told = (suite if suite != last[0] else "", probe if (suite, probe) != last else "")
        table.add_row(*told, name, *cells)
        last = (suite, probe)
    return table
