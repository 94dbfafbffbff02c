"""Tokenizers that are read without transformers: the same tokens as with it."""

from __future__ import annotations

import gc
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import transformers
from tests.runtime.conftest import TEXTS
from tests.runtime.heads import classifier_record, cross_encoder_record, save_head
from tests.runtime.parity import change, write
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

from holotype.encoders import load
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_classes import (
    ALWAYS_OF_ARCHITECTURE,
    GENERIC,
    OF_ARCHITECTURE,
    SPECIAL_TOKENS,
    TOKENIZER_CLASSES,
    class_name,
)
from holotype.encoders.inputs.tokenizer_json import read_tokenizer, text_tokenizer
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.errors import (
    CheckpointError,
    TokenizationError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
)

NAMES = ("pad", "eos", "mask")
WORDS = "the query and the document of late interaction with text and tokens ñandú 中文 😀"
WORDPIECE = ("BertTokenizer", "DistilBertTokenizer", "MPNetTokenizer", "ElectraTokenizer")
BYTE_LEVEL = ("RobertaTokenizer", "DebertaTokenizer", "GPT2Tokenizer", "Qwen2Tokenizer")
UNIGRAM = (
    "AlbertTokenizer",
    "CamembertTokenizer",
    "DebertaV2Tokenizer",
    "T5Tokenizer",
    "XLMRobertaTokenizer",
)
MERGES = ("GemmaTokenizer", "LlamaTokenizer", "Siglip2Tokenizer")
WORD_ENDS = ("CLIPTokenizer",)


def _special(name: str) -> list[str]:
    known = TOKENIZER_CLASSES.get(name, TOKENIZER_CLASSES["BertTokenizer"]).tokens
    return list(dict.fromkeys(known.values()))


def _wordpiece(name: str) -> Any:
    letters = sorted(set(WORDS.replace(" ", "")))
    pieces = [*_special(name), *WORDS.split(), *letters, *("##" + letter for letter in letters)]
    return {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}


def _trained(kind: Any, trainer: Any, splitter: Any) -> Tokenizer:
    tokenizer = Tokenizer(kind)
    tokenizer.pre_tokenizer = splitter
    tokenizer.train_from_iterator([WORDS] * 4, trainer)
    return tokenizer


def _merged(name: str, splitter: Any, alphabet: list[str]) -> dict[str, Any]:
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=_special(name),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    trained = _trained(models.BPE(), trainer, splitter)
    file = json.loads(trained.to_str())["model"]
    return {"vocab": file["vocab"], "merges": [tuple(merge) for merge in file["merges"]]}


def _pieces(name: str) -> list[tuple[str, float]]:
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=_special(name), unk_token="<unk>", show_progress=False
    )
    trained = _trained(models.Unigram(), trainer, pre_tokenizers.Metaspace())
    found = sorted(trained.get_vocab().items(), key=lambda item: item[1])
    return [(piece, -float(at)) for at, (piece, _) in enumerate(found)]


def _word_ends(name: str) -> dict[str, Any]:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    merges = [("t", "h"), ("th", "e</w>"), ("a", "n"), ("an", "d</w>"), ("q", "u")]
    pieces = [*_special(name), *alphabet, *(f"{letter}</w>" for letter in alphabet)]
    pieces += [first + second for first, second in merges]
    return {"vocab": {piece: at for at, piece in enumerate(pieces)}, "merges": merges}


def make_tokenizer(name: str, folder: Path) -> Path:
    """Save a small tokenizer of a class, as transformers does."""
    cls: Any = getattr(transformers, name)
    if name in WORDPIECE:
        tokenizer = cls(vocab=_wordpiece(name))
    elif name in BYTE_LEVEL:
        splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer = cls(**_merged(name, splitter, pre_tokenizers.ByteLevel.alphabet()))
    elif name in UNIGRAM:
        tokenizer = cls(vocab=_pieces(name))
    elif name in WORD_ENDS:
        tokenizer = cls(**_word_ends(name))
    else:
        tokenizer = cls(**_merged(name, pre_tokenizers.Metaspace(), []))
    tokenizer.save_pretrained(folder)
    return folder


