"""The text that appeared on the screen: OCR of chosen screens where they differ from those before.

Recognition costs more the more lines there are, so what did not change is blanked before anything looks for text.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uijepa.errors import MissingExtra
from uijepa.video.cells import Mask, Pixels, cells, differ, ink

CELL = 8
"""Side in px of the cells that are kept or blanked."""

_INK = 40
"""A cell has something in it when its values span this many of 255 levels."""
_GAP = 3
"""Cells of plain background that end a line of text."""
_SCORE = 0.5
_DETECT_SIDE = 736
_RECOGNISE_SHAPE = [3, 48, 96]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One piece of text and where it stands, in px of the picture that was read."""

    text: str
    score: float
    """0..1, the recogniser's own."""
    left: float
    top: float
    right: float
    bottom: float


class Reader:
    """RapidOCR with the models inside its wheel: no network. Loaded at the first picture; safe between threads.

    Detection looks at 736 px of the long side, and lines are recognised at their own width instead of padded to
    320 px: on real frames that takes about half the time of RapidOCR's defaults and finds about nine lines of ten
    of those they find.
    """

    def __init__(self, threads: int | None = None) -> None:
        """`threads` for each model; by default one for each processor this process may use."""
        self._threads = threads
        self._engine: Any = None
        self._lock = threading.Lock()

    def _load(self) -> Any:
        try:
            from omegaconf import flag_override
            from rapidocr import RapidOCR
        except ImportError as error:
            raise MissingExtra("rapidocr", "ocr", "Reading the text on a screen") from error
        affinity = getattr(os, "sched_getaffinity", None)
        threads = self._threads or (len(affinity(0)) if affinity else os.cpu_count() or 1)
        engine = RapidOCR(
            params={
                "Global.use_cls": False,  # text on a screen stands upright
                "Global.log_level": "critical",
                "Global.text_score": _SCORE,
                "Det.limit_type": "max",
                "Det.limit_side_len": _DETECT_SIDE,
                "Rec.rec_img_shape": _RECOGNISE_SHAPE,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        with flag_override(engine.cfg.Det, "allow_objects", True):
            engine.cfg.Det.session = _detector(engine, threads)
        return engine

    def lines(self, picture: Pixels) -> list[Line]:
        """Text in an RGB picture [H, W, 3], in reading order, with scores of at least 0.5.

        Raises MissingExtra when rapidocr is not installed.
        """
        with self._lock:
            if self._engine is None:
                self._engine = self._load()
            found = self._engine(np.ascontiguousarray(picture[..., ::-1]))  # it takes BGR
        if found.txts is None or found.boxes is None:
            return []
        lines = [
            Line(
                text=text.strip(),
                score=float(score),
                left=float(box[:, 0].min()),
                top=float(box[:, 1].min()),
                right=float(box[:, 0].max()),
                bottom=float(box[:, 1].max()),
            )
            for text, score, box in zip(found.txts, found.scores, np.asarray(found.boxes), strict=True)
            if text.strip() and score >= _SCORE
        ]
        return in_reading_order(lines)


def _detector(engine: Any, threads: int) -> Any:
    """An ONNX Runtime session of the detector that `engine` would load itself: the same answers in a quarter of the
    time."""
    import onnxruntime
    from rapidocr.inference_engine.base import FileInfo, InferSession

    settings = engine.cfg.Det
    kinds = ("engine_type", "ocr_version", "task_type", "lang_type", "model_type")
    name = Path(InferSession.get_model_url(FileInfo(**{kind: settings[kind] for kind in kinds}))["model_dir"]).name
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # as RapidOCR has it: pictures come in many sizes
    model = without_subnormals(Path(engine.cfg.Global.model_root_dir) / name)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def without_subnormals(path: Path) -> bytes:
    """An ONNX model with the weights that are too small for a normal float32 set to 0.

    A processor may take a hundred times longer over each. A tenth of the detector's are, and took three quarters of
    its time. ONNX Runtime's own setting for it (`session.set_denormal_as_zero`) holds only in the thread that made
    the process's first session. Raises MissingExtra when onnx is not installed.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingExtra("onnx", "ocr", "Reading the text on a screen") from error

    model = onnx.load(path)
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.float32:
            normal = np.where(np.abs(weights) < np.finfo(np.float32).tiny, np.float32(0), weights)
            tensor.CopyFrom(numpy_helper.from_array(normal, tensor.name))
    return bytes(model.SerializeToString())


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Top to bottom; left to right where lines stand beside each other."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.top + line.bottom, line.left)):
        middle = (line.top + line.bottom) / 2
        # Beside the row's first line if its middle lies within that line's height
        if rows and rows[-1][0].top <= middle <= rows[-1][0].bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.left)]


def _padded(picture: Pixels) -> Pixels:
    """Grown to whole cells by repeating the last row and column."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, -height % CELL), (0, -width % CELL), (0, 0)), mode="edge")


def _grown(mask: Mask) -> Mask:
    """One cell wider on every side."""
    wide = np.pad(mask, 1)
    rows = wide[:-2] | wide[1:-1] | wide[2:]
    return np.asarray(rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:])


def _whole_lines(changed: Mask, filled: Mask) -> Mask:
    """Changed cells and what stands in a row with them, up to `_GAP` cells of background.

    A word that changed in the middle of a line brings the whole line with it.
    """
    kept = changed.copy()
    for row in np.flatnonzero(changed.any(1)):
        there = np.flatnonzero(filled[row] | changed[row])
        for run in np.split(there, np.flatnonzero(np.diff(there) > _GAP) + 1):
            if changed[row, run].any():
                kept[row, run[0] : run[-1] + 1] = True
    return kept


def only_new(before: Sequence[Pixels], picture: Pixels) -> tuple[Pixels, tuple[int, int]] | None:
    """The part of `picture` that none of the pictures `before` shows, the rest of it filled with the local colour.

    Takes RGB pictures of one shape [H, W, 3]. Gives the picture cut to what is left, and the (left, top) px of
    its corner; None when nothing is new.
    """
    now = cells(_padded(picture), CELL)
    changed = np.ones(now.shape[:2], bool)
    for earlier in before:
        if earlier.shape != picture.shape:
            raise ValueError(f"pictures must have one shape, got {earlier.shape} and {picture.shape}")
        changed &= differ(now, cells(_padded(earlier), CELL))
    if not changed.any():
        return None
    kept = _grown(_whole_lines(changed, ink(now, _INK)))
    sample = np.sort(now[:, :, ::3], axis=2)  # the median of every third pixel is the ground between letters
    colour = sample[:, :, sample.shape[2] // 2]
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    top, left = int(rows[0]) * CELL, int(columns[0]) * CELL
    bottom, right = (int(rows[-1]) + 1) * CELL, (int(columns[-1]) + 1) * CELL
    fill = np.repeat(np.repeat(colour, CELL, 0), CELL, 1)
    show = np.repeat(np.repeat(kept, CELL, 0), CELL, 1)[..., None]
    height, width = picture.shape[:2]
    blanked = np.where(show[:height, :width], picture, fill[:height, :width])
    return np.ascontiguousarray(blanked[top:bottom, left:right]), (left, top)


def read_screens(screens: Iterable[Pixels], reader: Reader) -> list[str]:
    """Lines of text on every screen but the first, RGB [H, W, 3] each, in the order shown.

    The last screen is read where it differs from the first, the others where they show what neither these two nor an
    earlier one does: so that what a screen lost until the end stands out. Each screen's lines come in reading order,
    an empty line between two screens' (`uijepa.sequence`). Raises MissingExtra when rapidocr is not installed.
    """
    first, *between, last = screens
    seen, read = [first, last], list[list[str]]()
    for picture in between:
        read.append(_lines(seen, picture, reader))
        seen.append(picture)
    read.append(_lines([first], last, reader))
    told = [lines for lines in read if lines]
    return [line for lines in told for line in ["", *lines]][1:]


def _lines(before: Sequence[Pixels], picture: Pixels, reader: Reader) -> list[str]:
    part = only_new(before, picture)
    return [] if part is None else [line.text for line in reader.lines(part[0])]
