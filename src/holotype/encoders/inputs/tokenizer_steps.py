"""What the tokenizer classes of transformers 5 make anew around a vocabulary.

Most of them take only the vocabulary, the added tokens and sometimes the special tokens around a
text from `tokenizer.json`. Everything else they make from `tokenizer_config.json` and from what
their code says, and here it is made alike.
"""

from __future__ import annotations

import dataclasses
import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tokenizers import Regex, Tokenizer, decoders
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.normalizers import (
    NFC,
    NFKD,
    BertNormalizer,
    Lowercase,
    Normalizer,
    Precompiled,
    Replace,
    Strip,
    StripAccents,
)
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import (
    BertPreTokenizer,
    ByteLevel,
    Metaspace,
    PreTokenizer,
    Punctuation,
    Split,
    WhitespaceSplit,
)
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.processors import PostProcessor, RobertaProcessing, TemplateProcessing

from holotype.encoders.checkpoints.json_file import JsonFile

ModelKind: TypeAlias = Literal["wordpiece", "unigram", "byte-level", "bpe", "words"]
"""The vocabularies that the classes know."""

# What transformers takes, whatever the file says.
_MAX_CHARACTERS = 100
_PREFIX = "##"
_WORD_END = "</w>"
_BLANK = "▁"
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CLIP_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
# In a string, these quotation marks would be escaped.
_UNKNOWN_ID = re.compile(rb'"unk_id"\s*:\s*(\d+)')
_BYTE_FALLBACK = re.compile(rb'"byte_fallback"\s*:\s*true')
_BYTE_LEVEL = b'"ByteLevel"'
_FROM_BYTES = (decoders.Replace(_BLANK, " "), decoders.ByteFallback())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a checkpoint says about its tokenizer.

    Attributes:
        file: `tokenizer.json`, read.
        content: the bytes of that file.
        settings: `tokenizer_config.json`.
        tokens: the special tokens by the names of their settings.
    """

    file: Tokenizer
    content: bytes
    settings: JsonFile
    tokens: Mapping[str, str | None]

    @property
    def byte_level(self) -> bool:
        """Whether the file speaks of bytes, by the measure of transformers."""
        return _BYTE_LEVEL in self.content

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a setting that is true or false."""
        found = self.settings.boolean(key)
        return found.value if found else default

    def adds_blank(self) -> bool:
        """Return whether a blank is put before a text; null is not the same as nothing."""
        if "add_prefix_space" not in self.settings.values:
            return True
        return self.flag("add_prefix_space", default=False)

    def special(self, tokenizer: Tokenizer, key: str) -> tuple[str, int]:
        """Return a special token that has to be there, and its id."""
        token = self.tokens.get(key)
        id = None if token is None else tokenizer.token_to_id(token)
        if token is None or id is None:
            raise self.settings.wrong(key, token, "a token that is put around every text")
        return token, id


