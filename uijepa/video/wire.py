"""What a decoding child tells its parent: a JSON header and raw arrays, never a pickle.

The child may have been taken over by the clip it decoded, so the parent checks every name, type, shape and
range before it believes an answer.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uijepa import errors
from uijepa.config import Preprocess
from uijepa.grid import TUBELET_VALUES, Grid
from uijepa.video.clip import Prepared
from uijepa.video.probe import CODECS, CONTAINERS, Facts, Limits

MAGIC = b"UJV1"
_HEADER = struct.Struct(">4sI")
_MOST_HEADER = 64 * 2**10
_MOST_TEXT = 500
_ERRORS: dict[str, type[errors.ClipError]] = {
    kind.code: kind
    for kind in (
        errors.ClipNotFound,
        errors.NotAVideo,
        errors.ClipTooLarge,
        errors.ClipTooLong,
        errors.Undecodable,
        errors.DecodeTimeout,
    )
}
_ARRAYS = {
    "values": "|u1",
    "positions": "<i2",
    "times_s": "<f8",
    "screens": "|u1",
    "frame_times_s": "<f8",
    "sizes": "<i8",
    "keys": "|b1",
    "order": "<i8",
}
_FACTS = ("container", "codec", "width", "height", "rotation", "fragmented", "duration_s", "bytes", "packets")
_SECONDS = ("probe", "decode", "tokens")


class Garbled(Exception):
    """An answer that no honest child gives."""


def most_bytes(spec: Preprocess, limits: Limits) -> int:
    """The longest honest answer."""
    pictures = (1 + spec.screens) * spec.text_side**2 * 3
    tokens = spec.max_tokens * (TUBELET_VALUES + 6)
    return _HEADER.size + _MOST_HEADER + pictures + tokens + spec.frames * 8 + limits.max_frames * 25


def answer(prepared: Prepared) -> bytes:
    """A prepared clip as one message."""
    facts = prepared.facts
    arrays: dict[str, npt.NDArray[Any]] = {
        "values": prepared.values,
        "positions": prepared.positions,
        "times_s": prepared.times_s,
        "screens": prepared.screens,
        "frame_times_s": facts.times_s,
        "sizes": facts.sizes,
        "keys": facts.keys,
        "order": facts.order,
    }
    header = {
        "facts": {name: getattr(facts, name) for name in _FACTS},
        "grid": list(asdict(prepared.grid).values()),
        "still": prepared.still,
        "flat": prepared.flat,
        "seconds": prepared.seconds,
        "shapes": {name: list(array.shape) for name, array in arrays.items()},
    }
    raw = [np.ascontiguousarray(array, _ARRAYS[name]).tobytes() for name, array in arrays.items()]
    return b"".join([_framed(header), *raw])


def refusal(error: errors.ClipError) -> bytes:
    """An error as one message."""
    return _framed({"error": error.code, "reason": error.reason, "remedy": error.remedy})


def _framed(header: dict[str, Any]) -> bytes:
    text = json.dumps(header).encode()
    return _HEADER.pack(MAGIC, len(text)) + text


def parse(message: bytes, path: Path, spec: Preprocess, limits: Limits) -> Prepared:
    """The prepared clip in a message. Raises the ClipError it carries, and Garbled when it cannot be true."""
    try:
        magic, length = _HEADER.unpack_from(message)
        if magic != MAGIC or length > _MOST_HEADER:
            raise Garbled("framing")
        start = _HEADER.size + length
        header = json.loads(message[_HEADER.size : start])
        if "error" in header:
            raise _error(header, path)
        return _prepared(header, memoryview(message)[start:], spec, limits)
    except (struct.error, KeyError, TypeError, ValueError, RecursionError) as error:
        raise Garbled(str(error)) from error


def _error(header: dict[str, Any], path: Path) -> errors.ClipError:
    kind = _ERRORS[header["error"]]
    reason, remedy = (str(header[name])[:_MOST_TEXT] for name in ("reason", "remedy"))
    if not (reason + remedy).isprintable():
        raise Garbled("error text")
    return kind(path, reason, remedy)


def _arrays(shapes: dict[str, Any], raw: memoryview) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    at = 0
    for name, kind in _ARRAYS.items():
        shape = [_whole(n, 0, 2**31) for n in shapes[name]]
        size = math.prod(shape) * np.dtype(kind).itemsize
        if at + size > len(raw):
            raise Garbled("short arrays")
        if name == "keys" and size and np.frombuffer(raw[at : at + size], np.uint8).max() > 1:
            raise Garbled("truth values")
        # A copy, so that an array is writable and does not hold the whole message.
        found[name] = np.frombuffer(raw[at : at + size], kind).reshape(shape).copy()
        at += size
    if at != len(raw):
        raise Garbled("bytes left over")
    return found


def _whole(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Garbled(f"{value!r} is not within {least}..{most}")
    return value


def _real(value: Any, least: float, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise Garbled(f"{value!r} is not within {least}..{most}")
    return float(value)


def _require(truth: bool, what: str) -> None:
    if not truth:
        raise Garbled(what)


def _facts(values: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], limits: Limits) -> Facts:
    times, order = arrays["frame_times_s"], arrays["order"]
    n = len(times)
    _require(1 <= n <= limits.max_frames, "frames")
    _require(all(arrays[name].shape == (n,) for name in ("sizes", "keys", "order")), "lengths")
    _require(times.shape == (n,) and bool(np.isfinite(times).all()), "times")
    _require(times[0] == 0 and bool((np.diff(times) >= 0).all()), "time order")
    _require(bool((arrays["sizes"] >= 0).all() and (order >= 0).all()), "packets")
    _require(values["container"] in CONTAINERS and values["codec"] in CODECS, "kind of file")
    _require(values["rotation"] in (0, 90, 180, 270) and isinstance(values["fragmented"], bool), "flags")
    width, height = (_whole(values[side], 1, limits.max_pixels) for side in ("width", "height"))
    _require(width * height <= limits.max_pixels, "pixels")
    return Facts(
        container=values["container"],
        codec=values["codec"],
        width=width,
        height=height,
        rotation=values["rotation"],
        fragmented=values["fragmented"],
        duration_s=_real(values["duration_s"], 0, limits.max_seconds),
        bytes=_whole(values["bytes"], 1, limits.max_bytes),
        times_s=times,
        sizes=arrays["sizes"],
        keys=arrays["keys"],
        order=order,
        packets=_whole(values["packets"], n, limits.max_frames),
    )


def _prepared(header: dict[str, Any], raw: memoryview, spec: Preprocess, limits: Limits) -> Prepared:
    arrays = _arrays(header["shapes"], raw)
    facts = _facts(header["facts"], arrays, limits)
    grid = Grid.fit(facts.width, facts.height, spec.frames, spec.patches)
    _require(header["grid"] == [grid.t, grid.h, grid.w], "grid")
    values, positions, times = arrays["values"], arrays["positions"], arrays["times_s"]
    n = len(values)
    _require(1 <= n <= spec.max_tokens and values.shape == (n, TUBELET_VALUES), "values")
    _require(positions.shape == (n, 3) and bool((positions >= 0).all()), "positions")
    _require(bool((positions < (grid.t, grid.h, grid.w)).all()), "positions outside the grid")
    _require(times.shape == (spec.frames,) and bool(np.isfinite(times).all()), "moments")
    screens = arrays["screens"]
    _require(screens.ndim == 4 and screens.shape[3] == 3 and screens.size > 0, "screens")
    _require(2 <= len(screens) <= 1 + spec.screens, "number of screens")
    _require(max(screens.shape[1:3]) <= spec.text_side, "screen size")
    return Prepared(
        values=values,
        positions=positions,
        grid=grid,
        times_s=times,
        screens=screens,
        facts=facts,
        still=_real(header["still"], 0, 1),
        flat=_real(header["flat"], 0, 1),
        seconds={name: _real(header["seconds"][name], 0, math.inf) for name in _SECONDS},
    )
