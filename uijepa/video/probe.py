"""What a file is, before any of it is decoded: magic bytes, then packets by demuxing alone.

Screen recordings have a variable frame rate and headers that lie (a browser's MediaRecorder writes no duration
at all), so every time here comes from the packets.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import av
import numpy as np
import numpy.typing as npt

from uijepa.errors import ClipNotFound, ClipTooLarge, ClipTooLong, DecodeTimeout, NotAVideo, Undecodable
from uijepa.video import boxes

Container = Literal["mp4", "mov", "webm", "mkv", "gif"]
CONTAINERS: tuple[Container, ...] = get_args(Container)

CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "gif", "mpeg4"})
"""Codecs that may be decoded. FFmpeg's own codec white list does not stop others, so the name is checked."""

_DEMUXERS: dict[str, str] = {"mp4": "mov", "mov": "mov", "webm": "matroska", "mkv": "matroska", "gif": "gif"}
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif",
}
_OLD_MOV = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_STILL_BRANDS = {b"avif", b"heic", b"mif1", b"M4A ", b"M4B "}
_MAGIC_BYTES = 64


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one clip may cost. A caller may lower them."""

    max_bytes: int = 200 * 2**20
    max_seconds: float = 600.0
    max_pixels: int = 4096 * 4096
    """Of one frame."""
    max_frames: int = 36_000
    """Stored in the file, looked at or not."""
    wall_s: float = 20.0
    cpu_s: float = 30.0
    """Processor time of the decoding child; only a sandbox can hold it."""
    address_space_bytes: int = 2**30
    """Memory of the decoding child; only a sandbox can hold it."""


DEFAULT = Limits()


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """A clip as its packets tell it. Arrays are in the order frames are shown."""

    container: Container
    codec: str
    width: int
    """As shown, after rotation, in px."""
    height: int
    rotation: int
    """Degrees clockwise that bring the stored picture upright: 0, 90, 180, 270."""
    fragmented: bool
    duration_s: float
    """From the first frame to the end of the last one."""
    bytes: int
    times_s: npt.NDArray[np.float64]
    """[n] when each frame is shown; the first is 0."""
    sizes: npt.NDArray[np.int64]
    """[n] bytes of each frame's packet: a big one is where the screen changed."""
    keys: npt.NDArray[np.bool_]
    """[n] frames that decode on their own."""
    order: npt.NDArray[np.int64]
    """[n] position of each frame's packet in the file."""
    packets: int
    """Packets in the file, those included that an edit list hides."""

    @property
    def frames(self) -> int:
        return len(self.times_s)


class Deadline:
    """The moment by which work on a clip must be done; `check` raises DecodeTimeout once it has passed."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise DecodeTimeout(self._path, f"decoding took longer than {self._seconds:g} s.")


def _head(path: Path, limits: Limits) -> tuple[bytes, int]:
    """First bytes and size of a regular file. Never blocks on a FIFO and follows no link at the end."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise NotAVideo(path, "not a regular file (a link, folder, pipe or device).")
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise ClipNotFound(path, "no such file.") from error
    except OSError as error:
        raise ClipNotFound(path, f"cannot be opened ({error.strerror}).", "Check its permissions.") from error
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise NotAVideo(path, "not a regular file (a link, folder, pipe or device).")
        if info.st_size == 0:
            raise NotAVideo(path, "the file is empty.")
        if info.st_size > limits.max_bytes:
            most = limits.max_bytes / 2**20
            raise ClipTooLarge(path, f"{info.st_size / 2**20:.1f} MiB, at most {most:g} MiB are read.")
        return file.read(_MAGIC_BYTES), info.st_size


def recognise(head: bytes) -> Container | None:
    """The container that a file's first 64 bytes announce, or None. The file's name plays no part."""
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"webm" in head else "mkv" if b"matroska" in head else None
    if head[4:8] == b"ftyp":
        if head[8:12] in _STILL_BRANDS:
            return None
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if head[4:8] in _OLD_MOV:  # QuickTime files older than the ftyp box
        return "mov"
    return None


