"""Clips from people who mean no good: mutants of good ones, and files crafted to fool or to exhaust a decoder.

The same seed gives the same files. `hostile.py` posts them to a service.
"""

from __future__ import annotations

import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from PIL import Image
from video_clips import numbered, recording, write

SECRET = b"the-host-keeps-this-to-itself"
REFUSED = frozenset({413, 415, 422, 504})
"""What a clip that cannot be used is answered with; a mutant may also still be a clip, and get 200."""


@dataclass(frozen=True)
class Hostile:
    """One file, and the statuses that may answer it."""

    name: str
    content: bytes
    allowed: frozenset[int] = REFUSED | {200}
    filename: str = "clip.mp4"


def originals(folder: Path) -> dict[str, bytes]:
    """Good clips to begin with, one of each container."""
    fragmented = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    pictures = [numbered(i) for i in range(4)]
    paths = [
        recording(folder / "plain.mp4"),
        recording(folder / "fragmented.mp4", container=fragmented),
        recording(folder / "vp8.webm", codec="libvpx"),
        recording(folder / "vp9.webm", codec="libvpx-vp9", container={"live": "1"}),
        recording(folder / "h264.mkv"),
        recording(folder / "turned.mov", rotation=90),
        write(folder / "small.gif", pictures, [0, 100, 200, 300], codec="gif", pixel="rgb8"),
    ]
    return {path.name: path.read_bytes() for path in paths}


# ---------------------------------------------------------------- mutants


def _truncate(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def _flip(rng: random.Random, data: bytearray) -> None:
    for _ in range(rng.choice((1, 4, 32, 256))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_the_head(rng: random.Random, data: bytearray) -> None:
    for _ in range(rng.choice((1, 2, 8))):
        data[rng.randrange(min(len(data), 600))] = rng.randrange(256)


def _overwrite(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    length = rng.choice((4, 64, 1024))
    data[at : at + length] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))


def _extreme(rng: random.Random, data: bytearray) -> None:
    """Sizes, counts, times: numbers where a file promises too much."""
    for _ in range(rng.choice((1, 3))):
        at = rng.randrange(max(len(data) - 8, 1))
        number = rng.choice((0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 2**63 - 1))
        raw = number.to_bytes(8, "big")
        data[at : at + 8] = raw if number >= 2**32 or rng.random() < 0.3 else raw[4:] + data[at + 4 : at + 8]


def _cut_out(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 7, 500, 5000))]


def _repeat(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.choice((16, 500, 5000))] * rng.choice((1, 3, 20))