def of_transformers(folder: Path, *, lower_case: bool = False) -> TextTokenizer:
    """Return the tokenizer of a folder as transformers makes it."""
    theirs: Any = AutoTokenizer.from_pretrained(folder)
    return text_tokenizer(
        theirs.backend_tokenizer,
        location=str(folder),
        lower_case=lower_case,
        special_ids={f"{name}_token": getattr(theirs, f"{name}_token_id") for name in NAMES},
        all_special_ids=theirs.all_special_ids,
        pads_left=theirs.padding_side == "left",
        cuts_left=theirs.truncation_side == "left",
        input_names=tuple(theirs.model_input_names),
        cleans=False,
    )


def assert_same_texts(folder: Path, ours: TextTokenizer) -> None:
    """Assert that tokens become the texts that transformers makes of them."""
    several = [list(text.ids) for text in ours.encode([*TEXTS, *SENTENCES], max_length=None)]
    opened: Any = AutoTokenizer.from_pretrained(folder)
    theirs = opened.batch_decode(several, skip_special_tokens=True)
    # The class of CLIP takes the blanks around a text away, as captions have it of all.
    assert [text.strip() for text in ours.decode(several)] == [text.strip() for text in theirs]


SENTENCES = (
    "The query's text isn't a document , is it ? They're late ! I 've and we 'm .",
    "' quoted ' , n't and the query.",
)


def assert_equal(folder: Path, *, lower_case: bool = False) -> None:
    """Assert that a tokenizer comes to the same as transformers' own, also for pairs."""
    ours = read_tokenizer(Checkpoint(folder), lower_case=lower_case)
    theirs = of_transformers(folder, lower_case=lower_case)
    for field in ("pad_id", "fill_id", "pads_left", "input_names", "vocab_size"):
        assert getattr(ours, field) == getattr(theirs, field), field
    for max_length in (None, 12):
        assert list(ours.encode(TEXTS, max_length=max_length)) == list(
            theirs.encode(TEXTS, max_length=max_length)
        )
        pairs = list(zip(TEXTS, reversed(TEXTS), strict=True))
        assert list(ours.encode_pairs(pairs, max_length=max_length)) == list(
            theirs.encode_pairs(pairs, max_length=max_length)
        )
    if not lower_case:
        assert_same_texts(folder, ours)
    special = _special("BertTokenizer") + _special("RobertaTokenizer")
    assert [ours.token_id(token) for token in special] == [
        theirs.token_id(token) for token in special
    ]


@pytest.mark.parametrize("name", [*WORDPIECE, *BYTE_LEVEL, *UNIGRAM, *MERGES, *WORD_ENDS])
def test_tokens_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    folder = make_tokenizer(name, tmp_path)
    assert_equal(folder)
    assert_equal(folder, lower_case=True)


def test_a_real_tokenizer_from_an_older_library_is_read_alike(minilm_folder: Path) -> None:
    assert_equal(minilm_folder)


@pytest.mark.parametrize("name", [name for name in TOKENIZER_CLASSES if name != GENERIC])
def test_the_defaults_are_those_of_the_classes(name: str, tmp_path: Path) -> None:
    cls: Any = getattr(transformers, name)
    if name == "SiglipTokenizer":
        pytest.importorskip("sentencepiece")
    tokenizer = cls()
    known = TOKENIZER_CLASSES[name]
    theirs = {key: getattr(tokenizer, key) for key in SPECIAL_TOKENS}
    assert known.tokens == {key: token for key, token in theirs.items() if token is not None}
    assert list(known.input_names) == cls.model_input_names
    assert known.pads_left == (tokenizer.padding_side == "left")


ARCHITECTURES = sorted({*OF_ARCHITECTURE, *ALWAYS_OF_ARCHITECTURE})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_architectures_have_the_classes_that_transformers_gives_them(architecture: str) -> None:
    expected = TOKENIZER_MAPPING_NAMES[architecture] or GENERIC
    assert class_name(None, architecture) == class_name(expected, None)


