"""Suites from their definitions, and the sheet that shows them."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.conftest import write_walk
from uijepa.data import layouts, manifest
from uijepa.data.check import check
from uijepa.data.manifest import Clip
from uijepa.data.survey import survey
from uijepa.errors import ConfigError
from uijepa.record import sheet, suites
from uijepa.record.__main__ import app
from uijepa.record.jobs import ALIKE, Plan, run, share
from uijepa.record.suites import FOLDER, Suite

DEFINITION = """
seed = 7
sources = ["record_source:Cards"]
labels = "worded"
sentence = "The user wants to {}."
parts = [
  { name = "train", split = "train", group = "seen", clips = 3, categories = 2 },
  { name = "few-shot", split = "test", group = "seen", clips = 2 },
  { name = "zero-shot", split = "test", group = "unseen", clips = 1 },
]
[groups.seen]
"cards/name" = ["enter a name", "write who it is"]
"cards/coin" = ["toss a coin"]
[groups.unseen]
"cards/city" = ["name a city"]
"""


def define(folder: Path, text: str) -> Suite:
    path = folder / "tiny" / "suite.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return suites.load(str(path))


def plan(out: Path, suite: Suite, *, resume: bool = False) -> Plan:
    asked = {"suite": suite.name, "seed": suite.seed}
    return Plan(out=out, jobs=suite.jobs(), asked=asked, finish=suite.finish, exact=True, workers=1, resume=resume)


def record(asked: Plan) -> list[Clip]:
    report = run(asked, lambda _total, _done: None, lambda _outcome: None)
    assert report.made == report.asked == len(asked.jobs)
    return manifest.read(asked.out / "manifest.jsonl")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny suite, recorded."""
    folder = tmp_path_factory.mktemp("suite")
    record(plan(folder / "out", define(folder, DEFINITION)))
    return folder


def test_parts_have_their_clips_and_labels(made: Path) -> None:
    clips = manifest.read(made / "out" / "manifest.jsonl")
    assert Counter((c.suite, c.part, c.split) for c in clips) == {
        ("tiny", "train", "train"): 3,
        ("tiny", "few-shot", "test"): 2,
        ("tiny", "zero-shot", "test"): 1,
    }
    told = {c.category: (c.intent, c.alternatives) for c in clips}
    assert told["cards/name"] == ("The user wants to enter a name.", ["The user wants to write who it is."])
    assert told["cards/city"] == ("The user wants to name a city.", [])
    assert all(c.slots["city"] not in c.intent for c in clips if c.category == "cards/city")
    assert all(value in c.lexicalised for c in clips for value in c.slots.values())
    assert all(c.lexicalised for c in clips)


def test_nothing_is_shared_between_the_parts(made: Path) -> None:
    found = check(list(survey(layouts.read(made / "out"))))
    assert found.findings == []
    assert found.counts["part"] == {"tiny/few-shot": 2, "tiny/train": 3, "tiny/zero-shot": 1}
    assert found.counts["categories of"] == {"tiny/few-shot": 2, "tiny/train": 2, "tiny/zero-shot": 1}


def test_clips_that_end_alike_are_made_anew_once(tmp_path: Path) -> None:
    text = """
    seed = 0
    sources = ["record_source:Cards"]
    labels = "own"
    parts = [
      { name = "train", split = "train", group = "coin", clips = 1 },
      { name = "few-shot", split = "test", group = "coin", clips = 1 },
    ]
    groups.coin = { "cards/coin" = [] }
    """
    # A seed by which the coins of training and test fall alike at first.
    for seed in range(100):
        suite = define(tmp_path, text.replace("seed = 0", f"seed = {seed}"))
        train, test = sorted(suite.jobs(), key=lambda job: job.split != "train")
        if train.attempt_seed(0) % 2 == test.attempt_seed(0) % 2:
            break
    out = tmp_path / "out"
    clips = {clip.split: clip for clip in record(plan(out, suite))}
    misses = (out / "misses.jsonl").read_text()
    assert misses.count(ALIKE + train.path) >= 1
    assert clips["train"].seed == train.attempt_seed(0)
    assert clips["test"].seed % 2 != clips["train"].seed % 2
    assert clips["train"].alternatives == [clips["train"].intent.replace("Enter", "Type")]
    # A resumed run neither plays the dropped attempts again nor drops anything.
    assert {clip.split: clip for clip in record(plan(out, suite, resume=True))} == clips
    assert (out / "misses.jsonl").read_text() == misses


def test_a_suite_goes_on_with_its_words_as_they_are_now(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made / "out", out)
    first = manifest.read(out / "manifest.jsonl")
    before = {clip.id: (out / clip.path).stat().st_mtime_ns for clip in first}
    reworded = DEFINITION.replace("toss a coin", "flip a coin").replace("clips = 3", "clips = 2")
    clips = record(plan(out, define(tmp_path, reworded), resume=True))
    assert len(clips) == 5
    assert {c.intent for c in clips if c.category == "cards/coin"} == {"The user wants to flip a coin."}
    assert all((out / clip.path).stat().st_mtime_ns == before[clip.id] for clip in clips)
    own = {clip.id: (clip.lexicalised, clip.slots) for clip in first}
    assert all((clip.lexicalised, clip.slots) == own[clip.id] for clip in clips), (
        "a clip's own sentence stays its own"
    )
    other = define(tmp_path, DEFINITION.replace("seed = 7", "seed = 8"))
    with pytest.raises(ConfigError, match="--seed 7, not 8"):
        record(plan(out, other, resume=True))


