"""Frames of a clip at given moments, by the library that suits the file.

PyAV reads everything: it brings a current FFmpeg on every platform, and this module feeds it only the groups of
pictures that hold a wanted frame, telling it to skip, in them, what nothing wanted leans on. decord reads a file
in one batch with a decoder thread of its own, through an FFmpeg of 2020. Where it is used at all, both give the
same bits (a test holds this), so the choice never changes a number:

* not for what it cannot read or index rightly: WebM and Matroska as browsers record them, AV1, edit lists;
* not for fragmented mp4, where damaged files have made it abort the whole process;
* not for scaled or rotated pictures, where its scaler differs;
* not for clips that nobody vouches for: the sandbox always decodes with PyAV;
* not for a few moments of a long clip: skipping makes PyAV the faster one there.

What remains is reading (nearly) all frames of a trusted H.264 mp4 or mov: there its second thread saves time,
though not work. Wall time on two x86-64 cores, variable-rate 390x844 recordings, PyAV against decord: 16 moments
of 98 frames 36 and 43 ms, 16 of 607 frames 108 and 179 ms; all of 98 frames 118 and 79, 134 and 90, 91 and 100 ms
for three encodings.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt

from uijepa.errors import ClipTooLarge, Undecodable
from uijepa.video.probe import DEFAULT, Deadline, Facts, Limits, opened, packets, probe, stamp
from uijepa.video.sampling import shown

Pixels = npt.NDArray[np.uint8]
Name = Literal["pyav", "decord"]

_DENSE_FRAMES = 64
_DENSE_SHARE = 0.9


def choose(facts: Facts, wanted: npt.NDArray[np.int64], size: tuple[int, int]) -> Name:
    """The library for reading the frames `wanted` (sorted indices) of a clip at `size` = (width, height) px.

    See the module's docstring for the reasons.
    """
    safe = facts.container in ("mp4", "mov") and facts.codec == "h264" and not facts.fragmented
    exact = size == (facts.width, facts.height) and facts.rotation == 0 and facts.packets == facts.frames
    dense = len(wanted) >= _DENSE_FRAMES and len(wanted) >= _DENSE_SHARE * (int(wanted[-1]) + 1)
    there = platform.machine() in ("x86_64", "AMD64") and find_spec("decord") is not None
    return "decord" if safe and exact and dense and there else "pyav"


def frames(
    path: Path,
    times_s: Sequence[float] | npt.NDArray[np.float64],
    size: tuple[int, int],
    *,
    facts: Facts | None = None,
    limits: Limits = DEFAULT,
    library: Name | None = None,
) -> Pixels:
    """The pictures on screen at `times_s`, scaled to `size` = (width, height) px: uint8 [n, height, width, 3] RGB.

    Several moments at which the same frame is shown decode it once. `library` overrides `choose`.
    Raises what `probe` raises, Undecodable when not one frame comes out, DecodeTimeout after `limits.wall_s`.
    """
    if facts is None:
        facts = probe(path, limits)
    indices = shown(facts.times_s, np.asarray(times_s, np.float64))
    wanted = np.unique(indices)
    if (library or choose(facts, wanted, size)) == "decord":
        found = _decord(path, facts, wanted, size, limits)
    else:
        found = _pyav(path, facts, wanted, size, limits)
    if not found:
        raise Undecodable(path, "not one frame could be decoded.")
    have = np.array(sorted(found))
    out = np.empty((len(indices), size[1], size[0], 3), np.uint8)
    for row, index in enumerate(indices):
        # A damaged frame is replaced by the one that a player would still be showing.
        out[row] = found[int(have[max(int(np.searchsorted(have, index, side="right")) - 1, 0)])]
    return out


def _needed(facts: Facts, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which packets, in file order, must reach the decoder to show `wanted`: bool [packets]."""
    time_at = np.full(facts.packets, np.inf)
    time_at[facts.order] = facts.times_s
    # A GIF's pictures build on each other from the first on, whatever its flags say.
    keys = np.union1d([0], facts.order[facts.keys] if facts.codec != "gif" else []).astype(np.int64)
    feed = np.zeros(facts.packets, np.bool_)
    for position in facts.order[wanted]:
        group = int(np.searchsorted(keys, position, side="right")) - 1
        # A frame shown before the key frame that precedes it in the file also leans on the group before.
        if group > 0 and time_at[position] < time_at[keys[group]]:
            group -= 1
        feed[keys[group] : position + 1] = True
    return feed


