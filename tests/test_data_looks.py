"""What a baseline keeps of a clip."""

from __future__ import annotations

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
