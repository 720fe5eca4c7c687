from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from test_video_probe import FORMATS
from video_clips import UNEVEN_MS, number, numbered, recording, write

from uijepa.config import Preprocess
from uijepa.errors import ClipTooLarge, DecodeTimeout, Undecodable
from uijepa.video import Limits, frames, prepare, probe, reader

SIZE = (96, 160)


def _numbers(path: Path, times_s: list[float], size: tuple[int, int] = SIZE, **options: Any) -> list[int]:
    return [number(picture) for picture in frames(path, times_s, size, **options)]


def _expected(times_s: list[float]) -> list[int]:
    """The frame a player would show: the last one that has appeared."""
    return [max(i for i, at in enumerate(UNEVEN_MS) if at <= time * 1000 + 0.5) for time in times_s]


TIMES = [0.0, 0.039, 0.04, 0.3, 0.55, 1.0, 1.799, 1.8, 2.0, 2.455, 3.5, 3.95, 9.0]


@pytest.mark.parametrize("name", FORMATS)
def test_frames_are_chosen_by_their_time(tmp_path: Path, name: str) -> None:
    file, options = FORMATS[name]
    path = recording(tmp_path / file, **options)
    assert _numbers(path, TIMES) == _expected(TIMES)
    assert _numbers(path, TIMES[::-1]) == _expected(TIMES)[::-1]
    for time in (0.0, 2.6, 3.95):
        assert _numbers(path, [time]) == _expected([time])


@pytest.mark.parametrize("bframes", ["0", "3"])
@pytest.mark.parametrize("group", ["1", "5", "250"])
def test_any_group_structure_gives_the_same_frames(tmp_path: Path, bframes: str, group: str) -> None:
    options = {"bf": bframes, "g": group, "x264-params": "open-gop=1:scenecut=0"}
    path = recording(tmp_path / "a.mp4", **options)
    for index, at in enumerate(UNEVEN_MS):
        assert _numbers(path, [at / 1000]) == [index]


def test_skipping_changes_no_pixel(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (64, 64, 3), np.uint8)
    pictures = [np.roll(noise, 3 * i, axis=0) for i in range(40)]
    path = write(tmp_path / "a.mp4", pictures, [50 * i for i in range(40)], g="12", bf="3")
    with av.open(str(path)) as file:
        every = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    facts = probe(path)
    for step in (1, 3, 7, 13, 39):
        got = frames(path, facts.times_s[::step], (64, 64), library="pyav")
        np.testing.assert_array_equal(got, every[::step])


def test_both_libraries_give_the_same_bits(tmp_path: Path) -> None:
    pytest.importorskip("decord", reason="decord has no wheel for this platform")
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (80, 64, 3), np.uint8)
    pictures = [np.roll(noise, 3 * i, axis=0) for i in range(70)]
    path = write(tmp_path / "a.mp4", pictures, [37 * i + i % 3 for i in range(70)], bf="2")
    facts = probe(path)
    for times in (facts.times_s, facts.times_s[5:60:4]):
        one, other = (frames(path, times, (64, 80), library=name) for name in ("pyav", "decord"))
        np.testing.assert_array_equal(one, other)
    assert reader.choose(facts, np.arange(70), (64, 80)) == "decord"