UNLABELLED = """
seed = 1
sources = ["record_source:Cards"]
labels = "none"
parts = [{ name = "unlabelled", split = "train", group = "all", clips = 4 }]
groups.all = { "cards/*" = [] }
"""


def test_any_size_and_no_labels(tmp_path: Path) -> None:
    suite = define(tmp_path, UNLABELLED)
    ten = suite.jobs(suites.sizes(suite, "10"))
    assert sorted(Counter(job.category for job in ten).values()) == [2, 2, 3, 3]
    assert len(ten) == 10
    assert len(suite.jobs()) == 4
    bare = suite.finish(Clip(path="a", category="cards/name", intent="Enter Bo.", slots={"name": "Bo"}))
    assert (bare.intent, bare.slots, bare.part, bare.suite) == ("", {}, "unlabelled", "tiny")


def test_machines_share_a_suite_and_make_each_clip_once(tmp_path: Path) -> None:
    suite = define(tmp_path, UNLABELLED)
    four, many = suite.jobs(), suite.jobs(suites.sizes(suite, "60"))
    shares = [share(many, f"{k}/3") for k in (1, 2, 3)]
    assert all(len(part) > 10 for part in shares)
    assert sorted(job.id for part in shares for job in part) == sorted(job.id for job in many)
    assert {job.id for job in share(four, "2/3")} == {job.id for job in four} & {job.id for job in shares[1]}
    asked = ["--suite", str(tmp_path / "tiny" / "suite.toml"), "--workers", "1", "--share"]
    for k in (1, 2):
        assert CliRunner().invoke(app, [*asked, f"{k}/2", "--out", str(tmp_path / str(k))]).exit_code == 0
    made = {clip.id for k in (1, 2) for clip in manifest.read(tmp_path / str(k) / "manifest.jsonl")}
    assert made == {job.id for job in four}
    other = CliRunner().invoke(app, [*asked, "2/2", "--out", str(tmp_path / "1"), "--resume"])
    assert (other.exit_code, "recorded with --share 1/2, not 2/2" in other.output) == (2, True)


@pytest.mark.parametrize("wrong", ["0/2", "3/2", "2", "1/0", "a/b", "-1/2"])
def test_a_wrong_share_is_named(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"Say 2/3 for the second of three"):
        share(define(tmp_path, UNLABELLED).jobs(), wrong)
    with pytest.raises(ConfigError, match="suites of one split"):
        share(define(tmp_path, DEFINITION).jobs(), "1/2")


def test_a_part_may_grow_and_keeps_its_clips(tmp_path: Path) -> None:
    suite = define(tmp_path, DEFINITION)
    before = {job.id: job.attempt_seed(0) for job in suite.jobs()}
    for clips in range(2, 12):
        grown = {job.id: job.attempt_seed(0) for job in suite.jobs(suites.sizes(suite, f"few-shot={clips}"))}
        assert before.items() <= grown.items()
        before = grown
    jobs = suite.jobs(suites.sizes(suite, "few-shot=9, train=5"))
    parts = (suite.finish(Clip(path="", category=job.category, split=job.split)).part for job in jobs)
    assert Counter(parts) == {"train": 5, "few-shot": 9, "zero-shot": 1}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("9", r"several parts; say which one --clips is for \(train=3, few-shot=2, zero-shot=1\)"),
        ("few-shot=9,3", "several parts"),
        ("few=9", "has no part 'few' .* It has: train, few-shot, zero-shot"),
        ("few-shot=0", "expected a number"),
        ("few-shot=", "expected a number"),
        ("=3", "expected a number"),
    ],
)
def test_a_wrong_number_of_clips_is_named(tmp_path: Path, option: str, message: str) -> None:
    suite = define(tmp_path, DEFINITION)
    with pytest.raises(ConfigError, match=message):
        suite.spread(suites.sizes(suite, option))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed = 7", "sead = 7"), "unknown key 'sead'"),
        (("seed = 7", "seed = "), "not valid TOML"),
        (("categories = 2", "categories = 3"), "part 'train' wants 3 categories, its group names 2"),
        (('group = "unseen"', 'group = "new"'), "takes from 'new', which is no group"),
        (('"cards/city"', '"cards/coin"'), "cards/coin is in the groups seen and unseen"),
        (('["toss a coin"]', "[]"), "cards/coin has no wording"),
        (('split = "test", group = "seen"', 'split = "train", group = "seen"'), "the same split from the same group"),
    ],
)
def test_a_wrong_definition_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        define(tmp_path, DEFINITION.replace(*change))
    assert "suite.toml" in str(caught.value)


