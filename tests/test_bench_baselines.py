"""Baselines: neighbours in text, in pixels and in both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from conftest import write_clip
from PIL import Image, ImageDraw, ImageFont

from tests.test_bench_quality import Words
from uijepa.bench import baselines, quality
from uijepa.bench.metrics import Scorer
from uijepa.data.manifest import Clip, write


def test_the_nearest_row_is_that_of_the_plain_distance() -> None:
    rng = np.random.default_rng(0)
    known, asked = rng.random((50, 20), np.float32), rng.random((30, 20), np.float32)
    plain = ((asked[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(baselines.nearest(known, asked), plain)


def test_the_constant_is_the_label_nearest_to_all_labels() -> None:
    labels = ["Turn on the light.", "Turn on the radio.", "Turn off the radio.", "Call Ann."]
    scorer = Scorer(Words())
    best = baselines.constant(labels, 2, scorer)
    totals = [scorer.score([a] * 4, labels) for a in labels]
    means = [np.mean([s.similarity for s in row]) for row in totals]
    assert best.answers == [labels[int(np.argmax(means))]] * 2
    sampled = baselines.constant([f"Call {i}." for i in range(50)], 1, scorer, candidates=5, against=7)
    assert sampled.chosen["tried"] == 5


def test_text_that_shares_nothing_gets_the_constant() -> None:
    known = baselines.Examples(
        looks=np.zeros((2, 8, 64, 64), np.uint8),
        texts=[["Alarm", "Gym"], ["Note"]],
        labels=["Set an alarm.", "Write a note."],
    )
    shelf = baselines.Shelf(train=known, fit=known, choose=known)
    made = baselines.nearest_text("text", shelf, [["gym"], ["日本"]], Scorer(Words()), "Do it.")
    assert made is not None
    assert made.answers == ["Set an alarm.", "Do it."]
    silent = baselines.Examples(looks=known.looks, texts=[[], ["…"]], labels=known.labels)
    bare = baselines.Shelf(train=silent, fit=silent, choose=silent)
    assert baselines.nearest_text("text", bare, [["gym"]], Scorer(Words()), "Do it.") is None


def test_both_together_tell_what_neither_does_alone() -> None:
    """Two screens with two texts each: only text and pixels together name the task."""
    rng = np.random.default_rng(0)
    screens = [np.full((8, 64, 64), shade, np.uint8) for shade in (40, 200)]
    texts, tasks = [["Inbox"], ["Basket"]], [["Archive.", "Delete."], ["Order.", "Empty it."]]

    def drawn(count: int) -> baselines.Examples:
        kinds = [(int(a), int(b)) for a, b in rng.integers(0, 2, (count, 2))]
        noise = rng.integers(0, 8, (count, 8, 64, 64), np.uint8)
        return baselines.Examples(
            looks=np.stack([screens[look] for _, look in kinds]) + noise,
            texts=[texts[text] for text, _ in kinds],
            labels=[tasks[text][look] for text, look in kinds],
        )

    train, choose, asked = drawn(60), drawn(30), drawn(40)
    shelf = baselines.Shelf(train=train, fit=train, choose=choose)
    scorer = Scorer(Words())
    both = baselines.nearest_both("both", shelf, asked.texts, asked.looks, scorer)
    assert both is not None
    assert both.answers == asked.labels
    assert baselines.nearest_pixels(shelf, asked.looks, scorer).answers != asked.labels
    alone = baselines.nearest_text("text", shelf, asked.texts, scorer, "")
    assert alone is not None
    assert alone.answers != asked.labels
    silent = baselines.Examples(looks=train.looks, texts=[[] for _ in train.labels], labels=train.labels)
    bare = baselines.Shelf(train=silent, fit=silent, choose=choose)
    assert baselines.nearest_both("both", bare, asked.texts, asked.looks, scorer) is None


def test_neighbours_may_know_what_was_read(tiny_bundle: Path, tmp_path: Path) -> None:
    blank = Image.new("RGB", (320, 240), "white")
    shown = blank.copy()
    ImageDraw.Draw(shown).text((30, 90), "Basket", "black", ImageFont.load_default(36))
    clips = []
    for split in ("train", "test"):
        write_clip(
            tmp_path / f"{split}.mp4", [np.asarray(blank), np.asarray(shown), np.asarray(shown)], [0, 500, 1000]
        )
        clips.append(Clip(path=f"{split}.mp4", intent="Order it.", text=["Another"], split=split))  # type: ignore[arg-type]
    write(tmp_path / "manifest.jsonl", clips)
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    plan = quality.Plan(manifest=tmp_path, bundle=bundle, work=tmp_path / "work", read_train=True, quiet=True)
    assert quality.read(plan) == {tmp_path / "train.mp4": ["Basket"]}
    shelf = quality.gather(plan)
    true, read = quality._known(shelf, {}), quality._known(shelf, quality.read(plan))
    assert (true.train.texts, read.train.texts) == ([["Another"]], [["Basket"]])
    assert json.loads((bundle / "manifest.json").read_text())["preprocess"]["screens"] == 1
