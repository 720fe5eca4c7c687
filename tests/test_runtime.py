"""The engine: a real clip in, an answer out, without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import write_clip
from PIL import Image, ImageDraw, ImageFont

import uijepa
from uijepa import video
from uijepa.errors import ClipNotFound, ClipTooLarge, ClipTooLong, ConfigError, MissingExtra, NotAVideo
from uijepa.runtime import DEFAULT_BUNDLE, Bundle, Engine, cpus
from uijepa.runtime.engine import ReadText
from uijepa.runtime.generate import NO_REPEAT, Step, confidence, greedy
from uijepa.runtime.sessions import NO_WORD, Graphs
from uijepa.sequence import Sequence
from uijepa.video.sandbox import Sandbox


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path) -> Engine:
    return Engine.load(tiny_bundle, threads=1)


@pytest.fixture(scope="module")
def graphs(tiny_bundle: Path) -> Graphs:
    return Graphs(Bundle.open(tiny_bundle), threads=1)


def test_an_answer_says_how_it_came_about(engine: Engine, sample_clip: Path) -> None:
    answer = engine.predict(sample_clip)
    spec = engine.manifest.preprocess
    assert 0 < answer.tokens <= spec.max_tokens
    assert len(answer.times_s) == spec.frames
    assert 0 <= answer.times_s[0] <= answer.times_s[-1] <= 2
    assert 0 < answer.confidence <= 1
    assert answer.text == []
    assert set(answer.timings_ms) == {"probe", "decode", "tokens", "text", "encoder", "decoder", "total"}
    parts = sum(ms for stage, ms in answer.timings_ms.items() if stage != "total")
    assert 0 < parts <= answer.timings_ms["total"]
    assert json.loads(json.dumps(answer.as_json())).keys() == vars(answer).keys()


def test_the_answer_is_what_the_network_would_say(engine: Engine, tiny_checkpoint: Path, sample_clip: Path) -> None:
    """The whole way in torch, as in training: one pass over the sequence for each id, no cache."""
    import torch
    from transformers import NoRepeatNGramLogitsProcessor

    from uijepa.models.system import System

    system = System.load(tiny_checkpoint)
    unrepeated = NoRepeatNGramLogitsProcessor(NO_REPEAT)
    prepared = video.prepare(sample_clip, system.config.preprocess)
    sequence = Sequence(system.tokenizer, system.config.decoder.text_tokens)
    ids = sequence.prompt_ids([])
    start, logprobs = len(ids), []
    with torch.inference_mode():
        features = system.encoder(
            torch.from_numpy(video.normalise(prepared.values))[None],
            torch.from_numpy(prepared.positions.astype(np.int64))[None],
        )
        mask = torch.ones(features.shape[:2], dtype=torch.bool)
        for _ in range(system.config.decoder.max_new_tokens):
            logits = system(features, mask, torch.tensor([ids]), torch.tensor([len(ids)]))[0, -1]
            allowed = unrepeated(torch.tensor([ids[start:]], dtype=torch.long), logits[None].clone())[0]
            allowed[sequence.breaks] = -torch.inf
            ids.append(int(allowed.argmax()))
            logprobs.append(float(logits.log_softmax(-1)[ids[-1]]))
            if ids[-1] == sequence.eos:
                break
    answer = engine.predict(sample_clip)
    assert answer.intent == sequence.decode(ids[start:])
    assert answer.confidence == pytest.approx(np.exp(np.sum(logprobs)), rel=1e-4)


def test_the_same_clip_gets_the_same_answer(engine: Engine, tiny_bundle: Path, sample_clip: Path) -> None:
    def said(answer: object) -> dict[str, object]:
        return {k: v for k, v in vars(answer).items() if k != "timings_ms"}

    first = said(engine.predict(sample_clip))
    assert said(engine.predict(sample_clip)) == first
    with ThreadPoolExecutor(3) as pool:
        assert [said(a) for a in pool.map(engine.predict, [sample_clip] * 6)] == [first] * 6
    with Sandbox() as sandbox:
        other = Engine.load(tiny_bundle, threads=1, sandbox=sandbox)
        assert said(other.predict(sample_clip)) == first


def test_without_torch(tiny_bundle: Path, sample_clip: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "for name in ('torch', 'transformers', 'onnx'): sys.modules[name] = None\n"
        "import uijepa\n"
        "assert not {'numpy', 'onnxruntime', 'av', 'tokenizers'} & set(sys.modules), 'import uijepa is not light'\n"
        "from uijepa.runtime import Engine\n"
        "engine = Engine.load(pathlib.Path(sys.argv[1]), threads=1)\n"
        "print(engine.predict(pathlib.Path(sys.argv[2])).tokens)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(uijepa.__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tiny_bundle), str(sample_clip)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    assert int(run.stdout) > 0


def test_a_clip_that_cannot_be_used_is_a_typed_error(engine: Engine, sample_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video at all, only its name says so")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(ClipNotFound):
        engine.predict(tmp_path / "absent.mp4")
    for name in ("notes.mp4", "empty.mp4"):
        with pytest.raises(NotAVideo, match=name):
            engine.predict(tmp_path / name)
    with pytest.raises(ClipTooLarge):
        engine.predict(sample_clip, limits=video.Limits(max_bytes=100))
    with pytest.raises(ClipTooLong):
        engine.predict(sample_clip, limits=video.Limits(max_seconds=1))


def test_greedy_takes_the_most_probable_id(graphs: Graphs) -> None:
    prompt = np.random.default_rng(1).standard_normal((1, 5, graphs.shapes.embeddings), dtype=np.float32)
    steps = list(greedy(graphs, prompt, [1], eos=-1, max_new_tokens=NO_REPEAT))  # too few to repeat a run
    assert len(steps) == NO_REPEAT
    sequence, words = prompt, [NO_WORD] * 4 + [1]
    for step in steps:
        logits, _ = graphs.decode(sequence, np.array([words], np.int64), graphs.empty())
        probabilities = np.exp(logits - logits.max(), dtype=np.float64)
        probabilities /= probabilities.sum()
        assert step.token == probabilities.argmax()
        assert step.logprob == pytest.approx(np.log(probabilities.max()), abs=1e-3)
        words.append(step.token)
        sequence = np.concatenate([sequence, graphs.embed(words[-2:])[:, -1:]], axis=1)


def test_greedy_stops_after_the_end(graphs: Graphs) -> None:
    prompt = np.random.default_rng(1).standard_normal((1, 5, graphs.shapes.embeddings), dtype=np.float32)
    free = [step.token for step in greedy(graphs, prompt, [1], eos=-1, max_new_tokens=6)]
    end = free[3]
    stopped = [step.token for step in greedy(graphs, prompt, [1], eos=end, max_new_tokens=6)]
    assert stopped == free[: free.index(end) + 1]
    assert list(greedy(graphs, prompt, [1], eos=end, max_new_tokens=0)) == []


def test_an_answer_is_one_line(graphs: Graphs) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(DEFAULT_BUNDLE / "tokenizer.json"))
    breaks = Sequence(tokenizer, 64).breaks
    lines = tokenizer.encode("Notes\n Garden\n\n Delete").ids
    assert any(i in breaks for i in lines)
    assert all("\n" in tokenizer.decode([i]) for i in breaks)
    assert "\n" not in tokenizer.decode([i for i in lines if i not in breaks])
    prompt = np.random.default_rng(1).standard_normal((1, 5, graphs.shapes.embeddings), dtype=np.float32)
    free = [step.token for step in greedy(graphs, prompt, [1], eos=-1, max_new_tokens=6)]
    held = [step.token for step in greedy(graphs, prompt, [1], eos=-1, max_new_tokens=6, never=free[:1])]
    assert free[0] not in held
    assert len(held) == 6


def test_confidence_is_the_probability_of_the_sentence() -> None:
    assert confidence([]) == 0
    assert confidence([Step(5, float(np.log(0.5))), Step(2, float(np.log(0.125)))]) == pytest.approx(0.0625)


def test_threads_below_one_are_refused(tiny_bundle: Path) -> None:
    with pytest.raises(ConfigError, match="threads"):
        Engine.load(tiny_bundle, threads=0)


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "1600000 100000\n"}, 8),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
            },
            2,
        ),
        ({"proc/self/cgroup": "0::/host/only\n", "sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3),
        (
            {
                "proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/x\n",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/x\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
)
def test_threads_follow_the_quota(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cpus.usable(machine(tmp_path, files)) == expected


@pytest.fixture(scope="module")
def reading_bundle(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tiny bundle that reads the text on the screen."""
    folder = Path(shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("reading") / "bundle"))
    values = json.loads((folder / "manifest.json").read_text())
    values["sequence"].update(text=True, text_tokens=24)
    (folder / "manifest.json").write_text(json.dumps(values))
    return folder