@contextmanager
def opened(path: Path, container: Container) -> Iterator[tuple[Any, Any]]:
    """The demuxer and its first real video stream.

    Raises NotAVideo when there is none, Undecodable when the container is broken.
    """
    try:
        # "file:" keeps FFmpeg from reading a protocol out of the name; the format is the one the magic told.
        with av.open(
            f"file:{path.absolute()}",
            format=_DEMUXERS[container],
            container_options=_OPTIONS,
            metadata_errors="replace",
        ) as demuxer:
            for stream in demuxer.streams.video:
                if not stream.disposition & av.stream.Disposition.attached_pic:
                    yield demuxer, stream
                    return
            raise NotAVideo(path, "holds no video track.")
    except av.error.MemoryError as error:
        raise ClipTooLarge(path, "decoding it needs more memory than allowed.") from error
    except av.FFmpegError as error:
        raise Undecodable(path, f"cannot be read ({error.strerror}).") from error


def packets(demuxer: Any, stream: Any) -> Iterator[Any]:
    """Packets that carry a frame, in file order. A file that breaks off gives what came before the break."""
    try:
        for packet in demuxer.demux(stream):
            if packet.size and (packet.pts if packet.pts is not None else packet.dts) is not None:
                yield packet
    except av.error.InvalidDataError:
        return


def stamp(item: Any) -> int | None:
    """Presentation time of a packet or frame in its time base."""
    value = item.pts if item.pts is not None else item.dts
    return None if value is None else int(value)


def probe(path: Path, limits: Limits = DEFAULT) -> Facts:
    """A clip's facts, by magic bytes and demuxing only.

    Raises ClipNotFound, NotAVideo, ClipTooLarge (bytes, pixels, frames), ClipTooLong, Undecodable, and
    DecodeTimeout when the packets alone take longer than `limits.wall_s`.
    """
    head, size = _head(path, limits)
    container = recognise(head)
    if container is None:
        raise NotAVideo(path, "is no video file of a known kind, whatever its name says.")
    rotation, fragmented = boxes.inspect(path) if container in ("mp4", "mov") else (0, False)
    with opened(path, container) as (demuxer, stream):
        codec = stream.codec.canonical_name if stream.codec_context is not None else "unknown"
        if codec not in CODECS:
            raise Undecodable(path, f"codec {codec} is not among {', '.join(sorted(CODECS))}.")
        width, height = stream.width, stream.height
        if width < 1 or height < 1:
            raise Undecodable(path, "tells no frame size.")
        if width * height > limits.max_pixels:
            raise ClipTooLarge(path, f"{width}x{height} px a frame, at most {limits.max_pixels} px are decoded.")
        scan = _scan(path, demuxer, stream, limits)
    if rotation in (90, 270):
        width, height = height, width
    if scan.ends.max() > limits.max_seconds:
        seconds = float(scan.ends.max())
        raise ClipTooLong(path, f"lasts {seconds:.0f} s, at most {limits.max_seconds:g} s are watched.")
    return Facts(
        container=container,
        codec=codec,
        width=width,
        height=height,
        rotation=rotation,
        fragmented=fragmented,
        duration_s=float(scan.ends.max()),
        bytes=size,
        times_s=scan.times,
        sizes=scan.sizes,
        keys=scan.keys,
        order=scan.order,
        packets=scan.packets,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scan:
    """Packets in the order their frames are shown; times in seconds from the first."""

    times: npt.NDArray[np.float64]
    ends: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]
    keys: npt.NDArray[np.bool_]
    order: npt.NDArray[np.int64]
    packets: int


def _scan(path: Path, demuxer: Any, stream: Any, limits: Limits) -> _Scan:
    deadline = Deadline(path, limits.wall_s)
    rows: list[tuple[int, int, int, int, bool]] = []
    count = 0
    for packet in packets(demuxer, stream):
        deadline.check()
        if count >= limits.max_frames:
            raise ClipTooLarge(path, f"holds more than {limits.max_frames} frames.")
        at = stamp(packet)
        if at is not None and not packet.is_discard:
            rows.append((at, count, max(packet.duration or 0, 0), packet.size, packet.is_keyframe))
        count += 1
    if not rows:
        raise Undecodable(path, "holds no frames.")
    rows.sort()
    stamps, order, lengths, sizes, keys = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    if len(stamps) > 1:
        # Streaming WebM has no packet durations: the last frame then counts as long as the usual one.
        lengths = np.where(lengths > 0, lengths, int(np.median(np.diff(stamps))))
    base = float(stream.time_base)
    times = (stamps - stamps[0]) * base
    return _Scan(
        times=times,
        ends=times + lengths * base,
        sizes=sizes,
        keys=keys.astype(np.bool_),
        order=order,
        packets=count,
    )
