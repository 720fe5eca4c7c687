"""The few facts about an mp4 or mov file that PyAV does not tell without decoding.

Reads box headers only: rotation of the video track, and whether the file is fragmented. Everything else about
the container is left to the demuxer.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MOST_BOXES = 4096
_HEADER = 8


def _children(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, body start, body end) of the boxes between two offsets; stops at the first broken one."""
    for _ in range(_MOST_BOXES):
        if start + _HEADER > end:
            return
        file.seek(start)
        head = file.read(_HEADER)
        if len(head) < _HEADER:
            return
        size, kind = struct.unpack(">I4s", head)
        body = start + _HEADER
        if size == 1:
            long = file.read(8)
            if len(long) < 8:
                return
            (size,) = struct.unpack(">Q", long)
            body += 8
        stop = end if size == 0 else start + size
        if stop < body:
            return
        yield kind, body, min(stop, end)
        start = stop


def _rotation(matrix: bytes) -> int:
    """Clockwise degrees that bring the stored picture upright, from a 36-byte tkhd matrix."""
    a, b = struct.unpack(">ii", matrix[:8])
    if a == b == 0:
        return 0
    return round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360


def _track(file: BinaryIO, start: int, end: int) -> tuple[bool, int]:
    """Whether a trak is a video track, and its rotation."""
    video, rotation = False, 0
    for kind, body, stop in _children(file, start, end):
        if kind == b"tkhd":
            file.seek(body)
            data = file.read(min(stop - body, 104))
            # version 1 has 64-bit times: the matrix stands 52 bytes in, otherwise 40.
            at = 52 if data[:1] == b"\x01" else 40
            if len(data) >= at + 36:
                rotation = _rotation(data[at : at + 36])
        elif kind == b"mdia":
            for inner, inner_body, _ in _children(file, body, stop):
                if inner == b"hdlr":
                    file.seek(inner_body + 8)
                    video = file.read(4) == b"vide"
    return video, rotation


def inspect(path: Path) -> tuple[int, bool]:
    """(rotation, fragmented) of an mp4 or mov file.

    Rotation: 0, 90, 180 or 270 degrees clockwise to bring the picture upright. A file whose boxes are broken
    gives what could be read; the demuxer judges it.
    """
    rotation, fragmented = 0, False
    with path.open("rb") as file:
        end = file.seek(0, 2)
        for kind, body, stop in _children(file, 0, end):
            if kind == b"moof":
                fragmented = True
                break
            if kind != b"moov":
                continue
            for inner, inner_body, inner_stop in _children(file, body, stop):
                if inner == b"mvex":
                    fragmented = True
                elif inner == b"trak":
                    video, turned = _track(file, inner_body, inner_stop)
                    if video:
                        rotation = turned
    return rotation, fragmented
