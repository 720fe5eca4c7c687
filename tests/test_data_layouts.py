"""Reading recordings as people have them: every layout, and what is said of a wrong one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import write_walk
from uijepa.data import layouts, manifest
from uijepa.data.manifest import Clip
from uijepa.errors import ManifestError


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mov"
    write_walk(path, [0, 300, 600])
    return path


def put(source: Path, *targets: Path) -> None:
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def seen(path: Path) -> list[tuple[str, str, str]]:
    return [(clip.path, clip.intent, clip.split) for clip in layouts.read(path).clips]


def test_our_manifest_by_file_and_by_folder(tmp_path: Path) -> None:
    clips = [Clip(path="a.mp4", intent="Go.", split="test", measuring_only=True), Clip(path="b.mp4")]
    manifest.write(tmp_path / "manifest.jsonl", clips)
    for given in (tmp_path, tmp_path / "manifest.jsonl"):
        found = layouts.read(given)
        assert (found.path, found.root, found.clips) == (given, tmp_path, clips)
        assert found.file(clips[0]) == tmp_path / "a.mp4"


@pytest.mark.parametrize("header", ["video_path,Intent", "file name;label", "zeichen\tbedeutung", "Recording,intent"])
def test_the_released_layout(tmp_path: Path, clip_file: Path, header: str) -> None:
    mark = max(",;\t", key=header.count)
    for split, names in (("train", "abc"), ("val", "d"), ("test", "e")):
        put(clip_file, *(tmp_path / "raw" / split / f"{name}.mov" for name in names))
        rows = [header, *(f'{name}.mov{mark}"Call {name}, now."' for name in names[:2])]
        (tmp_path / "raw" / split / "annotations.csv").write_text("\ufeff" + "\n".join(rows) + "\n\n")
    wanted = [
        ("train/a.mov", "Call a, now.", "train"),
        ("train/b.mov", "Call b, now.", "train"),
        ("train/c.mov", "", "train"),
        ("val/d.mov", "Call d, now.", "val"),
        ("test/e.mov", "Call e, now.", "test"),
    ]
    assert seen(tmp_path / "raw") == wanted
    above = layouts.read(tmp_path)
    assert above.root == tmp_path / "raw"
    assert all(above.file(clip).is_file() for clip in above.clips)


def test_a_split_without_annotations_is_named(tmp_path: Path, clip_file: Path) -> None:
    put(clip_file, tmp_path / "train/a.mov", tmp_path / "val/b.mov")
    (tmp_path / "train/annotations.csv").write_text("file,intent\na.mov,Go.\n")
    with pytest.raises(ManifestError, match=r"val/annotations.csv: missing"):
        layouts.read(tmp_path)


def test_a_folder_of_clips_is_unlabelled(tmp_path: Path, clip_file: Path) -> None:
    put(clip_file, *(tmp_path / name for name in ("b.MOV", "deep/a.webm", "test/c.gif", ".cache/x.mp4")))
    (tmp_path / "notes.txt").write_text("no clip")
    assert seen(tmp_path) == [("b.MOV", "", "train"), ("deep/a.webm", "", "train"), ("test/c.gif", "", "test")]


def test_a_csv_of_paths_and_intents(tmp_path: Path, clip_file: Path) -> None:
    put(clip_file, tmp_path / "sub/one.mov")
    path = tmp_path / "list.csv"
    path.write_text('path,who,intent,split,category\nsub/one,me,"Pay, then go.",val,pay\n/far/two.mp4,me,,,\n')
    (one, two) = layouts.read(path).clips
    assert (one.path, one.intent, one.split, one.category) == ("sub/one.mov", "Pay, then go.", "val", "pay")
    assert (two.path, two.intent, two.split) == ("/far/two.mp4", "", "train")
    assert layouts.read(path).file(two) == Path("/far/two.mp4")


def test_a_list_of_json_lines(tmp_path: Path) -> None:
    lines = [{"file": "a.gif", "path": "elsewhere/a.gif", "frames": 40, "intent": "Go."}, {"file": "b.mp4"}]
    (tmp_path / "clips.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert seen(tmp_path / "clips.jsonl") == [("a.gif", "Go.", "train"), ("b.mp4", "", "train")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "path,intent\na.mp4,Go.,now\n", r"a.csv:2: 3 cells under 2 columns. Put texts"),
        ("a.csv", 'path,intent\na.mp4,"Go.\n', r"a.csv:2: not CSV"),
        ("a.csv", "", "names no clip. Its first line"),
        (
            "a.csv",
            "speed,intent\n3,Go.\n",
            "Call it one of: file, .* Found: speed, intent",
        ),
        ("a.csv", "path,intent,split\nb.mp4,Go.,train\na.mp4,Go.,dev\n", r"a.csv:3: split 'dev' is none of"),
        ("a.csv", "path,intent\n,Go.\n", "a.csv:2: names no clip in column 'path'"),
        ("a.jsonl", '{"file": "a.mp4"}\n{"intent": "Go."}\n', "a.jsonl:2: names no clip"),
        ("a.jsonl", '{"path": "a.mp4", "intnt": "Go."}\n', "a.jsonl:1: unknown key 'intnt'"),
        ("a.txt", "a.mp4", "no known kind of manifest"),
    ],
)
def test_a_wrong_list_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ManifestError, match=message):
        layouts.read(tmp_path / name)


def test_nothing_to_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"holds no clip\. Looked for \.mp4"):
        layouts.read(tmp_path)
    with pytest.raises(ManifestError, match="no such file or folder"):
        layouts.read(tmp_path / "gone")
    (tmp_path / "latin.csv").write_bytes("path,intent\na.mp4,Größe".encode("latin-1"))
    with pytest.raises(ManifestError, match="not UTF-8"):
        layouts.read(tmp_path / "latin.csv")
