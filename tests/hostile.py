"""Posts thousands of hostile clips to a service of its own and sees what becomes of it.

    python tests/hostile.py --count 2000 --seed 1    # needs the `dev` extra, and `train` unless --bundle is given

It fails unless every file is answered with a status that fits, within its time and without a word of a secret that
lies on the same host, and unless the service afterwards is the same process, with no file, zombie or open
descriptor left, and answers good clips as before.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from hostile_clips import SECRET, Hostile, crafted, mutants, originals
from processes import address, children, descriptors, listen, process, resident_bytes, tiny_bundle, until

DECODE_S = 5.0
SLACK_S = 10.0
"""What an answer may take besides decoding, on a machine that does other things too."""


@dataclass
class Tally:
    """What became of the files."""

    codes: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    """Decoders that a file ended, by signal."""
    seconds: list[tuple[float, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def note(self, clip: Hostile, response: httpx.Response | None, seconds: float, error: str = "") -> None:
        self.seconds.append((seconds, clip.name))
        if response is None:
            self.faults.append(f"{clip.name}: no answer ({error})")
            return
        body = response.json()
        self.codes[f"{response.status_code} {body.get('code', 'answered')}"] += 1
        ended = re.search(r"ended the decoder \((\w+)", body.get("detail", ""))
        if ended:
            self.ended[ended[1]] += 1
        if response.status_code not in clip.allowed:
            self.faults.append(f"{clip.name}: {response.status_code} {response.text[:200]}")
        if SECRET in response.content or b"root:x:" in response.content:
            self.faults.append(f"{clip.name}: a file of the host was disclosed")
        if seconds > DECODE_S + SLACK_S:
            self.faults.append(f"{clip.name}: {seconds:.1f} s")


def files(count: int, seed: int, folder: Path) -> Iterator[Hostile]:
    """All crafted files, and mutants up to `count` in all. Equal for equal seeds."""
    clips = originals(folder)
    yield from itertools.islice(itertools.chain(crafted(clips, folder), mutants(random.Random(seed), clips)), count)


def attack(url: str, clips: Iterable[Hostile], *, senders: int = 2) -> Tally:
    """Post the clips, `senders` at a time, and note the answers."""
    tally = Tally()

    def post(clip: Hostile) -> None:
        began = time.monotonic()
        try:
            response = client.post("/v1/intent", files={"file": (clip.filename, clip.content)})
        except httpx.HTTPError as error:
            tally.note(clip, None, time.monotonic() - began, repr(error))
        else:
            tally.note(clip, response, time.monotonic() - began)

    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(senders) as pool:
        rest = iter(clips)
        while batch := list(itertools.islice(rest, 64)):  # all of them would not fit into memory
            list(pool.map(post, batch))
    return tally


@contextmanager
def attacked(bundle: Path, folder: Path, seconds: float) -> Iterator[tuple[str, list[str]]]:
    """A service to attack: its URL, and a list that names what was wrong with it in the end."""
    uploads = folder / "uploads"
    arguments = ["--bundle", str(bundle), "--upload-dir", str(uploads), "--decode-seconds", str(DECODE_S)]
    faults: list[str] = []
    with process(*arguments, seconds=seconds) as made:
        url = address(made)
        said = listen(made)
        good = recording_of(folder)
        before = _answer(url, good)
        files_open, memory = descriptors(made.pid), resident_bytes(made.pid)
        yield url, faults
        if made.poll() is not None:
            faults.append(f"the service ended with code {made.returncode}")
            return
        if _answer(url, good) != before:
            faults.append("the service answers a good clip differently")
        until(lambda: len(children(made.pid)) <= 2, "decoding is over")
        if zombies := [pid for pid, state in children(made.pid).items() if state == "Z"]:
            faults.append(f"zombies are left: {zombies}")
        if left := list(uploads.rglob("*.clip")):
            faults.append(f"files are left: {left}")
        until(lambda: descriptors(made.pid) <= files_open + 4, "connections are closed")
        if any("Traceback" in line for line in said):
            faults.append("the log holds a traceback:\n" + "".join(said)[-2000:])
        print(f"memory of the service: {memory / 2**20:.0f} MiB before, {resident_bytes(made.pid) / 2**20:.0f} after")


def recording_of(folder: Path) -> bytes:
    """A good clip."""
    return originals(folder)["plain.mp4"]


def _answer(url: str, content: bytes) -> tuple[object, ...]:
    values = httpx.post(f"{url}/v1/intent", files={"file": content}, timeout=60).json()
    return values["intent"], values["confidence"], values["times_s"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Post hostile clips to a service and see what becomes of it.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", type=Path, help="model to serve; by default a tiny random one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = arguments.bundle or tiny_bundle(folder / "model")
        began = time.monotonic()
        with attacked(bundle, folder, seconds=3600) as (url, faults):
            tally = attack(url, files(arguments.count, arguments.seed, folder))
            replaced = re.search(r"^uijepa_decoders_replaced_total (\S+)", httpx.get(f"{url}/metrics").text, re.M)
        faults += tally.faults
        print(f"{len(tally.seconds)} files, seed {arguments.seed}, {time.monotonic() - began:.0f} s")
        for code, count in tally.codes.most_common():
            print(f"{count:6d}  {code}")
        print(f"decoders ended by a file: {dict(tally.ended)}; warm children replaced: {replaced and replaced[1]}")
        print("slowest: " + ", ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(tally.seconds)[-5:]))
        print(f"{len(faults)} faults" + "".join(f"\n  {fault}" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
