from __future__ import annotations

import os
import socket
import struct
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from video_clips import UNEVEN_MS, numbered, recording, write

from uijepa.errors import (
    ClipError,
    ClipNotFound,
    ClipTooLarge,
    ClipTooLong,
    DecodeTimeout,
    NotAVideo,
    Undecodable,
)
from uijepa.video import Limits, probe
from uijepa.video.probe import recognise

FORMATS = {
    "mp4": ("clip.mp4", {}),
    "mov": ("clip.mov", {}),
    "fragmented": ("clip.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
    "hevc": ("clip.mp4", {"codec": "libx265", "x265-params": "log-level=none"}),
    "mpeg4": ("clip.mp4", {"codec": "mpeg4"}),
    "av1": ("clip.mp4", {"codec": "libsvtav1", "svtav1-params": "preset=12"}),
    "vp8": ("clip.webm", {"codec": "libvpx"}),
    "vp9": ("clip.webm", {"codec": "libvpx-vp9"}),
    "mkv": ("clip.mkv", {}),
}
KINDS = {"mov": "mov", "vp8": "webm", "vp9": "webm", "mkv": "mkv"}
CODECS = {"hevc": "hevc", "mpeg4": "mpeg4", "av1": "av1", "vp8": "vp8", "vp9": "vp9"}


@pytest.mark.parametrize("name", FORMATS)
def test_facts_of_every_format_come_from_its_packets(tmp_path: Path, name: str) -> None:
    file, options = FORMATS[name]
    facts = probe(recording(tmp_path / file, **options))
    assert facts.container == KINDS.get(name, "mp4")
    assert facts.codec == CODECS.get(name, "h264")
    assert (facts.width, facts.height, facts.rotation) == (96, 160, 0)
    assert facts.frames == len(UNEVEN_MS)
    np.testing.assert_allclose(facts.times_s, np.array(UNEVEN_MS) / 1000, atol=1e-3)
    assert 3.95 <= facts.duration_s < 4.5
    assert facts.fragmented == (name == "fragmented")
    assert facts.keys[0]
    assert sorted(facts.order) == list(range(len(UNEVEN_MS)))
    assert (facts.sizes > 0).all()
    assert facts.sizes.sum() < facts.bytes == (tmp_path / file).stat().st_size


def test_gif_times_and_last_delay(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gif", [numbered(i) for i in range(3)], [0, 200, 1000], codec="gif", pixel="rgb8")
    facts = probe(path)
    assert (facts.container, facts.codec) == ("gif", "gif")
    np.testing.assert_allclose(facts.times_s, [0, 0.2, 1.0])
    assert facts.duration_s > 1.0


def test_webm_without_a_duration_as_browsers_stream_it(tmp_path: Path) -> None:
    path = recording(tmp_path / "live.webm", codec="libvpx", container={"live": "1"})
    with av.open(str(path)) as file:
        assert file.duration is None
    facts = probe(path)
    np.testing.assert_allclose(facts.times_s, np.array(UNEVEN_MS) / 1000, atol=1e-3)
    assert 3.95 < facts.duration_s < 4.1


def test_duration_does_not_believe_the_header(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 4 + 16
    data[at : at + 4] = struct.pack(">I", 4_000_000_000)
    path.write_bytes(data)
    assert probe(path).duration_s < 4.5


@pytest.mark.parametrize(("degrees", "upright"), [(90, 270), (180, 180), (270, 90)])
def test_rotated_sizes_are_as_shown(tmp_path: Path, degrees: int, upright: int) -> None:
    facts = probe(recording(tmp_path / "a.mp4", rotation=degrees))
    assert facts.rotation == upright
    assert (facts.width, facts.height) == ((96, 160) if degrees == 180 else (160, 96))


def _refused(path: Path, kind: type[ClipError], words: str, limits: Limits | None = None) -> None:
    with pytest.raises(kind, match=words) as caught:
        probe(path, limits or Limits())
    assert caught.value.path == path
    assert caught.value.remedy


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    _refused(tmp_path / "gone.mp4", ClipNotFound, "no such file")
    _refused(tmp_path, NotAVideo, "regular file")
    os.mkfifo(tmp_path / "fifo.mp4")
    _refused(tmp_path / "fifo.mp4", NotAVideo, "regular file")
    (tmp_path / "link.mp4").symlink_to(recording(tmp_path / "real.mp4"))
    _refused(tmp_path / "link.mp4", NotAVideo, "regular file")
    _refused(Path("/dev/zero"), NotAVideo, "regular file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
        _refused(tmp_path / "s.mp4", NotAVideo, "regular file")


def test_what_is_no_video_whatever_its_name(tmp_path: Path) -> None:
    secret = recording(tmp_path / "secret.mp4")
    (tmp_path / "empty.mp4").touch()
    _refused(tmp_path / "empty.mp4", NotAVideo, "empty")
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:4,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    for name, data in {
        "hls.mp4": hls.encode(),
        "concat.mp4": f"ffconcat version 1.0\nfile {secret}\n".encode(),
        "text.mp4": b"hello, this is text of some length" * 10,
        "image.gif": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "zeros.webm": bytes(5000),
        "still.mp4": struct.pack(">I4s4sI", 16, b"ftyp", b"avif", 0) + bytes(100),
        "other.mkv": b"\x1a\x45\xdf\xa3" + bytes(60),
    }.items():
        (tmp_path / name).write_bytes(data)
        _refused(tmp_path / name, NotAVideo, "known kind")
    with zipfile.ZipFile(tmp_path / "zip.mp4", "w") as archive:
        archive.write(secret, "a.mp4")
    _refused(tmp_path / "zip.mp4", NotAVideo, "known kind")


def test_a_playlist_behind_good_magic_bytes_opens_nothing_else(tmp_path: Path) -> None:
    secret = recording(tmp_path / "secret.mp4")
    box = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
    (tmp_path / "a.mp4").write_bytes(box + f"#EXTM3U\n#EXTINF:4,\n{secret}\n".encode() * 50)
    _refused(tmp_path / "a.mp4", Undecodable, "read")


def test_damaged_containers(tmp_path: Path) -> None:
    whole = recording(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its index stands at the end
    _refused(tmp_path / "cut.mp4", Undecodable, "cannot be read|holds no")
    (tmp_path / "head.webm").write_bytes(recording(tmp_path / "b.webm", codec="libvpx").read_bytes()[:60])
    _refused(tmp_path / "head.webm", ClipError, "cannot be read|holds no|tells no")
    (tmp_path / "head.gif").write_bytes(b"GIF89a" + bytes(7))
    _refused(tmp_path / "head.gif", Undecodable, "cannot be read|holds no|tells no")


def test_codecs_off_the_list_and_files_without_pictures(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mkv", codec="ffv1")
    _refused(path, Undecodable, "codec ffv1")
    with av.open(str(tmp_path / "sound.mp4"), "w") as output:
        stream = output.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        output.mux(stream.encode(sound))
        output.mux(stream.encode())
    _refused(tmp_path / "sound.mp4", NotAVideo, "no video track")


def test_each_limit_has_its_error(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mp4")
    _refused(path, ClipTooLarge, "MiB", Limits(max_bytes=100))
    _refused(path, ClipTooLarge, "96x160", Limits(max_pixels=96 * 160 - 1))
    _refused(path, ClipTooLarge, "more than 15 frames", Limits(max_frames=15))
    _refused(path, ClipTooLong, "lasts 4 s", Limits(max_seconds=3))
    _refused(path, DecodeTimeout, "longer than 0 s", Limits(wall_s=0))
    exact = Limits(max_bytes=path.stat().st_size, max_pixels=96 * 160, max_frames=16)
    assert probe(path, exact).frames == 16


def test_old_quicktime_without_ftyp(tmp_path: Path) -> None:
    data = recording(tmp_path / "a.mov").read_bytes()
    (length,) = struct.unpack(">I", data[:4])
    # The box becomes one of the same length that says nothing, so no offset moves.
    for kind in (b"wide", b"free", b"skip"):
        (tmp_path / "old.mov").write_bytes(struct.pack(">I4s", length, kind) + bytes(length - 8) + data[length:])
        facts = probe(tmp_path / "old.mov")
        assert (facts.container, facts.frames) == ("mov", 16)


def test_recognise_looks_at_no_name() -> None:
    assert recognise(b"GIF87a") == recognise(b"GIF89a....") == "gif"
    assert recognise(b"\x00\x00\x00\x18ftypmp42") == "mp4"
    assert recognise(b"\x00\x00\x00\x14ftypqt  ") == "mov"
    assert recognise(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01webm") == "webm"
    assert recognise(b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01matroska") == "mkv"
    assert recognise(b"") is recognise(b"ftyp") is recognise(b"#EXTM3U") is None


def test_names_that_ffmpeg_would_take_for_something_else(tmp_path: Path) -> None:
    plain = recording(tmp_path / "plain.mp4").read_bytes()
    for name in ("concat:a|b.mp4", "http:x.mp4", "%03d.mp4", "a b?c#d.mp4", "-i.mp4", "ä.mp4"):
        (tmp_path / name).write_bytes(plain)
        assert probe(tmp_path / name).frames == 16
