"""Probes of encoders: on features made here, on clips drawn here, and from the command line."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console
from torch import Tensor
from typer.testing import CliRunner

from tests.conftest import write_clip
from uijepa import checkpoint
from uijepa.bench import contenders, drawing, pages, plot, probe_report, report, shots
from uijepa.bench.__main__ import app
from uijepa.bench.features import PLACES, encode, halves, tokens, where
from uijepa.bench.options import numbers
from uijepa.bench.probe import Found, crossed, differences
from uijepa.bench.probing import ProbeConfig
from uijepa.bench.shots import Asked, Item, Suite
from uijepa.config import Preprocess, plain
from uijepa.data import layouts
from uijepa.data.cache import Tokens
from uijepa.data.manifest import Clip, write
from uijepa.errors import CheckpointError, ConfigError, ManifestError
from uijepa.grid import Grid
from uijepa.models.encoder import Encoder, EncoderConfig
from uijepa.video import normalise

CPU = torch.device("cpu")
SPEC = Preprocess(frames=4, patches=24, max_tokens=40, text_side=256)
SIZE = EncoderConfig(width=24, depth=1, heads=2)


def item(category: str, role: Any, number: int) -> Item:
    def read() -> Tokens:
        values = np.full((2, 1536), number, np.uint8)
        return Tokens(values, np.zeros((2, 3), np.int16), Grid(1, 1, 1), [])

    return Item(path=f"{role}-{number}", category=category, role=role, tokens=read)


def suite(counts: dict[str, tuple[int, int, int]]) -> Suite:
    """Clips of each category to train, choose and test on."""
    items = []
    for category, each in counts.items():
        for role, count in zip(("train", "val", "test"), each, strict=True):
            items += [item(category, role, len(items) + n) for n in range(count)]
    return Suite(name="toy", items=items, categories=len(counts), origin={})


@settings(max_examples=40)
@given(
    counts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=5),
    wanted=st.integers(1, 4),
    seed=st.integers(0, 5),
)
def test_no_clip_is_drawn_twice(counts: list[tuple[int, int, int]], wanted: int, seed: int) -> None:
    made = suite({f"c{n}": each for n, each in enumerate(counts)})
    lot = shots.draw(made, wanted, seed)
    assert lot.categories == [f"c{n}" for n, (train, _, test) in enumerate(counts) if train >= wanted and test]
    roles = {part: {made.items[i].role for i in getattr(lot, part)} for part in ("fit", "choose", "test")}
    assert roles["fit"] <= {"train"}
    assert roles["test"] <= {"test"}
    assert roles["choose"] in (set(), {"val"}, {"train"})
    assert not set(lot.fit) & set(lot.choose)
    assert np.bincount(lot.labels[lot.fit], minlength=len(lot.categories)).tolist() == [wanted] * len(lot.categories)
    assert {made.items[i].category for i in lot.test} == set(lot.categories)
    assert np.array_equal(shots.draw(made, wanted, seed).fit, lot.fit)
    # Fewer shots are some of more.
    assert set(shots.draw(made, 1, seed).fit) & {i for i in range(len(lot.labels)) if lot.labels[i] >= 0} <= set(
        lot.fit
    )


def picture(category: int, moment: int, tone: int) -> np.ndarray:
    made = np.full((96, 64, 3), 40 + 40 * tone, np.uint8)
    made[8 + 16 * moment : 24 + 16 * moment, 8:56] = (np.indices((16, 48)).sum(0) // (2 + 2 * category) % 2 * 200)[
        ..., None
    ]
    return made


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two categories in two looks, six clips to train on and three to test on of each; all are three pictures."""
    root = tmp_path_factory.mktemp("recordings")
    clips = []
    for look, task in ((look, task) for look in ("phone", "ionic") for task in range(2)):
        for number in range(9):
            name = f"{look}-{task}-{number}.mp4"
            pictures = [picture(task, moment, number % 4) for moment in (0, 1 + number % 3, 4)]
            write_clip(root / name, pictures, [0, 300 + 40 * number, 900])
            role: Any = "test" if number > 5 else "train"
            category = f"{look}/app-{task}"
            clips.append(Clip(path=name, category=category, split=role))
    clips.append(Clip(path="none.mp4", category="phone/lonely", split="test"))
    write(root / "manifest.jsonl", clips)
    people = [replace(c, split="test", measuring_only=True) for c in clips if c.category.startswith("phone/app")]
    write(root / "people.jsonl", people)
    return root


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder's checkpoint as pretraining writes it."""
    folder = tmp_path_factory.mktemp("run") / "encoder"
    provenance = {"config": {"preprocess": plain(SPEC)}}
    checkpoint.save(folder, contenders.untrained(SIZE, 7).state_dict(), {"encoder": plain(SIZE)}, provenance)
    return folder


