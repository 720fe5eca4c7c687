"""A small part of what `hostile.py` and `load.py` do, and schemathesis against the OpenAPI document."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import schemathesis
from hostile import attack, attacked
from hostile_clips import MAGIC, Hostile, crafted, mutants, originals
from hypothesis import HealthCheck, given, settings
from load import expectations, make_clips, post_all
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import Running, serving

from uijepa.video.probe import recognise

SLOW = {
    "true 8K",
    "gif of 60,000 frames",
    "one million boxes",
    "compressed header",
    "noise",
    "5,000 tracks",
    "zip bomb",
}
"""Left to the tool."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12


@pytest.fixture(scope="module")
def running(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    uploads = tmp_path_factory.mktemp("hostile") / "uploads"
    with serving(uploads, bundle=tiny_bundle, threads=1, max_bytes=200_000, queue=3) as made:
        yield made


def test_hostile_clips_do_no_harm(tiny_bundle: Path, tmp_path: Path) -> None:
    clips = originals(tmp_path)
    made = [clip for clip in crafted(clips, tmp_path) if clip.name not in SLOW]
    chosen = [*made[::3], *islice(mutants(random.Random(7), clips), 50)]
    with attacked(tiny_bundle, tmp_path, seconds=100) as (url, faults):
        tally = attack(url, chosen)
    assert faults + tally.faults == []
    assert len(tally.seconds) == len(chosen)
    assert {code.partition(" ")[0] for code in tally.codes} >= {"200", "413", "415", "422"}


def test_the_same_seed_gives_the_same_mutants() -> None:
    clips = {"a.mp4": bytes(range(256)) * 8, "b.gif": b"GIF89a" + bytes(500)}
    first, again = ([clip.content for clip in islice(mutants(random.Random(3), clips), 40)] for _ in range(2))
    assert first == again
    assert len(set(first)) > 30
    assert {recognise(magic + bytes(64)) for magic in MAGIC.values()} == {"mp4", "webm", "gif", "mov"}


def test_a_service_that_misbehaves_would_be_noticed(running: Running) -> None:
    """The tool's own eyes: an answer that is not allowed is a fault."""
    tally = attack(running.url, [Hostile("text", b"no clip", frozenset({200}))])
    assert len(tally.faults) == 1
    assert "not-a-video" in tally.faults[0]
    gone = attack("http://127.0.0.1:1", [Hostile("text", b"no clip")])
    assert "no answer" in gone.faults[0]


def test_sixteen_clients_get_their_own_answers_or_are_refused(running: Running, tmp_path: Path) -> None:
    clips = make_clips(tmp_path, 8)
    expected = expectations(running.url, clips)
    tally = post_all(running.url, clips, expected, clients=16, posts=64, seed=3)
    assert tally.faults == []
    assert set(tally.outcomes) <= {"answered", "429 busy"}
    assert tally.outcomes["answered"] >= running.service.gate.places
    assert max(tally.by_place, default=0) <= 4
    assert running.uploads() == []
    swapped = post_all(running.url, clips, expected[1:] + expected[:1], clients=1, posts=2, seed=3)
    assert len(swapped.faults) == 2  # a mix-up would be seen


def test_requests_made_from_the_openapi_document_are_answered_as_it_says(running: Running) -> None:
    """No server error, no status, content type or body that the document does not know."""
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 8
    answered: Counter[int] = Counter()
    for operation in operations:

        @given(operation.as_strategy())
        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        def ask(case: schemathesis.Case) -> None:
            response = case.call()
            answered[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        ask()
    assert answered[200] > 0
    assert not running.service.gate.taken