def test_categories_that_no_source_has_are_counted_and_named(tmp_path: Path) -> None:
    suite = define(tmp_path, DEFINITION.replace("cards/city", "cards/town"))
    with pytest.raises(ConfigError, match=r"needs 3 categories; 1 of them .* record_source:Cards: cards/town"):
        suite.jobs()
    with pytest.raises(ConfigError, match=r"no such suite\. Known: "):
        suites.load("iix")


@pytest.mark.parametrize("name", sorted(path.parent.name for path in FOLDER.glob("*/suite.toml")))
def test_shipped_definitions_are_sound(name: str) -> None:
    suite = suites.load(name)
    assert suite.name == name
    for names in suite.groups.values():
        for wordings in names.values():
            assert len(set(wordings)) == len(wordings)
            assert all(words[0].islower() and words[-1] != "." and words.isascii() for words in wordings)
    references = [words[0] for names in suite.groups.values() for words in names.values() if words]
    assert len(set(references)) == len(references)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("iiw", {"train": (135, 1274), "few-shot": (135, 344), "zero-shot": (84, 87)}),
        ("iit", {"train": (7, 682), "few-shot": (7, 187), "zero-shot": (3, 45)}),
    ],
)
def test_the_sources_have_what_the_suites_of_the_paper_want(name: str, counts: dict[str, tuple[int, int]]) -> None:
    suite = suites.load(name)
    spread = suite.spread()
    assert {part: (len(named), sum(named.values())) for part, named in spread.items()} == counts
    assert not set(spread["train"]) & set(spread["zero-shot"])
    jobs = suite.jobs()
    assert len({job.id for job in jobs}) == len(jobs) == sum(clips for _, clips in counts.values())


def test_tame_zero_shot_is_of_apps_that_training_never_sees() -> None:
    suite = suites.load("iit")
    apps = [{name.partition("-")[0] for name in suite.groups[group]} for group in ("seen", "unseen")]
    assert not apps[0] & apps[1]


def test_more_to_learn_from_is_new_and_of_no_app_kept_for_testing() -> None:
    iiw, iit, extra = (suites.load(name) for name in ("iiw", "iit", "extra"))
    more = set(extra.groups["more"])
    tested = set(iiw.groups["unseen"]) - set(iiw.groups["seen"])
    assert not more & {name for suite in (iiw, iit) for names in suite.groups.values() for name in names}
    assert not {name.partition("-")[0] for name in more} & {name.partition("-")[0] for name in tested}
    assert [part.split for part in extra.parts] == ["train"]


def test_recordings_go_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UIJEPA_DATA", raising=False)
    assert suites.data() == Path("recordings")
    monkeypatch.setenv("UIJEPA_DATA", str(tmp_path / "store"))
    define(tmp_path, DEFINITION.replace("clips = 3", "clips = 0").replace("clips = 2", "clips = 0"))
    done = CliRunner().invoke(app, ["--suite", str(tmp_path / "tiny/suite.toml"), "--workers", "1"])
    assert done.exit_code == 0, done.output
    (clip,) = manifest.read(tmp_path / "store/tiny/manifest.jsonl")
    assert (clip.part, clip.intent) == ("zero-shot", "The user wants to name a city.")
    begun = CliRunner().invoke(app, ["--suite", str(tmp_path / "tiny/suite.toml")])
    assert begun.exit_code == 2
    assert "--resume" in begun.output


def test_a_contact_sheet(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    done = CliRunner().invoke(app, ["sheet", str(made / "out"), str(out), "--clips", "2", "--moments", "3"])
    assert done.exit_code == 0, done.output
    with Image.open(out) as picture:
        assert picture.size == (3 * 180 + 2 * sheet.GAP + 2 * sheet.GAP, 2 * (240 + sheet.CAPTION) + 3 * sheet.GAP)
        pixels = np.asarray(picture.convert("L"), int)
    first, last = (pixels[sheet.GAP + sheet.CAPTION :][:240, x : x + 180] for x in (6, 6 + 2 * 186))
    assert np.abs(first - last).max() > 60
    empty = CliRunner().invoke(app, ["sheet", str(made / "out"), str(out), "--category", "none/"])
    assert empty.exit_code == 2


def test_a_sheet_shows_every_category_first_and_what_is_broken(tmp_path: Path) -> None:
    clips = [Clip(path=f"{name}.mp4", category=name[0]) for name in ("a1", "a2", "a3", "b1")]
    assert {clip.category for clip in sheet.choose(clips, 2, 0)} == {"a", "b"}
    assert sheet.choose(clips, 9, 0) == clips
    write_walk(tmp_path / "a1.mp4", [0, 500, 1000])
    drawn = sheet.draw(layouts.Recordings(path=tmp_path, root=tmp_path, clips=clips[:2]), tall=64, columns=2)
    assert drawn.height == 64 + sheet.CAPTION + 2 * sheet.GAP