Change = Callable[[Path], None]
CHANGES: dict[str, Change] = {
    "case kept": lambda folder: change(folder, "tokenizer_config.json", do_lower_case=False),
    "accents": lambda folder: change(folder, "tokenizer_config.json", strip_accents=False),
    "chinese": lambda folder: change(folder, "tokenizer_config.json", tokenize_chinese_chars=False),
    "sides": lambda folder: change(
        folder, "tokenizer_config.json", padding_side="left", truncation_side="left"
    ),
    "inputs": lambda folder: change(
        folder, "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"]
    ),
    "new special token": lambda folder: change(
        folder, "tokenizer_config.json", mask_token="<blank>"
    ),
    "old special token": lambda folder: change(
        folder, "tokenizer_config.json", pad_token={"__type": "AddedToken", "content": "query"}
    ),
    "map": lambda folder: write(
        folder, "special_tokens_map.json", {"mask_token": "text", "pad_token": {"content": "of"}}
    ),
    "added": lambda folder: change(
        folder,
        "tokenizer_config.json",
        added_tokens_decoder={"400": {"content": "late inter", "lstrip": True}},
    ),
    "no settings": lambda folder: (folder / "tokenizer_config.json").unlink(),
    "no class": lambda folder: change(folder, "tokenizer_config.json", tokenizer_class=None),
    "generic": lambda folder: change(
        folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast"
    ),
    "another architecture": lambda folder: write(
        folder, "config.json", {"model_type": "new-architecture"}
    ),
    "always generic": lambda folder: write(folder, "config.json", {"model_type": "modernbert"}),
}


FOUR = Path(__file__).parent.parent / "fixtures/made_by_transformers_4"
FOLDERS_OF_FOUR = sorted(folder.name for folder in FOUR.iterdir())
# Where transformers 5 gives other tokens to these files than transformers 4, which wrote them.
CHANGED_SINCE_FOUR = {
    "AlbertTokenizerFast": {
        "a blank behind ",
        " ",
        "lines\nand\ttabs\r\n",
        "[MASK] <mask> </s> [SEP]",
    },
    "CamembertTokenizerFast": {"lines\nand\ttabs\r\n"},
    "DebertaV2TokenizerFast": {"lines\nand\ttabs\r\n", "``quoted'' ﬁne"},
    "T5TokenizerFast": {"lines\nand\ttabs\r\n"},
    "XLMRobertaTokenizerFast": {"lines\nand\ttabs\r\n"},
}


@pytest.mark.parametrize("name", FOLDERS_OF_FOUR)
def test_files_that_transformers_4_wrote_are_read_as_transformers_5_reads_them(name: str) -> None:
    assert_equal(FOUR / name)
    assert_equal(FOUR / name, lower_case=True)


@pytest.mark.parametrize("name", FOLDERS_OF_FOUR)
def test_tokens_differ_from_those_of_transformers_4_only_where_this_is_known(name: str) -> None:
    known = json.loads((FOUR / name / "tokens.json").read_text(encoding="utf-8"))["texts"]
    ours = read_tokenizer(Checkpoint(FOUR / name), lower_case=False)
    found = zip(known, ours.encode(list(known), max_length=None), strict=True)
    changed = {text for text, tokens in found if tokens.ids != known[text]}
    assert changed == CHANGED_SINCE_FOUR.get(name, set())


MORE_CHANGES: dict[str, Change] = {
    "case": lambda folder: change(folder, "tokenizer_config.json", do_lower_case=True),
    "accents": lambda folder: change(folder, "tokenizer_config.json", keep_accents=True),
    "punctuation": lambda folder: change(folder, "tokenizer_config.json", split_by_punct=True),
    "no blank": lambda folder: change(folder, "tokenizer_config.json", add_prefix_space=False),
    "a blank": lambda folder: change(folder, "tokenizer_config.json", add_prefix_space=True),
    "split": lambda folder: change(folder, "tokenizer_config.json", split_special_tokens=True),
    "extra": lambda folder: change(
        folder, "tokenizer_config.json", extra_special_tokens=["late", "text"]
    ),
    "extra of old": lambda folder: change(
        folder,
        "tokenizer_config.json",
        extra_special_tokens=None,
        additional_special_tokens=["late", "of the"],
    ),
    "extra by name": lambda folder: change(
        folder, "tokenizer_config.json", extra_special_tokens={"image_token": "document"}
    ),
    "named": lambda folder: change(folder, "tokenizer_config.json", query_token="[Q]"),
    "map of old": lambda folder: of_old(
        folder,
        special_tokens_map={
            "mask_token": {"content": "text", "lstrip": True, "rstrip": False, "normalized": True},
            "additional_special_tokens": ["late", "and the"],
        },
    ),
    "added of old": lambda folder: of_old(folder, added_tokens={"[D]": 998, "of late": 997}),
    "nothing of old": lambda folder: of_old(folder),
    "no settings": lambda folder: (folder / "tokenizer_config.json").unlink(),
    "blanks": lambda folder: change(
        folder, "tokenizer_config.json", clean_up_tokenization_spaces=True
    ),
    "blanks kept": lambda folder: change(
        folder, "tokenizer_config.json", clean_up_tokenization_spaces=False
    ),
    "byte level": lambda folder: (
        change(folder, "tokenizer_config.json", tokenizer_class="LlamaTokenizer")
        if '"ByteLevel"' in (folder / "tokenizer.json").read_text(encoding="utf-8")
        else None
    ),
}


