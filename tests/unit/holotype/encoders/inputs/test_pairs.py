"""Pairs of texts: what callers pass, and how they are cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from holotype.encoders.inputs.items import each_pair
from holotype.encoders.inputs.layouts import PairLayout, longest_first
from holotype.encoders.inputs.template import Message, PairTemplate
from holotype.encoders.inputs.tokenizer import TextTokenizer


def tokenizer() -> Tokenizer:
    words = ["[P]", "[C]", "[S]", *"abcdefgh"]
    made = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[P]"))
    made.pre_tokenizer = WhitespaceSplit()
    made.post_processor = TemplateProcessing(
        single="[C] $A [S]",
        pair="[C] $A [S] $B:1 [S]:1",
        special_tokens=[("[C]", 1), ("[S]", 2)],
    )
    return made


TEXTS = st.lists(st.sampled_from("abcdefgh"), max_size=14).map(" ".join)


@given(
    pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=5),
    max_length=st.integers(5, 20),
    left=st.booleans(),
)
def test_pairs_are_cut_as_the_tokenizers_library_cuts_them(
    pairs: list[tuple[str, str]], max_length: int, left: bool
) -> None:
    ours = TextTokenizer(
        tokenizer(), pad_id=0, fill_id=None, pads_left=False, cuts_left=left, input_names=()
    )
    theirs = tokenizer()
    theirs.enable_truncation(
        max_length, strategy="longest_first", direction="left" if left else "right"
    )
    expected = theirs.encode_batch(pairs)
    found = list(ours.encode_pairs(pairs, max_length=max_length))
    assert [pair.ids for pair in found] == [pair.ids for pair in expected]
    assert [pair.type_ids for pair in found] == [pair.type_ids for pair in expected]
    lengths = [len(pair.ids) for pair in tokenizer().encode_batch(pairs)]
    assert [pair.n_cut for pair in found] == [max(0, length - max_length) for length in lengths]


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60))
def test_what_is_kept_fits_and_is_never_more_than_there_is(
    n_first: int, n_second: int, room: int
) -> None:
    first, second = longest_first(n_first, n_second, room)
    assert first + second == min(n_first + n_second, room)
    assert (first <= n_first, second <= n_second) == (True, True)


@given(TEXTS, st.integers(4, 12))
def test_what_a_template_puts_at_the_end_is_never_cut(text: str, max_length: int) -> None:
    ours = TextTokenizer(
        tokenizer(), pad_id=0, fill_id=None, pads_left=False, cuts_left=False, input_names=()
    )
    whole = ours.ids(f"{text} g h")
    (found,) = ours.encode_rendered([f"{text} g h"], max_length=max_length, suffix=whole[-2:])
    assert found.ids[-2:] == whole[-2:]
    assert found.n_cut == max(0, len(whole) - max_length) == len(whole) - len(found.ids)
    kept = len(found.ids) - 2
    assert found.ids[:kept] == whole[:kept]


def test_one_pair_and_several() -> None:
    one: Any = ["a", "b"]
    assert list(each_pair(("a", "b"))) == list(each_pair(one)) == [("a", "b")]
    several: Any = [["a", "b"], ("c", "d")]
    assert list(each_pair(several)) == [("a", "b"), ("c", "d")]
    assert list(each_pair(iter([("a", "b")]))) == [("a", "b")]
    assert list(each_pair([])) == []


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("ab", "got a single text"),
        ([("a",)], "the pair at index 0 is of 1 part"),
        ([("a", "b"), 3], "the pair at index 1 is of type int"),
        ([("a", None)], "the second text of the pair at index 0 is None; expected str"),
    ],
)
def test_what_is_no_pair_is_refused(pairs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        list(each_pair(pairs))


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="the first text of the pair at index 0 holds half"):
        list(each_pair([("\ud800", "b")]))


def written(messages: Any) -> str:
    return (
        " ".join(f"{message['role']}: {message['content']}" for message in messages) + " end of it"
    )


def test_a_template_is_given_the_roles_of_a_pair() -> None:
    template = PairTemplate(written, structured=False)
    assert template.text(("q", "d"), None) == "query: q document: d end of it"
    assert template.text(("q", "d"), "s") == "system: s query: q document: d end of it"
    assert template.drops() == ()
    parts = PairTemplate(written, structured=True).text(("q", "d"), None)
    assert "query: [{'type': 'text', 'text': 'q'}]" in parts


def test_the_end_of_a_template_is_what_all_pairs_share() -> None:
    words: dict[str, int] = {}

    def tokenize(text: str) -> list[int]:
        return [words.setdefault(word, len(words)) for word in text.split()]

    template = PairTemplate(written, structured=False)
    assert template.suffix(tokenize, None) == tokenize("end of it")


def test_a_template_that_drops_a_role_is_noticed() -> None:
    def queries(messages: Any) -> str:
        kept: list[Message] = [found for found in messages if found["role"] == "query"]
        return str(kept)

    assert PairTemplate(queries, structured=False).drops() == ("document",)


def test_special_tokens_around_two_texts_are_read_off_one_pair() -> None:
    layout = PairLayout.read(
        [1, 8, 9, 2, 7, 2], [0, 0, 0, 0, 1, 1], [1, 0, 0, 1, 0, 1], ([8, 9], [7])
    )
    assert layout.n_special == 3
    assert layout.join([5], [6, 6]) == ([1, 5, 2, 6, 6, 2], [0, 0, 0, 1, 1, 1])
    assert layout.join([], []) == ([1, 2, 2], [0, 0, 1])
    bare = PairLayout.read([8, 7], [0, 0], [0, 0], ([8], [7]))
    assert bare.join([5], [6]) == ([5, 6], [0, 0])


@pytest.mark.parametrize(
    ("ids", "special", "message"),
    [
        ([7, 8], [0, 0], "expected the first, then the second"),
        ([8, 2], [0, 1], "expected the first, then the second"),
        ([8, 2, 9, 7], [0, 1, 0, 0], "special tokens stand within a text"),
    ],
)
def test_layouts_that_are_unknown_are_refused(
    ids: list[int], special: list[int], message: str
) -> None:
    first = [8, 9] if len(ids) == 4 else [8]
    with pytest.raises(ValueError, match=message):
        PairLayout.read(ids, [0] * len(ids), special, (first, [7]))