def _box(rng: random.Random, data: bytearray) -> None:
    """A known box or element of the file gets a size that it has not."""
    names = (
        b"moov",
        b"trak",
        b"stsz",
        b"stts",
        b"stco",
        b"stsd",
        b"avcC",
        b"tkhd",
        b"moof",
        b"trun",
        b"mdat",
        b"elst",
    )
    places = [at for name in names if (at := data.find(name)) >= 4]
    if not places:  # Matroska: an element of known id, its length made "unknown" or huge.
        ids = (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\x16\x54\xae\x6b", b"\xa3", b"\xe0", b",")
        places = [at + len(name) for name in ids if (at := data.find(name)) >= 0]
        if places:
            at = rng.choice(places)
            data[at : at + 1] = rng.choice((b"\x01\xff\xff\xff\xff\xff\xff\xff", b"\xff", b"\x80", b"\x00"))
        return
    at = rng.choice(places)
    struct.pack_into(">I", data, at - 4, rng.choice((0, 1, 7, 8, 12, 0x7FFFFFFF, 0xFFFFFFFF)))


MUTATIONS: tuple[Callable[[random.Random, bytearray], None], ...] = (
    *(_truncate, _flip, _flip, _flip_the_head, _overwrite, _extreme, _cut_out, _repeat, _box),
)


def mutants(rng: random.Random, clips: dict[str, bytes]) -> Iterator[Hostile]:
    """Good clips, damaged: without end."""
    names = sorted(clips)
    while True:
        name = rng.choice(names)
        data = bytearray(clips[name])
        mutations = rng.choices(MUTATIONS, k=rng.choice((1, 1, 1, 2, 3)))
        for mutate in mutations:
            if data:
                mutate(rng, data)
        yield Hostile("+".join(m.__name__.strip("_") for m in mutations) + " " + name, bytes(data))


# ---------------------------------------------------------------- crafted files


def crafted(clips: dict[str, bytes], folder: Path) -> Iterator[Hostile]:
    """Files made by hand. A secret lies beside them in `folder`, for whoever is fool enough to open it."""
    secret = folder / "secret.txt"
    secret.write_bytes(SECRET)
    neighbour = folder / "neighbour.mp4"
    neighbour.write_bytes(clips["plain.mp4"])
    for name, content in _no_videos():
        yield Hostile(name, content, frozenset({415}))
    for name, text in _playlists(secret, neighbour):
        yield Hostile(name, text.encode(), frozenset({415}))
        for kind, magic in MAGIC.items():
            yield Hostile(f"{kind} then {name}", magic + text.encode(), REFUSED)
    for name, content in _references(clips["plain.mp4"], secret):
        yield Hostile(name, content)
    for name, content in _bombs(clips, folder):
        yield Hostile(name, content, REFUSED)
    for name, content in _odd(clips, folder):
        yield Hostile(name, content)
    for name, content in _wrong_streams(folder):
        yield Hostile(name, content, REFUSED)
    for filename in ("../../../etc/passwd", "a\0b.mp4", "x" * 5000, "-i file:///etc/passwd", "é\u202egpj.mp4", ""):
        yield Hostile(f"named {filename[:20]!r}", clips["plain.mp4"], frozenset({200, 400, 422}), filename)


MAGIC = {
    "ftyp": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42",
    "ebml": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
    "gif": b"GIF89a",
    "mdat": b"\x00\x00\x00\x08mdat",
}


def _no_videos() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "one byte", b"\x00"
    yield "zeros", bytes(100_000)
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "ICO", "PPM"):
        out = BytesIO()
        Image.fromarray(numbered(5)).save(out, kind)
        yield kind.lower(), out.getvalue()
    yield "avif", b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + bytes(100)
    yield "heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(30_000_000))
        archive.writestr("../../etc/cron.d/x", b"* * * * * root true")
    yield "zip bomb", out.getvalue()
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("/etc/passwd"))
    yield "tar.gz", out.getvalue()
    yield "deflate bomb", zlib.compress(bytes(30_000_000))
    yield (
        "svg",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/><script>alert(1)</script></svg>',
    )
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    yield "billion laughs", f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x>&e9;</x>'.encode()
    yield "xxe", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    yield "html", b"<!doctype html><video src='file:///etc/passwd'></video>"
    yield "pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF"
    yield "elf", b"\x7fELF\x02\x01\x01" + bytes(200)
    yield "script", b"#!/bin/sh\nrm -rf /\n"
    yield "mp3", b"ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x00" + bytes(500)
    yield "wav", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(100)
    yield "avi", b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(100)
    yield "ogg", b"OggS\x00\x02" + bytes(100)
    yield "flv", b"FLV\x01\x05\x00\x00\x00\x09" + bytes(100)
    yield "mpeg-ts", (b"G\x40\x00\x10" + bytes(184)) * 20
    yield "m4a", b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42" + bytes(100)
    yield "gzip", b"\x1f\x8b\x08" + bytes(100)
    yield "pickle", b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    yield "text", "Ünïcödé \N{RIGHT-TO-LEFT OVERRIDE} text".encode()