def of_old(folder: Path, **files: dict[str, Any]) -> None:
    """Let a folder say nothing in `added_tokens_decoder`, and the rest in files of old."""
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings.pop("added_tokens_decoder", None)
    for key in ("additional_special_tokens", "extra_special_tokens"):
        settings.pop(key, None)
    path.write_text(json.dumps(settings), encoding="utf-8")
    for name, values in files.items():
        write(folder, f"{name}.json", values)


@pytest.mark.parametrize("name", MORE_CHANGES)
@pytest.mark.parametrize("kind", FOLDERS_OF_FOUR)
def test_settings_count_in_every_class_as_in_transformers(
    kind: str, name: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(FOUR / kind, tmp_path / kind)
    MORE_CHANGES[name](folder)
    assert_equal(folder)


@pytest.mark.parametrize("name", CHANGES)
def test_settings_change_tokens_as_in_transformers(name: str, tmp_path: Path) -> None:
    folder = make_tokenizer("BertTokenizer", tmp_path)
    write(folder, "config.json", {"model_type": "bert"})
    CHANGES[name](folder)
    assert_equal(folder)


@pytest.mark.parametrize("key", ["do_lower_case", "keep_accents", "add_prefix_space"])
def test_null_is_no_where_transformers_takes_it_so(key: str, tmp_path: Path) -> None:
    folder = shutil.copytree(FOUR / "AlbertTokenizerFast", tmp_path / "albert")
    change(folder, "tokenizer_config.json", **{key: None})
    assert_equal(folder)


def test_a_file_that_puts_texts_in_lower_case_does_so_once(tmp_path: Path) -> None:
    folder = shutil.copytree(FOUR / "RobertaTokenizerFast", tmp_path / "roberta")
    change(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    steps = [{"type": "NFKC"}, {"type": "Lowercase"}]
    change(folder, "tokenizer.json", normalizer={"type": "Sequence", "normalizers": steps})
    # NFKC makes another letter of it than of its lower case.
    text = "\N{GREEK CAPITAL LUNATE SIGMA SYMBOL}"
    once, twice = (
        read_tokenizer(Checkpoint(folder), lower_case=lower_case).ids(text)
        for lower_case in (False, True)
    )
    assert once == twice


SENTENCE_PIECE = "XLMRobertaTokenizerFast"


@pytest.mark.parametrize("named", [None, "BertTokenizer", "BertTokenizerFast"])
def test_a_sentencepiece_file_of_a_bert_is_no_wordpiece(named: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "multilingual"
    folder.mkdir()
    shutil.copy(FOUR / SENTENCE_PIECE / "tokenizer.json", folder)
    write(folder, "config.json", {"model_type": "bert"})
    write(folder, "tokenizer_config.json", {"tokenizer_class": named, "do_lower_case": True})
    expected = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ours = read_tokenizer(Checkpoint(folder), lower_case=False)
    found = [text.ids for text in ours.encode(TEXTS, max_length=None)]
    assert found == [encoding.ids for encoding in expected.encode_batch(TEXTS)]
    assert ours.vocab_size == expected.get_vocab_size()
    assert ours.input_names == TOKENIZER_CLASSES["BertTokenizer"].input_names


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("BertTokenizerFast", "XLMRobertaTokenizer"),
        ("BertTokenizerFast", "RobertaTokenizer"),
        ("RobertaTokenizerFast", "BertTokenizer"),
        ("RobertaTokenizerFast", "GemmaTokenizer"),
        (SENTENCE_PIECE, "Qwen2Tokenizer"),
    ],
)
def test_a_file_decides_where_its_class_knows_another_kind_of_vocabulary(
    kind: str, named: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(FOUR / kind, tmp_path / kind)
    change(folder, "tokenizer_config.json", tokenizer_class=named)
    expected = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ours = read_tokenizer(Checkpoint(folder), lower_case=False)
    found = [text.ids for text in ours.encode(TEXTS, max_length=None)]
    assert found == [encoding.ids for encoding in expected.encode_batch(TEXTS)]


def test_a_file_decides_where_its_pieces_go_on_in_another_way(tmp_path: Path) -> None:
    folder = shutil.copytree(FOUR / "BertTokenizerFast", tmp_path / "bert")
    file = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = {piece.replace("##", "@@"): id for piece, id in file["model"]["vocab"].items()}
    file["model"] |= {"vocab": vocab, "continuing_subword_prefix": "@@"}
    write(folder, "tokenizer.json", file)
    ours = read_tokenizer(Checkpoint(folder), lower_case=False)
    assert [ours.token(id) for id in ours.ids("thet")] == ["the", "@@t"]


MODEL_CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "long words": ("BertTokenizerFast", {"max_input_chars_per_word": 5}),
    "another unknown token": ("BertTokenizerFast", {"unk_token": "the"}),
    "another unknown id": ("XLMRobertaTokenizerFast", {"unk_id": 7}),
    "another unknown id of T5": ("T5TokenizerFast", {"unk_id": 5}),
    "bytes": ("AlbertTokenizerFast", {"byte_fallback": True}),
    "fused": ("RobertaTokenizerFast", {"fuse_unk": True, "unk_token": "<unk>"}),
    "without merges": ("Qwen2TokenizerFast", {"ignore_merges": True}),
}


@pytest.mark.parametrize("name", MODEL_CHANGES)
def test_settings_of_the_vocabulary_count_as_in_transformers(name: str, tmp_path: Path) -> None:
    kind, values = MODEL_CHANGES[name]
    folder = shutil.copytree(FOUR / kind, tmp_path / kind)
    file = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    change(folder, "tokenizer.json", model=file["model"] | values)
    assert_equal(folder)


@pytest.mark.parametrize("name", FOLDERS_OF_FOUR)
def test_padding_and_cutting_of_a_file_change_no_tokens(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(FOUR / name, tmp_path / name)
    before = list(read_tokenizer(Checkpoint(folder), lower_case=False).encode(TEXTS, max_length=9))
    file = Tokenizer.from_file(str(folder / "tokenizer.json"))
    file.enable_padding(length=40)
    file.enable_truncation(4)
    file.save(str(folder / "tokenizer.json"))
    ours = read_tokenizer(Checkpoint(folder), lower_case=False)
    assert list(ours.encode(TEXTS, max_length=9)) == before


def test_equal_files_have_one_tokenizer_and_say_where_each_lies(tmp_path: Path) -> None:
    folders = [shutil.copytree(FOUR / "BertTokenizerFast", tmp_path / name) for name in "ab"]
    (folders[1] / "README.md").write_text("another file", encoding="utf-8")
    one, other = (read_tokenizer(Checkpoint(folder), lower_case=False) for folder in folders)
    assert one._tokenizer is other._tokenizer
    assert [Path(each.location).parent for each in (one, other)] == folders
    # It lives as long as one of them does.
    del one
    gc.collect()
    third = read_tokenizer(Checkpoint(folders[0]), lower_case=False)
    assert third._tokenizer is other._tokenizer


def test_every_file_that_is_read_decides_which_tokenizer_it_is(tmp_path: Path) -> None:
    folder = shutil.copytree(FOUR / "BertTokenizerFast", tmp_path / "tokenizer")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del settings["added_tokens_decoder"]
    write(folder, "tokenizer_config.json", settings)
    read = [
        read_tokenizer(Checkpoint(folder), lower_case=lower_case) for lower_case in (False, True)
    ]
    for file, values in (
        ("tokenizer_config.json", settings | {"padding_side": "left"}),
        ("special_tokens_map.json", {"mask_token": "[SEP]"}),
        ("added_tokens.json", {"[NEW]": 9_999}),
        ("config.json", {"type_vocab_size": 7}),
    ):
        write(folder, file, values)
        read.append(read_tokenizer(Checkpoint(folder), lower_case=False))
    assert len({id(each._tokenizer) for each in read}) == len(read)


@pytest.mark.parametrize("name", FOLDERS_OF_FOUR)
def test_torch_reads_what_every_backend_reads(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any, **options: Any) -> None:
        raise AssertionError("tokenizer.json is read without transformers")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", refuse)
    ours, theirs = (
        read(Checkpoint(FOUR / name), lower_case=False) for read in (load_tokenizer, read_tokenizer)
    )
    assert list(ours.encode(TEXTS, max_length=None)) == list(theirs.encode(TEXTS, max_length=None))


def test_a_class_that_is_not_known_runs_on_torch(tmp_path: Path) -> None:
    folder = shutil.copytree(FOUR / "GPT2TokenizerFast", tmp_path / "neox")
    change(folder, "tokenizer_config.json", tokenizer_class="GPTNeoXTokenizer")
    ours = load_tokenizer(Checkpoint(folder), lower_case=False)
    theirs = of_transformers(folder)
    assert list(ours.encode(TEXTS, max_length=None)) == list(theirs.encode(TEXTS, max_length=None))


def _words(folder: Path) -> None:
    vocab = _wordpiece("BertTokenizer")
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    write(folder, "config.json", {"model_type": "bert"})


def _merges(folder: Path) -> None:
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found = _merged("RobertaTokenizer", splitter, pre_tokenizers.ByteLevel.alphabet())
    write(folder, "vocab.json", found["vocab"])
    merges = "\n".join(" ".join(merge) for merge in found["merges"])
    (folder / "merges.txt").write_text(merges, encoding="utf-8")
    write(folder, "config.json", {"model_type": "roberta"})


@pytest.mark.parametrize("make", [_words, _merges])
def test_other_vocabularies_are_what_an_export_of_them_is(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    ours = load_tokenizer(Checkpoint(tmp_path), lower_case=False)
    theirs = of_transformers(tmp_path)
    assert list(ours.encode(TEXTS, max_length=None)) == list(theirs.encode(TEXTS, max_length=None))
    assert not (tmp_path / "tokenizer.json").exists()
    made: Any = AutoTokenizer.from_pretrained(tmp_path)
    made.save_pretrained(tmp_path)
    exported = read_tokenizer(Checkpoint(tmp_path), lower_case=False)
    assert list(exported.encode(TEXTS, max_length=None)) == list(
        ours.encode(TEXTS, max_length=None)
    )


@pytest.mark.parametrize("architecture", ["gpt2", "t5", "xlm-roberta", "deberta-v2"])
def test_a_vocabulary_that_the_class_does_not_read_is_refused(
    architecture: str, tmp_path: Path
) -> None:
    _words(tmp_path)
    write(tmp_path, "config.json", {"model_type": architecture})
    with pytest.raises(CheckpointError, match=r"its tokenizer \w+ reads .*; found vocab\.txt"):
        load_tokenizer(Checkpoint(tmp_path), lower_case=False)


def test_a_file_of_special_tokens_alone_is_refused(tmp_path: Path) -> None:
    make: Any = transformers.RobertaTokenizer
    make().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="a vocabulary of special tokens alone"):
        read_tokenizer(Checkpoint(tmp_path), lower_case=False)


def test_words_that_were_added_are_a_vocabulary(tmp_path: Path) -> None:
    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.add_special_tokens(["[UNK]"])
    made.add_tokens(["A", "C"])
    made.save(str(tmp_path / "tokenizer.json"))
    assert read_tokenizer(Checkpoint(tmp_path), lower_case=False).ids("CA") == [2, 1]


@pytest.mark.parametrize("name", ["spm.model", "sentencepiece.model", "spiece.model"])
def test_a_vocabulary_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x0enot pieces")
    classes = {"spm.model": "DebertaV2Tokenizer", "sentencepiece.model": "RemBertTokenizer"}
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": classes.get(name, "T5Tokenizer")})
    with pytest.raises(CheckpointError, match=rf"its tokenizer \({re.escape(name)}\) cannot be"):
        load_tokenizer(Checkpoint(tmp_path), lower_case=False)


def test_pieces_of_deberta_are_read(tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    (tmp_path / "corpus.txt").write_text((WORDS + "\n") * 30, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "corpus.txt"),
        model_prefix=str(tmp_path / "spm"),
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": "DebertaV2Tokenizer"})
    ours = load_tokenizer(Checkpoint(tmp_path), lower_case=False)
    theirs = of_transformers(tmp_path)
    assert list(ours.encode(TEXTS, max_length=None)) == list(theirs.encode(TEXTS, max_length=None))


def test_padding_and_cutting_of_the_file_are_noticed_and_turned_off(tmp_path: Path) -> None:
    folder = make_tokenizer("BertTokenizer", tmp_path / "bert")
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.enable_padding(direction="left", pad_id=7, pad_token="the", length=40)
    backend.enable_truncation(8, direction="left")
    generic: Any = PreTrainedTokenizerFast
    wrapper = generic(tokenizer_object=backend)
    wrapper.save_pretrained(tmp_path / "generic")
    assert_equal(tmp_path / "generic")
    ours = read_tokenizer(Checkpoint(tmp_path / "generic"), lower_case=False)
    assert len(next(iter(ours.encode(["the " * 50], max_length=None))).ids) > 40


def test_without_tokenizer_json_transformers_is_needed(tmp_path: Path) -> None:
    folder = make_tokenizer("BertTokenizer", tmp_path)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UnsupportedCheckpointError, match="transformers only"):
        read_tokenizer(Checkpoint(folder), lower_case=False)


def test_an_unknown_class_is_an_error(tmp_path: Path) -> None:
    folder = make_tokenizer("BertTokenizer", tmp_path)
    change(folder, "tokenizer_config.json", tokenizer_class="EsmTokenizer")
    with pytest.raises(UnsupportedCheckpointError, match=r"'EsmTokenizer'.*BertTokenizer"):
        read_tokenizer(Checkpoint(folder), lower_case=False)


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    folder = make_tokenizer("BertTokenizer", tmp_path)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="cannot be read as a tokenizer"):
        read_tokenizer(Checkpoint(folder), lower_case=False)


def test_code_of_the_checkpoint_is_never_run(tmp_path: Path) -> None:
    folder = make_tokenizer("BertTokenizer", tmp_path)
    change(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["code.Own", None]})
    with pytest.raises(UnsafeCheckpointError):
        read_tokenizer(Checkpoint(folder), lower_case=False)
    with pytest.raises(UnsupportedCheckpointError, match="only transformers can run"):
        read_tokenizer(Checkpoint(folder, policy="run"), lower_case=False)


