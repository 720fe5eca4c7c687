"""`python -m uijepa.bench`: the quality suite, a folder of wild clips, probes of encoders, pictures, the tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from uijepa.bench import answers, quality, report, wild
from uijepa.bench.metrics import Scorer
from uijepa.bench.options import decimals, named, numbers, one_of, probes
from uijepa.data.manifest import LABELS, SPLITS
from uijepa.errors import ConfigError, UijepaError
from uijepa.runtime import DEFAULT_BUNDLE
from uijepa.runtime.engine import ocr

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
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(help="A further manifest the bundle was trained on: baselines get it too; may be repeated."),
    ] = None,
    bundle: Bundle = DEFAULT_BUNDLE,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    labels: Annotated[
        str, typer.Option(help="reference, or lexicalised: with names, times and texts where the suite has none.")
    ] = "reference",
    baseline_bundle: Annotated[
        list[str] | None, typer.Option(help="NAME=DIR: another bundle to compare with; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = report.QUALITY_RESULTS,
    work: Annotated[Path, typer.Option(help="Journals and caches; a second run resumes.")] = Path("runs/bench"),
    limit: Annotated[int | None, typer.Option(help="Score this many clips only.", min=1)] = None,
    name: Annotated[str, typer.Option(help="Name of the suite; the manifest's folder without.")] = "",
    date: Annotated[str, typer.Option(help="Date to store in the results.")] = "",
    threads: Threads = None,
    strict_leakage: Annotated[bool, typer.Option(help="Refuse to score a split that leaks.")] = False,
    read_train: Annotated[
        bool, typer.Option(help="Baselines know training clips by the text read on them (seconds a clip, once).")
    ] = False,
) -> None:
    """Score a bundle and its baselines on held-out clips."""
    if context.invoked_subcommand is not None:
        return
    with plain_errors():
        if manifest is None:
            raise ConfigError("--manifest: name the manifest of the recordings to score.")
        plan = quality.Plan(
            manifest=manifest,
            trained_on=trained_on or [],
            bundle=bundle,
            work=work,
            split=one_of(split, SPLITS, "--split"),
            labels=one_of(labels, LABELS, "--labels"),
            others=named(baseline_bundle or []),
            limit=limit,
            suite=name,
            date=date,
            strict_leakage=strict_leakage,
            read_train=read_train,
        )
        reader = answers.reading_once(ocr)
        results = quality.measure(plan, lambda b: answers.open_engine(b, threads, reader), Scorer())
        save(out, results)
        report.show(results, Console())
        Console().print(f"written: {out}", markup=False, soft_wrap=True)


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


@app.command("probe")
def probe_encoders(  # noqa: PLR0917 (typer's options)
    encoder: Annotated[
        list[str],
        typer.Option(
            help="NAME=FOLDER of a checkpoint (or of one a seed, with commas), random, supervised, or, without an "
            "encoder, text (the words on the screen) and where (where and when it moved)."
        ),
    ],
    suite: Annotated[list[str] | None, typer.Option(help="NAME=MANIFEST; may be repeated.")] = None,
    across: Annotated[
        list[str] | None, typer.Option(help="LOOK:OTHER=MANIFEST[,MANIFEST]: fit on LOOK/…, test on OTHER/….")
    ] = None,
    config_path: Annotated[Path | None, typer.Option("--config", help="Recipe to prepare the clips by.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.subkey=value, on top of the recipe.")
    ] = None,
    shots: Annotated[str, typer.Option(help="Labelled clips a category, with commas between.")] = "1,2,4,8",
    seeds: Annotated[int, typer.Option(help="Draws of the labelled clips.", min=1)] = 3,
    kinds: Annotated[str, typer.Option("--probes", help="Probes to fit, with commas.")] = "attentive,knn",
    steps: Annotated[int, typer.Option(help="Training steps of a probe, and of `supervised`.", min=1)] = 300,
    batch: Annotated[int, typer.Option(help="Clips of each of these steps.", min=1)] = 64,
    lrs: Annotated[str, typer.Option(help="Their peak learning rates to try, with commas.")] = "0.0003,0.001,0.003",
    decays: Annotated[str, typer.Option(help="Weight decays to try with each, with commas.")] = "0.01,0.3",
    out: Annotated[Path, typer.Option(help="Where the results go.")] = report.PROBE_RESULTS,
    date: Annotated[str, typer.Option(help="Date to store in the results.")] = "",
    add: Annotated[bool, typer.Option("--add", help="Add to the results that --out holds already.")] = False,
) -> None:
    """Compare encoders by what few labelled clips make of their features."""
    from uijepa.bench import contenders, probe, probe_report
    from uijepa.bench import shots as tasks
    from uijepa.bench.probing import ProbeConfig
    from uijepa.config import load
    from uijepa.training.config import TrainConfig

    with plain_errors():
        config = load(TrainConfig, config_path, overrides or [])
        plan = probe.Plan(
            suites=[*map(tasks.parse_suite, suite or []), *map(tasks.parse_across, across or [])],
            contenders=contenders.contenders(encoder, config.preprocess, config.encoder),
            preprocess=config.preprocess,
            shots=numbers(shots, "--shots"),
            seeds=seeds,
            kinds=probes(kinds),
            probe=ProbeConfig(
                steps=steps, batch=batch, lrs=decimals(lrs, "--lrs"), decays=decimals(decays, "--decays")
            ),
            device=config.device,
            precision=config.precision,
        )
        with Progress(console=Console(stderr=True)) as progress:
            results = probe.measure(plan, progress)
        dated = {"date": date} if date else {}
        results = {"command": probe_report.command(sys.argv), **dated, **results}
        if add:
            results = probe_report.joined(report.load(out, "probes"), results)
        save(out, results)
        probe_report.show(results, Console())
        Console().print(f"written: {out}", markup=False, soft_wrap=True)


@app.command("legible")
def legible_text(
    manifest: Annotated[Path, typer.Argument(help="Recordings whose manifest says what text they show.")],
    patches: Annotated[str, typer.Option(help="Patches a frame to compare, with commas.")] = "196,400,784,1600",
    split: Annotated[str, typer.Option(help="Split to read.")] = "test",
    limit: Annotated[int, typer.Option(help="Clips at most, spread over the manifest.", min=1)] = 100,
    out: Annotated[Path | None, typer.Option(help="Write the results here too.")] = None,
) -> None:
    """How much of the text on the screen can be read at the size that the encoder sees."""
    from uijepa.bench import legible, probe_report
    from uijepa.config import Preprocess

    with plain_errors():
        with Progress(console=Console(stderr=True)) as progress:
            rows = legible.measure(
                manifest,
                numbers(patches, "--patches"),
                split=one_of(split, SPLITS, "--split"),
                limit=limit,
                spec=Preprocess(),
                progress=progress,
            )
        legible.show(rows, Console())
        if out is not None:
            save(out, {"command": probe_report.command(sys.argv), "rows": rows})


@app.command("screens")
def readable_values(
    manifest: Annotated[Path, typer.Argument(help="Recordings whose labels name values.")],
    screens: Annotated[str, typer.Option(help="Screens a clip to compare, with commas.")] = "1,2,4",
    split: Annotated[str, typer.Option(help="Split to read.")] = "val",
    limit: Annotated[int, typer.Option(help="Clips at most, spread over the manifest.", min=1)] = 100,
    out: Annotated[Path | None, typer.Option(help="Write the results here too.")] = None,
) -> None:
    """How much of what labels name can be read, by how many screens of a clip are read; on one thread."""
    from uijepa.bench import probe_report
    from uijepa.bench import screens as reading

    with plain_errors():
        with Progress(console=Console(stderr=True)) as progress:
            rows = reading.measure(
                manifest,
                numbers(screens, "--screens"),
                split=one_of(split, SPLITS, "--split"),
                limit=limit,
                progress=progress,
            )
        reading.show(rows, Console())
        if out is not None:
            save(out, {"command": probe_report.command(sys.argv), "rows": rows})


@app.command("look")
def look_at(
    clip: Annotated[Path, typer.Argument(help="A screen recording.")],
    encoder: Annotated[Path, typer.Option(help="Checkpoint folder of an encoder or of a whole system.")],
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("look.png"),
    config_path: Annotated[
        Path | None,
        typer.Option("--config", help="Recipe, for a checkpoint that does not say how clips are prepared."),
    ] = None,
) -> None:
    """Draw what an encoder makes of a clip: principal components in colour, and similarity over time."""
    from uijepa.bench import contenders, look
    from uijepa.config import load
    from uijepa.training.config import TrainConfig

    with plain_errors():
        trained = contenders.read(encoder)
        spec = trained.preprocess or load(TrainConfig, config_path, []).preprocess
        look.draw(look.see(clip, trained.encoder, spec), clip.name).save(out)
        Console().print(f"written: {out}", markup=False, soft_wrap=True)


@app.command("curves")
def draw_curves(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `python -m uijepa.train` wrote.")],
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("curves.png"),
) -> None:
    """Draw the loss and the health of pretraining runs."""
    from uijepa.bench import curves

    with plain_errors():
        curves.draw([curves.read(run) for run in runs]).save(out)
        Console().print(f"written: {out}", markup=False, soft_wrap=True)


@app.command("plot")
def plot_probes(
    results: Annotated[Path, typer.Argument(help="Results of probes.")] = report.PROBE_RESULTS,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("probe.png"),
) -> None:
    """Draw the results of probes."""
    from uijepa.bench import plot

    with plain_errors():
        plot.draw(report.load(results, "probes")).save(out)
        Console().print(f"written: {out}", markup=False, soft_wrap=True)


@app.command("report")
def tables(
    root: Annotated[Path, typer.Option(help="The checkout.")] = Path(),
    check: Annotated[bool, typer.Option(help="Change nothing; fail when a page differs.")] = False,
) -> None:
    """Write the tables of the checkout's pages from the results kept in it."""
    from uijepa.bench import pages

    with plain_errors():
        pages.update(root, Console(), check=check)


if __name__ == "__main__":
    app()
