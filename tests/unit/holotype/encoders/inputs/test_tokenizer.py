"""Texts as tokens: special tokens around them, and what is cut off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Sequence, Split, WhitespaceSplit
from tokenizers.processors import (
    BertProcessing,
    PostProcessor,
    RobertaProcessing,
    TemplateProcessing,
)

from holotype.encoders.inputs.static_tokenizer import StaticTokenizer
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.errors import CheckpointError

SPECIAL = [("[C]", 1), ("[S]", 2)]
AROUND: dict[str, PostProcessor | None] = {
    "both sides": TemplateProcessing(single="[C] $A [S]", pair="$A $B", special_tokens=SPECIAL),
    "segments": TemplateProcessing(single="$A:1 [S]:0 [C]:2", pair="$A $B", special_tokens=SPECIAL),
    "two before": TemplateProcessing(single="[C] [C] $A", pair="$A $B", special_tokens=SPECIAL),
    "bert": BertProcessing(SPECIAL[1], SPECIAL[0]),
    "roberta": RobertaProcessing(SPECIAL[1], SPECIAL[0]),
    "none": None,
}


def tokenizer(around: str, words: str = "abcdefgh") -> Tokenizer:
    vocabulary = ["[P]", "[C]", "[S]", *words]
    made = Tokenizer(WordLevel({word: at for at, word in enumerate(vocabulary)}, unk_token="[P]"))
    made.pre_tokenizer = WhitespaceSplit()
    if AROUND[around] is not None:
        made.post_processor = AROUND[around]
    return made


def wrap(made: Tokenizer, *, left: bool = False) -> TextTokenizer:
    return TextTokenizer(
        made, pad_id=0, fill_id=None, pads_left=False, cuts_left=left, input_names=()
    )


@given(
    around=st.sampled_from(sorted(AROUND)),
    texts=st.lists(st.lists(st.sampled_from("abcdefgh?"), max_size=14).map(" ".join), max_size=5),
    max_length=st.none() | st.integers(3, 20),
    left=st.booleans(),
)
def test_texts_are_cut_as_the_tokenizers_library_cuts_them(
    around: str, texts: list[str], max_length: int | None, left: bool
) -> None:
    theirs = tokenizer(around)
    if max_length is not None:
        theirs.enable_truncation(max_length, direction="left" if left else "right")
    expected = theirs.encode_batch(texts)
    found = list(wrap(tokenizer(around), left=left).encode(texts, max_length=max_length))
    assert [text.ids for text in found] == [text.ids for text in expected]
    assert [text.type_ids for text in found] == [text.type_ids for text in expected]
    whole = [len(text.ids) for text in tokenizer(around).encode_batch(texts)]
    assert [text.n_cut for text in found] == [
        0 if max_length is None else max(0, length - max_length) for length in whole
    ]


def test_a_marker_stands_after_the_special_tokens_before_a_text() -> None:
    (found,) = wrap(tokenizer("both sides")).encode(["a b c d"], max_length=5, marker_id=9)
    assert (found.ids, found.type_ids, found.n_cut) == ([1, 9, 3, 4, 2], [0] * 5, 2)


def test_special_tokens_are_told_apart_by_a_vocabulary_without_the_letter_a() -> None:
    made = tokenizer("both sides", "xyz")
    made.pre_tokenizer = Sequence([Split(Regex("[^xy]"), "removed"), WhitespaceSplit()])
    (found,) = wrap(made).encode(["a x a y"], max_length=3)
    assert (found.ids, found.n_cut) == ([1, 3, 2], 1)


@pytest.mark.parametrize("single", ["$A [S] $A:1", "[C] $A [S] $A"])
def test_special_tokens_within_a_text_are_refused(single: str) -> None:
    made = tokenizer("none")
    made.post_processor = TemplateProcessing(single=single, pair="$A $B", special_tokens=SPECIAL)
    with pytest.raises(CheckpointError, match=r"post_processor cannot be followed: .* of the text"):
        wrap(made)


def test_the_library_does_not_cut() -> None:
    """It keeps what it cuts off and works through it, while no other thread can run."""
    encoding: Any = SimpleNamespace(ids=[3] * 1000)
    found = wrap(tokenizer("both sides"))._finish(encoding, 6, None)
    assert (found.ids, found.n_cut) == ([1, *[3] * 6, 2], 994)


@pytest.mark.parametrize("is_static", [False, True])
def test_tokens_have_their_texts_and_places(is_static: bool) -> None:
    made = tokenizer("none")
    ours = StaticTokenizer(made, cuts_left=False, is_model2vec=False) if is_static else wrap(made)
    found = ours.tokens("a ? b", special_tokens=True)
    assert [(each.text, each.start, each.end) for each in found] == [
        ("a", 0, 1),
        ("[P]", 2, 3),
        ("b", 4, 5),
    ]
