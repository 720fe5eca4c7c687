"""The film writer: every frame at its true moment, the last one held, the same bytes twice."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from uijepa.errors import RecordingError
from uijepa.record import video
from uijepa.record.stage import Frame

MOMENTS = [0.0, 83.4, 1290.0, 1290.3, 4000.7]
END_MS = 5200.0


def frame(ms: float, shade: int, size: tuple[int, int] = (91, 64)) -> Frame:
    data = io.BytesIO()
    Image.new("RGB", size, (shade, 255 - shade, 128)).save(data, "JPEG", quality=80)
    return Frame(ms=ms, jpeg=data.getvalue())


FRAMES = [frame(ms, 50 * i) for i, ms in enumerate(MOMENTS)]


def test_true_moments_and_sizes_are_read_back(tmp_path: Path) -> None:
    assert video.write(tmp_path / "clip.mp4", FRAMES, END_MS) == (90, 64)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height, stream.pix_fmt) == (90, 64, "yuv420p")
        assert container.duration == 5_200_000
        shown = list(container.decode(stream))
    assert all(one.time_base == Fraction(1, 1000) for one in shown)
    assert [one.pts for one in shown] == [0, 83, 1290, 1291, 4001]
    for i, one in enumerate(shown):
        pixel = one.to_ndarray(format="rgb24")[32, 45].astype(int)
        assert np.abs(pixel - (50 * i, 255 - 50 * i, 128)).max() <= 8


def test_the_index_comes_first(tmp_path: Path) -> None:
    video.write(tmp_path / "clip.mp4", FRAMES, END_MS)
    data = (tmp_path / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_same_frames_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        video.write(tmp_path / name, FRAMES, END_MS)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_what_cannot_be_a_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no frame"):
        video.write(tmp_path / "clip.mp4", [], END_MS)
    with pytest.raises(RecordingError, match="among frames"):
        video.write(tmp_path / "clip.mp4", [frame(0, 1), frame(100, 2, (64, 64))], END_MS)