def test_decord_is_left_out_where_it_is_unsafe_slow_or_inexact(tmp_path: Path) -> None:
    times = [10 * i for i in range(80)]
    pictures = [numbered(i) for i in range(80)]
    every = np.arange(80)

    def chosen(name: str, wanted: Any = every, size: tuple[int, int] = SIZE, **options: Any) -> str:
        return reader.choose(probe(write(tmp_path / name, pictures, times, **options)), wanted, size)

    assert chosen("a.webm", codec="libvpx") == "pyav"
    assert chosen("a.mkv") == "pyav"
    assert chosen("b.mp4", container={"movflags": "frag_keyframe+empty_moov"}) == "pyav"
    assert chosen("c.mp4", codec="mpeg4") == "pyav"
    assert chosen("d.mp4", rotation=180) == "pyav"
    assert chosen("e.mp4", size=(48, 80)) == "pyav"
    assert chosen("f.mp4", wanted=every[::5]) == "pyav"
    assert chosen("g.mp4", wanted=every[:20]) == "pyav"


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied_alike_by_both_libraries(tmp_path: Path, degrees: int) -> None:
    picture = np.zeros((96, 64, 3), np.uint8)
    picture[:48, :32], picture[48:, :32], picture[:48, 32:] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    path = write(tmp_path / "a.mp4", [picture] * 3, [0, 50, 100], rotation=degrees)
    size = (64, 96) if degrees == 180 else (96, 64)
    one = frames(path, [0.0], size, library="pyav")[0]
    # FFmpeg's display rotation counts counter-clockwise, and so does rot90.
    expected = np.rot90(picture, degrees // 90)
    quarter = (slice(8, None, 16), slice(8, None, 16))
    np.testing.assert_allclose(one[quarter].astype(int), expected[quarter].astype(int), atol=24)
    if reader.find_spec("decord") is not None:
        other = frames(path, [0.0], size, library="decord")[0]
        np.testing.assert_allclose(one[quarter].astype(int), other[quarter].astype(int), atol=8)


def test_scaling_keeps_the_content(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mp4")
    for size in ((48, 80), (31, 57), (200, 300)):
        got = frames(path, [1.8], size)
        assert got.shape == (1, size[1], size[0], 3)
        assert got.dtype == np.uint8
        assert number(got[0]) == 6


def test_gif_is_composed_as_a_viewer_composes_it(tmp_path: Path) -> None:
    # Partial frames over what stays, what is cleared to the page, and what is taken back.
    base = Image.new("RGBA", (60, 80), (200, 30, 30, 255))
    patch = Image.new("RGBA", (60, 80), (0, 0, 0, 0))
    patch.paste((20, 20, 220, 255), (10, 10, 30, 40))
    hole = Image.new("RGBA", (60, 80), (0, 0, 0, 0))
    hole.paste((20, 200, 20, 255), (30, 50, 50, 70))
    for disposal in (1, 2, 3):
        path = tmp_path / f"{disposal}.gif"
        base.save(path, save_all=True, append_images=[patch, hole], duration=[100, 250, 400], disposal=disposal)
        expected = []
        with Image.open(path) as image:
            for index in range(image.n_frames):
                image.seek(index)
                expected.append(np.array(image.convert("RGB")))
        # Pillow paints what a frame clears black; a browser shows the page, which is white here.
        composed = np.array(expected)
        composed[(composed == 0).all(-1)] = 255
        facts = probe(path)
        np.testing.assert_allclose(facts.times_s, [0, 0.1, 0.35])
        assert facts.duration_s == pytest.approx(0.75)
        got = frames(path, facts.times_s, (60, 80))
        np.testing.assert_allclose(got.astype(int), composed.astype(int), atol=2)


def test_fewer_frames_than_moments_repeat_what_is_shown(tmp_path: Path) -> None:
    for count in (1, 2, 3, 5):
        pictures = [numbered(5 * i + 3) for i in range(count)]
        for file, options in (("a.mp4", {}), ("a.webm", {"codec": "libvpx"})):
            path = write(tmp_path / file, pictures, [300 * i for i in range(count)], **options)
            prepared = prepare(path, Preprocess(frames=16))
            assert prepared.times_s.shape == (16,)
            assert number(prepared.first) == 3
            assert number(prepared.last) == 5 * (count - 1) + 3
            assert 1 <= len(prepared.values) == len(prepared.positions)


def test_a_damaged_stretch_shows_the_frame_before(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.webm", codec="libvpx", g="1")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    facts = probe(path)
    assert 3 <= facts.frames < 16
    got = _numbers(path, [at / 1000 for at in UNEVEN_MS])
    assert got[: facts.frames - 1] == list(range(facts.frames - 1))
    assert set(got[facts.frames :]) == {got[-1]}


def test_rubbish_in_place_of_pictures(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    with pytest.raises(Undecodable):
        frames(path, [0.0], SIZE)


def test_limits_hold_while_decoding(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.mp4")
    facts = probe(path)
    with pytest.raises(DecodeTimeout):
        frames(path, [3.0], SIZE, facts=facts, limits=Limits(wall_s=0))
    with pytest.raises(ClipTooLarge):
        frames(path, [3.0], SIZE, facts=facts, limits=Limits(max_pixels=100))


def test_what_a_real_browser_records(tmp_path: Path) -> None:
    """MediaRecorder on a canvas in Chromium: WebM without duration, uneven times."""
    from playwright.sync_api import sync_playwright

    script = """async () => {
      const canvas = document.createElement('canvas'); canvas.width = 96; canvas.height = 160;
      const pen = canvas.getContext('2d');
      const draw = n => { for (let bit = 0; bit < 8; bit++) {
        pen.fillStyle = (n >> bit & 1) ? 'rgb(235,235,235)' : 'rgb(20,20,20)';
        pen.fillRect(0, bit * 20, 96, 20); } };
      draw(1);
      const recorder = new MediaRecorder(canvas.captureStream(30), {mimeType: 'video/webm;codecs=vp8'});
      const parts = []; recorder.ondataavailable = event => parts.push(event.data);
      const stopped = new Promise(resolve => recorder.onstop = resolve);
      recorder.start(200);
      for (const n of [1, 2, 4, 8, 9]) { draw(n); await new Promise(r => setTimeout(r, 150)); }
      recorder.stop(); await stopped;
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
      return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
    }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            page = browser.new_page()
            recorded = page.evaluate(script)
        finally:
            browser.close()
    path = tmp_path / "recorded.webm"
    path.write_bytes(base64.b64decode(recorded))
    facts = probe(path)
    assert (facts.container, facts.codec) == ("webm", "vp8")
    assert 0.4 < facts.duration_s < 5
    told = _numbers(path, list(facts.times_s))
    assert told[-1] == 9
    assert [n for i, n in enumerate(told) if i == 0 or n != told[i - 1]] == sorted(set(told))
    assert number(prepare(path, Preprocess()).last) == 9
