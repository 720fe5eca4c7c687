"""Frames of a clip into an MP4: H.264, variable frame rate, every frame at its true moment."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace

from uijepa.errors import RecordingError
from uijepa.record.stage import Frame

CRF = "36"
PRESET = "medium"
BRIEF_MS = 200
"""Frames that stay for less than this are part of a movement."""
BRIEF_SHARE = 0.15
"""Bits of such a frame, relative to one that stays: nobody reads a page that is still sliding in."""
# One thread and no B-frames: the same frames give the same bytes, and presentation order is coding order.
# The colour matrix is written down because players guess it by size, each in its own way.
# Adaptive quantisation and psychovisual tuning are for camera pictures: text and flat colour do better without.
# More search than this saves 4 % of the bytes for twice the time.
_X264 = (
    "threads=1:mbtree=0:bframes=0:keyint=600:scenecut=0:no-psy=1:aq-mode=0:qcomp=0.68:trellis=1:subme=6:"
    "ref=1:rc-lookahead=0:me=dia:merange=8:colorprim=smpte170m:transfer=bt709:colormatrix=smpte170m"
)


def write(path: Path, frames: Sequence[Frame], end_ms: float, crf: str = CRF) -> tuple[int, int]:
    """Write `frames` to `path`, the last one held until `end_ms`. Returns width and height in px.

    `crf` is x264's constant rate factor: larger means smaller files.
    Odd sizes lose their last row or column (H.264 in 4:2:0 needs even ones). Times are kept to 1 ms; frames less
    than 1 ms apart are told apart by 1 ms. Raises RecordingError when there is no frame or sizes differ.
    """
    if not frames:
        raise RecordingError("The clip has no frame.")
    moments = _moments(frames)
    ends = [*moments[1:], max(round(end_ms), moments[-1] + 1)]
    lasting = {start: end - start for start, end in zip(moments, ends, strict=True)}
    size: tuple[int, int] | None = None
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    options = {"movflags": "+faststart", "video_track_timescale": "1000", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=12)
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": PRESET, "crf": crf, "x264-params": _X264 + _zones(moments, ends)}
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for moment, frame in zip(moments, frames, strict=True):
            image = _picture(decoder, frame.jpeg)
            shape = (image.width, image.height)
            if size is None:
                stream.width, stream.height = size = shape
            elif size != shape:
                raise RecordingError(f"A frame of {shape} px among frames of {size} px.")
            image.pts, image.time_base = moment, Fraction(1, 1000)
            _mux(container, stream, stream.encode(image), lasting)
        _mux(container, stream, stream.encode(), lasting)
    assert size is not None
    return size


def _moments(frames: Sequence[Frame]) -> list[int]:
    moments: list[int] = []
    for frame in frames:
        moments.append(max(round(frame.ms), moments[-1] + 1 if moments else 0))
    return moments


def _zones(moments: Sequence[int], ends: Sequence[int]) -> str:
    """x264's 'zones' option for the runs of brief frames; the first frame is never brief."""
    brief = [i > 0 and end - start < BRIEF_MS for i, (start, end) in enumerate(zip(moments, ends, strict=True))]
    zones, i = [], 0
    for moving, run in groupby(brief):
        length = len(list(run))
        if moving:
            zones.append(f"{i},{i + length - 1},b={BRIEF_SHARE}")
        i += length
    return f":zones={'/'.join(zones)}" if zones else ""


def _picture(decoder: av.VideoCodecContext, jpeg: bytes) -> av.VideoFrame:
    """A JPEG with its chroma as it stands (Chromium writes 4:2:0), in the film's range, its sides even."""
    (full,) = decoder.decode(av.Packet(jpeg))
    image = full.reformat(
        format="yuv420p",
        src_colorspace=Colorspace.ITU601,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
    width, height = image.width - image.width % 2, image.height - image.height % 2
    if (width, height) != (image.width, image.height):
        whole, image = image, av.VideoFrame(width, height, "yuv420p")
        for into, plane in zip(image.planes, whole.planes, strict=True):
            _rows(into)[:, : into.width] = _rows(plane)[: into.height, : into.width]
    # The encoder chooses its own kinds of pictures, whatever the JPEG called itself.
    image.pict_type = PictureType.NONE
    return image


def _rows(plane: av.video.plane.VideoPlane) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """uint8 [H, bytes to a row], a view."""
    pixels: np.ndarray[tuple[int], np.dtype[np.uint8]] = np.frombuffer(cast("Any", plane), np.uint8)
    return pixels.reshape(plane.height, plane.line_size)


def _mux(
    container: av.container.OutputContainer,
    stream: av.VideoStream,
    packets: Sequence[av.Packet[av.VideoStream]],
    lasting: dict[int, int],
) -> None:
    for packet in packets:
        # The encoder does not know how long a frame lasts; without this the last one would end at once.
        if packet.pts is not None:
            packet.duration = lasting[packet.pts]
        packet.stream = stream
        container.mux(packet)