def test_neither_transformers_nor_torch_is_imported() -> None:
    code = (
        "import sys, holotype.encoders.inputs.tokenizer_json; "
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def shorten(folder: Path, n_bytes: int) -> None:
    """Keep only the beginning of `tokenizer.json`."""
    path = folder / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:n_bytes])


BROKEN_RERANKERS: dict[str, Change] = {
    "empty file": lambda folder: shorten(folder, 0),
    "cut off": lambda folder: shorten(folder, 500),
    "no vocabulary": lambda folder: change(
        folder, "tokenizer.json", model={"type": "BPE", "vocab": {}, "merges": []}
    ),
    "a step of a newer library": lambda folder: change(
        folder, "tokenizer.json", pre_tokenizer={"type": "LaterPreTokenizer"}
    ),
    "settings that are a list": lambda folder: write(folder, "tokenizer_config.json", []),
    "a token that is a number": lambda folder: change(folder, "tokenizer_config.json", pad_token=7),
    "special tokens that are a list": lambda folder: change(
        folder, "tokenizer_config.json", added_tokens_decoder=[]
    ),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
}


@pytest.mark.parametrize("damage", BROKEN_RERANKERS)
def test_the_damaged_tokenizer_of_a_reranker_is_named(damage: str, tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=1)
    BROKEN_RERANKERS[damage](folder)
    with pytest.raises(CheckpointError, match=r"tokenizer.*expected"):
        load(cross_encoder_record(), checkpoint=folder, device="cpu")


def test_a_classifier_tells_which_of_texts_and_pairs_its_tokenizer_fails_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=2)
    classifier = load(classifier_record(), checkpoint=folder, device="cpu")
    encodings = TextTokenizer._encode_batch

    def failing(tokenizer: TextTokenizer, texts: Sequence[str]) -> Any:
        if any("!" in text for text in texts):
            raise ValueError("a panic")
        return encodings(tokenizer, texts)

    monkeypatch.setattr(TextTokenizer, "_encode_batch", failing)
    inputs: list[tuple[int, list[str | tuple[str, str]]]] = [
        (2, ["a", ("b", "c"), "d!"]),
        (1, ["a", ("b", "c!"), "d"]),
    ]
    for at, texts in inputs:
        with pytest.raises(TokenizationError, match=f"index {at}: a panic"):
            classifier.classify(texts)
    with pytest.raises(TokenizationError, match="index 1: a panic"):
        classifier.count_tokens(["a", "b!"])
