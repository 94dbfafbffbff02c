"""The sides of a model, and how the texts of each become rows of tokens."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.tokenizer import TextTokenizer, TokenizedText
from holotype.encoders.kinds.dense import DenseEncoding, side_of
from holotype.encoders.kinds.plan import (
    AnyPlan,
    ColbertPlan,
    DensePlan,
    ImageTextPlan,
    SparsePlan,
    StaticPlan,
)
from holotype.encoders.kinds.prompts import Prompt, Prompted
from holotype.encoders.options import SideName, TextSide
from holotype.errors import CheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from holotype.encoders.kinds.colbert import ColbertEncoding, PictureSide, QueryExpansion
    from holotype.encoders.kinds.image_text import ImageTextEncoding
    from holotype.encoders.kinds.sparse import SparseEncoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """How a model reads the texts of one side.

    Attributes:
        name: the side.
        prompt: the text before every text.
        max_length: the longest text in tokens; None where nothing limits it.
        tower: which of a model's towers reads the texts.
        special_tokens: whether the tokenizer adds special tokens; a table of tokens knows none.
        counts_prompt: whether the vectors of the prompt's tokens count.
        marker: the token after the first special token; None where there is none.
        expansion: how short texts are filled up; None where they are not.
        skiplist: tokens whose vectors are dropped.
        kept_ids: the only token ids whose vectors are kept; None keeps all.
        skips_first: whether the vector of the first token is dropped.
        gap: what stands between the marker and a prompt that a call gives.
        padded_length: the length in tokens to which texts are padded, where that changes their
            vectors; None where it does not.
        lower_case: whether texts are put in lower case.
        removes_punctuation: whether signs and surplus blanks are taken out of texts.
        begins: whether the token of the beginning stands before the prompt, as text.
        n_padding: how many tokens of padding stand after every text, and count.
        suffix: the text after that.
    """

    name: SideName
    prompt: Prompt
    max_length: int | None
    tower: TextSide = "document"
    special_tokens: bool = True
    counts_prompt: bool = True
    marker: str | None = None
    expansion: QueryExpansion | None = None
    skiplist: tuple[str, ...] = ()
    kept_ids: tuple[int, ...] | None = None
    skips_first: bool = False
    gap: str = ""
    padded_length: int | None = None
    lower_case: bool = False
    removes_punctuation: bool = False
    begins: bool = False
    n_padding: int = 0
    suffix: str = ""

    @property
    def expanded_length(self) -> int | None:
        """The length in tokens that short texts are filled up to; None where they are not."""
        return None if self.expansion is None else self.expansion.length


Sides: TypeAlias = Mapping[SideName, Side]


def sides_of(plan: AnyPlan) -> Sides:
    """Return how a model reads queries, documents and texts that are neither.

    Raises:
        UnsupportedModelError: the model reads pairs, which have no sides.
    """
    if isinstance(plan, DensePlan | StaticPlan):
        return {name: _dense_side(plan.encoding, name) for name in _TOWERS}
    if isinstance(plan, SparsePlan):
        return {name: _sparse_side(plan.encoding, name) for name in _TOWERS}
    if isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None:
        # Their documents are pictures.
        return {"query": _visual_side(plan.encoding, plan.encoding.pictures)}
    if isinstance(plan, ColbertPlan):
        return {name: _colbert_side(plan.encoding, name) for name in _TOWERS}
    if isinstance(plan, ImageTextPlan):
        return {name: _image_text_side(plan.encoding, name) for name in _TOWERS}
    raise UnsupportedModelError(
        plan.record.id, f"a model of the kind {plan.record.type!s} reads no queries and documents"
    )


_TOWERS: Mapping[SideName, TextSide | None] = {
    "query": "query",
    "document": "document",
    "text": None,
}


def _dense_side(encoding: DenseEncoding, name: SideName) -> Side:
    tower = _TOWERS[name] or encoding.text_side
    own = side_of(encoding, tower)
    return Side(
        name=name,
        prompt=_prompt(encoding, name),
        max_length=own.max_length,
        tower=tower,
        counts_prompt=own.counts_prompt,
    )


def _sparse_side(encoding: SparseEncoding, name: SideName) -> Side:
    tower = _TOWERS[name] or encoding.text_side
    looks_up = encoding.looks_queries_up and tower == "query"
    return Side(
        name=name,
        prompt=_prompt(encoding, name),
        max_length=encoding.query_length if looks_up else encoding.max_length,
        tower=tower,
        special_tokens=not looks_up,
    )


def _image_text_side(encoding: ImageTextEncoding, name: SideName) -> Side:
    return Side(
        name=name,
        prompt=_prompt(encoding, name),
        max_length=encoding.max_length,
        padded_length=encoding.padded_length,
        lower_case=encoding.lower_case,
        removes_punctuation=encoding.remove_punctuation,
    )


def _colbert_side(encoding: ColbertEncoding, name: SideName) -> Side:
    own = {"query": encoding.query, "document": encoding.document, "text": encoding.plain}[name]
    return Side(
        name=name,
        prompt=_verbatim(own.prompt.text) if name == "text" else own.prompt,
        max_length=own.max_length,
        marker=own.marker,
        expansion=encoding.expansion if name == "query" else None,
        skiplist=own.skiplist,
        kept_ids=own.kept_ids,
        skips_first=own.skips_first,
        # The prompt of the side begins with it.
        gap=" " if own.marker is not None and own.prompt.text.startswith(" ") else "",
    )


def _visual_side(encoding: ColbertEncoding, pictures: PictureSide) -> Side:
    own, suffix = encoding.query, pictures.query_suffix
    return Side(
        name="query",
        prompt=own.prompt,
        max_length=own.max_length,
        special_tokens=pictures.special_tokens,
        begins=pictures.begins,
        n_padding=pictures.n_padding if suffix is None else 0,
        suffix=f"{suffix or ''}{pictures.query_end}",
    )


def _prompt(encoding: Prompted, name: SideName) -> Prompt:
    if name == "text":
        return _verbatim(encoding.default_prompt)
    return encoding.query_prompt if name == "query" else encoding.document_prompt


def _verbatim(text: str) -> Prompt:
    """Return the prompt of texts that are neither, in which nothing is filled."""
    return Prompt(text, filled=text)


_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReader:
    """Turns the texts of a side into rows: prompt, marker, length, expansion, what counts.

    Attributes:
        side: what it reads.
        model_id: the model, for errors.
        tokenizer: the tokenizer of the side's tower.
        marker_id: the token after the first special token; None where there is none.
        fill_id: the token that fills short texts up; None where none does.
        skipped_ids: the tokens whose vectors are dropped.
        kept_ids: the only tokens whose vectors are kept; None keeps all.
        prompt: the text before every text of the call.
        n_uncounted: how many tokens at the beginning do not count.
        before: what stands before the prompt.
        after: what stands after every text, whatever its length.
    """

    side: Side
    model_id: str
    tokenizer: TextTokenizer
    marker_id: int | None
    fill_id: int | None
    skipped_ids: frozenset[int]
    kept_ids: frozenset[int] | None
    prompt: str = ""
    n_uncounted: int = 0
    before: str = ""
    after: str = ""

    @classmethod
    def make(cls, side: Side, tokenizer: TextTokenizer, model_id: str) -> TextReader:
        """Look the tokens of a side up in the vocabulary.

        Raises:
            CheckpointError: the vocabulary lacks a token that the side needs.
            ValueError: the length of the side leaves no room for text.
        """
        before = (tokenizer.token(tokenizer.bos_id) or "") if side.begins else ""
        after = (tokenizer.token(tokenizer.pad_id) or "") * side.n_padding + side.suffix
        if side.special_tokens or after:
            tokenizer.require_room(
                side.max_length,
                with_marker=side.marker is not None,
                special_tokens=side.special_tokens,
                around=before + after,
            )
        marker_id = fill_id = None
        if side.marker is not None:
            marker_id = _find_token(tokenizer, side.marker, f"{side.name}_marker of {model_id!r}")
        if side.expansion is not None:
            fill_id = _find_fill(tokenizer, side.expansion, model_id)
        # A word that is no token of the vocabulary cannot occur, and needs no skipping.
        skipped = (tokenizer.token_id(word) for word in side.skiplist)
        return cls(
            side=side,
            model_id=model_id,
            tokenizer=tokenizer,
            marker_id=marker_id,
            fill_id=fill_id,
            skipped_ids=frozenset(token_id for token_id in skipped if token_id is not None),
            kept_ids=None if side.kept_ids is None else frozenset(side.kept_ids),
            n_uncounted=int(side.skips_first),
            before=before,
            after=after,
        )

    def with_instruction(self, instruction: str | None) -> TextReader:
        """Return a reader that puts the side's own prompt before every text.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
        """
        return self._with(self.side.prompt.fill(self.model_id, instruction))

    def with_prompt(self, prompt: str) -> TextReader:
        """Return a reader that puts a prompt before every text, in place of the side's own."""
        return self._with(self.side.gap + prompt)

    def _with(self, prompt: str) -> TextReader:
        if prompt == self.prompt:
            return self
        n_uncounted = int(self.side.skips_first)
        if prompt and not self.side.counts_prompt:
            n_prompt = self.tokenizer.count_leading_tokens(prompt, max_length=self.max_length)
            n_uncounted = max(n_uncounted, n_prompt)
        return dataclasses.replace(self, prompt=prompt, n_uncounted=n_uncounted)

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens; None where nothing limits it."""
        return self.side.max_length

    def size(self, text: str) -> int:
        """Return the characters of a text."""
        return len(text)

    def read(self, texts: Sequence[str]) -> Reading[Row]:
        """Return the rows of texts, cut to the length, and how many tokens each lost."""
        tokenized = self.tokenize(texts)
        return Reading([self._row(text) for text in tokenized], [text.n_cut for text in tokenized])

    def tokenize(self, texts: Sequence[str]) -> list[TokenizedText]:
        """Return the tokens of texts with prompt and marker, cut, before they are expanded."""
        whole = [self._cleaned(self.prompt + text) for text in texts]
        if self.after:
            return self._tokenize_with_ends(whole)
        if not self.side.special_tokens:
            return list(self.tokenizer.encode_bare(whole, max_length=self.max_length))
        return list(
            self.tokenizer.encode(whole, max_length=self.max_length, marker_id=self.marker_id)
        )

    def _tokenize_with_ends(self, whole: Sequence[str]) -> list[TokenizedText]:
        """Return the tokens of texts between what stands before and after each, which stays."""
        n_after = len(self.tokenizer.ids(self.after))
        framed = [f"{self.before}{text}{self.after}" for text in whole]
        if self.side.special_tokens:
            n_after += self.tokenizer.n_trailing
            read = self.tokenizer.encode(framed, max_length=None)
        else:
            read = self.tokenizer.encode_bare(framed, max_length=None)
        found = []
        for text in read:
            n_cut = 0 if self.max_length is None else max(len(text.ids) - self.max_length, 0)
            ids = text.ids
            if n_cut:
                end = len(ids) - n_after
                ids = [*ids[: end - n_cut], *ids[end:]]
            found.append(TokenizedText(ids, [0] * len(ids), n_cut))
        return found

    def count(self, ids: Sequence[int]) -> list[bool]:
        """Return for every token of a text, before it is expanded, whether its vector counts."""
        if self.skipped_ids or self.kept_ids is not None:
            counted = [self._counts(token_id) for token_id in ids]
        else:
            counted = [True] * len(ids)
        n_uncounted = min(self.n_uncounted, len(ids))
        counted[:n_uncounted] = [False] * n_uncounted
        return counted

    def _counts(self, token_id: int) -> bool:
        is_kept = self.kept_ids is None or token_id in self.kept_ids
        return is_kept and token_id not in self.skipped_ids

    def _cleaned(self, text: str) -> str:
        """Return a text as a tokenizer reads it that was trained on clean ones."""
        if self.side.lower_case:
            text = text.lower()
        if self.side.removes_punctuation:
            text = " ".join(text.translate(_NO_PUNCTUATION).split())
        return text

    def _row(self, text: TokenizedText) -> Row:
        row = Row(text.ids, text.type_ids, [True] * len(text.ids), self.count(text.ids))
        if self.side.padded_length is not None:
            # What masks nothing attends to padding, too.
            attended = "attention_mask" not in self.tokenizer.input_names
            length = self.side.padded_length
            return self._expand(row, length, self.tokenizer.pad_id, attended=attended)
        expansion = self.side.expansion
        if expansion is None or self.fill_id is None:
            return row
        return self._expand(row, expansion.length, self.fill_id, attended=expansion.attended)

    def _expand(self, row: Row, length: int, fill_id: int, *, attended: bool) -> Row:
        n_fill = max(length - row.n_tokens, 0)
        fill = Row(
            [fill_id] * n_fill,
            [0] * n_fill,
            [attended] * n_fill,
            [self._counts(fill_id)] * n_fill,
        )
        first, second = (fill, row) if self.tokenizer.pads_left else (row, fill)
        return Row(
            first.ids + second.ids,
            first.type_ids + second.type_ids,
            first.attended + second.attended,
            first.counted + second.counted,
        )


def readers_of(
    plan: AnyPlan, queries: TextTokenizer, documents: TextTokenizer
) -> dict[SideName, TextReader]:
    """Return what reads each side of a model.

    Args:
        plan: how the model is run.
        queries: the tokenizer of the tower for queries.
        documents: the tokenizer of the tower for documents.

    Raises:
        CheckpointError: a vocabulary lacks a token that a side needs.
        ValueError: the length of a side leaves no room for text.
    """
    return {
        name: TextReader.make(side, queries if side.tower == "query" else documents, plan.record.id)
        for name, side in sides_of(plan).items()
    }


def read_whole(texts: Iterable[TokenizedText]) -> Reading[Row]:
    """Return the rows of tokenised texts of which every token counts."""
    tokenized = list(texts)
    rows = []
    for text in tokenized:
        every = [True] * len(text.ids)
        rows.append(Row(text.ids, text.type_ids, every, every))
    return Reading(rows, [text.n_cut for text in tokenized])


def _find_fill(tokenizer: TextTokenizer, expansion: QueryExpansion, model_id: str) -> int:
    if expansion.token is not None:
        return _find_token(tokenizer, expansion.token, f"query expansion of {model_id!r}")
    if tokenizer.fill_id is None:
        raise CheckpointError(
            "tokenizer.json",
            f"has neither a mask token nor an end of text to expand the queries of {model_id!r}",
        )
    return tokenizer.fill_id


def _find_token(tokenizer: TextTokenizer, token: str, what: str) -> int:
    token_id = tokenizer.token_id(token)
    if token_id is None:
        raise CheckpointError(
            "tokenizer.json",
            f"lacks the token {token!r}, the {what}; markers are tokens, and none is made up. "
            "Text that is put before a query or a document is a prompt",
        )
    return token_id