Processor: TypeAlias = Callable[[Stated, Tokenizer], PostProcessor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a class makes around its vocabulary; what puts special tokens around a text.

    Attributes:
        normalizer: what changes a text first; None for nothing.
        splitter: what splits it.
        decoder: what joins tokens to a text again.
        processor: what puts special tokens around it; None means what the file says.
    """

    normalizer: Normalizer | None = None
    splitter: PreTokenizer
    decoder: decoders.Decoder
    processor: Processor | None = None


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


def knows(kind: ModelKind, stated: Stated) -> bool:
    """Return whether the vocabulary of a file is of the kind that a class knows.

    transformers takes it for that kind in any case, and so gets tokens that nobody trained.
    """
    model = stated.file.model
    if isinstance(model, WordPiece):
        return kind == "wordpiece" and model.continuing_subword_prefix == _PREFIX
    if isinstance(model, Unigram):
        return kind == "unigram"
    if not isinstance(model, BPE) or model.continuing_subword_prefix:
        return False
    if model.end_of_word_suffix:
        return kind == "words" and model.end_of_word_suffix == _WORD_END
    return kind == ("byte-level" if stated.byte_level else "bpe")


def remade(making: Making, stated: Stated) -> Tokenizer:
    """Return the vocabulary of a file within the steps of a class, without added tokens."""
    steps = making.steps(stated)
    tokenizer = Tokenizer(_model(making, stated))
    if steps.normalizer is not None:
        tokenizer.normalizer = steps.normalizer
    tokenizer.pre_tokenizer = steps.splitter
    tokenizer.decoder = steps.decoder
    return tokenizer


def put_around(making: Making | None, stated: Stated, tokenizer: Tokenizer) -> None:
    """Set what puts special tokens around texts; a class needs their ids for it."""
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


def _wordpiece(stated: Stated) -> Steps:
    """Return the steps of BERT."""
    accents = stated.settings.boolean("strip_accents")
    normalizer = BertNormalizer(
        clean_text=True,
        handle_chinese_chars=stated.flag("tokenize_chinese_chars", default=True),
        strip_accents=accents.value if accents else None,
        lowercase=stated.flag("do_lower_case", default=True),
    )
    return Steps(
        normalizer=normalizer,
        splitter=BertPreTokenizer(),
        decoder=decoders.WordPiece(prefix=_PREFIX),
        processor=_two_segments,
    )


def _mpnet(stated: Stated) -> Steps:
    """Return the steps of MPNet: those of BERT, with RoBERTa's special tokens."""
    return dataclasses.replace(_wordpiece(stated), processor=_roberta_processor)


def _xlm_roberta(stated: Stated) -> Steps:
    """Return the steps of XLM-RoBERTa and CamemBERT."""
    return Steps(
        normalizer=_charsmap(stated.file),
        splitter=_words_with_blanks(adds_blank=stated.adds_blank()),
        decoder=_without_blanks(adds_blank=stated.adds_blank()),
        processor=_one_segment,
    )


def _t5(stated: Stated) -> Steps:
    """Return the steps of T5."""
    return Steps(
        normalizer=_charsmap(stated.file),
        splitter=_words_with_blanks(adds_blank=True),
        decoder=_without_blanks(adds_blank=True),
        processor=_t5_processor,
    )


def _albert(stated: Stated) -> Steps:
    """Return the steps of ALBERT."""
    steps: list[Normalizer] = [Replace("``", '"'), Replace("''", '"')]
    if not stated.flag("keep_accents", default=False):
        steps += [NFKD(), StripAccents()]
    if stated.flag("do_lower_case", default=True):
        steps.append(Lowercase())
    charsmap = _charsmap(stated.file)
    return Steps(
        normalizer=Normalizers(steps if charsmap is None else [*steps, charsmap]),
        splitter=_words_with_blanks(adds_blank=stated.adds_blank()),
        decoder=_without_blanks(adds_blank=stated.adds_blank()),
        processor=None if stated.file.post_processor else _two_segments,
    )


def _deberta_v2(stated: Stated) -> Steps:
    """Return the steps of DeBERTa v2 and v3."""
    steps: list[Normalizer] = []
    if stated.flag("do_lower_case", default=False):
        steps.append(Lowercase())
    steps += [Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), NFC(), Strip(left=False, right=True)]
    splitters: list[PreTokenizer] = []
    if stated.flag("split_by_punct", default=False):
        splitters.append(Punctuation(behavior="isolated"))
    scheme = "always" if stated.adds_blank() else "first"
    splitters.append(Metaspace(replacement=_BLANK, prepend_scheme=scheme))
    return Steps(
        normalizer=Normalizers(steps),
        splitter=PreTokenizers(splitters),
        decoder=decoders.Metaspace(replacement=_BLANK, prepend_scheme=scheme),
        processor=_two_segments,
    )


def _byte_level(stated: Stated) -> Steps:
    """Return the steps of GPT-2."""
    blank = stated.flag("add_prefix_space", default=False)
    return Steps(splitter=ByteLevel(add_prefix_space=blank), decoder=decoders.ByteLevel())


def _roberta(stated: Stated) -> Steps:
    """Return the steps of RoBERTa."""
    return dataclasses.replace(_byte_level(stated), processor=_roberta_processor)


def _deberta(stated: Stated) -> Steps:
    """Return the steps of the first DeBERTa."""
    return dataclasses.replace(_byte_level(stated), processor=_deberta_processor)


def _qwen2(stated: Stated) -> Steps:
    """Return the steps of Qwen 2 and 3."""
    blank = stated.flag("add_prefix_space", default=False)
    words = Split(Regex(_QWEN2_WORDS), behavior="isolated", invert=False)
    pieces = ByteLevel(add_prefix_space=blank, use_regex=False)
    return Steps(
        normalizer=NFC(), splitter=PreTokenizers([words, pieces]), decoder=decoders.ByteLevel()
    )


def _llama(stated: Stated) -> Steps:
    """Return the steps of Llama 2."""
    scheme = "never"
    if stated.flag("add_prefix_space", default=True):
        scheme = "always" if stated.flag("legacy", default=False) else "first"
    joined: list[decoders.Decoder] = [*_FROM_BYTES, decoders.Fuse()]
    if scheme != "never":
        joined.append(decoders.Strip(content=" ", left=1))
    return Steps(
        splitter=Metaspace(replacement=_BLANK, prepend_scheme=scheme, split=False),
        decoder=decoders.Sequence(joined),
    )


def _gemma(stated: Stated) -> Steps:
    """Return the steps of Gemma; no setting changes them."""
    del stated
    return Steps(
        normalizer=Replace(" ", _BLANK),
        splitter=Split(" ", behavior="merged_with_previous", invert=False),
        decoder=decoders.Sequence([*_FROM_BYTES, decoders.Fuse()]),
    )


def _siglip2(stated: Stated) -> Steps:
    """Return the steps of SigLIP 2: those of Gemma, in lower case."""
    normalizers = [Lowercase(), Replace(" ", _BLANK)]
    return dataclasses.replace(_gemma(stated), normalizer=Normalizers(normalizers))