def _playlists(secret: Path, neighbour: Path) -> Iterator[tuple[str, str]]:
    """Files that are nothing but the names of other files."""
    for target in (neighbour.as_uri(), str(neighbour), neighbour.name, secret.as_uri(), "/etc/passwd"):
        yield f"hls {target[:12]}", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\n{target}\n#EXT-X-ENDLIST\n"
    for url in ("http://127.0.0.1:9/x.ts", f"concat:{secret}|{neighbour}", f"subfile,,start,0,end,9,,:{secret}"):
        yield f"hls {url[:12]}", f"#EXTM3U\n#EXTINF:9.0,\n{url}\n#EXT-X-ENDLIST\n"
    yield "hls key", f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{secret.as_uri()}"\n#EXTINF:1,\n{neighbour}\n'
    yield "ffconcat", f"ffconcat version 1.0\nfile '{neighbour}'\n"
    yield "dash", f"<?xml version='1.0'?><MPD><Period><BaseURL>{neighbour.as_uri()}</BaseURL></Period></MPD>"
    yield "sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"
    yield "ffmetadata", ";FFMETADATA1\ntitle=x\n"


def _resized(data: bytes, at: int, cut: int, new: bytes) -> bytes:
    """An mp4 with `cut` bytes at `at` replaced and the boxes around them told so."""
    out = bytearray(data)
    grown = len(new) - cut

    def enlarge(start: int, end: int) -> None:
        while start + 8 <= end:
            size, kind = struct.unpack_from(">I4s", data, start)
            if size < 8:
                return
            if start < at < start + size:
                struct.pack_into(">I", out, start, size + grown)
                if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
                    enlarge(start + 8, start + size)
                elif kind == b"dref":
                    enlarge(start + 16, start + size)
            start += size

    enlarge(0, len(data))
    out[at : at + cut] = new
    return bytes(out)


def _references(plain: bytes, secret: Path) -> Iterator[tuple[str, bytes]]:
    """mp4 files whose pictures, they say, lie in another file."""
    entry = plain.index(b"dref") + 12  # the one 'url ' entry: size 12, "the same file"
    for name, kind, url in (
        ("url", b"url ", secret.as_uri().encode() + b"\0"),
        ("url http", b"url ", b"http://127.0.0.1:9/x\0"),
        ("urn", b"urn ", b"x\0" + secret.as_uri().encode() + b"\0"),
        ("alias", b"alis", _alias(secret)),
    ):
        new = struct.pack(">I4sI", 12 + len(url), kind, 0) + url
        yield f"reference {name}", _resized(plain, entry, 12, new)


def _alias(path: Path) -> bytes:
    """A Macintosh alias record that names a path, as old QuickTime files have it."""
    name = path.name.encode()
    volume, file = b"\x01/".ljust(28, b"\0"), (bytes([len(name)]) + name).ljust(64, b"\0")
    head = bytes(8) + bytes(2) + volume + bytes(12) + file + bytes(16) + struct.pack(">hh", 1, 1) + bytes(14)
    tail = b"".join(
        struct.pack(">HH", kind, len(value)) + value + b"\0" * (len(value) % 2)
        for kind, value in ((2, str(path).replace("/", ":").encode()), (18, str(path).encode()))
    )
    return head + tail + b"\xff\xff\x00\x00"


def _gif(clips: dict[str, bytes], width: int, height: int) -> bytes:
    data = bytearray(clips["small.gif"])
    struct.pack_into("<HH", data, 6, width, height)
    return bytes(data)


