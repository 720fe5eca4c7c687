"""Manifests, the token cache, batches and text augmentation."""

from __future__ import annotations

import io
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.progress import Progress

from tests.conftest import write_walk
from uijepa.config import Preprocess
from uijepa.data import cache as token_cache
from uijepa.data import manifest
from uijepa.data.augment import invented, misread, recital, swap_values
from uijepa.data.batches import PAD_TO, Order, collate, with_validation
from uijepa.data.manifest import Clip
from uijepa.errors import ManifestError
from uijepa.video import prepare

SPEC = Preprocess(frames=4, patches=24, max_tokens=40, text_side=256)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
clips = st.builds(
    Clip,
    path=text.filter(bool),
    id=text,
    intent=text,
    alternatives=st.lists(text),
    slots=st.dictionaries(text, text),
    text=st.lists(text),
    split=st.sampled_from(manifest.SPLITS),
    seconds=st.floats(0, 600),
)


@given(st.lists(clips, max_size=5))
def test_a_manifest_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[Clip]
) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.jsonl"
    manifest.write(path, written)
    assert manifest.read(path) == written


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "manifest.jsonl:2: not JSON"),
        ("[]", "must be a JSON object"),
        ('{"intent": "x"}', "needs a 'path'"),
        ('{"path": "a.mp4", "intnt": "x"}', "unknown key 'intnt'"),
        ('{"path": "a.mp4", "split": "dev"}', "split 'dev' is none of"),
        ('{"path": "a.mp4", "seconds": "long"}', "seconds"),
        ('{"path": "a.mp4", "text": "one line"}', "text"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"path": "ok.mp4"}\n' + line + "\n")
    with pytest.raises(ManifestError, match=message):
        manifest.read(path)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere.jsonl: cannot be read"):
        manifest.read(tmp_path / "nowhere.jsonl")


def test_a_clip_has_the_label_that_is_asked_for() -> None:
    both = Clip(path="a.mp4", intent="The user wants to call.", alternatives=["To call."], lexicalised="Call Ann.")
    assert manifest.labelled(both, "reference") is both
    assert manifest.labelled(both, "lexicalised") == replace(both, intent="Call Ann.", alternatives=[])
    one = Clip(path="a.mp4", intent="Call Ann.", alternatives=["Ring Ann."])
    assert manifest.labelled(one, "lexicalised") is one


def test_values_fall_into_splits_by_hash() -> None:
    counts = Counter(manifest.split_of(f"value {i}") for i in range(5000))
    assert counts["train"] / 5000 == pytest.approx(0.7, abs=0.03)
    assert counts["test"] / 5000 == pytest.approx(0.2, abs=0.03)
    assert manifest.split_of(" Gym ") == manifest.split_of("gym")


def test_validation_is_held_out_where_none_is_named() -> None:
    unsplit = [Clip(path=f"{i}.mp4") for i in range(300)]
    held = with_validation(unsplit)
    share = sum(c.split == "val" for c in held) / 300
    assert share == pytest.approx(0.1, abs=0.05)
    assert [c.path for c in held] == [c.path for c in unsplit]
    named = [Clip(path="a.mp4", split="val"), Clip(path="b.mp4")]
    assert with_validation(named) == named


@pytest.fixture
def recordings(tmp_path: Path) -> list[Clip]:
    made = []
    for number, height in enumerate((160, 240, 320)):
        write_walk(tmp_path / f"{number}.mp4", [0, 300, 600, 900], height=height)
        made.append(Clip(path=f"{number}.mp4", intent="Go.", text=[f"line {number}"]))
    return made


def test_the_cache_holds_what_prepare_gives(tmp_path: Path, recordings: list[Clip]) -> None:
    cache = token_cache.build(tmp_path, recordings, SPEC, read_text=False)
    for clip in recordings:
        wanted = prepare(tmp_path / clip.path, SPEC)
        got = cache[clip.path]
        assert np.array_equal(got.values, wanted.values)
        assert np.array_equal(got.positions, wanted.positions)
        assert got.grid == wanted.grid
        assert got.text == []
        assert cache.count(clip.path) == len(wanted.values)


