"""The steps that each tokenizer class of transformers 5 takes before and after its vocabulary.

The classes make them from `tokenizer_config.json` and from what their code says, not from
`tokenizer.json`; here they are made in the same way.
"""

from __future__ import annotations

import dataclasses
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tokenizers import Regex, Tokenizer, decoders
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

# What transformers takes, whatever the file says.
PREFIX = "##"
WORD_END = "</w>"
_BLANK = "▁"
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CLIP_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
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

    def is_on(self, key: str) -> bool:
        """Return a setting that is true where it is left out; null is not the same, and false."""
        return key not in self.settings.values or self.flag(key, default=False)

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


def wordpiece(stated: Stated) -> Steps:
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
        decoder=decoders.WordPiece(prefix=PREFIX),
        processor=_two_segments,
    )


def mpnet(stated: Stated) -> Steps:
    """Return the steps of MPNet: those of BERT, with RoBERTa's special tokens."""
    return dataclasses.replace(wordpiece(stated), processor=_roberta_processor)


def xlm_roberta(stated: Stated) -> Steps:
    """Return the steps of XLM-RoBERTa and CamemBERT."""
    return Steps(
        normalizer=_charsmap(stated.file),
        splitter=_words_with_blanks(adds_blank=stated.is_on("add_prefix_space")),
        decoder=_without_blanks(adds_blank=stated.is_on("add_prefix_space")),
        processor=_one_segment,
    )


def t5(stated: Stated) -> Steps:
    """Return the steps of T5."""
    return Steps(
        normalizer=_charsmap(stated.file),
        splitter=_words_with_blanks(adds_blank=True),
        decoder=_without_blanks(adds_blank=True),
        processor=_t5_processor,
    )


def albert(stated: Stated) -> Steps:
    """Return the steps of ALBERT."""
    steps: list[Normalizer] = [Replace("``", '"'), Replace("''", '"')]
    if not stated.flag("keep_accents", default=False):
        steps += [NFKD(), StripAccents()]
    if stated.is_on("do_lower_case"):
        steps.append(Lowercase())
    charsmap = _charsmap(stated.file)
    return Steps(
        normalizer=Normalizers(steps if charsmap is None else [*steps, charsmap]),
        splitter=_words_with_blanks(adds_blank=stated.is_on("add_prefix_space")),
        decoder=_without_blanks(adds_blank=stated.is_on("add_prefix_space")),
        processor=None if stated.file.post_processor else _two_segments,
    )


def deberta_v2(stated: Stated) -> Steps:
    """Return the steps of DeBERTa v2 and v3."""
    steps: list[Normalizer] = []
    if stated.flag("do_lower_case", default=False):
        steps.append(Lowercase())
    steps += [Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), NFC(), Strip(left=False, right=True)]
    splitters: list[PreTokenizer] = []
    if stated.flag("split_by_punct", default=False):
        splitters.append(Punctuation(behavior="isolated"))
    scheme = "always" if stated.is_on("add_prefix_space") else "first"
    splitters.append(Metaspace(replacement=_BLANK, prepend_scheme=scheme))
    return Steps(
        normalizer=Normalizers(steps),
        splitter=PreTokenizers(splitters),
        decoder=decoders.Metaspace(replacement=_BLANK, prepend_scheme=scheme),
        processor=_two_segments,
    )


def byte_level(stated: Stated) -> Steps:
    """Return the steps of GPT-2."""
    blank = stated.flag("add_prefix_space", default=False)
    return Steps(splitter=ByteLevel(add_prefix_space=blank), decoder=decoders.ByteLevel())


def roberta(stated: Stated) -> Steps:
    """Return the steps of RoBERTa."""
    return dataclasses.replace(byte_level(stated), processor=_roberta_processor)


def deberta(stated: Stated) -> Steps:
    """Return the steps of the first DeBERTa."""
    return dataclasses.replace(byte_level(stated), processor=_deberta_processor)


def qwen2(stated: Stated) -> Steps:
    """Return the steps of Qwen 2 and 3."""
    blank = stated.flag("add_prefix_space", default=False)
    words = Split(Regex(_QWEN2_WORDS), behavior="isolated", invert=False)
    pieces = ByteLevel(add_prefix_space=blank, use_regex=False)
    return Steps(
        normalizer=NFC(), splitter=PreTokenizers([words, pieces]), decoder=decoders.ByteLevel()
    )


def llama(stated: Stated) -> Steps:
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


def gemma(stated: Stated) -> Steps:
    """Return the steps of Gemma; no setting changes them."""
    del stated
    return Steps(
        normalizer=Replace(" ", _BLANK),
        splitter=Split(" ", behavior="merged_with_previous", invert=False),
        decoder=decoders.Sequence([*_FROM_BYTES, decoders.Fuse()]),
    )


def siglip2(stated: Stated) -> Steps:
    """Return the steps of SigLIP 2: those of Gemma, in lower case."""
    normalizers = [Lowercase(), Replace(" ", _BLANK)]
    return dataclasses.replace(gemma(stated), normalizer=Normalizers(normalizers))


def clip(stated: Stated) -> Steps:
    """Return the steps of CLIP; no setting changes them."""
    del stated
    words = Split(Regex(_CLIP_WORDS), behavior="removed", invert=True)
    return Steps(
        normalizer=Normalizers([NFC(), Replace(Regex(r"\s+"), " "), Lowercase()]),
        splitter=PreTokenizers([words, ByteLevel(add_prefix_space=False)]),
        decoder=decoders.Sequence([decoders.ByteLevel(), decoders.Replace(WORD_END, " ")]),
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
