"""Results as tables: on the terminal, and as a block of a page, so that its numbers are the file's numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from uijepa.errors import ConfigError

QUALITY_RESULTS = Path(__file__).parent / "results" / "quality.json"
PROBE_RESULTS = QUALITY_RESULTS.with_name("probe.json")
Markers = tuple[str, str]
METRICS = {"sbert": "SBERT", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
SHARES = {"exact": "exact", "slot_recall": "values kept"}


def load(path: Path, what: str = "the quality suite") -> dict[str, Any]:
    """Results of a measurement. Raises ConfigError when the file is missing or not results."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: not JSON ({error.msg}).") from error
    if not isinstance(value, dict) or not isinstance(value.get("rows"), list):
        raise ConfigError(f"{path}: not the results of {what}.")
    return value


def block(results: Mapping[str, Any]) -> str:
    """A page's part between the markers, as Markdown."""
    overall = [r for r in results["rows"] if r["group"] == "overall"]
    heads = ["System", "Intent Similarity (95 %)", *METRICS.values(), *SHARES.values()]
    lines = []
    for group in dict.fromkeys(d["group"] for d in results["differences"]):
        rows = [r for r in results["rows"] if r["group"] == group and r["by"] in ("all", "part")]
        lines += [f"{group.capitalize()}, {rows[0]['n']} clips:", ""]
        lines += [line(heads), line(["---", *["---:"] * (len(heads) - 1)]), *(line(cells(row)) for row in rows), ""]
    lines += [*ahead(results), ""]
    system = overall[0]["system"]
    parts = [r for r in results["rows"] if r["system"] == system and r["by"] in ("part", "source", "slots", "label")]
    lines += [f"`{system}` by group:", "", line(["group", "clips", *heads[1:]])]
    lines += [line(["---", *["---:"] * len(heads)])]
    lines += [line([r["group"], str(r["n"]), *cells(r)[1:]]) for r in parts]
    lines += ["", *worth(results.get("confidence", [])), footnote(results, overall[0]["n"])]
    return "\n".join(lines)


def summary(results: Mapping[str, Any]) -> str:
    """The same in one table: Intent Similarity of each part of the suite, for those who want no more."""
    groups = list(dict.fromkeys(d["group"] for d in results["differences"]))
    groups = [*(g for g in groups if g != "overall"), "overall"]
    rows = {(r["system"], r["group"]): r for r in results["rows"] if r["by"] in ("all", "part")}
    systems = list(dict.fromkeys(system for system, _ in rows))
    heads = [f"{group}, {rows[systems[0], group]['n']} clips" for group in groups]
    lines = [line(["System", *heads, "values kept"]), line(["---", *["---:"] * (len(heads) + 1)])]
    for system in systems:
        scores = [spread(rows[system, group]["intent_similarity"]) for group in groups]
        lines.append(line([system, *scores, cells(rows[system, "overall"])[-1]]))
    return "\n".join([*lines, "", footnote(results, rows[systems[0], "overall"]["n"])])


def ahead(results: Mapping[str, Any]) -> list[str]:
    """The differences to the bundle: a line a system, a column a group."""
    groups = list(dict.fromkeys(d["group"] for d in results["differences"]))
    found = {(d["b"], d["group"]): spread(d, sign=True) for d in results["differences"]}
    lines = ["Ahead by, points paired by clip (95 %):", "", line(["over", *groups])]
    lines += [line(["---", *["---:"] * len(groups)])]
    lines += [line([b, *(found[b, group] for group in groups)]) for b in dict.fromkeys(b for b, _ in found)]
    return lines


