"""Several manifests as one set of clips: nothing lost, nothing mixed up, nothing leaked."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_walk
from tests.tiny_training import config
from uijepa.data import layouts, manifest
from uijepa.data.cache import build
from uijepa.data.manifest import Clip
from uijepa.data.shards import Shards, join
from uijepa.train import What, train


def write(root: Path, *clips: Clip) -> layouts.Recordings:
    root.mkdir(exist_ok=True)
    manifest.write(root / "manifest.jsonl", clips)
    return layouts.read(root)


def test_the_split_of_every_manifest_counts(tmp_path: Path) -> None:
    first = write(
        tmp_path / "a",
        Clip(path="1.mp4", slots={"name": "Ada"}),
        Clip(path="2.mp4", slots={"name": "Bo"}),
        Clip(path="3.mp4", slots={"name": "Cleo"}, split="test"),
        Clip(path="4.mp4", split="val"),
        Clip(path="5.mp4", measuring_only=True),
    )
    second = write(
        tmp_path / "b",
        Clip(path="1.mp4", slots={"name": "Cleo"}),
        Clip(path="2.mp4", slots={"name": " ada "}, split="test", measuring_only=True),
        Clip(path="3.mp4", slots={"name": "Bo"}, split="val"),
    )
    joined = join([first, second])
    kept = {str(Path(c.path).relative_to(tmp_path)): c.split for c in joined.clips}
    assert kept == {"a/2.mp4": "train", "a/3.mp4": "test", "a/4.mp4": "val", "b/3.mp4": "val"}
    assert [line.partition(": ")[2] for line in joined.left_out] == [
        "'Ada' is a value of another manifest's test clip",
        "'Cleo' is a value of another manifest's test clip",
    ]


def test_a_manifest_alone_answers_for_its_own_splits(tmp_path: Path) -> None:
    same = [Clip(path=f"{n}.mp4", slots={"name": "Ada"}, split=split) for n, split in enumerate(manifest.SPLITS)]
    joined = join([write(tmp_path / "a", *same)])
    assert len(joined.clips) == 3
    assert not joined.left_out


def test_two_lines_about_one_file_are_one_clip(tmp_path: Path) -> None:
    first = write(tmp_path, Clip(path="1.mp4"), Clip(path="2.mp4", intent="Go."), Clip(path="9.mp4", split="val"))
    lines = [Clip(path="1.mp4", intent="Go."), Clip(path="2.mp4", split="val"), Clip(path="9.mp4", intent="Go.")]
    manifest.write(tmp_path / "more.jsonl", lines)
    joined = join([first, layouts.read(tmp_path / "more.jsonl")])
    assert [(c.split, c.intent) for c in joined.clips] == [("train", "Go."), ("val", ""), ("val", "")]


def test_a_copy_of_a_test_clip_is_not_trained_on(tmp_path: Path) -> None:
    first = write(tmp_path / "a", Clip(path="1.mp4"), Clip(path="2.mp4"), Clip(path="9.mp4", split="val"))
    second = write(tmp_path / "b", Clip(path="x.mp4", split="test"), Clip(path="9.mp4", split="val"))
    (tmp_path / "a/1.mp4").write_bytes(b"same")
    (tmp_path / "a/2.mp4").write_bytes(b"size")
    (tmp_path / "b/x.mp4").write_bytes(b"same")
    joined = join([first, second])
    assert [Path(c.path).name for c in joined.clips if c.split == "train"] == ["2.mp4"]
    assert "the same file" in joined.left_out[0]


@pytest.fixture
def two(recordings: Path, tmp_path: Path) -> list[Path]:
    """The shared recordings, and a second folder whose clips have the same paths."""
    other = tmp_path / "other"
    other.mkdir()
    write_walk(other / "0.mp4", [0, 300, 700], height=224)
    shutil.copy(recordings.parent / "1.mp4", other / "1.mp4")
    manifest.write(other / "manifest.jsonl", [Clip(path="0.mp4"), Clip(path="1.mp4", split="val")])
    return [recordings, other / "manifest.jsonl"]


def test_shards_find_the_clip_of_the_right_folder(two: list[Path]) -> None:
    sets = [layouts.read(path) for path in two]
    spec = config().preprocess
    caches = {s.root: build(s.root, s.clips, spec, read_text=False) for s in sets}
    shards = Shards(caches)
    assert "0.mp4" not in shards
    for recordings in sets:
        for clip in recordings.clips:
            wanted, got = caches[recordings.root][clip.path], shards[str(recordings.file(clip))]
            assert np.array_equal(got.values, wanted.values)
            assert shards.count(str(recordings.file(clip))) == len(wanted.values)


def test_two_manifests_train_together(two: list[Path], tmp_path: Path) -> None:
    import json

    folder = train(two, tmp_path / "run", config("pretrain.steps=2"), What.pretrain)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["clips"] == {"train": 7, "val": 3, "test": 0}
    assert provenance["manifest"] == "manifest.jsonl manifest.jsonl"
