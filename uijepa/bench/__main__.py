"""`python -m uijepa.bench`: the quality suite, a folder of wild clips, the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from uijepa.bench import answers, quality, report, wild
from uijepa.bench.metrics import Scorer
from uijepa.data.manifest import SPLITS
from uijepa.errors import ConfigError, UijepaError
from uijepa.runtime import DEFAULT_BUNDLE

app = typer.Typer(add_completion=False, help="Measure a bundle.", pretty_exceptions_enable=False)
Bundle = Annotated[Path, typer.Option(help="Exported bundle; the shipped one without this.")]
Threads = Annotated[int | None, typer.Option(help="Threads of ONNX Runtime; as the engine decides without.")]


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show an error that the user can act on as one line, exit status 2."""
    try:
        yield
    except UijepaError as error:
        Console(stderr=True).print(f"error ({error.code}): {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


@app.callback(invoke_without_command=True)
def suite(
    context: typer.Context,
    *,
    manifest: Annotated[Path | None, typer.Option(help="Manifest of the recordings.")] = None,
    bundle: Bundle = DEFAULT_BUNDLE,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    baseline_bundle: Annotated[
        list[str] | None, typer.Option(help="NAME=DIR: another bundle to compare with; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = report.RESULTS,
    work: Annotated[Path, typer.Option(help="Journals and caches; a second run resumes.")] = Path("runs/bench"),
    limit: Annotated[int | None, typer.Option(help="Score this many clips only.", min=1)] = None,
    name: Annotated[str, typer.Option(help="Name of the suite; the manifest's folder without.")] = "",
    date: Annotated[str, typer.Option(help="Date to store in the results.")] = "",
    threads: Threads = None,
    strict_leakage: Annotated[bool, typer.Option(help="Refuse to score a split that leaks.")] = False,
) -> None:
    """Score a bundle and its baselines on held-out clips."""
    if context.invoked_subcommand is not None:
        return
    with plain_errors():
        if manifest is None:
            raise ConfigError("--manifest: name the manifest of the recordings to score.")
        found = [s for s in SPLITS if s == split]
        if not found:
            raise ConfigError(f"--split: {split!r} is none of {', '.join(SPLITS)}.")
        plan = quality.Plan(
            manifest=manifest,
            bundle=bundle,
            work=work,
            split=found[0],
            others=named(baseline_bundle or []),
            limit=limit,
            suite=name,
            date=date,
            strict_leakage=strict_leakage,
        )
        results = quality.measure(plan, lambda b: answers.open_engine(b, threads), Scorer())
        save(out, results)
        report.show(results, Console())
        Console().print(f"written: {out}", markup=False, soft_wrap=True)


def named(pairs: list[str]) -> dict[str, Path]:
    """`NAME=DIR` options as a mapping. Raises ConfigError."""
    made: dict[str, Path] = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (name and equals and folder) or name in made or name == quality.SYSTEM:
            raise ConfigError(f"--baseline-bundle {pair!r}: expected NAME=DIR, each name once.")
        made[name] = Path(folder)
    return made


def save(path: Path, value: dict[str, Any]) -> None:
    """Write JSON, a line a key and a line an item of a list; readers see the old file or the new one."""

    def dump(item: Any) -> str:
        if not isinstance(item, list) or not item:
            return json.dumps(item, ensure_ascii=False)
        return "[\n    " + ",\n    ".join(json.dumps(x, ensure_ascii=False) for x in item) + "\n  ]"

    lines = ",\n".join(f"  {json.dumps(name)}: {dump(item)}" for name, item in value.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    partial.replace(path)


@app.command("wild")
def wild_clips(
    folder: Annotated[Path, typer.Argument(help="Folder of clips, with or without a manifest.jsonl.")],
    bundle: Bundle = DEFAULT_BUNDLE,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write everything here too.")] = None,
    threads: Threads = None,
) -> None:
    """Show what the engine says about every clip of a folder."""
    with plain_errors():
        wanted = any(reference for _, reference in wild.listing(folder))
        scorer = Scorer() if wanted else None
        with answers.open_engine(bundle, threads)() as engine:
            seen = wild.look(folder, engine, scorer)
        wild.show(seen, Console())
        if json_out is not None:
            save(json_out, wild.as_json(seen))


@app.command("report")
def tables(
    results: Annotated[Path, typer.Option(help="Results of the quality suite.")] = report.RESULTS,
    readme: Annotated[Path, typer.Option(help="README with the bench markers.")] = Path("README.md"),
    check: Annotated[bool, typer.Option(help="Change nothing; fail when the README differs.")] = False,
) -> None:
    """Print the results and write the README's table from them."""
    with plain_errors():
        found = report.load(results)
        report.show(found, Console())
        if not check:
            changed = report.write(readme, found)
            Console().print(f"{readme}: {'written' if changed else 'up to date'}", markup=False, soft_wrap=True)
        elif report.between(readme.read_text(encoding="utf-8"), str(readme)) != report.block(found):
            raise ConfigError(f"{readme}: its table is not that of {results}. Run: python -m uijepa.bench report")


if __name__ == "__main__":
    app()
