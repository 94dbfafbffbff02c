"""The tokenizer of a table of token vectors: no special tokens, and as its own library uses it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from tokenizers import Tokenizer

from holotype.encoders.inputs.tokenizer import TextTokenizer, TokenizedText, is_failure
from holotype.encoders.inputs.words import WordTokens, reads_words_alone

_TEXTS_AT_ONCE = 512


class StaticTokenizer(TextTokenizer):
    """A tokenizer whose tokens are looked up in a table.

    model2vec drops unknown tokens after it has cut a text, and cuts it by characters first: to so
    many as the longest text would have if all its tokens were of the median length.
    """

    def __init__(self, tokenizer: Tokenizer, *, cuts_left: bool, is_model2vec: bool) -> None:
        """Take a tokenizer that nobody else holds.

        Raises:
            CheckpointError: it cannot read even one letter.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        super().__init__(
            tokenizer,
            pad_id=0,
            fill_id=None,
            pads_left=False,
            cuts_left=cuts_left,
            input_names=("input_ids",),
        )
        self._n_special = self._n_leading = 0
        self._unknown_id = _unknown_id(tokenizer) if is_model2vec else None
        self._token_length = 0
        if is_model2vec:
            self._token_length = int(statistics.median(map(len, tokenizer.get_vocab())))
        self._words = WordTokens(self._whole_ids) if reads_words_alone(tokenizer) else None

    def encode(
        self, texts: Iterable[str], *, max_length: int | None, marker_id: int | None = None
    ) -> Iterator[TokenizedText]:
        """Yield the tokens of every text, in order; there are no markers here."""
        n_chars = None
        if self._token_length and max_length is not None:
            n_chars = max_length * self._token_length
        left, start = iter(texts), 0
        while part := list(islice(left, _TEXTS_AT_ONCE)):
            found = self._ids([text[:n_chars] for text in part], start)
            start += len(part)
            for text, ids in zip(part, found, strict=True):
                n_left_out = 0
                if n_chars is not None and len(text) > n_chars:
                    n_left_out = self._count(text) - len(ids)
                yield self._tokenized(ids, max_length, n_left_out)

    def _ids(self, texts: Sequence[str], first_index: int) -> list[list[int]]:
        """Return the token ids of texts; errors tell which text it was."""
        if self._words is not None:
            try:
                return self._words.ids(texts)
            except BaseException as error:
                if not is_failure(error):
                    raise
        # Whole texts fail with the position of the one that does.
        return [encoding.ids for encoding in self._encodings(texts, first_index)]

    def _whole_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._encode_batch(texts)]

    def _count(self, text: str) -> int:
        return len(self._ids([text], 0)[0])

    def _tokenized(self, ids: list[int], max_length: int | None, n_left_out: int) -> TokenizedText:
        n_cut = 0
        if max_length is not None and len(ids) > max_length:
            n_cut = len(ids) - max_length
            ids = self._cut(ids, max_length)
        if self._unknown_id is not None and self._unknown_id in ids:
            ids = [id for id in ids if id != self._unknown_id]
        return TokenizedText(ids, ids, max(n_cut + n_left_out, 0))


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    model = tokenizer.model
    if hasattr(model, "unk_token"):
        return None if model.unk_token is None else tokenizer.token_to_id(model.unk_token)
    found: int | None = json.loads(tokenizer.to_str())["model"].get("unk_id")
    return found
