"""Many clients at once against a service of its own: is any answer lost, late or somebody else's?

    python tests/load.py --clients 16 --posts 1000    # needs the `dev` extra, and `train` unless --bundle is given

Each client posts one clip after the other, chosen by a seeded generator among clips that all have answers of their
own; every second one as a stream, which tells its place in the queue. It fails unless every post is answered, with
the answer of its very clip, or deliberately refused (429, 503), and unless nothing is left behind.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from conftest import write_walk
from processes import address, children, descriptors, listen, process, resident_bytes, tiny_bundle, until

from uijepa.client import Client, Intent, Queued, ServiceError

Told: TypeAlias = tuple[Any, ...]


@dataclass
class Tally:
    """What became of the posts."""

    outcomes: Counter[str] = field(default_factory=Counter)
    by_place: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds from post to answer, by how many clips were ahead when the clip was complete."""
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, seconds: float, place: int | None) -> None:
        with self.lock:
            self.outcomes["answered"] += 1
            self.seconds.append(seconds)
            if place is not None:
                self.by_place[place].append(seconds)

    def refused(self, error: ServiceError) -> None:
        with self.lock:
            self.outcomes[f"{error.status} {error.code}"] += 1
            if error.status not in (429, 503) or error.retry_after_s is None:
                self.faults.append(f"no deliberate refusal: {error.status} {error.code} {error}")

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(text)

    @property
    def posts(self) -> int:
        return sum(self.outcomes.values())


def make_clips(folder: Path, count: int) -> list[Path]:
    """Clips that differ in length and pace, so that no two have the same answer."""
    paths = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        write_walk(path, [step * (40 + 7 * number) for step in range(6 + number % 5)], 160 + 16 * (number % 6))
        paths.append(path)
    return paths


def told(answer: Intent) -> Told:
    """What an answer says about its clip; only the timings differ from one post to the next."""
    return answer.intent, answer.confidence, tuple(answer.times_s), answer.tokens, tuple(answer.text)


def post_all(url: str, clips: list[Path], expected: list[Told], *, clients: int, posts: int, seed: int) -> Tally:
    """Post `posts` clips from `clients` clients, each waiting a little after a refusal as told to."""
    tally = Tally()
    contents = [clip.read_bytes() for clip in clips]
    numbers = iter(range(posts))

    def work(rng: random.Random) -> None:
        with Client(url, patience_s=0, timeout_s=120) as client:
            while True:
                with tally.lock:
                    number = next(numbers, None)
                if number is None:
                    return
                chosen = rng.randrange(len(clips))
                began = time.monotonic()
                try:
                    answer, place = _ask(client, contents[chosen], stream=number % 2 == 1)
                except ServiceError as error:
                    tally.refused(error)
                    time.sleep(min(error.retry_after_s or 0, 1.0) * rng.uniform(0.2, 1))
                    continue
                tally.answered(time.monotonic() - began, place)
                if told(answer) != expected[chosen]:
                    tally.fault(f"clip {chosen} got the answer {told(answer)}, not {expected[chosen]}")

    threads = [threading.Thread(target=work, args=(random.Random(seed + n),)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if tally.posts != posts:
        tally.fault(f"{posts - tally.posts} posts were lost")
    return tally


def _ask(client: Client, content: bytes, *, stream: bool) -> tuple[Intent, int | None]:
    if not stream:
        return client.intent(content), None
    place, answer = None, None
    for event in client.stream(content):
        if isinstance(event, Queued) and place is None:
            place = event.ahead
        elif isinstance(event, Intent):
            answer = event
    if answer is None:
        raise ServiceError("cut", "The stream ended without an answer.")
    return answer, place


def expectations(url: str, clips: list[Path]) -> list[Told]:
    """What the service answers when nobody else asks. Raises ValueError unless all answers differ."""
    with Client(url) as client:
        found = [told(client.intent(clip)) for clip in clips]
    if len(set(found)) != len(found):
        raise ValueError("two clips have the same answer: a mix-up would not be seen")
    return found


class Memory:
    """Watches how much memory a process and its children hold."""

    def __init__(self, pid: int) -> None:
        self._pid, self._over = pid, threading.Event()
        self.own: list[int] = []
        self.children: list[int] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            self.own.append(resident_bytes(self._pid))
            self.children.append(sum(resident_bytes(child) for child in children(self._pid)))

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def __str__(self) -> str:
        first, most, last, theirs = (
            size / 2**20 for size in (self.own[0], max(self.own), self.own[-1], max(self.children))
        )
        return (
            f"service {first:.0f} MiB at first, {most:.0f} at most, {last:.0f} at last; children {theirs:.0f} at most"
        )


def _percentiles(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{seconds[0] * 1000:7.0f} ms"
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"p50 {cuts[9] * 1000:6.0f} ms  p95 {cuts[18] * 1000:6.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description="Post clips from many clients at once and check every answer.")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--queue", type=int, default=12, help="the service's own setting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", type=Path, help="model to serve; by default a tiny random one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = asked.bundle or tiny_bundle(folder / "model")
        clips = make_clips(folder, asked.clips)
        uploads = folder / "uploads"
        flags = ["--bundle", str(bundle), "--upload-dir", str(uploads), "--queue", str(asked.queue)]
        with process(*flags, seconds=7200) as made:
            url = address(made)
            said = listen(made)
            expected = expectations(url, clips)
            open_files = descriptors(made.pid)
            memory = Memory(made.pid)
            began = time.monotonic()
            tally = post_all(url, clips, expected, clients=asked.clients, posts=asked.posts, seed=asked.seed)
            took = time.monotonic() - began
            memory.stop()
            until(lambda: descriptors(made.pid) <= open_files + 4, "connections are closed")
            until(lambda: len(children(made.pid)) <= 2, "decoding is over")
            if left := list(uploads.rglob("*.clip")):
                tally.fault(f"files are left: {left}")
            if any("Traceback" in line for line in said):
                tally.fault("the log holds a traceback:\n" + "".join(said)[-2000:])
        print(f"{asked.clients} clients, {tally.posts} posts of {len(clips)} clips in {took:.0f} s")
        print(", ".join(f"{count} {outcome}" for outcome, count in tally.outcomes.most_common()))
        print(f"all answers: {_percentiles(tally.seconds)}")
        for place, seconds in sorted(tally.by_place.items()):
            print(f"  {place:2d} ahead: {_percentiles(seconds)}  ({len(seconds)})")
        print(memory)
        print(f"{len(tally.faults)} faults" + "".join(f"\n  {fault}" for fault in tally.faults[:20]))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
