"""A clip in, an intent out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from uijepa import video
from uijepa.errors import BundleError, ConfigError
from uijepa.runtime import cpus
from uijepa.runtime.bundle import DEFAULT_BUNDLE, TOKENIZER, Bundle, Manifest
from uijepa.runtime.generate import Step, confidence, greedy
from uijepa.runtime.progress import Delta, Stage, StageName, Watch, ignore
from uijepa.runtime.sessions import Floats, Graphs
from uijepa.sequence import Sequence

if TYPE_CHECKING:
    from uijepa.video.sandbox import Sandbox

ReadText = Callable[[video.Prepared], list[str]]
TextReader = Callable[[int], ReadText]
"""Makes what reads the text on a clip's screen with so many threads."""

_BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the user of a clip wanted, and how the answer came about."""

    intent: str
    """One sentence."""
    confidence: float
    """The probability that the model gives to this sentence, word for word, 0…1."""
    timings_ms: dict[str, float]
    """Wall time of `probe`, `decode`, `tokens`, `text` (0 where no text is read), `encoder`, `decoder`; `total`."""
    tokens: int
    """Tubelets of the clip that the encoder looked at."""
    times_s: list[float]
    """Moments of the clip that were looked at."""
    text: list[str]
    """Lines read on the screen and given to the decoder; an empty one stands between two screens'."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, rounded to what they are good for."""
        values = asdict(self)
        values["confidence"] = round(self.confidence, 4)
        values["timings_ms"] = {stage: round(ms, 1) for stage, ms in self.timings_ms.items()}
        values["times_s"] = [round(moment, 3) for moment in self.times_s]
        return values


class Engine:
    """A loaded bundle. `predict` may be called from several threads; their model runs take turns.

    Turns, because each run already uses all the threads it may: two at once would both be slower.
    """

    def __init__(
        self,
        manifest: Manifest,
        graphs: Graphs,
        sequence: Sequence,
        *,
        read_text: ReadText | None,
        sandbox: Sandbox | None,
        threads: int,
    ) -> None:
        self.manifest = manifest
        self.threads = threads
        self._graphs = graphs
        self._sequence = sequence
        self._read_text = read_text
        self._sandbox = sandbox
        self._turn = threading.Lock()

    @classmethod
    def load(
        cls,
        bundle: Path = DEFAULT_BUNDLE,
        *,
        threads: int | None = None,
        sandbox: Sandbox | None = None,
        text_reader: TextReader | None = None,
    ) -> Engine:
        """The engine of a bundle folder.

        threads: of ONNX Runtime; None: the CPUs this process may use. With a `sandbox`, clips are opened by its
        child process only; without one they are decoded in this process, which is for clips one trusts.
        text_reader: in the place of `ocr`, for a bundle that reads text.
        Raises BundleError when the bundle is missing, damaged or of another schema; MissingExtra when it reads
        text on the screen and the OCR package is not installed; ConfigError when `threads` is below 1.
        """
        threads = cpus.usable() if threads is None else threads
        if threads < 1:
            raise ConfigError(f"threads must be at least 1, got {threads}.")
        opened = Bundle.open(bundle)
        manifest = opened.manifest
        return cls(
            manifest,
            Graphs(opened, threads=threads),
            _sequence(opened),
            read_text=(text_reader or ocr)(threads) if manifest.sequence.text else None,
            sandbox=sandbox,
            threads=threads,
        )

    def predict(self, path: Path, *, limits: video.Limits | None = None, watch: Watch = ignore) -> Answer:
        """The intent behind the clip at `path`. `watch` is told of each stage and each token as they come.

        Raises ClipError, naming the reason, when the clip cannot be used or is over `limits`; what `watch` raises
        ends the work.
        """
        start = time.perf_counter()
        watch(Stage("decode"))
        prepared = video.prepare(path, self.manifest.preprocess, limits or video.Limits(), sandbox=self._sandbox)
        spent = {stage: prepared.seconds[stage] for stage in ("probe", "decode", "tokens")}
        with self._turn:
            with _stage("text", spent, watch):
                lines = self._read_text(prepared) if self._read_text is not None else []
            with _stage("encoder", spent, watch):
                embeddings = self.look(prepared)
            with _stage("decoder", spent, watch):
                steps = self._told(self.say(embeddings, lines), watch)
        timings_ms = {stage: seconds * 1000 for stage, seconds in spent.items()}
        timings_ms["total"] = (time.perf_counter() - start) * 1000
        return Answer(
            intent=self._sequence.decode(step.token for step in steps),
            confidence=confidence(steps),
            timings_ms=timings_ms,
            tokens=len(prepared.values),
            times_s=[float(moment) for moment in prepared.times_s],
            text=lines,
        )

    def look(self, prepared: video.Prepared) -> Floats:
        """What the decoder sees of a clip: embeddings [1, N, H] of its N tubelets."""
        values = video.normalise(prepared.values)[None]
        features = self._graphs.encode(values, prepared.positions.astype(np.int64)[None])
        return self._graphs.project(features)

    def say(self, embeddings: Floats, lines: list[str]) -> Iterator[Step]:
        """The answer's ids, one at a time, for embeddings [1, N, H] and lines read on the screen."""
        sequence = self._sequence
        ids = sequence.prompt_ids(lines)
        prompt = np.concatenate([embeddings, self._graphs.embed(ids)], axis=1)
        most = self.manifest.sequence.max_new_tokens
        return greedy(self._graphs, prompt, ids, eos=sequence.eos, max_new_tokens=most, never=sequence.breaks)

    def _told(self, steps: Iterator[Step], watch: Watch) -> list[Step]:
        """All steps, `watch` told of each. A character made of several tokens is held back until it is whole."""
        taken: list[Step] = []
        told = ""
        for step in steps:
            taken.append(step)
            said = self._sequence.decode(one.token for one in taken)
            last = step.token == self._sequence.eos or len(taken) == self.manifest.sequence.max_new_tokens
            whole = said if last else said.rstrip(_BROKEN)
            watch(Delta(whole[len(told) :]))
            told = max(told, whole, key=len)
        return taken


def _sequence(bundle: Bundle) -> Sequence:
    settings = bundle.manifest.sequence
    where = bundle.folder / TOKENIZER
    try:
        tokenizer = Tokenizer.from_str(bundle.contents[TOKENIZER].decode("utf-8"))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleError(f"{where}: not a tokenizer ({error}). Export the bundle again.") from error
    try:
        sequence = Sequence(tokenizer, settings.text_tokens)
    except ConfigError as error:
        raise BundleError(f"{where}: {error} Export the bundle again.") from error
    if (sequence.pad, sequence.sep, sequence.eos) != (settings.pad, settings.sep, settings.eos):
        raise BundleError(f"{where}: its special tokens are not the manifest's. Export the bundle again.")
    return sequence


def ocr(threads: int) -> ReadText:
    """What reads the text that changed on a clip's screen. Raises MissingExtra."""
    from uijepa.video import text

    reader = text.Reader(threads=threads)
    # Loads the models now: a missing package is told at the start, and the first clip does not wait for them.
    reader.lines(np.zeros((64, 64, 3), np.uint8))
    return lambda prepared: text.read_screens(prepared.screens, reader)


@contextmanager
def _stage(name: StageName, spent: dict[str, float], watch: Watch) -> Iterator[None]:
    watch(Stage(name))
    start = time.perf_counter()
    yield
    spent[name] = time.perf_counter() - start
