"""How the texts of one side of a ColBERT model become rows of tokens."""

from __future__ import annotations

from collections.abc import Sequence

from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.tokenizer import TextTokenizer, TokenizedText
from holotype.encoders.kinds.colbert import QueryExpansion, Side
from holotype.errors import CheckpointError


class SideReader:
    """Reads queries, documents or plain texts: marker, length, expansion, skiplist.

    Attributes:
        side: what it reads.
    """

    def __init__(
        self,
        model_id: str,
        side: Side,
        tokenizer: TextTokenizer,
        expansion: QueryExpansion | None = None,
    ) -> None:
        """Look the tokens of a side up in the vocabulary.

        Raises:
            CheckpointError: the vocabulary lacks a token that the side needs.
            ValueError: the length of the side leaves no room for text.
        """
        tokenizer.require_room(side.max_length, with_marker=side.marker is not None)
        self.side = side
        self._fills_left = tokenizer.pads_left
        self._marker_id = None
        if side.marker is not None:
            self._marker_id = _known(tokenizer, side.marker, f"{side.name}_marker of {model_id!r}")
        # A word that is no token of the vocabulary cannot occur, and needs no skipping.
        known = (tokenizer.token_id(word) for word in side.skiplist)
        self._skipped = {token_id for token_id in known if token_id is not None}
        self._kept = None if side.kept_ids is None else set(side.kept_ids)
        self._expansion = expansion
        self._fill_id = 0 if expansion is None else _fill_id(tokenizer, expansion, model_id)

    def read(self, texts: Sequence[str], tokenizer: TextTokenizer) -> Reading:
        """Return the rows of texts that have their prompt already, cut to the length."""
        tokenized = list(
            tokenizer.encode(texts, max_length=self.side.max_length, marker_id=self._marker_id)
        )
        return Reading([self._row(text) for text in tokenized], [text.n_cut for text in tokenized])

    def counted(self, ids: Sequence[int]) -> list[bool]:
        """Return for every token of a text, before it is expanded, whether its vector is kept."""
        found = [self._counts(token_id) for token_id in ids]
        if self.side.skips_first:
            found[:1] = [False] * len(found[:1])
        return found

    def _row(self, text: TokenizedText) -> Row:
        counted = self.counted(text.ids)
        attended = [True] * len(text.ids)
        row = Row(text.ids, text.type_ids, attended, counted)
        return row if self._expansion is None else self._filled(row, self._expansion)

    def _counts(self, token_id: int) -> bool:
        return token_id not in self._skipped and (self._kept is None or token_id in self._kept)

    def _filled(self, row: Row, expansion: QueryExpansion) -> Row:
        n_fill = max(expansion.length - len(row.ids), 0)
        fill = Row(
            [self._fill_id] * n_fill,
            [0] * n_fill,
            [expansion.attended] * n_fill,
            [self._counts(self._fill_id)] * n_fill,
        )
        first, second = (fill, row) if self._fills_left else (row, fill)
        return Row(
            first.ids + second.ids,
            first.type_ids + second.type_ids,
            first.attended + second.attended,
            first.counted + second.counted,
        )


def _fill_id(tokenizer: TextTokenizer, expansion: QueryExpansion, model_id: str) -> int:
    if expansion.token is not None:
        return _known(tokenizer, expansion.token, f"query expansion of {model_id!r}")
    if tokenizer.fill_id is None:
        raise CheckpointError(
            "tokenizer.json",
            f"has neither a mask token nor an end of text to expand the queries of {model_id!r}",
        )
    return tokenizer.fill_id


def _known(tokenizer: TextTokenizer, token: str, what: str) -> int:
    token_id = tokenizer.token_id(token)
    if token_id is None:
        raise CheckpointError(
            "tokenizer.json",
            f"lacks the token {token!r}, the {what}; markers are tokens, and none is made up. "
            "Text that is put before a query or a document is a prompt",
        )
    return token_id
