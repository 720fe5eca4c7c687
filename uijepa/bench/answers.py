"""Running a bundle over clips: one answer or typed error a clip, timed, and kept in a journal."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar

import rich.console
import rich.progress

from uijepa.errors import BundleError, ClipError, UijepaError

if TYPE_CHECKING:
    from uijepa.runtime.engine import ReadText, TextReader
    from uijepa.video import Prepared

T = TypeVar("T")


class Said(Protocol):
    """What the bench reads of an engine's answer."""

    @property
    def intent(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def timings_ms(self) -> dict[str, float]: ...
    @property
    def text(self) -> list[str]: ...


class Engine(Protocol):
    """What the bench needs of `uijepa.runtime.Engine`."""

    def predict(self, path: Path) -> Said: ...


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an engine made of one clip: an intent, or an error's code and reason beside an empty intent."""

    clip: str
    """Clip id; a file name where there is no manifest."""
    sha256: str
    """Of the clip's file; empty when it could not be read."""
    intent: str = ""
    confidence: float = 0.0
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds a stage, `total` for the whole call."""
    text: list[str] = field(default_factory=list)
    error: str = ""
    """Code of the error; `crash:Type` for one that should never leave the engine."""
    reason: str = ""


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bundle_sha256(bundle: Path) -> str:
    """What identifies a bundle: a digest of its manifest, which holds the digest of every file.

    Its recorded scores are left out, for they are written after measuring. Raises BundleError.
    """
    path = bundle / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise BundleError(f"{path}: not JSON ({error}).") from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{path}: not a bundle's manifest.")
    manifest.pop("scores", None)
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def machine() -> dict[str, Any]:
    """The machine that measures: CPU model, usable cores, versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text(encoding="utf-8").splitlines() if x.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        runtime = version("onnxruntime")
    except PackageNotFoundError:
        runtime = ""
    return {"cpu": model, "cores": cores, "python": platform.python_version(), "onnxruntime": runtime}


def journal_path(work: Path, bundle: Path) -> Path:
    """The journal of a bundle in a work folder.

    Named by the bundle's bytes and the machine: another bundle answers differently, another machine takes
    another time.
    """
    here = json.dumps(machine(), sort_keys=True)
    key = hashlib.sha256(f"{bundle_sha256(bundle)}\n{here}".encode()).hexdigest()
    return work / f"answers-{key[:16]}.jsonl"


def ask(engine: Engine, clip: str, path: Path, sha256: str = "") -> Outcome:
    """One clip through the engine; what is wrong with the clip becomes part of the outcome.

    A bug in the engine does too, shown as one, so that the other clips are still measured. Errors that are about
    the machine or the bundle, not the clip, pass through.
    """
    start = time.perf_counter()
    try:
        said = engine.predict(path)
    except ClipError as error:
        code, reason = error.code, error.reason
    except UijepaError:
        raise
    except Exception as error:
        code, reason = f"crash:{type(error).__name__}", str(error)
    else:
        timings = {stage: float(ms) for stage, ms in said.timings_ms.items()}
        return Outcome(
            clip=clip,
            sha256=sha256,
            intent=said.intent,
            confidence=float(said.confidence),
            timings_ms={"total": (time.perf_counter() - start) * 1e3, **timings},
            text=list(said.text),
        )
    spent = {"total": (time.perf_counter() - start) * 1e3}
    return Outcome(clip=clip, sha256=sha256, timings_ms=spent, error=code, reason=reason)


Opener = Callable[[], AbstractContextManager[Engine]]


def run(
    engine_of: Opener, clips: Sequence[tuple[str, Path]], journal: Path, title: str, *, quiet: bool = False
) -> list[Outcome]:
    """An outcome for every (id, file), in order; those answered in the journal are not asked again.

    A journalled answer counts only for the same id and the same bytes; errors are asked again, for they may have
    been the machine's. The engine is opened only when there is something left to ask.
    """
    hashes = {clip: _digest(path) for clip, path in clips}
    done = {o.clip: o for o in _read(journal) if hashes.get(o.clip) == o.sha256 and not o.error}
    left = [(clip, path) for clip, path in clips if clip not in done]
    if left:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with engine_of() as engine, journal.open("a", encoding="utf-8") as stream:
            stream.write("\n")  # ends a line that a killed run left half-written; blank lines are skipped
            for clip, path in track(left, title, len(left), quiet=quiet):
                done[clip] = ask(engine, clip, path, hashes[clip])
                _append(stream, done[clip])
    return [done[clip] for clip, _ in clips]


def track(items: Iterable[T], title: str, total: int, *, quiet: bool = False) -> Iterable[T]:
    """The items under a progress bar on standard error."""
    if quiet:
        return items
    return rich.progress.track(items, title, total=total, console=rich.console.Console(stderr=True))


def open_engine(bundle: Path, threads: int | None = None, text_reader: TextReader | None = None) -> Opener:
    """An opener of the real engine, decoding in a sandbox as the service does; `text_reader` as it takes it."""

    @contextmanager
    def opened() -> Iterator[Engine]:
        from uijepa import runtime
        from uijepa.video.sandbox import Sandbox

        with Sandbox() as sandbox:
            yield runtime.Engine.load(bundle, threads=threads, sandbox=sandbox, text_reader=text_reader)

    return opened


def reading_once(text_reader: TextReader) -> TextReader:
    """A text reader for several engines: the first that is asked about a clip's pictures reads them for all.

    Reading is most of an engine's time, and bundles that look at the same screens read the same.
    """
    known: dict[bytes, list[str]] = {}

    def made(threads: int) -> ReadText:
        read = text_reader(threads)

        def once(prepared: Prepared) -> list[str]:
            shape = repr(prepared.screens.shape).encode()
            key = hashlib.blake2b(shape + prepared.screens.tobytes(), digest_size=16)
            if key.digest() not in known:
                known[key.digest()] = read(prepared)
            return list(known[key.digest()])

        return once

    return made


def _digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return ""  # the engine names the reason when it is asked for the clip


def _read(journal: Path) -> list[Outcome]:
    if not journal.exists():
        return []
    outcomes = []
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            outcomes.append(Outcome(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            continue  # blank, or cut short when a run was killed: that clip is asked again
    return outcomes


def _append(stream: TextIO, outcome: Outcome) -> None:
    stream.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
    stream.flush()
