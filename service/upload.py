"""Uploads: a private folder that keeps nothing, and the bounds of time and space that every upload is held to."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from service.problem import Trouble
from uijepa.errors import UijepaError

LOG = logging.getLogger("service")

SLACK_BYTES = 64 * 1024
"""Most bytes of a request beside the clip: other fields, part headers, boundaries."""
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

    @property
    def is_open(self) -> bool:
        return self._lock is not None

    def open(self) -> None:
        """Make the folder, anew where there is one. Raises UploadFolderError when that cannot be done."""
        try:
            self._open()
        except OSError as error:
            raise UploadFolderError(
                f"{self._root}: cannot hold uploads ({error.strerror}). Name another folder: --upload-dir."
            ) from error

    def _open(self) -> None:
        self.close()
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
        """A new empty file, mode 0600, and its path; gone when the block ends. Raises Trouble when there is none."""
        path = self._folder / f"{secrets.token_hex(8)}.clip"
        try:
            number = self._create(path)
        except OSError as error:
            raise _not_stored(error) from error
        try:
            with os.fdopen(number, "wb", buffering=0) as file:
                yield path, file
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def _create(self, path: Path) -> int:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            # Something cleans /tmp, or the folder was taken away for a while: nobody else's clip is in it.
            self._open()
            return os.open(path, flags, 0o600)


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


@contextlib.asynccontextmanager
async def bounded(seconds: float) -> AsyncIterator[None]:
    """Raises Trouble when receiving takes longer than `seconds` or the upload cannot be stored."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Trouble(
            "upload-timeout", f"The upload was not complete after {seconds:g} s.", "Send a smaller recording."
        ) from error
    except OSError as error:
        raise _not_stored(error) from error


def _not_stored(error: OSError) -> Trouble:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Trouble("no-space", "The service has no space left for uploads.", "Try again later.", retry_after_s=30)
    LOG.error("The upload folder cannot be used: %s", error)
    return Trouble("no-storage", "The service cannot store uploads now.", "Try again later.", retry_after_s=30)


async def store(body: AsyncIterator[bytes], file: BinaryIO, most: int, max_bytes: int) -> None:
    """Write a body of at most `most` bytes into `file`. Raises Trouble, naming `max_bytes`, when it is longer."""
    length = 0
    async for chunk in body:
        length += len(chunk)
        if length > most:
            raise too_large(max_bytes)
        await asyncio.to_thread(write, file, chunk)


def write(file: BinaryIO, data: bytes) -> None:
    """All of `data`, or an OSError."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


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
    if content_length is not None and content_length.isdecimal() and int(content_length) > max_bytes + SLACK_BYTES:
        raise too_large(max_bytes)