def worth(confidence: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the bundle's confidence is worth: a table a group, none in results from before it was measured."""
    lines = []
    for group in confidence:
        answers = f"{group['group']}, {group['n']} answers"
        lines.append(f"What it claims, and what is right word for word: {answers}; {calibration(group)}.")
        heads = ["confidence", "answers", "claimed, %", "right, % (95 %)", "Intent Similarity (95 %)"]
        lines += ["", line(heads), line(["---", *["---:"] * (len(heads) - 1)])]
        for band in group["bands"]:
            claimed = [f"{band['above']:g} to {band['up_to']:g}", str(band["n"]), f"{band['claimed']:.1f}"]
            lines.append(line([*claimed, spread(band["right"]), spread(band["intent_similarity"])]))
        lines.append("")
    return lines


def calibration(group: Mapping[str, Any]) -> str:
    """How far a group's confidence is off, and how well it tells right answers from wrong ones, in words."""
    told = "" if group["auroc"] is None else f", AUROC {group['auroc']:.3f}"
    return f"calibration error {group['error']:.1f} points{told}"


def footnote(results: Mapping[str, Any], clips: int) -> str:
    """What was measured, on what, and how fast."""
    here, times, leak = results["machine"], results["latency_ms"], results["leakage"]
    whole = times.get("total")
    speed = f" One clip takes {whole['p50']:.0f} ms (p50), {whole['p95']:.0f} ms (p95)" if whole else ""
    cores = f"{here['cores']} core{'s' if here['cores'] != 1 else ''}"
    speed += f" on {cores} of {here['cpu']}, ONNX Runtime {here['onnxruntime']}." if whole else ""
    shared = len(leak["identical_files"]) + len(leak["shared_slot_values"])
    return (
        f"{clips} clips of the split `{results['split']}`, {results['clips']['train']} clips in training. "
        f"Shared with training: {shared} files or free values, {len(leak['same_last_frames'])} final screens, "
        f"{leak['labels_in_training']} labels.{speed}"
    )


def cells(row: Mapping[str, Any]) -> list[str]:
    """A row's numbers as text."""
    shares = [f"{row[k]:.1f} %" if row[k] is not None else "–" for k in SHARES]
    return [row["system"], spread(row["intent_similarity"]), *(f"{row[k]:.2f}" for k in METRICS), *shares]


def spread(value: Mapping[str, float], *, sign: bool = False) -> str:
    """`12.34 (11.00–13.00)`."""
    mean = f"{value['mean']:+.2f}" if sign else f"{value['mean']:.2f}"
    return f"{mean} ({value['low']:.2f} to {value['high']:.2f})"


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def markers(name: str) -> Markers:
    """The lines around the block of these results."""
    return f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"


def between(text: str, where: str, markers: Markers) -> str:
    """What stands between the markers. Raises ConfigError without exactly one pair of them."""
    start, end = markers
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ConfigError(f"{where}: needs the lines {start} and {end}, once each and in this order.")
    return text.partition(start)[2].partition(end)[0].strip()


def write(page: Path, made: str, markers: Markers) -> bool:
    """Put a block between a page's markers; True when that changed the file. Raises ConfigError."""
    old = text_of(page)
    between(old, str(page), markers)
    head, _, rest = old.partition(markers[0])
    new = f"{head}{markers[0]}\n{made}\n{markers[1]}{rest.partition(markers[1])[2]}"
    if new != old:
        page.write_text(new, encoding="utf-8")
    return new != old


def text_of(page: Path) -> str:
    """A page's text. Raises ConfigError."""
    try:
        return page.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{page}: cannot be read ({error.strerror}).") from error


def show(results: Mapping[str, Any], console: Console) -> None:
    """Print the results."""
    # The parts of the metric are in the file and the README: a terminal has room for what one compares.
    table = Table(title=f"Intent Similarity, {results['suite']}, split {results['split']}")
    for head in ("group", "clips", "system", "similarity (95 %)", *SHARES.values()):
        left = head in ("group", "system")
        table.add_column(head, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    ours = results["rows"][0]["system"]
    last = ""
    for row in results["rows"]:
        if row["by"] != "all" and row["system"] != ours:
            continue  # a line a group is enough to see where it fails; the file has them all
        group = row["group"] if row["group"] != last else ""
        last = row["group"]
        system, similarity, *_, exact, kept = cells(row)
        table.add_row(group, str(row["n"]) if group else "", system, similarity, exact, kept)
    console.print(table)
    for difference in results["differences"]:
        where = f"{difference['group']}: {difference['a']} over {difference['b']}"
        console.print(f"{where}: {spread(difference, sign=True)}")
    for group in results.get("confidence", []):
        console.print(f"confidence, {group['group']}: {calibration(group)}")
    for name, errors in results["errors"].items():
        if errors:
            console.print(f"{name}: errors {errors}")
    speed = ", ".join(f"{k} {v['p50']:.0f}/{v['p95']:.0f}" for k, v in results["latency_ms"].items())
    console.print(f"ms p50/p95: {speed}" if speed else "no clip was answered")
    leak = results["leakage"]
    verdict = "LEAK" if leak["found"] else "no leak"
    console.print(
        f"{verdict}: {len(leak['identical_files'])} identical files, {len(leak['shared_slot_values'])} shared "
        f"values, {len(leak['same_last_frames'])} same and {leak['similar_last_frames']} similar final screens, "
        f"{leak['labels_in_training']} labels also in training"
    )