def recipe(folder: Path) -> Path:
    path = folder / "recipe.toml"
    path.write_text(
        "device = 'cpu'\nprecision = 'fp32'\n"
        "[preprocess]\nframes = 4\npatches = 24\nmax_tokens = 40\ntext_side = 256\n"
        "[encoder]\nwidth = 24\ndepth = 1\nheads = 2\n"
    )
    return path


def test_suites_keep_their_splits_and_looks_apart(recordings: Path) -> None:
    manifest = recordings / "manifest.jsonl"
    made = shots.read(shots.parse_suite(f"toy={manifest}"), SPEC)
    assert {i.category for i in made.items} == {f"{look}/app-{n}" for look in ("phone", "ionic") for n in (0, 1)}
    assert made.categories == 5  # the lonely one is counted, not decoded
    assert made.origin["clips"] == {"test": 12, "train": 24}
    assert made.origin["manifests"][0]["name"] == f"{recordings.name}/manifest.jsonl"
    across = shots.read(shots.parse_across(f"phone:ionic={manifest}"), SPEC)
    assert {i.category for i in across.items} == {"app-0", "app-1"}
    assert {i.path.split("-")[0] for i in across.items if i.role == "test"} == {"ionic"}
    assert {i.path.split("-")[0] for i in across.items if i.role != "test"} == {"phone"}
    people = shots.read(shots.parse_suite(f"people={recordings / 'people.jsonl'}"), SPEC)
    assert people.origin["dealt_by_path"]
    assert {i.role for i in people.items} >= {"train", "test"}
    with pytest.raises(ManifestError, match="no category has clips both"):
        shots.read(shots.parse_across(f"wide:ionic={manifest}"), SPEC)


def test_a_training_clip_that_is_a_test_clip_is_left_out(recordings: Path) -> None:
    clips = [
        Clip(path="phone-0-1.mp4", category="a", split="train"),
        Clip(path="copy.mp4", category="a", split="test"),
    ]
    clips += [replace(clips[0], path="phone-0-2.mp4")]
    (recordings / "copy.mp4").write_bytes((recordings / "phone-0-1.mp4").read_bytes())
    write(recordings / "leaky.jsonl", clips)
    made = shots.read(Asked(name="leaky", manifests=(recordings / "leaky.jsonl",)), SPEC)
    assert [i.path for i in made.items] == ["copy.mp4", "phone-0-2.mp4"]
    assert made.origin["same_as_a_test_clip"] == 1