def _bombs(clips: dict[str, bytes], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Small files that are large inside, or never end."""
    for side in (5000, 8192, 16_000, 65_535):
        yield f"gif of {side} px", _gif(clips, side, side)
    flat = np.full((4320, 7680, 3), 90, np.uint8)
    yield "true 8K", write(folder / "8k.mp4", [flat, flat], [0, 500], preset="ultrafast").read_bytes()
    hours = write(folder / "hours.mp4", [numbered(i) for i in range(3)], [0, 10**6, 36 * 10**6])
    yield "ten hours", hours.read_bytes()
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    head = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00"
    yield "gif of 60,000 frames", head + frame * 60_000 + b";"
    packed = zlib.compress(bytes(200_000_000), 1)
    cmov = _box_of(b"cmov", _box_of(b"dcom", b"zlib"), _box_of(b"cmvd", struct.pack(">I", 200_000_000) + packed))
    yield "compressed header", MAGIC["ftyp"] + _box_of(b"moov", cmov)
    yield "one million boxes", MAGIC["ftyp"] + struct.pack(">I4s", 8, b"free") * 1_000_000
    deep = b""
    for _ in range(3000):
        deep = _box_of(b"moov", deep)
    yield "deep boxes", MAGIC["ftyp"] + deep
    yield "a box that holds itself", MAGIC["ftyp"] + struct.pack(">I4sI4s", 0, b"moov", 0, b"trak") * 50
    yield "a box as long as a number can be", MAGIC["ftyp"] + struct.pack(">I4sQ", 1, b"moov", 2**64 - 1) + bytes(64)
    plain = clips["plain.mp4"]
    trak = plain[plain.index(b"trak") - 4 :]
    yield "5,000 tracks", MAGIC["ftyp"] + _box_of(b"moov", trak[: struct.unpack_from(">I", trak)[0]] * 5000)
    webm = clips["vp8.webm"]
    yield "void elements", webm[: webm.index(b"\x18\x53\x80\x67")] + b"\xec\x80" * 500_000


def _box_of(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _odd(clips: dict[str, bytes], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Files that are two things at once, or a clip in an unusual way."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", SECRET)
    for name, content in clips.items():
        yield f"{name} and a zip", content + out.getvalue()
        yield f"{name} twice", content * 2
        yield f"{name} and junk", content + bytes(range(256)) * 200
    # The stream itself may know better than these headers.
    plain = clips["plain.mp4"]
    at = plain.index(b"avc1", plain.index(b"stsd")) + 28
    for width, height in ((7680, 4320), (65_535, 65_535), (65_535, 1), (0, 0)):
        yield f"mp4 says {width}x{height}", plain[:at] + struct.pack(">HH", width, height) + plain[at + 4 :]
    webm = clips["vp8.webm"]
    yield "ebml without end", webm[:4] + b"\x01\xff\xff\xff\xff\xff\xff\xff" + webm[5:]
    yield "gif and script", b"GIF89a/*" + clips["small.gif"][8:] + b"*/=1;alert(1)"
    yield "gif and html", clips["small.gif"] + b"<script>alert(1)</script>"
    yield "webm in mp4", MAGIC["ftyp"] + clips["vp8.webm"]
    yield "mp4 in webm", clips["vp8.webm"][:40] + clips["plain.mp4"]
    one = numbered(3)
    yield "one frame", write(folder / "one.mp4", [one], [0]).read_bytes()
    yield "one pixel", write(folder / "dot.gif", [one[:1, :1]], [0], codec="gif", pixel="rgb8").read_bytes()
    wide = np.repeat(numbered(1, 96, 16)[:, :1], 4000, 1)
    yield "very wide", write(folder / "wide.mp4", [wide, wide], [0, 100]).read_bytes()
    noise = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    pictures = [np.roll(noise, 40 * i, 1) for i in range(12)]
    times = [100 * i for i in range(12)]
    yield "noise", write(folder / "noise.mp4", pictures, times, preset="ultrafast").read_bytes()


def _wrong_streams(folder: Path) -> Iterator[tuple[str, bytes]]:
    """True containers with something in them that is not decoded here."""
    pictures, times = [numbered(i) for i in range(3)], [0, 100, 200]
    for codec, pixel, name in (
        ("mjpeg", "yuvj420p", "mjpeg.mov"),
        ("ffv1", "yuv420p", "ffv1.mkv"),
        ("png", "rgb24", "png.mov"),
        ("rawvideo", "yuv420p", "raw.mkv"),
    ):
        yield name, write(folder / name, pictures, times, codec=codec, pixel=pixel).read_bytes()
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        for packet in (*stream.encode(frame), *stream.encode()):
            output.mux(packet)
    yield "sound only", path.read_bytes()
