"""The upload folder, and the multipart body streamed into it."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.form import receive
from service.problem import Trouble
from service.upload import UploadFolder, UploadFolderError


def form(content: bytes, boundary: bytes = b"edge") -> bytes:
    return (
        b'preamble\r\n--%b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--%b\r\nContent-Type: video/mp4\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n'
        b"--%b--\r\n"
    )[10:] % (boundary, boundary, content, boundary)


def stream(body: bytes, step: int, *, max_bytes: int = 10_000) -> tuple[bytes, int]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    file = io.BytesIO()
    kind = "multipart/form-data; boundary=edge"
    length = asyncio.run(receive(chunks(), kind, file, max_bytes=max_bytes))
    return file.getvalue(), length


@given(
    st.lists(st.sampled_from([b"\r\n", b"--", b"edge", b"\r", b"\n--edg", b"\x00", b"video"]), max_size=30),
    st.integers(1, 200),
)
def test_a_clip_arrives_byte_for_byte_however_it_is_cut(parts: list[bytes], step: int) -> None:
    content = b"".join(parts).replace(b"\r\n--edge", b"")
    assert stream(form(content), step) == (content, len(content))


def test_the_count_is_of_the_clip_and_exact() -> None:
    assert stream(form(bytes(1000)), 64, max_bytes=1000)[1] == 1000
    with pytest.raises(Trouble, match="upload-too-large"):
        stream(form(bytes(1001)), 64, max_bytes=1000)


def test_every_prefix_of_a_form_is_refused() -> None:
    whole = form(b"clip")
    end = whole.rindex(b"--")
    for length in range(1, end, 7):
        with pytest.raises(Trouble, match="malformed"):
            stream(whole[:length], 11)


def test_the_folder_is_private_and_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "uploads"
    folder = UploadFolder(root)
    folder.open()
    with folder.file() as (path, file):
        file.write(b"clip")
        assert path.read_bytes() == b"clip"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {stat.S_IMODE(parent.stat().st_mode) for parent in (root, path.parent)} == {0o700}
    assert not path.exists()
    with pytest.raises(RuntimeError), folder.file() as (path, _):
        raise RuntimeError
    assert not path.exists()
    folder.close()
    assert [left.name for left in root.iterdir()] == ["lock"]


def test_opening_sweeps_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    living = UploadFolder(tmp_path)
    living.open()
    dead = tmp_path / "dead"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "a.clip").write_bytes(b"left behind")
    (tmp_path / "half-made").mkdir()
    with living.file() as (path, _):
        another = UploadFolder(tmp_path)
        another.open()
        assert path.exists()
        assert not dead.exists()
        assert not (tmp_path / "half-made").exists()
        another.close()
    living.close()


def test_a_root_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "uploads").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UploadFolderError, match="--upload-dir"):
        UploadFolder(tmp_path / "uploads").open()
    assert os.listdir(tmp_path / "elsewhere") == []  # noqa: PTH208


def test_a_root_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UploadFolderError, match=str(tmp_path)):
        UploadFolder(tmp_path / "file" / "uploads").open()
