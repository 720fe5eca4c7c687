"""Frames of a clip at given moments."""

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
from uijepa.video.probe import Deadline, Facts, Limits, opened, packets, probe, stamp
from uijepa.video.sampling import shown

Pixels = npt.NDArray[np.uint8]
Name = Literal["pyav", "decord"]


def choose(facts: Facts) -> Name:
    """The reader for a clip."""
    if facts.container not in ("mp4", "mov") or facts.codec != "h264":
        return "pyav"
    if facts.fragmented or facts.rotation:
        return "pyav"
    if platform.machine() not in ("x86_64", "AMD64") or find_spec("decord") is None:
        return "pyav"
    return "pyav"


def frames(
    path: Path,
    times_s: Sequence[float] | npt.NDArray[np.float64],
    size: tuple[int, int],
    *,
    facts: Facts | None = None,
    limits: Limits = Limits(),
    reader: Name | None = None,
) -> Pixels:
    """The pictures on screen at `times_s`, scaled to `size` = (width, height) px: uint8 [n, height, width, 3] RGB.

    Several moments at which the same frame is shown decode it once. `reader` overrides `choose`.
    Raises what `probe` raises, Undecodable when not one frame comes out, DecodeTimeout after `limits.wall_s`.
    """
    if facts is None:
        facts = probe(path, limits)
    indices = shown(facts.times_s, np.asarray(times_s, np.float64))
    wanted = np.unique(indices)
    read = _decord if (reader or choose(facts)) == "decord" else _pyav
    found = read(path, facts, wanted, size, limits)
    if not found:
        raise Undecodable(path, "not one frame could be decoded.")
    have = np.array(sorted(found))
    out = np.empty((len(indices), size[1], size[0], 3), np.uint8)
    for row, index in enumerate(indices):
        # A damaged frame is replaced by the one that a player would still be showing.
        out[row] = found[int(have[max(int(np.searchsorted(have, index, side="right")) - 1, 0)])]
    return out


def _needed(facts: Facts, wanted: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which packets, in file order, must reach the decoder, and which of them give a wanted frame."""
    position_of = facts.order
    key_at = np.zeros(facts.frames, np.bool_)
    key_at[position_of] = facts.keys
    time_at = np.empty(facts.frames)
    time_at[position_of] = facts.times_s
    keys = np.flatnonzero(key_at)
    if facts.codec == "gif" or not len(keys) or keys[0] != 0:
        keys = np.union1d([0], keys if facts.codec != "gif" else []).astype(np.int64)
    feed = np.zeros(facts.frames, np.bool_)
    give = np.zeros(facts.frames, np.bool_)
    for index in wanted:
        position = int(position_of[index])
        group = int(np.searchsorted(keys, position, side="right")) - 1
        # A frame shown before the key frame that precedes it in the file also leans on the group before.
        if group > 0 and time_at[position] < time_at[keys[group]]:
            group -= 1
        feed[keys[group] : position + 1] = True
        give[position] = True
    return feed, give


def _pyav(
    path: Path, facts: Facts, wanted: npt.NDArray[np.int64], size: tuple[int, int], limits: Limits
) -> dict[int, Pixels]:
    """Decode only the groups of pictures that hold a wanted frame, and in them only what it leans on."""
    feed, give = _needed(facts, wanted)
    last = int(np.flatnonzero(feed)[-1])
    deadline = Deadline(path, limits.wall_s)
    index_at = np.empty(facts.frames, np.int64)
    index_at[facts.order] = np.arange(facts.frames)
    found: dict[int, Pixels] = {}
    stamps: dict[int, int] = {}

    def take(decoded: list[Any]) -> None:
        for frame in decoded:
            at = stamp(frame)
            index = stamps.pop(at, None) if at is not None else None
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
            if give[position]:
                at = stamp(packet)
                assert at is not None  # packets() lets no other through
                stamps[at] = int(index_at[position])
            context.skip_frame = "DEFAULT" if give[position] else "NONREF"
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
    alpha = frame.format.name in ("bgra", "rgba", "yuva420p")
    scaled = frame.reformat(
        width=width, height=height, format="rgba" if alpha else "rgb24", interpolation="AREA"
    ).to_ndarray()
    if alpha:
        # Browsers show a GIF's transparent parts as the page behind it: white.
        opacity = scaled[..., 3:].astype(np.uint16)
        scaled = ((scaled[..., :3] * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    if facts.rotation:
        scaled = np.rot90(scaled, -facts.rotation // 90)
    return np.ascontiguousarray(scaled, np.uint8)


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
        batch = video.get_batch([int(i) for i in wanted]).asnumpy()
    except (decord.DECORDError, RuntimeError) as error:
        raise Undecodable(path, f"cannot be decoded ({str(error).splitlines()[0][:120]}).") from error
    deadline.check()
    return {int(index): picture for index, picture in zip(wanted, batch, strict=True)}
