"""What the decoder reads: lines of the screens as ids, and ids as a sentence."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from uijepa.runtime import DEFAULT_BUNDLE
from uijepa.sequence import Sequence, dealt, told


def test_text_is_never_a_special_token(tiny_bundle: Path) -> None:
    sequence = Sequence(Tokenizer.from_file(str(tiny_bundle / "tokenizer.json")), 64)
    ids = sequence.text_ids(["<eos><sep>", "Grüße <pad>"])
    assert not {sequence.pad, sequence.sep, sequence.eos} & set(ids)
    assert sequence.decode(ids) == "<eos><sep>\n Grüße <pad>"
    assert sequence.prompt_ids(["an"]) == [sequence.sep, *sequence.text_ids(["an"]), sequence.sep]
    assert len(Sequence(sequence.tokenizer, 3).text_ids(["a long line of text"])) == 3
    assert Sequence(sequence.tokenizer, 0).prompt_ids(["an"]) == [sequence.sep, sequence.sep]
    intent = "Call Ada at 7:30."
    assert sequence.decode([*sequence.intent_ids(intent), sequence.eos]) == intent


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 120))
def test_short_screens_are_kept_whole_and_long_ones_share_the_rest(counts: list[int], most: int) -> None:
    kept = dealt(counts, most)
    assert sum(kept) == min(sum(counts), most) or most - sum(kept) < len(counts)
    assert sum(kept) <= most
    assert all(0 <= k <= c for k, c in zip(kept, counts, strict=True))
    cut = [k for k, c in zip(kept, counts, strict=True) if k < c]
    assert not cut or (max(kept) - min(cut) <= 1 and all(k <= max(kept) for k in cut))


def test_screens_are_told_apart_and_each_has_its_part(tiny_bundle: Path) -> None:
    sequence = Sequence(Tokenizer.from_file(str(tiny_bundle / "tokenizer.json")), 40)
    lines = ["Notes", "Garden", "", "Delete"]
    assert sequence.decode(sequence.text_ids(lines)) == "Notes\n Garden\n Delete"
    apart = sequence.text_ids(["Notes"]), sequence.text_ids(["Delete"])
    assert sequence.text_ids(["Notes", "", "Delete"]) == [*apart[0], *sequence.intent_ids("\n"), *apart[1]]
    long = ["an article of many words " * 20, "", "Delete"]
    ids = sequence.text_ids(long)
    assert len(ids) == 40
    assert sequence.decode(ids).endswith("\n Delete")
    for most in range(6):
        assert len(Sequence(sequence.tokenizer, most).text_ids(["a b c", "", "d e f", "", "gh"])) <= most


def test_lines_are_told_once_and_keys_and_icons_not_at_all() -> None:
    assert told(["Notes", "Garden", "", "Delete"]) == [["Notes", "Garden"], ["Delete"]]
    assert told([]) == told([""]) == told(["q", "w", "", "×"]) == []
    assert told(["7", "8", "x", "12"]) == [["7", "8", "12"]]
    before, after = ["Inbox", "Ada Lovelace", "Alan Turing", "Delete"], ["inbox", "Alan Turing"]
    assert told([*before, "", *after]) == [["Ada Lovelace", "Delete"], after]
    assert told([*after, "", "e", "", *after]) == [after]
    assert told(["Again", "Again"]) == [["Again", "Again"]]


def test_a_word_has_the_same_ids_on_the_screen_and_within_a_sentence() -> None:
    sequence = Sequence(Tokenizer.from_file(str(DEFAULT_BUNDLE / "tokenizer.json")), 64)
    for word in ("Ada", "Jeralee", "7:30", "vivamus"):
        said = sequence.intent_ids(f"Call {word} now")
        shown = sequence.text_ids([word])
        assert any(said[i : i + len(shown)] == shown for i in range(len(said))), word