def test_a_killed_build_is_completed_and_nothing_is_decoded_twice(
    tmp_path: Path, recordings: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = token_cache.build(tmp_path, recordings, SPEC, read_text=False)
    wanted = {c.path: whole[c.path].values.copy() for c in recordings}
    folder = token_cache.folder_of(tmp_path, SPEC)
    lines = (folder / "index.jsonl").read_text().splitlines(keepends=True)
    (folder / "index.jsonl").write_text(lines[0] + lines[1][:25])  # killed inside the second line
    decoded: list[str] = []
    original = token_cache.prepare

    def watched(path: Path, *args: object, **more: object) -> object:
        decoded.append(path.name)
        return original(path, *args, **more)

    monkeypatch.setattr(token_cache, "prepare", watched)
    cache = token_cache.build(tmp_path, recordings, SPEC, read_text=False)
    assert sorted(decoded) == ["1.mp4", "2.mp4"]
    for clip in recordings:
        assert np.array_equal(cache[clip.path].values, wanted[clip.path])
    token_cache.build(tmp_path, recordings, SPEC, read_text=False)
    assert len(decoded) == 2


def test_of_two_builds_at_once_one_waits_and_decodes_nothing_again(
    tmp_path: Path, recordings: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    original, begun, said = token_cache.prepare, threading.Event(), io.StringIO()

    def slowly(path: Path, *args: object, **more: object) -> object:
        decoded.append(path.name)
        begun.set()
        end = time.monotonic() + 30
        while "waiting for it" not in said.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
        return original(path, *args, **more)

    monkeypatch.setattr(token_cache, "prepare", slowly)
    progress = Progress(console=Console(file=said, width=400))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(token_cache.build, tmp_path, recordings, SPEC, read_text=False)
        assert begun.wait(30)
        second = pool.submit(token_cache.build, tmp_path, recordings, SPEC, read_text=False, progress=progress)
        caches = [first.result(60), second.result(60)]
    assert sorted(decoded) == sorted(clip.path for clip in recordings)
    assert all(set(cache) == {clip.path for clip in recordings} for cache in caches)


def write_words(path: Path, words: str) -> None:
    """A clip that shows a plain screen, then words on it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 160, "yuv420p"
        for number in range(8):
            picture = Image.new("RGB", (320, 160), "white")
            if number > 3:
                ImageDraw.Draw(picture).text((20, 60), words, "black", ImageFont.load_default(28))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def test_text_is_read_from_the_pixels_of_labelled_clips(tmp_path: Path) -> None:
    write_words(tmp_path / "a.mp4", "Gym at 7:30 AM")
    clips = [Clip(path="a.mp4", intent="Go.", text=["what the recorder knew"])]
    assert token_cache.build(tmp_path, clips, SPEC, read_text=False)["a.mp4"].text == []
    assert token_cache.build(tmp_path, clips, SPEC, read_text=True)["a.mp4"].text == ["Gym at 7:30 AM"]


def test_unreadable_clips_are_listed_and_capped(
    tmp_path: Path, recordings: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    broken = [*recordings, Clip(path="bad.mp4"), Clip(path="gone.mp4")]
    with pytest.raises(ManifestError, match=r"2 of 5 clips(.|\n)*bad.mp4(.|\n)*gone.mp4"):
        token_cache.build(tmp_path, broken, SPEC, read_text=False)
    monkeypatch.setattr(token_cache, "MOST_BAD", 0.5)
    cache = token_cache.build(tmp_path, broken, SPEC, read_text=False)
    assert set(cache.errors) == {"bad.mp4", "gone.mp4"}
    assert "bad.mp4" not in cache
    assert "0.mp4" in cache


def test_collate_pads_to_the_longest(tmp_path: Path, recordings: list[Clip]) -> None:
    cache = token_cache.build(tmp_path, recordings, SPEC, read_text=False)
    batch = collate(cache, recordings)
    counts = [cache.count(c.path) for c in recordings]
    assert batch.mask.sum(1).tolist() == counts
    assert batch.values.shape[1] % PAD_TO == 0
    assert 0 <= batch.values.shape[1] - max(counts) < PAD_TO
    for row, clip in enumerate(recordings):
        assert np.array_equal(batch.values[row, : counts[row]], cache[clip.path].values)
        assert not batch.values[row, counts[row] :].any()


@given(st.lists(st.integers(1, 300), min_size=1, max_size=100), st.integers(1, 20), st.integers(0, 5))
def test_an_epoch_sees_each_clip_at_most_once(lengths: list[int], batch: int, seed: int) -> None:
    order = Order(lengths, batch, seed)
    steps = order.steps_per_epoch
    for epoch in range(2):
        seen = np.concatenate([order.indices(epoch * steps + s) for s in range(steps)])
        assert len(set(seen.tolist())) == len(seen)
        assert len(lengths) - len(seen) < min(batch, len(lengths))
    assert np.array_equal(order.indices(3), Order(lengths, batch, seed).indices(3))


def test_batches_are_of_like_lengths() -> None:
    lengths = np.random.default_rng(0).integers(1, 300, 1024)
    order = Order(lengths.tolist(), 16, 0)
    waste = [1 - lengths[i].mean() / lengths[i].max() for i in map(order.indices, range(order.steps_per_epoch))]
    unsorted = [1 - part.mean() / part.max() for part in lengths.reshape(-1, 16)]
    assert np.mean(waste) < 0.4 * np.mean(unsorted)


def test_an_empty_train_split_is_refused() -> None:
    with pytest.raises(ManifestError, match="train split is empty"):
        Order([], 4, 0)


WORDS = ["Lunch", "gate", "Paris"]


@given(st.integers(0, 10_000))
def test_swapped_values_agree_between_intent_and_screen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slots = {"time": "7:30 AM", "label": "Gym Time"}
    lines = ["Alarm", "7:30 AM", "Gym Time, every day", "17:30 AM"]
    intent, changed = swap_values("Set an alarm for 7:30 AM labelled Gym Time.", lines, slots, WORDS, rng)
    assert intent.startswith("Set an alarm for ")
    time, label = intent.removeprefix("Set an alarm for ").removesuffix(".").split(" labelled ")
    assert changed == ["Alarm", time, f"{label}, every day", "17:30 AM"]
    assert time[-2:] in ("AM", "PM")
    assert time[0].isdigit()
    assert len(label.split()) == 2
    assert label.istitle() or label.split()[0][0].isupper()


def test_a_value_not_on_the_screen_stays() -> None:
    rng = np.random.default_rng(0)
    assert swap_values("Call Ada.", ["Calling…"], {"name": "Ada"}, WORDS, rng) == ("Call Ada.", ["Calling…"])


def test_invented_words_are_many() -> None:
    rng = np.random.default_rng(0)
    assert len({invented(rng) for _ in range(1000)}) > 900


def test_no_invented_word_is_rude() -> None:
    rng = np.random.default_rng(0)
    assert not [word for word in (invented(rng) for _ in range(5000)) if re.search("shit|suck|sex|dick|fuck", word)]


@given(st.integers(0, 10_000))
def test_a_recital_repeats_whole_lines_of_its_screen(seed: int) -> None:
    said, lines = recital(WORDS, np.random.default_rng(seed))
    assert (said, lines) == recital(WORDS, np.random.default_rng(seed))
    assert 3 <= len(lines) <= 8
    assert Counter(said.split()) <= Counter(" ".join(lines).split())
    assert sum(line in said for line in lines) >= 2


def test_misreading_is_seeded_scaled_and_mostly_right() -> None:
    lines = [f"Item number {i} of the list" for i in range(200)]
    assert misread(lines, np.random.default_rng(0), 0.0) == lines
    once = misread(lines, np.random.default_rng(1))
    assert once == misread(lines, np.random.default_rng(1))
    kept = len(set(once) & set(lines))
    assert 80 < kept < 190


@given(st.integers(0, 10_000))
def test_misreading_leaves_screens_apart(seed: int) -> None:
    lines = ["Notes", "Hiring plan", "", "Delete", "Cancel", "", "Notes"]
    read = misread(lines, np.random.default_rng(seed), 4.0)
    first, second = (place for place, line in enumerate(read) if not line)
    assert not any(letter in " ".join(read[:first]) for letter in "DC")
    assert not any(letter in " ".join(read[first:second]) for letter in "NH")
    assert not any(letter in " ".join(read[second:]) for letter in "DCH")
