"""`python -m uijepa.record`: make labelled recordings in a real browser, and look at them."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from uijepa import __version__
from uijepa.data import layouts
from uijepa.data.manifest import Split
from uijepa.errors import ConfigError, UijepaError
from uijepa.record import human, suites
from uijepa.record import sheet as sheets
from uijepa.record.jobs import Plan, every, run, share
from uijepa.record.report import Report
from uijepa.record.workers import DEFAULT_SOURCES, SOURCES, Outcome

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True)

Out = Annotated[
    Path | None, typer.Option(help="Folder for the clips and their manifest. Default: $UIJEPA_DATA, or recordings.")
]
Workers = Annotated[int, typer.Option(min=1, help="Browsers at work at the same time.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a folder that was begun.")]


@app.callback(invoke_without_command=True)
def record(  # noqa: PLR0917 - each option of the command is a parameter
    context: typer.Context,
    out: Out = None,
    suite: Annotated[
        str, typer.Option(help="Record a suite of datasets/ by its name, or by the path of a suite.toml.")
    ] = "",
    clips: Annotated[
        str,
        typer.Option(metavar="[PART=]N", help="Clips of a suite of one part; or of each part named, with commas."),
    ] = "",
    part: Annotated[
        str, typer.Option("--share", metavar="K/N", help="The K-th of N shares of a suite, for N machines.")
    ] = "",
    source: Annotated[
        str, typer.Option(help=f"Sources, with commas: {', '.join(SOURCES)}, or your own as module:Class.")
    ] = ",".join(DEFAULT_SOURCES),
    categories: Annotated[str, typer.Option(help="Categories to record, with commas. Default: all.")] = "",
    train: Annotated[int, typer.Option(min=0, help="Training clips per category.")] = 10,
    val: Annotated[int, typer.Option(min=0, help="Validation clips per category.")] = 2,
    test: Annotated[int, typer.Option(min=0, help="Test clips per category.")] = 2,
    seed: Annotated[int, typer.Option(help="Same seed, same clips. A suite has its own.")] = 0,
    workers: Workers = 2,
    resume: Resume = False,
) -> None:
    """Record clips of people-like use of real pages, each with the intent it shows.

    Values in the labels (names, times, texts) of validation and test clips never occur in training clips.
    Ctrl-C lets the clips under way finish; --resume goes on from there.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        if suite:
            plan = _suite(suites.load(suite), clips, part, out, workers=workers, resume=resume)
        elif clips or part:
            raise ConfigError("--clips and --share are for suites; say --train, --val and --test without one.")
        else:
            counts: dict[Split, int] = {"train": train, "val": val, "test": test}
            plan = Plan(
                out=out or suites.data(),
                jobs=every(_names(source), _names(categories), counts, seed=seed),
                asked={"seed": seed, "sources": _names(source), "counts": counts, "made_with": _made_with()},
                workers=workers,
                resume=resume,
            )
        report, stopped = _run(plan)
    except UijepaError as error:
        raise _said(error) from error
    _end(report, stopped)


@app.command("sheet")
def sheet(  # noqa: PLR0917 - likewise
    path: Annotated[Path, typer.Argument(metavar="MANIFEST", help="manifest.jsonl, CSV, or a folder of clips.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.png", help="The picture to write.")],
    clips: Annotated[int, typer.Option(min=1, help="Clips at most, of as many categories as there are.")] = 24,
    moments: Annotated[int, typer.Option(min=2, help="Frames of each, first and last included.")] = 6,
    tall: Annotated[int, typer.Option(min=32, help="Height of a frame in px.")] = 240,
    columns: Annotated[int, typer.Option(min=1, help="Clips beside each other.")] = 1,
    category: Annotated[str, typer.Option(help="Only categories that begin like this.")] = "",
    seed: Annotated[int, typer.Option(help="Another seed, other clips.")] = 0,
) -> None:
    """Draw a contact sheet of a recording."""
    try:
        found = layouts.read(path)
        kept = [clip for clip in found.clips if clip.category.startswith(category)]
        drawn = layouts.Recordings(path=found.path, root=found.root, clips=kept)
        sheets.draw(drawn, clips=clips, moments=moments, tall=tall, columns=columns, seed=seed).save(out)
    except UijepaError as error:
        raise _said(error) from error


@app.command("replay")
def replay(
    path: Annotated[Path, typer.Argument(metavar="DEMOS", help="MiniWoB++ demonstrations, demos.jsonl[.xz].")],
    out: Out = None,
    most: Annotated[int, typer.Option(min=1, help="Sessions of each task, at most.")] = 1_000_000,
    workers: Workers = 2,
    resume: Resume = False,
) -> None:
    """Lay recorded sessions of people out anew. For measuring only: training leaves these clips out."""
    try:
        with tempfile.TemporaryDirectory(prefix="uijepa-sessions-") as folder:
            os.environ[human.SESSIONS] = folder
            plan = Plan(
                out=out or suites.data() / "human",
                jobs=human.unpack(path, Path(folder), most),
                asked={"suite": "human", "seed": 0, "sessions": path.name, "made_with": _made_with()},
                finish=human.finish,
                workers=workers,
                resume=resume,
            )
            report, stopped = _run(plan)
    except UijepaError as error:
        raise _said(error) from error
    _end(report, stopped)


def _suite(suite: suites.Suite, clips: str, part: str, out: Path | None, *, workers: int, resume: bool) -> Plan:
    asked_for = suites.sizes(suite, clips)
    jobs = suite.jobs(asked_for)
    made = {name: sum(spread.values()) for name, spread in suite.spread(asked_for).items()}
    asked = {
        "suite": suite.name,
        "seed": suite.seed,
        "definition_sha256": suite.digest,
        "sources": suite.sources,
        "clips": made,
        "made_with": _made_with(),
        **({"share": part} if part else {}),
    }
    return Plan(
        out=out or suites.data() / suite.name,
        jobs=share(jobs, part) if part else jobs,
        asked=asked,
        finish=suite.finish,
        exact=True,
        workers=workers,
        resume=resume,
    )


def _made_with() -> dict[str, str]:
    """What the pixels depend on besides the seed."""
    packages = ("playwright", "miniwob", "faker", "av")
    return {"uijepa": __version__, **{name: importlib.metadata.version(name) for name in packages}}


def _end(report: Report, stopped: bool) -> None:
    """Say what was made; exit with 130 when stopped, 1 when clips are missing."""
    console.print(report.table())
    if stopped:
        console.print(f"Stopped at {report.made} of {report.asked} clips. Go on with --resume.")
        raise typer.Exit(130)
    if report.made < report.asked:
        failed = f"{len(report.given_up)} given up, {len(report.skipped)} skipped"
        console.print(f"[red]{report.made} of {report.asked} clips: {failed}[/]; see report.json.")
        raise typer.Exit(1)


def _said(error: UijepaError) -> typer.Exit:
    console.print(f"[red]{error.code}:[/] {error}", highlight=False, soft_wrap=True)
    return typer.Exit(2)


def _run(plan: Plan) -> tuple[Report, bool]:
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
    app()