def test_encoders_come_from_both_kinds_of_checkpoint(saved: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    found = contenders.read(saved)
    assert found.preprocess == SPEC
    assert torch.equal(found.encoder.embed.weight, contenders.untrained(SIZE, 7).embed.weight)
    whole = contenders.read(tiny_checkpoint)
    from uijepa.models.system import System

    assert torch.equal(whole.encoder.embed.weight, System.load(tiny_checkpoint).encoder.embed.weight)
    assert not any(p.requires_grad for p in whole.encoder.parameters())
    checkpoint.save(tmp_path / "other", {}, {"predictor": {}}, {})
    with pytest.raises(CheckpointError, match="no encoder there"):
        contenders.read(tmp_path / "other")


def test_features_do_not_depend_on_their_batch(recordings: Path) -> None:
    made = shots.read(shots.parse_suite(f"toy={recordings / 'manifest.jsonl'}"), SPEC)
    encoder = Encoder(SIZE)
    found = encode(encoder, made.items, CPU, "fp32")
    for index in (0, 7, 20):
        values, positions, mask = tokens([made.items[index]], CPU)
        assert np.array_equal(values[0, mask[0]].numpy(), normalise(made.items[index].tokens().values))
        alone = encoder(values, positions, mask)[0, mask[0]]
        assert torch.allclose(found.of(index).float(), alone, atol=1e-2)
        assert torch.allclose(found.pooled()[index], alone.mean(0), atol=1e-2)


def test_probe_from_the_command_line(recordings: Path, saved: Path, tmp_path: Path) -> None:
    manifest = recordings / "manifest.jsonl"
    options = [
        "probe",
        "--suite",
        f"toy={manifest}",
        "--config",
        str(recipe(tmp_path)),
        "--seeds",
        "2",
        "--steps",
        "2",
    ]
    options += ["--encoder", "random", "--shots"]
    more = ["1,6,9", "--across", f"phone:ionic={manifest}", "--encoder", f"jepa={saved}", "--encoder", "supervised"]
    out = tmp_path / "probe.json"
    done = CliRunner().invoke(app, [*options, *more, "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    assert found["rows"]
    for row in found["rows"]:
        assert set(row) == {"suite", "encoder", "probe", "shots", "mean", "low", "high", "seeds"}
        assert row["low"] <= row["mean"] <= row["high"]
        assert (row["probe"], row["seeds"]) in {("attentive", 2), ("knn", 2)}
    cells = {(r["suite"], r["encoder"], r["probe"], r["shots"]) for r in found["rows"]}
    assert len(cells) == len(found["rows"]) == 2 * 2 * (2 + 2 + 1)  # two suites, two numbers of shots; 9 are too many
    assert not any(r["encoder"] == "supervised" and r["probe"] == "knn" for r in found["rows"])
    assert {t["shots"]: t["left_out"] for t in found["tasks"] if t["suite"] == "toy"} == {1: 1, 6: 1, 9: 5}
    assert {c["validation"] is None for c in found["chosen"] if c["shots"] == 6} == {
        True
    }  # nothing left to choose on
    assert {s["encoder"] for s in found["silhouettes"]} == {"jepa", "random"}
    assert {(a["suite"], a["encoder"]) for a in found["agreements"]} >= {("toy", "jepa"), ("toy", "random")}
    assert all(-1 <= a["agreement"] <= 1 for a in found["agreements"])
    assert str(tmp_path) not in found["command"]
    again = tmp_path / "again.json"
    assert CliRunner().invoke(app, [*options, "1", "--out", str(again)]).exit_code == 0
    # The same numbers again, whatever stands beside them.
    same = [r for r in found["rows"] if (r["suite"], r["encoder"], r["shots"]) == ("toy", "random", 1)]
    assert json.loads(again.read_text())["rows"] == same


def test_halves_of_a_clip_share_no_token_and_leave_none_out(recordings: Path) -> None:
    class Echo(Encoder):
        """Features that are the tubelets' own first values."""

        def forward(self, values: Tensor, *_: Tensor) -> Tensor:
            return values[..., :12]

    items = shots.read(Asked(name="toy", manifests=(recordings,)), SPEC).items[:3]
    views = halves(Echo(EncoderConfig(width=12, depth=1, heads=1)), items, CPU, "fp32")
    assert views.shape == (3, 2, 12)
    for item, (first, second) in zip(items, views, strict=True):
        values, _, _ = tokens([item], CPU)
        count = len(item.tokens().values)
        whole = values[0, :count, :12].mean(0)
        assert torch.allclose((count // 2 * first + (count - count // 2) * second) / count, whole, atol=1e-5)
        assert not torch.allclose(first, second)


def test_words_on_the_screen_tell_a_task(recordings: Path, saved: Path, tmp_path: Path) -> None:
    clips = layouts.read(recordings).clips
    words = dict(zip(sorted({c.category for c in clips}), ("alarm", "mail", "music", "maps", "news"), strict=True))
    worded = recordings / "worded.jsonl"
    write(worded, [replace(c, text=[words[c.category], f"screen {c.path}"]) for c in clips])
    options = ["probe", "--suite", f"toy={worded}", "--config", str(recipe(tmp_path)), "--seeds", "2", "--steps", "2"]
    options += ["--shots", "1", "--encoder", f"jepa={saved}", "--encoder", "text", "--encoder", "where"]
    options += ["--out", str(tmp_path / "p.json")]
    done = CliRunner().invoke(app, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "p.json").read_text())
    (row,) = [r for r in found["rows"] if r["encoder"] == "text"]
    assert (row["probe"], row["mean"]) == ("knn", 100)
    assert {d["probe"] for d in found["differences"]} == {"knn"}
    assert {s["encoder"] for s in found["silhouettes"]} == {"jepa", "text", "where"}
    assert [a["encoder"] for a in found["agreements"]] == ["jepa"]
    assert found["encoders"][1] == {"encoder": "text", "frozen": True, "parameters": 0}
    (row,) = [r for r in found["rows"] if r["encoder"] == "where"]
    assert (row["probe"], row["seeds"]) == ("knn", 2)


def test_where_a_clip_moved_is_told_without_its_pixels(recordings: Path) -> None:
    suite = shots.read(Asked(name="toy", manifests=(recordings,)), SPEC)
    first, other = suite.items[0].tokens(), suite.items[1].tokens()
    dark = replace(first, values=np.zeros_like(first.values))
    moved = replace(first, positions=first.positions + np.array([0, 2, 0], np.int16))
    items = [replace(suite.items[0], tokens=lambda t=t: t) for t in (first, dark, moved, other)]
    told = where(replace(suite, items=items))
    assert told.shape == (4, 2 * PLACES)
    assert torch.equal(told[0], told[1])
    assert not torch.allclose(told[0], told[2], atol=0.1)
    nearest = torch.nn.functional.cosine_similarity(told[:1], told[1:])
    assert nearest.argmax() == 0


def test_runs_of_one_recipe_are_one_contender(recordings: Path, saved: Path, tmp_path: Path) -> None:
    provenance = {"config": {"preprocess": plain(SPEC)}}
    config = {"encoder": plain(SIZE)}
    checkpoint.save(tmp_path / "b", contenders.untrained(SIZE, 8).state_dict(), config, provenance)
    larger = replace(SIZE, width=48)
    checkpoint.save(
        tmp_path / "c", contenders.untrained(larger, 8).state_dict(), {"encoder": plain(larger)}, provenance
    )
    (runs,) = contenders.contenders([f"jepa={saved},{tmp_path / 'b'}"], SPEC, SIZE)
    assert runs.seeded
    assert [torch.equal(runs.fresh(s).embed.weight, contenders.untrained(SIZE, w).embed.weight) for s, w in
            ((0, 7), (1, 8), (2, 7))] == [True] * 3  # fmt: skip
    with pytest.raises(ConfigError, match="more than one size"):
        contenders.contenders([f"jepa={saved},{tmp_path / 'c'}"], SPEC, SIZE)
    (one,) = contenders.contenders([f"jepa={saved}"], SPEC, SIZE)
    assert not one.seeded
    out = tmp_path / "probe.json"
    options = ["probe", "--suite", f"toy={recordings / 'manifest.jsonl'}", "--config", str(recipe(tmp_path))]
    options += ["--seeds", "2", "--shots", "1", "--probes", "knn", "--encoder"]
    done = CliRunner().invoke(app, [*options, f"jepa={saved},{tmp_path / 'b'}", "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    assert [len(e["weights_sha256"]) for e in found["encoders"]] == [2]
    assert {r["probe"] for r in found["rows"]} == {"knn"}


def test_results_of_two_runs_are_joined() -> None:
    before = {**results(), "command": "a", "preprocess": {}, "interval": "95 %"}
    for part in ("encoders", "suites", "chosen"):
        before[part] = []
    later = {**before, "command": "b", "rows": [{**before["rows"][0], "mean": 1.0}]}
    later["rows"] += [{**before["rows"][0], "encoder": "supervised"}]
    made = probe_report.joined(before, later)
    assert made["command"] == "a && b"
    assert len(made["rows"]) == len(before["rows"]) + 1
    assert [made["rows"][0]["mean"], made["rows"][-1]["encoder"]] == [1.0, "supervised"]
    assert made["differences"] == before["differences"]
    ahead = {**before["differences"][0], "a": "random", "b": "text", "mean": 7}
    made = probe_report.block(probe_report.joined(before, {**later, "differences": [ahead]}))
    first, second = made.split("Points by which")[1:]
    assert first.startswith(" `jepa` is ahead")
    assert [line in first for line in ("| random | – | +2.0", "| text | – | +7.0")] == [True, False]
    assert second.startswith(" `random` is ahead")
    assert [line in second for line in ("| random | – | +2.0", "| text | – | +7.0")] == [False, True]
    other = {**later, "budget": {**before["budget"], "steps": 7}, "encoders": [{"encoder": "jepa"}]}
    made = probe_report.joined({**before, "encoders": [{"encoder": "supervised"}]}, other)
    assert [e.get("budget") for e in made["encoders"]] == [before["budget"], None]
    assert "7 steps of 64 clips with each of 6 settings (`supervised`: 300 steps" in probe_report.footnote(made)
    with pytest.raises(ConfigError, match="seeds was 3 before and is 4 now"):
        probe_report.joined(before, {**later, "seeds": 4})


def test_the_picture_shows_every_row(tmp_path: Path) -> None:
    path, out = tmp_path / "probe.json", tmp_path / "probe.png"
    path.write_text(json.dumps(results()))
    assert CliRunner().invoke(app, ["plot", str(path), "--out", str(out)]).exit_code == 0
    both = Image.open(out)
    assert both.size == (2 * plot.WIDTH + 20, plot.HEIGHT + 84)
    seen = {colour for _, colour in both.getcolors(1 << 20) or []}
    assert set(drawing.COLOURS[:2]) <= seen
    assert drawing.COLOURS[2] not in seen
    # Many names take more rows, and the picture grows by them.
    longer = [{**row, "encoder": f"{row['encoder']}-{n:040}"} for row in results()["rows"] for n in range(3)]
    path.write_text(json.dumps({**results(), "rows": longer}))
    assert CliRunner().invoke(app, ["plot", str(path), "--out", str(out)]).exit_code == 0
    with Image.open(out) as tall:
        assert tall.height == plot.HEIGHT + 62 + 3 * drawing.LEGEND_ROW
    path.write_text(json.dumps({**results(), "rows": []}))
    assert CliRunner().invoke(app, ["plot", str(path), "--out", str(out)]).exit_code == 2


def results() -> dict[str, Any]:
    rows = [
        {
            "suite": "toy",
            "encoder": e,
            "probe": p,
            "shots": n,
            "mean": 50.0 + n,
            "low": 40.0,
            "high": 60.0,
            "seeds": 3,
        }
        for e in ("jepa", "random")
        for n in (1, 4)
        for p in ("attentive", "knn")
    ]
    ahead = [
        {"suite": "toy", "a": "jepa", "b": "random", "probe": "knn", "shots": 4, "mean": 2, "low": -1, "high": 3}
    ]
    task = {"suite": "toy", "shots": 1, "categories": 4, "left_out": 1, "test_clips": 9, "chance": 25.0}
    return {
        "seeds": 3,
        "interval": "95 %",
        "budget": plain(ProbeConfig()),
        "encoders": [{"encoder": "jepa"}, {"encoder": "random"}],
        "tasks": [task],
        "rows": rows,
        "differences": ahead,
        "silhouettes": [{"suite": "toy", "encoder": "jepa", "by": "app", "silhouette": -0.01234}],
        "agreements": [{"suite": "toy", "encoder": "jepa", "agreement": 0.312}],
    }


def test_the_tables_hold_the_numbers(tmp_path: Path) -> None:
    made = probe_report.block(results())
    assert "| suite | probe | encoder | 1 a category | 4 a category |" in made
    assert "| toy | attentive | jepa | 51.0 (40.0 to 60.0) | 54.0 (40.0 to 60.0) |" in made
    assert "| toy | knn | random | – | +2.0 (-1.0 to 3.0) |" in made
    assert "| toy | app | jepa | -0.012 |" in made
    assert "| toy | jepa | 0.31 |" in made
    assert "agree" not in probe_report.block({k: v for k, v in results().items() if k != "agreements"})
    asked = [{"shots": 1}, {"shots": 4}, {"shots": 8, "test_clips": 5, "chance": None}]
    several = {**results(), "tasks": [{**results()["tasks"][0], **other} for other in asked]}
    alike, other = "4 categories (1 left out), 9 test clips, chance 25.0", "4 categories (1 left out), 5 test clips"
    assert f"toy at 1, 4: {alike}; toy at 8: {other}" in probe_report.footnote(several)
    same = {**several, "encoders": [{"encoder": "jepa", "budget": several["budget"]}]}
    assert probe_report.footnote(same) == probe_report.footnote(several), "a budget like the others' is told once"
    assert made.count("<details>") == made.count("</details>") == 2
    console = Console(record=True, width=160, file=io.StringIO())
    probe_report.show(results(), console)
    shown = console.export_text()
    assert all(part in shown for part in ("54.0 (40.0 to 60.0)", "Points ahead: jepa over", "+2.0 (-1.0 to 3.0)"))
    page, path = pages.Page("probe", "pretraining.md", "probes"), tmp_path / pages.RESULTS / "probe.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(results()))
    (tmp_path / page.file).write_text("\n".join((*report.markers("ablation"), *report.markers("probe"))))
    pages.update(tmp_path, console, check=False, pages=[page])
    assert page.found(tmp_path) == made
    pages.update(tmp_path, console, check=True, pages=[page])


def test_the_interval_is_that_of_drawing_seeds_and_clips_anew() -> None:
    rng = np.random.default_rng(0)
    values = 100.0 * (rng.random((3, 40)) < 0.6)
    found = crossed(values, rounds=4000)
    means = []
    for _ in range(4000):
        some = values[rng.integers(0, 3, 3)][:, rng.integers(0, 40, 40)]
        means.append(some.mean())
    low, high = np.percentile(means, [2.5, 97.5])
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == (pytest.approx(low, abs=1.5), pytest.approx(high, abs=1.5))
    same = Found(encoder="a", probe="knn", shots=1, right=values > 0, setting={})
    (ahead,) = differences(suite({"c": (1, 0, 1)}), [same, replace(same, encoder="b")])
    assert (ahead["b"], ahead["mean"], ahead["low"], ahead["high"]) == ("b", 0, 0, 0)


def test_wrong_options_are_told(recordings: Path, saved: Path, tmp_path: Path) -> None:
    manifest = recordings / "manifest.jsonl"
    good = ["--suite", f"toy={manifest}", "--encoder", f"jepa={saved}", "--config", str(recipe(tmp_path))]
    for options, wrong in [
        (["--suite", "toy", *good[2:]], "NAME=MANIFEST"),
        ([*good, "--across", "phone=x"], "LOOK:OTHER=MANIFEST"),
        ([*good, "--encoder", "mae"], "'mae'; expected NAME=FOLDER"),
        ([*good, "--encoder", "random", "--encoder", "random"], "each name once"),
        ([*good, "--encoder", f"random={saved}"], "expected NAME=FOLDER"),
        ([*good, "--shots", "4,1"], "rising whole numbers"),
        ([*good, "--shots", "few"], "whole numbers with commas"),
        ([*good, "--set", "preprocess.patches=30"], "--config and --set ask for"),
        ([*good[2:]], "name a --suite"),
        ([*good, "--encoder", f"two={saved},{saved}"], "2 folders for 3 seeds"),
        ([*good, "--probes", "linear"], "expected attentive and knn"),
        ([*good, "--encoder", "supervised", "--probes", "knn"], "is trained with the attentive probe"),
        ([*good, "--encoder", "text", "--probes", "attentive"], "no tokens to attend over"),
        ([*good, "--encoder", "text", "--shots", "1"], "names no text on the screens"),
        ([*good, "--lrs", "0"], "numbers above 0"),
    ]:
        done = CliRunner().invoke(app, ["probe", *options, "--out", str(tmp_path / "x.json")])
        assert done.exit_code == 2, (options, done.output)
        assert wrong in " ".join(done.output.split()), (options, done.output)
    assert numbers("1, 2,8", "--shots") == (1, 2, 8)
    with pytest.raises(ConfigError, match="each name once"):
        contenders.contenders([f"a={saved}", f"a={saved}"], SPEC, SIZE)
