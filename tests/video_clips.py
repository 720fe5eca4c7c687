"""Small clips whose every picture tells its own number, so that a test knows which frame it was given."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
BITS = 8


def numbered(index: int, width: int = 96, height: int = 160) -> Pixels:
    """A picture whose eight bars are the bits of `index`: a dark bar is 0, a light one 1."""
    picture = np.full((height, width, 3), 128, np.uint8)
    for bit in range(BITS):
        bar = slice(bit * height // BITS, (bit + 1) * height // BITS)
        picture[bar, 8:] = 235 if index >> bit & 1 else 20
    return picture


def number(picture: Pixels) -> int:
    """The number that a picture of `numbered` tells, whatever its size."""
    height, width = picture.shape[:2]
    rows = [int((bit + 0.5) * height / BITS) for bit in range(BITS)]
    return sum(int(picture[row, width // 2].mean() > 128) << bit for bit, row in enumerate(rows))


def write(
    path: Path,
    pictures: Sequence[Pixels],
    times_ms: Sequence[int],
    *,
    codec: str = "libx264",
    pixel: str = "yuv420p",
    rotation: int = 0,
    container: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """A clip with each picture at its own time. `options` go to the encoder, `container` to the muxer."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w", options=container or {}) as output:
        stream: Any = output.add_stream(codec, rate=100, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel
        stream.codec_context.time_base = Fraction(1, 100 if codec == "gif" else 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for at, picture in zip(times_ms, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


UNEVEN_MS = [0, 40, 90, 500, 560, 600, 1800, 1840, 1900, 2400, 2450, 2460, 2600, 3000, 3900, 3950]


def recording(path: Path, **options: Any) -> Path:
    """Sixteen numbered pictures at uneven times, like a recording that keeps a frame only on change."""
    return write(path, [numbered(index) for index in range(len(UNEVEN_MS))], UNEVEN_MS, **options)