def _clip(stated: Stated) -> Steps:
    """Return the steps of CLIP; no setting changes them."""
    del stated
    words = Split(Regex(_CLIP_WORDS), behavior="removed", invert=True)
    return Steps(
        normalizer=Normalizers([NFC(), Replace(Regex(r"\s+"), " "), Lowercase()]),
        splitter=PreTokenizers([words, ByteLevel(add_prefix_space=False)]),
        decoder=decoders.Sequence([decoders.ByteLevel(), decoders.Replace(_WORD_END, " ")]),
        processor=_clip_processor,
    )


def _words_with_blanks(*, adds_blank: bool) -> PreTokenizer:
    blanks = Metaspace(replacement=_BLANK, prepend_scheme=_scheme(adds_blank=adds_blank))
    return PreTokenizers([WhitespaceSplit(), blanks])


def _without_blanks(*, adds_blank: bool) -> decoders.Decoder:
    return decoders.Metaspace(replacement=_BLANK, prepend_scheme=_scheme(adds_blank=adds_blank))


def _scheme(*, adds_blank: bool) -> str:
    return "always" if adds_blank else "never"


def _charsmap(tokenizer: Tokenizer) -> Normalizer | None:
    """Return the table of characters that SentencePiece made, the only step taken from the file."""
    normalizer = tokenizer.normalizer
    if normalizer is None:
        return None
    described = json.loads(normalizer.__getstate__())
    steps = described["normalizers"] if described["type"] == "Sequence" else [described]
    for step in steps:
        if step["type"] == "Precompiled":
            return Precompiled(b64decode(step["precompiled_charsmap"]))
    return None


def _two_segments(stated: Stated, tokenizer: Tokenizer) -> PostProcessor:
    first, last = (stated.special(tokenizer, f"{name}_token") for name in ("cls", "sep"))
    return TemplateProcessing(
        single=[f"{first[0]}:0", "$A:0", f"{last[0]}:0"],
        pair=[f"{first[0]}:0", "$A:0", f"{last[0]}:0", "$B:1", f"{last[0]}:1"],
        special_tokens=list(dict.fromkeys((first, last))),
    )


def _around_each(first: tuple[str, int], last: tuple[str, int]) -> PostProcessor:
    return TemplateProcessing(
        single=[first[0], "$A", last[0]],
        pair=[first[0], "$A", last[0], last[0], "$B", last[0]],
        special_tokens=list(dict.fromkeys((first, last))),
    )


def _one_segment(stated: Stated, tokenizer: Tokenizer) -> PostProcessor:
    first, last = (stated.special(tokenizer, f"{name}_token") for name in ("bos", "eos"))
    return _around_each(first, last)


def _deberta_processor(stated: Stated, tokenizer: Tokenizer) -> PostProcessor:
    first, last = (stated.special(tokenizer, f"{name}_token") for name in ("cls", "sep"))
    return _around_each(first, last)


def _roberta_processor(stated: Stated, tokenizer: Tokenizer) -> PostProcessor:
    last, first = (stated.special(tokenizer, f"{name}_token") for name in ("sep", "cls"))
    return RobertaProcessing(last, first)


def _clip_processor(stated: Stated, tokenizer: Tokenizer) -> PostProcessor:
    last, first = (stated.special(tokenizer, f"{name}_token") for name in ("eos", "bos"))
    return RobertaProcessing(last, first, trim_offsets=False, add_prefix_space=False)


def _t5_processor(stated: Stated, tokenizer: Tokenizer) -> PostProcessor:
    _, id = stated.special(tokenizer, "eos_token")
    return TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", id)]
    )


MAKINGS: Mapping[str, Making] = {
    "BertTokenizer": Making(kind="wordpiece", steps=_wordpiece),
    "DistilBertTokenizer": Making(kind="wordpiece", steps=_wordpiece),
    "MPNetTokenizer": Making(kind="wordpiece", steps=_mpnet),
    "RobertaTokenizer": Making(kind="byte-level", steps=_roberta),
    "XLMRobertaTokenizer": Making(kind="unigram", steps=_xlm_roberta, unknown_id=_fixed(3)),
    "CamembertTokenizer": Making(kind="unigram", steps=_xlm_roberta, unknown_id=_id_of_unknown),
    "AlbertTokenizer": Making(kind="unigram", steps=_albert, unknown_id=_fixed(1)),
    "DebertaTokenizer": Making(kind="byte-level", steps=_deberta),
    "DebertaV2Tokenizer": Making(
        kind="unigram", steps=_deberta_v2, unknown_id=_id_of_unscored_unknown
    ),
    "T5Tokenizer": Making(kind="unigram", steps=_t5, unknown_id=_fixed(2)),
    "Qwen2Tokenizer": Making(kind="byte-level", steps=_qwen2),
    "GPT2Tokenizer": Making(kind="byte-level", steps=_byte_level),
    "LlamaTokenizer": Making(kind="bpe", steps=_llama),
    "GemmaTokenizer": Making(kind="bpe", steps=_gemma, names_unknown=True),
    "Siglip2Tokenizer": Making(kind="bpe", steps=_siglip2, names_unknown=True),
    "CLIPTokenizer": Making(kind="words", steps=_clip, names_unknown=True),
}
"""What makes the tokenizers of classes that do not take everything from the file."""
