"""What the tokenizer classes of transformers 5 make anew around a vocabulary.

Most of them take only the vocabulary, the added tokens and sometimes the special tokens around a
text from `tokenizer.json`. They make everything else themselves, and so it is made here: see
`tokenizer_steps`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.processors import TemplateProcessing

from holotype.encoders.inputs.tokenizer_steps import (
    PREFIX,
    WORD_END,
    Stated,
    Steps,
    albert,
    byte_level,
    clip,
    deberta,
    deberta_v2,
    gemma,
    llama,
    mpnet,
    qwen2,
    roberta,
    siglip2,
    t5,
    wordpiece,
    xlm_roberta,
)

ModelKind: TypeAlias = Literal["wordpiece", "unigram", "byte-level", "bpe", "words"]
"""The vocabularies that the classes know."""

# What transformers takes, whatever the file says.
_MAX_CHARACTERS = 100
# In a string, these quotation marks would be escaped.
_UNKNOWN_ID = re.compile(rb'"unk_id"\s*:\s*(\d+)')
_BYTE_FALLBACK = re.compile(rb'"byte_fallback"\s*:\s*true')


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How a class makes a tokenizer of a vocabulary.

    Attributes:
        kind: the vocabularies that it knows.
        steps: what it makes around them.
        unknown_id: the id of what is unknown to a Unigram vocabulary, whatever the file says.
        names_unknown: whether a vocabulary of merges has a token for what is unknown.
    """

    kind: ModelKind
    steps: Callable[[Stated], Steps]
    unknown_id: Callable[[Stated], int] | None = None
    names_unknown: bool = False


def fits(kind: ModelKind, stated: Stated) -> bool:
    """Return whether the vocabulary of a file is of the kind that a class knows.

    transformers takes it for that kind in any case, and so gets tokens that nobody trained.
    """
    model = stated.file.model
    if isinstance(model, WordPiece):
        return kind == "wordpiece" and model.continuing_subword_prefix == PREFIX
    if isinstance(model, Unigram):
        return kind == "unigram"
    if not isinstance(model, BPE) or model.continuing_subword_prefix:
        return False
    if model.end_of_word_suffix:
        return kind == "words" and model.end_of_word_suffix == WORD_END
    return kind == ("byte-level" if stated.byte_level else "bpe")


def make_tokenizer(making: Making, stated: Stated) -> Tokenizer:
    """Put the vocabulary of a file into the steps of a class; added tokens are not in it yet."""
    steps = making.steps(stated)
    tokenizer = Tokenizer(_model(making, stated))
    if steps.normalizer is not None:
        tokenizer.normalizer = steps.normalizer
    tokenizer.pre_tokenizer = steps.splitter
    tokenizer.decoder = steps.decoder
    return tokenizer


def set_special_tokens(making: Making | None, stated: Stated, tokenizer: Tokenizer) -> None:
    """Set what puts special tokens around a text; the tokenizer must have their ids by now."""
    processor = None if making is None else making.steps(stated).processor
    found = stated.file.post_processor if processor is None else processor(stated, tokenizer)
    plain = TemplateProcessing(single="$A:0", pair="$A:0 $B:1", special_tokens=[])
    tokenizer.post_processor = found or plain


def _model(making: Making, stated: Stated) -> WordPiece | Unigram | BPE:
    model: WordPiece | Unigram | BPE = stated.file.model
    unknown = stated.tokens.get("unk_token")
    if isinstance(model, Unigram):
        return _unigram(model, making, stated)
    if isinstance(model, WordPiece):
        model.max_input_chars_per_word = _MAX_CHARACTERS
        # Where the vocabulary has no such token, a word that is not known would be an error.
        if unknown is not None and model.token_to_id(unknown) is not None:
            model.unk_token = unknown
        return model
    model.dropout = None
    model.unk_token = unknown if making.names_unknown else None
    model.fuse_unk = model.byte_fallback = making.kind == "bpe"
    model.ignore_merges = False
    return model


def _unigram(model: Unigram, making: Making, stated: Stated) -> Unigram:
    found = _UNKNOWN_ID.search(stated.content)
    own = int(found[1]) if found else None
    unknown_id = own if making.unknown_id is None else making.unknown_id(stated)
    if own == unknown_id and not _BYTE_FALLBACK.search(stated.content):
        return model
    described = json.loads(model.__getstate__())
    return Unigram([(piece, score) for piece, score in described["vocab"]], unknown_id, False)


def _fixed(id: int) -> Callable[[Stated], int]:
    """Return what says that the unknown has an id, as the classes of old models do."""
    return lambda stated: id


def _id_of_unknown(stated: Stated) -> int:
    """Return the id of the token for what is unknown, the first of all where it is none."""
    unknown = stated.tokens.get("unk_token")
    return (None if unknown is None else stated.file.model.token_to_id(unknown)) or 0


def _id_of_unscored_unknown(stated: Stated) -> int:
    """Return the id of the token for what is unknown, as DeBERTa v2 finds it: by its score, 0."""
    token = re.escape(json.dumps(stated.tokens.get("unk_token"), ensure_ascii=False).encode())
    if re.search(rb"\[\s*" + token + rb"\s*,\s*-?0(\.0*)?\s*\]", stated.content):
        return _id_of_unknown(stated)
    own = stated.settings.integer("unk_id")
    return own.value if own else 1


MAKINGS: Mapping[str, Making] = {
    "BertTokenizer": Making(kind="wordpiece", steps=wordpiece),
    "DistilBertTokenizer": Making(kind="wordpiece", steps=wordpiece),
    "MPNetTokenizer": Making(kind="wordpiece", steps=mpnet),
    "RobertaTokenizer": Making(kind="byte-level", steps=roberta),
    "XLMRobertaTokenizer": Making(kind="unigram", steps=xlm_roberta, unknown_id=_fixed(3)),
    "CamembertTokenizer": Making(kind="unigram", steps=xlm_roberta, unknown_id=_id_of_unknown),
    "AlbertTokenizer": Making(kind="unigram", steps=albert, unknown_id=_fixed(1)),
    "DebertaTokenizer": Making(kind="byte-level", steps=deberta),
    "DebertaV2Tokenizer": Making(
        kind="unigram", steps=deberta_v2, unknown_id=_id_of_unscored_unknown
    ),
    "T5Tokenizer": Making(kind="unigram", steps=t5, unknown_id=_fixed(2)),
    "Qwen2Tokenizer": Making(kind="byte-level", steps=qwen2),
    "GPT2Tokenizer": Making(kind="byte-level", steps=byte_level),
    "LlamaTokenizer": Making(kind="bpe", steps=llama),
    "GemmaTokenizer": Making(kind="bpe", steps=gemma, names_unknown=True),
    "Siglip2Tokenizer": Making(kind="bpe", steps=siglip2, names_unknown=True),
    "CLIPTokenizer": Making(kind="words", steps=clip, names_unknown=True),
}
"""What makes the tokenizers of classes that do not take everything from the file."""