def _pyav(
    path: Path, facts: Facts, wanted: npt.NDArray[np.int64], size: tuple[int, int], limits: Limits
) -> dict[int, Pixels]:
    """Decode only the groups of pictures that hold a wanted frame, and in them only what it leans on."""
    feed = _needed(facts, wanted)
    last = int(np.flatnonzero(feed)[-1])
    index_at = {int(facts.order[index]): int(index) for index in wanted}
    deadline = Deadline(path, limits.wall_s)
    found: dict[int, Pixels] = {}
    stamps: dict[int | None, int] = {}

    def take(decoded: list[Any]) -> None:
        for frame in decoded:
            index = stamps.pop(stamp(frame), None)
            if index is not None:
                found[index] = _picture(path, frame, facts, size, limits)

    with opened(path, facts.container) as (demuxer, stream):
        context = stream.codec_context
        context.thread_count = 1
        fed = True
        for position, packet in enumerate(packets(demuxer, stream)):
            deadline.check()
            if position > last:
                break
            if not feed[position]:
                fed = False
                continue
            if not fed:
                take(context.decode(None))
                context.flush_buffers()
                fed = True
            if position in index_at:
                stamps[stamp(packet)] = index_at[position]
            context.skip_frame = "DEFAULT" if position in index_at else "NONREF"
            try:
                take(context.decode(packet))
            except av.error.InvalidDataError:
                continue  # one damaged packet; the caller repeats the frame before
        take(context.decode(None))
    return found


def _picture(path: Path, frame: Any, facts: Facts, size: tuple[int, int], limits: Limits) -> Pixels:
    """One decoded frame, upright, RGB, at `size`."""
    if frame.width * frame.height > limits.max_pixels:
        raise ClipTooLarge(path, f"a frame of {frame.width}x{frame.height} px inside.")
    width, height = size if facts.rotation in (0, 180) else size[::-1]
    # Browsers show a GIF's transparent parts as the page behind it: white.
    alpha = _see_through(frame)
    scaled = frame.reformat(
        width=width,
        height=height,
        format="rgba" if alpha else "rgb24",
        interpolation="AREA",
        threads=1,
    ).to_ndarray()
    if alpha:
        weight = scaled[..., 3:].astype(np.uint16)
        scaled = ((scaled[..., :3] * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)
    if facts.rotation:
        scaled = np.rot90(scaled, -facts.rotation // 90)
    return np.ascontiguousarray(scaled, np.uint8)


def _see_through(frame: Any) -> bool:
    """Whether any pixel of a picture is transparent."""
    if frame.format.name != "bgra":
        return False
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(frame.height, plane.line_size)
    return bool((rows[:, 3 : 4 * frame.width : 4] != 255).any())


def _decord(
    path: Path,
    facts: Facts,
    wanted: npt.NDArray[np.int64],
    size: tuple[int, int],
    limits: Limits,
) -> dict[int, Pixels]:
    """One batch through decord. Given a size and one thread, its memory stays bounded."""
    import decord

    deadline = Deadline(path, limits.wall_s)
    try:
        video = decord.VideoReader(str(path), width=size[0], height=size[1], num_threads=1)
        if len(video) != facts.frames:
            raise Undecodable(path, f"decord finds {len(video)} frames where its packets tell {facts.frames}.")
        batch = video.get_batch([int(index) for index in wanted]).asnumpy()
    except (decord.DECORDError, RuntimeError) as error:
        raise Undecodable(path, f"cannot be decoded ({str(error).splitlines()[0][:120]}).") from error
    deadline.check()
    return {int(index): picture for index, picture in zip(wanted, batch, strict=True)}
