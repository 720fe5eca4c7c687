"""`python -m uijepa.data check`: what recordings hold, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from uijepa.data import check as checking
from uijepa.data import layouts
from uijepa.data.survey import Measure, Seen, Unreadable, measures, survey
from uijepa.errors import UijepaError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True)


@app.callback()
def main() -> None:
    """Look after recordings."""


@app.command("check")
def check(  # noqa: PLR0917 (typer's options)
    paths: Annotated[
        list[Path], typer.Argument(metavar="MANIFEST...", help="manifest.jsonl, CSV, or folders of clips.")
    ],
    beside: Annotated[
        list[Path] | None, typer.Option(help="Lay the clips' statistics beside these of another recording.")
    ] = None,
    read: Annotated[
        bool, typer.Option("--read", help="Also read the pixels for labels; seconds a clip, needs the extra 'ocr'.")
    ] = False,
    shortest: Annotated[float, typer.Option(help="Seconds a clip must last.")] = checking.SHORTEST_S,
    most: Annotated[int, typer.Option(help="Findings printed of each kind; --json has all.")] = 20,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write everything here too.")] = None,
) -> None:
    """Count clips, look for what is wrong with them (exit status 1), and measure what a model would see of them."""
    try:
        looked = {path: _look(path, read) for path in paths}
        others = {path: _look(path, False) for path in beside or []}
    except UijepaError as error:
        console.print(f"[red]{error.code}[/]: {error}", soft_wrap=True, highlight=False)
        raise typer.Exit(2) from None
    checked = checking.check([item for found in looked.values() for item in found], shortest_s=shortest)
    columns = {
        str(path): measures(seen)
        for path, found in (looked | others).items()
        if (seen := [item for item in found if isinstance(item, Seen)])
    }
    _show(checked, columns, most)
    if json_out is not None:
        values = checked.as_json() | {"measures": {k: [vars(m) for m in v] for k, v in columns.items()}}
        json_out.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if checked.findings:
        raise typer.Exit(1)


def _look(path: Path, read: bool) -> list[Seen | Unreadable]:
    with Progress(console=console, transient=True) as progress:
        return list(survey(layouts.read(path), read_text=read, progress=progress))


def _show(checked: checking.Checked, columns: dict[str, list[Measure]], most: int) -> None:
    out = Console(soft_wrap=True)
    out.print(
        f"{checked.clips} clips, {checked.labelled} labelled, {checked.hours} h, content {checked.content[:16]}"
    )
    for name, counted in checked.counts.items():
        out.print(_line(name, counted), highlight=False)
    if columns:
        out.print(_table(columns))
    kinds = sorted({finding.kind for finding in checked.findings})
    for kind in kinds:
        found = [finding for finding in checked.findings if finding.kind == kind]
        out.print(Text(f"{kind}: {len(found)}", style="red"))
        for finding in found[:most]:
            out.print(Text(f"  {finding.clip}: {finding.detail}"))
        if len(found) > most:
            out.print(Text(f"  … and {len(found) - most} more"))
    if not kinds:
        out.print("nothing wrong was found")


def _line(name: str, counted: dict[str, int]) -> Text:
    if name == "category":
        fewest, largest = min(counted.values()), max(counted.values())
        return Text(f"{name}: {len(counted)}, {fewest} to {largest} clips each")
    return Text(f"{name}: " + ", ".join(f"{key} {number}" for key, number in counted.items()))


def _table(columns: dict[str, list[Measure]]) -> Table:
    table = Table("median (10 % … 90 % of clips)")
    for name in columns:
        table.add_column(name, justify="right")
    rows: Sequence[Measure] = next(iter(columns.values()))
    for number, row in enumerate(rows):
        cells = [_range(measured[number]) for measured in columns.values()]
        table.add_row(f"{row.name} {row.unit}".strip(), *cells)
    return table


def _range(measure: Measure) -> str:
    def said(value: float) -> str:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"

    return f"{said(measure.median)} ({said(measure.low)} … {said(measure.high)})"


if __name__ == "__main__":
    app()
