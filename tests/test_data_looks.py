"""What a baseline keeps of a clip."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_walk
from uijepa.data import looks


def test_a_content_is_looked_at_once_however_often_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one.mp4", tmp_path / "other.mp4"
    write_walk(one, [0, 200, 400])
    write_walk(other, [0, 300, 900], height=320)
    look, asked = looks.look, list[Path]()
    monkeypatch.setattr(looks, "look", lambda path: (asked.append(path), look(path))[1])
    listed = [("one", one), ("other", other), *[("one", one)] * 9]
    seen = looks.looks(listed, tmp_path / "cache", "", quiet=True)
    assert sorted(asked) == [one, other]
    assert all(np.array_equal(each, seen[0]) for each in seen[2:])
    assert not np.array_equal(seen[0], seen[1])


def test_two_processes_may_keep_the_same_look_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_walk(tmp_path / "clip.mp4", [0, 300, 600, 900], height=160)
    item, cache = ("digest", tmp_path / "clip.mp4"), tmp_path / "cache"
    replace = Path.replace

    def overtaken(self: Path, target: Path) -> Path:
        with monkeypatch.context() as other:  # it begins and ends just before this one ends
            other.setattr(Path, "replace", replace)
            other.setattr(os, "getpid", lambda: 1)
            looks.looks([item], cache, "", quiet=True)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", overtaken)
        (made,) = looks.looks([item], cache, "", quiet=True)
    (kept,) = looks.looks([item], cache, "", quiet=True)
    assert np.array_equal(made, kept)
    assert [file.name for file in cache.iterdir()] == ["digest.png"]
