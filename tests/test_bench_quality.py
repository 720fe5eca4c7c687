"""The quality suite end to end on clips drawn here: answers, baselines, leakage, results and their tables."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw
from rich.console import Console
from typer.testing import CliRunner

from uijepa.bench import answers, baselines, pages, quality, report
from uijepa.bench.__main__ import app, save
from uijepa.bench.metrics import Scorer
from uijepa.bench.options import named
from uijepa.data import layouts, leakage
from uijepa.data.looks import MOMENTS, SIDE, looks
from uijepa.data.manifest import Clip, write
from uijepa.errors import BundleError, ClipError, ConfigError, ManifestError, NotAVideo

TASKS = {"alarm": (200, 40, 40), "note": (40, 160, 40), "call": (40, 40, 200)}
NAMES = {"train": ["Ann", "Ben", "Cleo"], "val": ["Dora"], "test": ["Emil", "Fay"]}


@dataclass(frozen=True)
class Reply:
    intent: str
    confidence: float = 0.9
    timings_ms: dict[str, float] = field(default_factory=lambda: {"decode": 4.0, "encode": 6.0})
    text: list[str] = field(default_factory=list)


class Words:
    """Sentences as unit bags of words, in place of SBERT, which takes seconds to load."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        made = np.zeros((len(texts), 256), np.float32)
        for row, text in zip(made, texts, strict=True):
            for word in text.lower().split():
                row[self.known.setdefault(word, len(self.known))] += 1
        norms: npt.NDArray[np.float32] = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
        return made / norms


class Fake:
    """An engine that answers from a table, and counts how often it was asked."""

    def __init__(self, replies: dict[str, Reply | Exception]) -> None:
        self.replies, self.asked = replies, 0

    def predict(self, path: Path) -> Reply:
        self.asked += 1
        reply = self.replies[path.name]
        if isinstance(reply, Exception):
            raise reply
        return reply


def draw(path: Path, colour: tuple[int, int, int], text: str) -> None:
    """Half a second of a page in which a coloured bar grows and a name is typed."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(12))
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for i in range(6):
            image = Image.new("RGB", (128, 96), "white")
            pen = ImageDraw.Draw(image)
            pen.rectangle((0, 0, 20 * (i + 1), 30), fill=colour)
            pen.text((8, 50), text[: i + 1], fill="black", font_size=24)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")))
        out.mux(stream.encode(None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of three tasks with their manifest."""
    root = tmp_path_factory.mktemp("recordings")
    clips = []
    for split, names in NAMES.items():
        for task, colour in TASKS.items():
            for name in names:
                file = f"{task}-{name}.mp4"
                draw(root / file, colour, name)
                clips.append(
                    Clip(
                        path=file,
                        id=f"{task}-{name}",
                        intent=f"Make {task} for {name}.",
                        category=task,
                        slots={"name": name},
                        text=[name, task],
                        source="toy",
                        part="few-shot" if split == "test" else "",
                        split=split,  # type: ignore[arg-type]
                    )
                )
    write(root / "manifest.jsonl", clips)
    return root


