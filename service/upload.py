"""Uploads: a private folder that keeps nothing, and a multipart body streamed into it under a count of bytes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.problem import Trouble
from uijepa.errors import UijepaError

FIELD = b"file"
"""The form field that holds the clip."""

_OTHER_BYTES = 64 * 1024
"""Most bytes of a form beside the clip: other fields, part headers, boundaries."""
_LOCK = "lock"


class UploadFolderError(UijepaError):
    """The folder for uploads cannot be used."""

    code = "upload-folder"


class UploadFolder:
    """A folder of this process alone, below `root`, mode 0700.

    Several services may share a root: each holds a lock on its own folder, and opening sweeps the folders that
    nobody holds any more, left by a service that was killed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / secrets.token_hex(8)
        self._lock: int | None = None

    def open(self) -> None:
        """Raises UploadFolderError when the root cannot be made private or written."""
        try:
            self._open()
        except OSError as error:
            raise UploadFolderError(
                f"{self._root}: cannot hold uploads ({error.strerror}). Name another folder: --upload-dir."
            ) from error

    def _open(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = self._root.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
            # In a shared /tmp another user may have put a link or a folder of their own there.
            raise PermissionError(errno.EPERM, "the upload folder belongs to someone else", str(self._root))
        self._root.chmod(0o700)
        # Services that start together take turns here, so that none sweeps a folder another is just making.
        with (self._root / _LOCK).open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            for left in self._root.iterdir():
                if left.is_dir() and not left.is_symlink() and not _held(left):
                    shutil.rmtree(left, ignore_errors=True)
            self._folder.mkdir(mode=0o700)
            self._lock = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the folder and whatever is in it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def file(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new empty file, mode 0600, and its path; gone when the block ends."""
        path = self._folder / f"{secrets.token_hex(8)}.clip"
        try:
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "wb", buffering=0) as file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)


def _held(folder: Path) -> bool:
    """Whether a living service holds the lock of its folder."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


async def receive(
    body: AsyncIterator[bytes], content_type: str, file: BinaryIO, *, max_bytes: int, seconds: float
) -> int:
    """Write the clip of a multipart body into `file`; returns its length in bytes.

    Believes no declared length. Raises Trouble when the body is no form, is cut short, holds no clip or more than
    one, is larger than `max_bytes`, takes longer than `seconds`, or finds the disk full.
    """
    form = _Form(content_type, max_bytes)
    try:
        async with asyncio.timeout(seconds):
            async for chunk in body:
                for piece in form.feed(chunk):
                    await asyncio.to_thread(_write, file, piece)
    except TimeoutError as error:
        raise Trouble(
            "upload-timeout", f"The upload was not complete after {seconds:g} s.", "Send a smaller recording."
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise Trouble(
            "no-space", "The service has no space left for uploads.", "Try again later.", retry_after_s=30
        ) from error
    return form.finish()


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


class _Form:
    """The state of one multipart form while its bytes come in."""

    def __init__(self, content_type: str, max_bytes: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise Trouble("not-multipart", "The request is not a multipart form.", _REMEDY)
        if not options.get(b"boundary"):
            raise Trouble("malformed", "The form's Content-Type names no boundary.", _REMEDY)
        self._max_bytes = max_bytes
        self._header, self._value = b"", b""
        self._is_clip, self._clips, self._clip_bytes = False, 0, 0
        self._all_bytes = 0
        self._pieces: list[bytes] = []
        self._complete = False
        try:
            self._parser = MultipartParser(options[b"boundary"], self._callbacks())  # type: ignore[arg-type]
        except FormParserError as error:
            raise Trouble("malformed", "The form's boundary is not valid.", _REMEDY) from error

    def _callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }

    def feed(self, chunk: bytes) -> list[bytes]:
        """Pieces of the clip found in the next bytes of the body."""
        self._pieces = []
        self._all_bytes += len(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Trouble("malformed", "The form is not valid multipart data.", _REMEDY) from error
        if self._all_bytes - self._clip_bytes > _OTHER_BYTES:
            raise Trouble("malformed", "The form holds too much beside the clip.", _REMEDY)
        return self._pieces

    def finish(self) -> int:
        """The clip's length, once the body has ended."""
        if not self._complete:
            raise Trouble("malformed", "The form ends before it is complete.", _REMEDY)
        if not self._clips:
            raise Trouble("missing-file", "The form has no field named 'file'.", _REMEDY)
        return self._clip_bytes

    def _on_part_begin(self) -> None:
        self._is_clip = False
        self._header, self._value = b"", b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._is_clip = parse_options_header(self._value)[1].get(b"name") == FIELD
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        self._clips += self._is_clip
        if self._clips > 1:
            raise Trouble("malformed", "The form has more than one field named 'file'.", _REMEDY)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_clip:
            return
        self._clip_bytes += end - start
        if self._clip_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        self._pieces.append(bytes(data[start:end]))

    def _on_end(self) -> None:
        self._complete = True


_REMEDY = "Send the clip as multipart/form-data in a field named 'file', as in: curl -F file=@clip.mp4"


def too_large(max_bytes: int) -> Trouble:
    return Trouble(
        "upload-too-large",
        f"The upload is larger than {_size(max_bytes)}.",
        "Send a smaller or lower-resolution recording.",
    )


def _size(count: int) -> str:
    return f"{count / 2**20:.0f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"


def refuse_declared(content_length: str | None, max_bytes: int) -> None:
    """Refuse at once what says itself that it is too large; a smaller claim is not believed, but counted."""
    if content_length is not None and content_length.isdecimal() and int(content_length) > max_bytes + _OTHER_BYTES:
        raise too_large(max_bytes)
