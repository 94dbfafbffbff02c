"""Tokenizers that are damaged, or fail at a text: an error that names the file or the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.static_tokenizer import StaticTokenizer
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_json import open_tokenizer, read_tokenizer
from holotype.errors import CheckpointError, TokenizationError

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b")
FILE: dict[str, Any] = {
    "version": "1.0",
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {word: at for at, word in enumerate(WORDS)},
    },
}
PAIRED: dict[str, Any] = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
    "special_tokens": {},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tokenizer.json").write_text(json.dumps(FILE))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    return tmp_path


def read(folder: Path) -> TextTokenizer:
    return read_tokenizer(Checkpoint(folder), lower_case=False)


def with_model(**values: Any) -> str:
    return json.dumps(FILE | {"model": FILE["model"] | values})


DAMAGED_FILES = {
    "empty": "",
    "no object": "[]",
    "nothing in it": "{}",
    "cut off": json.dumps(FILE)[:200],
    "nested too deeply": "[" * 10_000,
    "no vocabulary": with_model(vocab={}),
    "words without ids": with_model(vocab=list(WORDS)),
    "ids of other kinds": with_model(vocab={"a": "one"}),
    "an id of very many digits": json.dumps(FILE).replace(": 5", ": " + "5" * 5000),
    "an id that is negative": with_model(vocab={"a": -1}),
    "another kind of model": with_model(type="LaterModel"),
    "a step of a newer library": json.dumps(FILE | {"normalizer": {"type": "LaterNormalizer"}}),
    "a pattern that is none": json.dumps(
        FILE
        | {
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"Regex": "(["},
                "behavior": "Isolated",
                "invert": False,
            }
        }
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_FILES)
def test_a_damaged_file_is_named(damage: str, folder: Path) -> None:
    (folder / "tokenizer.json").write_text(DAMAGED_FILES[damage])
    for open_file in (read, lambda folder: open_tokenizer(Checkpoint(folder))):
        with pytest.raises(CheckpointError, match=r"tokenizer\.json: .*expected"):
            open_file(folder)


def test_the_file_of_a_newer_library_tells_what_to_update(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(DAMAGED_FILES["a step of a newer library"])
    with pytest.raises(CheckpointError, match=r"by tokenizers \d+\..*update tokenizers"):
        read(folder)


DAMAGED_SETTINGS: dict[str, dict[str, Any]] = {
    "a class": {"tokenizer_class": 5},
    "a token": {"cls_token": 5},
    "an empty token": {"cls_token": ""},
    "a token without a text": {"mask_token": {"lstrip": True}},
    "a token with another flag": {"mask_token": {"content": "[MASK]", "lstrip": "yes"}},
    "no token at the beginning": {"cls_token": None},
    "case": {"do_lower_case": "yes"},
    "accents": {"strip_accents": 1},
    "a side": {"padding_side": 3},
    "inputs": {"model_input_names": "input_ids"},
    "inputs of other kinds": {"model_input_names": [1]},
    "a list of added tokens": {"added_tokens_decoder": ["[Q]"]},
    "ids that are words": {"added_tokens_decoder": {"one": {"content": "[Q]"}}},
    "an id of very many digits": {"added_tokens_decoder": {"5" * 5000: {"content": "[Q]"}}},
    "an added token without a text": {"added_tokens_decoder": {"7": {"special": True}}},
    "added tokens that are texts": {"added_tokens_decoder": {"7": "[Q]"}},
    "more tokens": {"extra_special_tokens": "[Q]"},
    "more tokens of other kinds": {"additional_special_tokens": [7]},
}


@pytest.mark.parametrize("damage", DAMAGED_SETTINGS)
def test_a_damaged_setting_is_named(damage: str, folder: Path) -> None:
    settings = {"tokenizer_class": "BertTokenizer"} | DAMAGED_SETTINGS[damage]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json: .*expected"):
        read(folder)


@pytest.mark.parametrize("name", ["special_tokens_map.json", "added_tokens.json"])
@pytest.mark.parametrize(
    "text", ["", "[]", '{"mask_token": 5.5}', '{"": 7}', '{"mask_token": ' + "5" * 5000 + "}"]
)
def test_a_damaged_file_of_special_tokens_is_named(name: str, text: str, folder: Path) -> None:
    if '""' in text and name == "special_tokens_map.json":
        text = '{"mask_token": ""}'
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        read(folder)


class PanicException(BaseException):
    """What the tokenizers library raises where its Rust code panics: no `Exception`."""


def failing(tokenizer: Any, error: BaseException) -> Any:
    """Return a tokenizer of the library that fails at texts with a sign, as real ones do."""

    def encode_batch(texts: Sequence[str], **options: Any) -> Any:
        if any("!" in text for text in texts):
            raise error
        return tokenizer.encode_batch(texts, **options)

    return SimpleNamespace(
        encode=tokenizer.encode,
        encode_batch=encode_batch,
        encode_batch_fast=encode_batch,
        post_process=tokenizer.post_process,
    )


Encode: TypeAlias = Callable[[TextTokenizer, list[str]], Any]
ENCODE: dict[str, Encode] = {
    "encode": lambda tokenizer, texts: tokenizer.encode(texts, max_length=9),
    "bare": lambda tokenizer, texts: tokenizer.encode_bare(texts, max_length=9),
    "rendered": lambda tokenizer, texts: tokenizer.encode_rendered(texts, max_length=9),
    "pairs": lambda tokenizer, texts: tokenizer.encode_pairs(
        [("a", text) for text in texts], max_length=9
    ),
}
TEXTS = ["a"] * 700 + ["b!"] + ["a"] * 50


@pytest.mark.parametrize("error", [PanicException("a panic"), ValueError("a panic")])
@pytest.mark.parametrize("way", ENCODE)
def test_a_failure_tells_which_text_it_was(
    way: str, error: BaseException, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = read(folder)
    monkeypatch.setattr(tokenizer, "_tokenizer", failing(tokenizer._tokenizer, error))
    with pytest.raises(TokenizationError, match=r"tokenizer\.json.*index 700: a panic") as found:
        list(ENCODE[way](tokenizer, TEXTS))
    assert found.value.index == 700
    assert found.value.location == str(folder / "tokenizer.json")


def test_a_pattern_that_backtracks_without_end_tells_which_text_it_was(folder: Path) -> None:
    """The library gives up on such a text in a panic of its Rust code."""
    pattern = {"type": "Split", "pattern": {"Regex": "(?:a|aa)+$"}}
    splitting = FILE | {"pre_tokenizer": pattern | {"behavior": "Isolated", "invert": False}}
    (folder / "tokenizer.json").write_text(json.dumps(splitting))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "TokenizersBackend"}')
    with pytest.raises(TokenizationError, match="retry-limit-in-match") as found:
        list(read(folder).encode(["a", "a" * 60 + "!", "b"], max_length=9))
    assert found.value.index == 1


def static() -> StaticTokenizer:
    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return StaticTokenizer(tokenizer, cuts_left=False, is_model2vec=True)


def test_a_failure_of_a_static_model_tells_which_text_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = static()
    panicking = failing(tokenizer._tokenizer, PanicException("a panic"))
    monkeypatch.setattr(tokenizer, "_tokenizer", panicking)
    with pytest.raises(TokenizationError, match="index 700: a panic"):
        list(tokenizer.encode(TEXTS, max_length=9))


@pytest.mark.parametrize("way", ENCODE)
def test_an_interruption_passes(way: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = read(folder)
    monkeypatch.setattr(tokenizer, "_tokenizer", failing(tokenizer._tokenizer, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        list(ENCODE[way](tokenizer, TEXTS))


def test_texts_after_a_failure_are_read_as_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = read(folder)
    before = list(tokenizer.encode(["a b"], max_length=None))
    panicking = failing(tokenizer._tokenizer, PanicException("a panic"))
    monkeypatch.setattr(tokenizer, "_tokenizer", panicking)
    with pytest.raises(TokenizationError):
        list(tokenizer.encode(["b!"], max_length=None))
    assert list(tokenizer.encode(["a b"], max_length=None)) == before


def test_a_tokenizer_that_drops_the_second_text_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(json.dumps(FILE | {"post_processor": PAIRED}))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "TokenizersBackend"}')
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: .*cannot put two texts together"):
        list(read(folder).encode_pairs([("a", "b")], max_length=9))


def test_a_word_without_a_token_for_the_unknown_tells_which_text_it_was(folder: Path) -> None:
    vocab = {word: at for at, word in enumerate(WORDS) if word != "[UNK]"}
    (folder / "tokenizer.json").write_text(with_model(vocab=vocab))
    with pytest.raises(TokenizationError, match=r"index 1: .*UNK"):
        list(read(folder).encode(["a", "z"], max_length=None))


def around(*parts: dict[str, Any], ids: Sequence[int] = (2,)) -> dict[str, Any]:
    """A post-processor that makes these parts of one text."""
    special = {"id": "[CLS]", "ids": list(ids), "tokens": ["[CLS]"] * len(ids)}
    pair = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    return {
        "type": "TemplateProcessing",
        "single": list(parts),
        "pair": pair,
        "special_tokens": {"[CLS]": special},
    }


TEXT, SPECIAL = (
    {"Sequence": {"id": "A", "type_id": 0}},
    {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
)
REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 200}
HARMFUL: dict[str, tuple[dict[str, Any], str]] = {
    "the text twice": ({"post_processor": around(TEXT, TEXT)}, "expected the text once"),
    "no text": ({"post_processor": around(SPECIAL)}, "expected the text once"),
    "a token that is not there": (
        {"post_processor": around(SPECIAL, TEXT, ids=[999])},
        r"adds the token ids \[999\], which its vocabulary lacks",
    ),
    "a segment that is not there": (
        {"post_processor": around({"Sequence": {"id": "A", "type_id": 9}})},
        "gives tokens the segment 9, but the model has only 2",
    ),
    "texts of endless length": (
        {"normalizer": {"type": "Sequence", "normalizers": [REPLACE] * 2}},
        "can make a text 40,000 times as long",
    ),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_tokenizer_that_makes_something_else_of_a_text_is_refused(
    folder: Path, name: str
) -> None:
    changes, message = HARMFUL[name]
    settings = {"model_input_names": ["input_ids", "token_type_ids"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text('{"type_vocab_size": 2}')
    (folder / "tokenizer.json").write_text(json.dumps(FILE | changes))
    with pytest.raises(CheckpointError, match=message):
        read(folder)