def test_text_that_appears_is_read(reading_bundle: Path, engine: Engine, tmp_path: Path) -> None:
    pictures = []
    for words in (["Reminders"], ["Reminders"], ["Reminders", "Buy oat milk"]):
        picture = Image.new("RGB", (400, 240), "white")
        for row, line in enumerate(words):
            ImageDraw.Draw(picture).text((30, 30 + 100 * row), line, "black", ImageFont.load_default(32))
        pictures.append(np.asarray(picture))
    write_clip(tmp_path / "typed.mp4", pictures, [0, 500, 1000])
    reading = Engine.load(reading_bundle, threads=1)
    answer = reading.predict(tmp_path / "typed.mp4")
    assert answer.text == ["Buy oat milk"]
    assert answer.timings_ms["text"] > 0
    # What was read reaches the decoder: without it the same clip gives other probabilities.
    assert engine.predict(tmp_path / "typed.mp4").confidence != answer.confidence


def test_another_reader_may_take_the_place_of_ocr(reading_bundle: Path, tiny_bundle: Path, sample_clip: Path) -> None:
    asked = []

    def reader(threads: int) -> ReadText:
        asked.append(threads)
        return lambda _: ["Wake up"]

    assert Engine.load(reading_bundle, threads=1, text_reader=reader).predict(sample_clip).text == ["Wake up"]
    assert Engine.load(tiny_bundle, threads=1, text_reader=reader).predict(sample_clip).text == []
    assert asked == [1], "a bundle that reads no text needs no reader"


def test_reading_text_without_ocr_is_told_at_load(reading_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(MissingExtra, match=r"uijepa\[ocr\]"):
        Engine.load(reading_bundle, threads=1)
