"""`python -m uijepa.record`: make labelled recordings in a real browser."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from uijepa.data.manifest import Split
from uijepa.errors import UijepaError
from uijepa.record.jobs import Plan, run
from uijepa.record.report import Report
from uijepa.record.workers import SOURCES, Outcome


def main(  # noqa: PLR0917 - each option of the command is a parameter
    out: Annotated[Path, typer.Option(help="Folder for the clips and their manifest.")],
    source: Annotated[
        str, typer.Option(help=f"Sources, with commas: {', '.join(SOURCES)}, or your own as module:Class.")
    ] = ",".join(SOURCES),
    categories: Annotated[str, typer.Option(help="Categories to record, with commas. Default: all.")] = "",
    train: Annotated[int, typer.Option(min=0, help="Training clips per category.")] = 10,
    val: Annotated[int, typer.Option(min=0, help="Validation clips per category.")] = 2,
    test: Annotated[int, typer.Option(min=0, help="Test clips per category.")] = 2,
    seed: Annotated[int, typer.Option(help="Same seed, same clips.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Browsers at work at the same time.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a folder that was begun.")] = False,
) -> None:
    """Record clips of people-like use of real pages, each with the intent it shows.

    Values in the labels (names, times, texts) of validation and test clips never occur in training clips.
    Ctrl-C lets the clips under way finish; --resume goes on from there.
    """
    counts: dict[Split, int] = {"train": train, "val": val, "test": test}
    plan = Plan(
        out=out,
        sources=_names(source),
        categories=_names(categories),
        counts=counts,
        seed=seed,
        workers=workers,
        resume=resume,
    )
    console = Console(stderr=True)
    try:
        report, stopped = _run(plan, console)
    except UijepaError as error:
        console.print(f"[red]{error.code}:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    console.print(report.table())
    if stopped:
        console.print(f"Stopped at {report.made} of {report.asked} clips. Go on with --resume.")
        raise typer.Exit(130)
    if report.given_up or report.skipped:
        console.print(
            f"[red]{len(report.given_up)} clips given up, {len(report.skipped)} skipped[/]: see report.json."
        )
        raise typer.Exit(1)


def _run(plan: Plan, console: Console) -> tuple[Report, bool]:
    """Run with a progress bar and a Ctrl-C that ends it cleanly. Returns the report and whether it was stopped."""
    asked_to_stop = False

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal asked_to_stop
        if asked_to_stop:
            raise KeyboardInterrupt
        asked_to_stop = True
        console.print("Letting the clips under way finish (again to drop them) ...")

    before = [(number, signal.signal(number, on_signal)) for number in (signal.SIGINT, signal.SIGTERM)]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Recording", total=None, rate="")

            def on_start(total: int, done: int) -> None:
                progress.update(task, total=total, completed=done)

            def on_outcome(outcome: Outcome) -> None:
                speed = progress.tasks[0].speed
                progress.update(task, advance=1, rate=f"{speed:.2f} clips/s" if speed else "")
                if outcome.clip is None:
                    progress.print(f"[yellow]given up[/] {outcome.job.id}: {outcome.misses[-1].reason}")

            report = run(plan, on_start, on_outcome, lambda: asked_to_stop)
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    return report, asked_to_stop


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


if __name__ == "__main__":
    typer.run(main)