@pytest.fixture
def bundles(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders that stand for bundles: only their bytes matter to a fake engine."""
    for name in ("good", "poor"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps({"name": name}))
    return tmp_path / "good", tmp_path / "poor"


def replies(folder: Path) -> tuple[dict[str, Reply | Exception], dict[str, Reply | Exception]]:
    """A good engine that fails on one clip in two ways, and a poor one."""
    tests = [(task, name) for task in TASKS for name in NAMES["test"]]
    good: dict[str, Reply | Exception] = {f"{t}-{n}.mp4": Reply(f"Make {t} for {n}.", text=[n, t]) for t, n in tests}
    good["call-Fay.mp4"] = NotAVideo(folder / "call-Fay.mp4", "the file is empty.")
    poor: dict[str, Reply | Exception] = {f"{t}-{n}.mp4": Reply("Make note for someone.") for t, n in tests}
    poor["note-Emil.mp4"] = KeyError("a bug")
    return good, poor


def run(folder: Path, bundles: tuple[Path, Path], tmp_path: Path, **more: Any) -> tuple[dict[str, Any], list[Fake]]:
    good, poor = bundles
    engines = dict(zip((good, poor), map(Fake, replies(folder)), strict=True))
    plan = quality.Plan(
        manifest=folder / "manifest.jsonl",
        bundle=good,
        work=tmp_path / "work",
        others={"untrained": poor},
        quiet=True,
        **more,
    )

    def open_engine(bundle: Path) -> answers.Opener:
        return lambda: nullcontext(engines[bundle])

    return quality.measure(plan, open_engine, Scorer(Words())), list(engines.values())


def row(results: dict[str, Any], system: str, group: str = "overall") -> dict[str, Any]:
    (found,) = [r for r in results["rows"] if r["system"] == system and r["group"] == group]
    return dict(found)


def test_the_whole_suite(folder: Path, bundles: tuple[Path, Path], tmp_path: Path) -> None:
    results, engines = run(folder, bundles, tmp_path, date="2026-11-20")
    assert [e.asked for e in engines] == [6, 6]
    ours = row(results, "uijepa")
    assert ours["n"] == 6
    # Five right answers and one error, which counts as nothing said: it is not dropped.
    assert ours["intent_similarity"]["mean"] == pytest.approx(100 * 5 / 6, abs=0.01)
    assert ours["exact"] == ours["slot_recall"] == pytest.approx(100 * 5 / 6, abs=0.01)
    assert row(results, "uijepa", "alarm")["intent_similarity"] == {"mean": 100, "low": 100, "high": 100}
    assert row(results, "uijepa", "call")["n"] == 2
    assert row(results, "uijepa", "toy")["n"] == row(results, "uijepa", "with free values")["n"] == 6
    assert row(results, "uijepa", "label not in training")["n"] == 6
    assert results["errors"] == {"uijepa": {"not-a-video": 1}, "untrained": {"crash:KeyError": 1}}
    assert set(results["latency_ms"]) == {"decode", "encode", "total"}
    assert results["latency_ms"]["encode"] == {"p50": 6.0, "p95": 6.0}
    assert results["date"] == "2026-11-20"
    assert results["clips"] == {"train": 9, "chosen_on": 3, "scored": 6}
    assert results["machine"]["cores"] >= 1
    systems = [r["system"] for r in results["rows"] if r["group"] == "overall"]
    assert systems == [
        "uijepa",
        "untrained",
        "best constant answer",
        "nearest neighbour, pixels",
        "nearest neighbour, text read",
        "nearest neighbour, text read and pixels",
        "nearest neighbour, true text",
    ]
    assert {d["group"] for d in results["differences"]} == {"overall", "few-shot"}
    for difference in results["differences"]:
        mine, other = (row(results, difference[k], difference["group"])["intent_similarity"]["mean"] for k in "ab")
        assert difference["mean"] == pytest.approx(mine - other, abs=0.02)
        assert difference["low"] <= difference["mean"] <= difference["high"]
    # Five answers are right and claim 90 %; the sixth clip has none.
    worth = results["confidence"][0]
    assert (worth["group"], worth["n"], worth["error"], worth["auroc"]) == ("overall", 5, 10, None)
    # Neighbours know the task from its colour or its word, though never the name.
    for name in systems[3:]:
        assert row(results, name)["intent_similarity"]["mean"] > 50
        assert row(results, name)["slot_recall"] == 0
        assert results["baselines"][name]["variant"].split(", ")[0] in {**baselines.PIXELS, **baselines.TEXTS}
    lines = (tmp_path / "work" / "scores.jsonl").read_text().splitlines()
    assert len(lines) == 6 * len(systems)
    assert not results["leakage"]["found"]


def test_a_second_run_asks_only_for_what_failed_and_says_the_same(
    folder: Path, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    first, _ = run(folder, bundles, tmp_path)
    again, engines = run(folder, bundles, tmp_path)
    assert [e.asked for e in engines] == [1, 1]
    assert again == first


def test_a_killed_run_goes_on_where_it_was(folder: Path, bundles: tuple[Path, Path], tmp_path: Path) -> None:
    first, _ = run(folder, bundles, tmp_path)
    journal = answers.journal_path(tmp_path / "work", bundles[0])
    lines = [line for line in journal.read_text().splitlines() if line]
    journal.write_text("\n".join([*lines[:3], lines[3][:20]]))
    again, engines = run(folder, bundles, tmp_path)
    assert [e.asked for e in engines] == [3, 1]
    assert again["rows"] == first["rows"]
    assert [e.asked for e in run(folder, bundles, tmp_path)[1]] == [1, 1]


def test_another_bundle_or_another_file_is_asked_anew(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    engine = Fake({"a.mp4": Reply("Call Ann.")})
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"one")

    def ask() -> None:
        answers.run(
            lambda: nullcontext(engine), [("a", clip)], answers.journal_path(tmp_path, bundles[0]), "", quiet=True
        )

    ask()
    ask()
    assert engine.asked == 1
    clip.write_bytes(b"two")
    ask()
    assert engine.asked == 2
    (bundles[0] / "manifest.json").write_text('{"name": "good", "scores": {"test": 60}}')
    ask()
    assert engine.asked == 2
    (bundles[0] / "manifest.json").write_text('{"name": "better"}')
    ask()
    assert engine.asked == 3


def test_two_engines_read_a_clip_once() -> None:
    asked = []

    def reader(threads: int) -> Any:
        def read(prepared: Any) -> list[str]:
            asked.append(threads)
            return [str(prepared.screens[-1].sum())]

        return read

    def clip(*values: int) -> Any:
        return SimpleNamespace(screens=np.stack([np.full((2, 3, 3), value, np.uint8) for value in values]))

    once = answers.reading_once(reader)
    one, two = once(1), once(2)
    assert one(clip(0, 1)) == two(clip(0, 1)) == ["18"]
    assert two(clip(1, 1)) == one(clip(1, 1)) == ["18"], "another clip, though its last picture is the same"
    one(clip(0, 1)).append("changed")
    assert one(clip(0, 1)) == ["18"]
    assert asked == [1, 2]


def test_what_is_not_the_clips_fault_ends_the_run(tmp_path: Path) -> None:
    engine = Fake({"a.mp4": BundleError("damaged")})
    with pytest.raises(BundleError):
        answers.ask(engine, "a", tmp_path / "a.mp4")


@pytest.mark.parametrize("manifest", [None, "{", "[]"])
def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(BundleError):
        answers.bundle_sha256(tmp_path)


def test_a_limit_scores_a_fixed_part(folder: Path, bundles: tuple[Path, Path], tmp_path: Path) -> None:
    results, engines = run(folder, bundles, tmp_path, limit=2)
    assert [e.asked for e in engines] == [2, 2]
    assert row(results, "uijepa")["n"] == 2


def test_without_a_validation_split_variants_are_chosen_on_held_out_training_clips(
    folder: Path, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    kept = folder / "no-val.jsonl"
    kept.write_text("\n".join(x for x in lines if json.loads(x)["split"] != "val"))
    plan = quality.Plan(manifest=kept, bundle=bundles[0], work=tmp_path / "work", quiet=True)
    shelf = quality.gather(plan)
    assert [s.clip.id for s in shelf.choose] == [s.clip.id for s in shelf.train[::5]]
    made = quality.simple(shelf, [[]] * 6, Scorer(Words()), {})
    assert [b.name for b in made][-1] == "nearest neighbour, true text"
    # A clip that could find itself would score 100.
    assert all(v < 100 for b in made[1:] for v in b.chosen["val_similarity"].values())


def test_what_else_a_bundle_was_trained_on_is_for_the_baselines_too(
    folder: Path, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    clips = layouts.read(folder).clips
    part = [replace(c, id=c.path) for c in clips]  # ids may be those of the other manifest
    write(folder / "few.jsonl", [c for c in part if c.split != "train" or c.category == "call"])
    write(folder / "more.jsonl", [c for c in part if c.split != "train" or c.category != "call"])
    whole = quality.Plan(manifest=folder, bundle=bundles[0], work=tmp_path, quiet=True)
    plan = replace(whole, manifest=folder / "few.jsonl", trained_on=[folder / "more.jsonl"])
    shelf, other = quality.gather(plan), quality.gather(whole)
    assert {s.path for s in shelf.train} == {s.path for s in other.train}
    assert [s.path for s in shelf.scored] == [s.path for s in other.scored], "none is scored that was not asked for"
    assert {s.path for s in quality.gather(replace(plan, trained_on=())).train} < {s.path for s in shelf.train}
    results, _ = run(folder, bundles, tmp_path, trained_on=[folder / "few.jsonl"])
    assert results["trained_on_sha256"] == [quality.digest(folder / "few.jsonl")]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"split": "train"}, "cannot be scored against itself"),
        ({"manifest": "empty.jsonl"}, "needs labelled clips"),
        ({"manifest": "twice.jsonl"}, "occurs more than once"),
        ({"manifest": "gone.jsonl"}, r"gone\.mp4 cannot be read"),
    ],
)
def test_what_cannot_be_scored_is_refused(folder: Path, tmp_path: Path, change: dict[str, str], wrong: str) -> None:
    (folder / "empty.jsonl").write_text("")
    write(folder / "twice.jsonl", [Clip(path="alarm-Ann.mp4", id="x", intent="Go.")] * 2)
    gone = [Clip(path="gone.mp4", intent="Go.", split=s) for s in ("train", "test")]
    write(folder / "gone.jsonl", [gone[0], Clip(path="alarm-Ann.mp4", intent="Go.", split="test")])
    plan = quality.Plan(
        manifest=folder / change.get("manifest", "manifest.jsonl"),
        bundle=tmp_path,
        work=tmp_path,
        split=change.get("split", "test"),  # type: ignore[arg-type]
        quiet=True,
    )
    with pytest.raises((ManifestError, ConfigError), match=wrong):
        quality.gather(plan)


def test_recordings_may_be_a_folder_and_come_in_parts(
    folder: Path, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    plan = quality.Plan(manifest=folder, bundle=bundles[0], work=tmp_path, quiet=True)
    shelf = quality.gather(plan)
    assert {s.path for s in shelf.scored} == {folder / s.clip.path for s in shelf.scored}
    clips = [s.clip for s in shelf.scored]
    assert ("part", "few-shot", list(range(len(clips)))) in quality.groups(clips, set())
    assert quality.digest(folder) != quality.digest(folder / "manifest.jsonl")
    write(folder / "measuring.jsonl", [replace(s.clip, measuring_only=True) for s in (*shelf.train, *shelf.scored)])
    with pytest.raises(ManifestError, match="needs labelled clips in the splits 'train'"):
        quality.gather(replace(plan, manifest=folder / "measuring.jsonl"))


def test_labels_may_be_the_lexicalised_ones(folder: Path, tmp_path: Path) -> None:
    clips = layouts.read(folder).clips
    write(folder / "both.jsonl", [replace(c, lexicalised=f"{c.intent} Now.") if c.intent else c for c in clips])
    plan = quality.Plan(manifest=folder / "both.jsonl", bundle=tmp_path, work=tmp_path, quiet=True)
    plain = [s.clip.intent for s in quality.gather(plan).scored]
    assert [s.clip.intent for s in quality.gather(replace(plan, labels="lexicalised")).scored] == [
        f"{intent} Now." for intent in plain
    ]


def test_a_leak_stops_a_strict_run_before_the_engine(
    folder: Path, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = folder / "copy-Ann.mp4"
    copy.write_bytes((folder / "alarm-Ann.mp4").read_bytes())
    lines = (folder / "manifest.jsonl").read_text()
    extra = {"path": copy.name, "intent": "Make alarm for Ann.", "slots": {"name": "Ann"}, "split": "test"}
    (folder / "leaky.jsonl").write_text(lines + json.dumps(extra) + "\n")
    plan = quality.Plan(
        manifest=folder / "leaky.jsonl",
        bundle=bundles[0],
        work=tmp_path / "work",
        strict_leakage=True,
        quiet=True,
    )
    with pytest.raises(leakage.Leak, match="1 identical files, 1 shared slot values, 1 same final screens"):
        quality.measure(plan, lambda _: pytest.fail("the engine was opened"), Scorer(Words()))


def test_looks_are_kept_and_show_the_first_and_the_last_frame(folder: Path, tmp_path: Path) -> None:
    item = ("digest", folder / "alarm-Ann.mp4")
    (fresh,) = looks([item], tmp_path, "", quiet=True)
    assert fresh.shape == (MOMENTS, SIDE, SIDE)
    # The bar is 20 px wide at first, 120 of 128 at the end.
    wide = (fresh[:, 5] < 160).mean(axis=1) * 128
    assert wide[0] == pytest.approx(20, abs=3)
    assert wide[-1] == pytest.approx(120, abs=3)
    (kept,) = looks([("digest", folder / "gone.mp4")], tmp_path, "", quiet=True)
    assert np.array_equal(kept, fresh)
    with pytest.raises(ClipError):
        looks([("other", folder / "gone.mp4")], tmp_path, "", quiet=True)


def test_the_report_writes_the_files_numbers(folder: Path, bundles: tuple[Path, Path], tmp_path: Path) -> None:
    results, _ = run(folder, bundles, tmp_path)
    page, readme = pages.Page("quality", "README.md", "quality"), tmp_path / "README.md"
    path = tmp_path / pages.RESULTS / "quality.json"
    save(path, results)
    assert json.loads(path.read_text()) == results
    start, end = report.markers("quality")
    readme.write_text(f"# x\n{start}\nold\n{end}\nrest\n")
    console = Console(record=True, width=200, file=io.StringIO())
    with pytest.raises(ConfigError, match=r"not the tables of quality\.json"):
        pages.update(tmp_path, console, check=True, pages=[page])
    pages.update(tmp_path, console, check=False, pages=[page])
    assert "README.md: quality written" in console.export_text()
    text = readme.read_text()
    assert text.startswith("# x\n")
    assert text.endswith("\nrest\n")
    mean = row(results, "uijepa")["intent_similarity"]["mean"]
    assert f"| uijepa | {mean:.2f} (" in page.found(tmp_path)
    assert "| 0.8 to 1 | 5 | 90.0 | 100.00 (100.00 to 100.00) |" in page.found(tmp_path)
    assert page.found(tmp_path) == report.block(results)
    for check in (True, False):
        pages.update(tmp_path, console, check=check, pages=[page])
        assert console.export_text() == "README.md: quality up to date\n"
    readme.write_text("no markers")
    with pytest.raises(ConfigError, match="needs the lines"):
        pages.update(tmp_path, console, check=True, pages=[page])


def test_the_summary_has_every_systems_score_of_every_part(
    folder: Path, bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    results, _ = run(folder, bundles, tmp_path)
    head, _, *lines, _, foot = report.summary(results).splitlines()
    names = [name.strip() for name in head.strip("|").split("|")]
    assert names[-2:] == [f"overall, {row(results, 'uijepa')['n']} clips", "values kept"]
    shown = {cells[0]: cells[1:] for cells in ([c.strip() for c in li.strip("|").split("|")] for li in lines)}
    assert shown.keys() == {r["system"] for r in results["rows"]}
    for system, scores in shown.items():
        for name, score in zip(names[1:-1], scores[:-1], strict=True):
            assert score == report.spread(row(results, system, name.partition(",")[0])["intent_similarity"])
    assert foot == report.footnote(results, row(results, "uijepa")["n"])


def test_wrong_options_are_one_line_and_status_2(tmp_path: Path) -> None:
    for options, wrong in [
        ([], "--manifest"),
        (["--manifest", "x", "--split", "dev"], "'dev' is none of"),
        (["--manifest", str(tmp_path / "x")], "cannot be read"),
        (["--manifest", "x", "--baseline-bundle", "nothing"], "NAME=DIR"),
        (["--manifest", "x", "--labels", "long"], "'long' is none of reference, lexicalised"),
        (["report", "--root", str(tmp_path / "x")], "cannot be read"),
    ]:
        done = CliRunner().invoke(app, options)
        assert done.exit_code == 2, done.output
        assert wrong in " ".join(done.output.split())
    assert named(["a=b", "c=d"]) == {"a": Path("b"), "c": Path("d")}
    with pytest.raises(ConfigError, match="each name once"):
        named(["a=b", "a=c"])
