"""The command line: `uijepa predict CLIP…`, `uijepa version`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import uijepa
from uijepa.errors import ClipError, UijepaError

if TYPE_CHECKING:
    from uijepa.runtime import Answer, Engine

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What did the user want? Ask a screen recording.")

ALL_ANSWERED, SOME_FAILED, CANNOT_START = 0, 1, 2
"""Exit codes."""


@app.command()
def predict(
    clips: Annotated[list[Path], typer.Argument(help="Screen recordings: mp4, mov, webm, mkv or gif.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line and clip.")] = False,
    bundle: Annotated[Path | None, typer.Option(help="Folder of a model; the shipped one if not given.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the model; all CPUs if not given.")] = None,
) -> None:
    """Say in one sentence what the user of each clip wanted.

    A clip that cannot be used is reported and the others are still answered; the exit code is then 1. It is 2 when
    the model cannot be loaded.
    """
    from uijepa.runtime import DEFAULT_BUNDLE, Engine
    from uijepa.video.sandbox import Sandbox

    errors = Console(stderr=True)
    failed = False
    try:
        with Sandbox() as sandbox:
            engine = Engine.load(bundle or DEFAULT_BUNDLE, threads=threads, sandbox=sandbox)
            for clip in clips:
                failed |= not _one(engine, clip, as_json=as_json, errors=errors)
    except UijepaError as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(CANNOT_START) from error
    raise typer.Exit(SOME_FAILED if failed else ALL_ANSWERED)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"uijepa {uijepa.__version__}")


def _one(engine: Engine, clip: Path, *, as_json: bool, errors: Console) -> bool:
    """Answer one clip on standard output; whether it could be."""
    try:
        answer = engine.predict(clip)
    except ClipError as error:
        if as_json:
            problem = {"code": error.code, "reason": error.reason, "remedy": error.remedy}
            typer.echo(json.dumps({"clip": str(clip), "error": problem}, ensure_ascii=False))
        else:
            errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return False
    typer.echo(
        json.dumps({"clip": str(clip), **answer.as_json()}, ensure_ascii=False) if as_json else _line(clip, answer)
    )
    return True


def _line(clip: Path, answer: Answer) -> str:
    took = answer.timings_ms["total"] / 1000
    # The sentence may hold anything that was on the screen: no control character of it reaches the terminal.
    said = "".join(c if c.isprintable() else " " for c in answer.intent) or "(no answer)"
    return f"{clip.name}: {said}  ({answer.confidence:.0%} sure, {took:.1f} s)"
