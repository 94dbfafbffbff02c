"""From texts to token ids, safely shared between threads.

The tokenizer is never changed after it has been loaded, and encoders share it: cutting happens
here, on the encodings, and padding when batches are made. transformers' own tokenizers set the cut
and the padding on the shared object in every call, so that threads see each other's ("Already
borrowed").
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer, decoders

from holotype.encoders.inputs.layouts import PairLayout, TextLayout, longest_first
from holotype.encoders.inputs.lengths import Token
from holotype.errors import (
    CheckpointError,
    InvalidArgumentError,
    InvalidLengthError,
    TokenizationError,
)


def is_failure(error: BaseException) -> bool:
    """Return whether something that the tokenizers library raised is a failure of its own.

    A panic of its Rust code is no `Exception`; unlike KeyboardInterrupt it says nothing about the
    caller, and the library works on after it.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


TEXTS_AT_ONCE = 512
_N_TRIED = 1000
"""How many tokens of a vocabulary without the letter a are tried in its place."""

# In the order in which transformers replaces them.
_CLEANED = (
    *((f" {mark}", mark) for mark in ".?!,"),
    (" ' ", "'"),
    *((f" {ending}", ending) for ending in ("n't", "'m", "'s", "'ve", "'re")),
)


def _cleaned(text: str) -> str:
    """Return a text without the blanks that stand between the tokens of a sentence."""
    for before, after in _CLEANED:
        text = text.replace(before, after)
    return text


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """The tokens of one text, with special tokens.

    Attributes:
        ids: token ids.
        type_ids: the segment of every token.
        n_cut: how many tokens of the text were cut off.
    """

    ids: list[int]
    type_ids: list[int]
    n_cut: int


class TextTokenizer:
    """A checkpoint's tokenizer.

    Attributes:
        vocab_size: one more than the greatest token id.
        pad_id: the id of padding.
        bos_id: the id of the beginning of a text; that of padding where there is none.
        fill_id: the id that fills queries up, the mask or else the end of the text; None where
            the tokenizer has neither.
        pads_left: whether the checkpoint pads on the left.
        input_names: what the checkpoint feeds to its transformer.
        location: the file or folder that it was made of, for errors.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        pad_id: int,
        fill_id: int | None,
        pads_left: bool,
        cuts_left: bool,
        input_names: Sequence[str],
        location: str = "tokenizer.json",
        bos_id: int | None = None,
        special_ids: Collection[int] = (),
        cleans: bool = False,
    ) -> None:
        """Take a tokenizer that cuts and pads nothing, and is changed by nobody else.

        Raises:
            CheckpointError: it cannot read even one letter.
        """
        self._tokenizer = tokenizer
        self._cut_direction = "left" if cuts_left else "right"
        self.pad_id = pad_id
        self.bos_id = pad_id if bos_id is None else bos_id
        self.fill_id = fill_id
        self.pads_left = pads_left
        self.input_names = tuple(input_names)
        self.location = location
        self._cleans = cleans
        self._special_ids = frozenset(special_ids)
        self.vocab_size = max(tokenizer.get_vocab().values(), default=-1) + 1
        self._layout = self._text_layout()
        self._n_special = self._layout.n_special
        self._n_leading = len(self._layout.before)
        # What it is a copy of lives as long; see `tokenizer_sharing`.
        self._first: TextTokenizer | None = None

    def at(self, location: str) -> TextTokenizer:
        """Return the same tokenizer for files elsewhere that make the same one, for errors."""
        found = copy(self)
        found.location = location
        found._first = self
        return found

    def _text_layout(self) -> TextLayout:
        text, whole = "a", self._probe("a")
        if 0 not in whole.special_tokens_mask:
            # A small vocabulary may lack it.
            tried = sorted(self._tokenizer.get_vocab())[:_N_TRIED]
            probes = ((each, self._probe(each)) for each in tried)
            text, whole = next(
                (probe for probe in probes if 0 in probe[1].special_tokens_mask), (text, whole)
            )
        alone = self._tokenizer.encode(text, add_special_tokens=False)
        try:
            return TextLayout.read(whole.ids, whole.type_ids, whole.special_tokens_mask, alone.ids)
        except ValueError as error:
            raise CheckpointError(
                self.location, f"its post_processor cannot be followed: {error}"
            ) from error

    def _probe(self, text: str) -> Encoding:
        try:
            return self._tokenizer.encode(text)
        except BaseException as error:
            if not is_failure(error):
                raise
            raise CheckpointError(
                self.location, f"its tokenizer fails at {text!r}: {error}; expected tokens"
            ) from error

    def token_id(self, token: str) -> int | None:
        """Return the id of a token, or None where the vocabulary lacks it."""
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def token(self, id: int) -> str | None:
        """Return the token of an id, or None where the vocabulary lacks it."""
        found: str | None = self._tokenizer.id_to_token(id)
        return found

    @property
    def n_trailing(self) -> int:
        """How many special tokens the tokenizer puts after a text."""
        return self._n_special - self._n_leading

    def require_room(
        self,
        max_length: int | None,
        *,
        with_marker: bool = False,
        special_tokens: bool = True,
        around: str = "",
    ) -> None:
        """Refuse a length that leaves no room for any text.

        Args:
            max_length: the longest text in tokens; None where nothing limits it.
            with_marker: whether a token is put after the leading special token.
            special_tokens: whether the tokenizer adds its own.
            around: what stands before and after every text, and is never cut.

        Raises:
            InvalidLengthError: it leaves none.
        """
        if max_length is None:
            return
        n_taken = with_marker + self._n_special * special_tokens
        if around:
            n_taken += len(self.ids(around))
        if max_length <= n_taken:
            raise InvalidLengthError(max_length, "text: special tokens and marker", n_taken)

    def encode(
        self, texts: Sequence[str], *, max_length: int | None, marker_id: int | None = None
    ) -> Iterator[TokenizedText]:
        """Yield the tokens of every text, in order.

        Args:
            texts: the texts, with their prompts.
            max_length: what is longer, in tokens with special tokens and marker, is cut.
            marker_id: a token that is put after the leading special token of every text.
        """
        room = None if max_length is None else max_length - self._n_special
        if room is not None and marker_id is not None:
            room -= 1
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = list(texts[start : start + TEXTS_AT_ONCE])
            for encoding in self._encodings(part, start):
                yield self._finish(encoding, room, marker_id)

    def _encodings(self, texts: Sequence[str], first_index: int) -> Sequence[Encoding]:
        """Return the tokens of texts without special ones; errors tell which text it was."""
        try:
            return self._encode_batch(texts)
        except BaseException as error:
            if not is_failure(error):
                raise
            at = self._failing(texts)
            raise TokenizationError(self.location, str(error), first_index + at) from error

    def _encode_batch(self, texts: Sequence[str]) -> Sequence[Encoding]:
        # It leaves out texts and places of tokens, which take most of the time and the memory.
        found: list[Encoding] = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return found

    def _failing(self, texts: Sequence[str]) -> int:
        for at, text in enumerate(texts):
            try:
                self._encode_batch([text])
            except BaseException as error:
                if not is_failure(error):
                    raise
                return at
        return 0

    def encode_bare(
        self, texts: Sequence[str], *, max_length: int | None
    ) -> Iterator[TokenizedText]:
        """Yield the tokens of every text, in order, without special tokens.

        Args:
            texts: the texts, with their prompts.
            max_length: what is longer, in tokens, is cut.
        """
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = list(texts[start : start + TEXTS_AT_ONCE])
            for encoding in self._encodings(part, start):
                ids, n_cut = self._within(encoding.ids, max_length)
                yield TokenizedText(ids, [0] * len(ids), n_cut)

    def _finish(self, encoding: Encoding, room: int | None, marker_id: int | None) -> TokenizedText:
        ids, n_cut = self._within(encoding.ids, room)
        ids, type_ids = self._layout.join(ids)
        if marker_id is not None:
            ids.insert(self._n_leading, marker_id)
            type_ids.insert(self._n_leading, 0)
        return TokenizedText(ids, type_ids, n_cut)

    def require_room_for_pairs(self, max_length: int | None) -> None:
        """Raise an `InvalidLengthError` where a length leaves no room for two texts."""
        n_special = self._tokenizer.num_special_tokens_to_add(True)
        if max_length is not None and max_length < n_special + 2:
            raise InvalidLengthError(max_length, "two texts: special tokens", n_special)

    def encode_pairs(
        self, pairs: Sequence[tuple[str, str]], *, max_length: int | None
    ) -> Iterator[TokenizedText]:
        """Yield the tokens of every pair, in order; a text of several pairs is read once.

        Args:
            pairs: two texts each, with their prompts.
            max_length: what is longer, in tokens with special tokens, loses them from the longer
                of its two texts, and from both once they are equally long.
        """
        layout = self._pair_layout()
        for start in range(0, len(pairs), TEXTS_AT_ONCE):
            part = pairs[start : start + TEXTS_AT_ONCE]
            texts = list(dict.fromkeys(text for pair in part for text in pair))
            try:
                found = self._encodings(texts, 0)
            except TokenizationError as error:
                text = texts[error.index]
                at = next(at for at, pair in enumerate(part) if text in pair)
                raise error.at(start + at) from error
            ids = {text: encoding.ids for text, encoding in zip(texts, found, strict=True)}
            for first, second in part:
                yield self._finish_pair(ids[first], ids[second], layout, max_length)

    def _finish_pair(
        self, first: list[int], second: list[int], layout: PairLayout, max_length: int | None
    ) -> TokenizedText:
        lengths = len(first), len(second)
        kept = lengths
        if max_length is not None:
            kept = longest_first(*lengths, max_length - layout.n_special)
        ids, type_ids = layout.join(self._cut(first, kept[0]), self._cut(second, kept[1]))
        return TokenizedText(ids, type_ids, sum(lengths) - sum(kept))

    def _pair_layout(self) -> PairLayout:
        try:
            one, other = (
                self._tokenizer.encode(text, add_special_tokens=False) for text in ("a", "b")
            )
            whole = self._tokenizer.post_process(one, other, add_special_tokens=True)
            return PairLayout.read(
                whole.ids, whole.type_ids, whole.special_tokens_mask, (one.ids, other.ids)
            )
        except BaseException as error:
            if not is_failure(error):
                raise
            raise CheckpointError(
                self.location,
                f"its tokenizer cannot put two texts together: {error}; expected a post_processor "
                "that puts special tokens around the first and then the second",
            ) from error

    def _within(self, ids: list[int], n_tokens: int | None) -> tuple[list[int], int]:
        """Return the tokens that are kept of a text, and how many are cut off."""
        if n_tokens is None:
            return ids, 0
        return self._cut(ids, n_tokens), max(len(ids) - n_tokens, 0)

    def _cut(self, ids: list[int], n_tokens: int) -> list[int]:
        # The library's own truncation keeps what it cuts off and puts special tokens around each
        # piece of it, of pairs in every combination: of a text of megabytes for seconds, in which
        # no other thread runs.
        if len(ids) <= n_tokens:
            return ids
        return ids[len(ids) - n_tokens :] if self._cut_direction == "left" else ids[:n_tokens]

    def encode_rendered(
        self, texts: Sequence[str], *, max_length: int | None, suffix: Sequence[int] = ()
    ) -> Iterator[TokenizedText]:
        """Yield the tokens of texts that bring their own special tokens, as chat templates do.

        Args:
            texts: what a template has made.
            max_length: what is longer is cut.
            suffix: the tokens with which every text ends; they stay where a text is cut.
        """
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = list(texts[start : start + TEXTS_AT_ONCE])
            for encoding in self._encodings(part, start):
                ids, n_cut = encoding.ids, 0
                if max_length is not None and len(ids) > max_length:
                    n_cut = len(ids) - max_length
                    end = list(suffix[-max_length:])
                    ids = self._cut(ids, max_length)[: max_length - len(end)] + end
                yield TokenizedText(ids, [0] * len(ids), n_cut)

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a text that brings its own special tokens."""
        (encoding,) = self._encodings([text], 0)
        found: list[int] = encoding.ids
        return found

    def tokens(self, text: str, *, special_tokens: bool) -> list[Token]:
        """Return the tokens of a text, with those that the model adds or without."""
        try:
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
        except BaseException as error:
            if not is_failure(error):
                raise
            raise TokenizationError(self.location, str(error), 0) from error
        if special_tokens:
            encoding = self._tokenizer.post_process(encoding, add_special_tokens=True)
        return [
            Token(id=token_id, text=token, special=bool(special), start=start, end=end)
            for token_id, token, special, (start, end) in zip(
                encoding.ids,
                encoding.tokens,
                encoding.special_tokens_mask,
                encoding.offsets,
                strict=True,
            )
        ]

    def text_of(self, token_ids: Sequence[int]) -> str:
        """Return the text whose tokens these are, with the special ones of the model or without.

        Raises:
            InvalidArgumentError: no text has exactly these tokens.
        """
        given = list(token_ids)
        wrong = next((each for each in given if not 0 <= each < self.vocab_size), None)
        if wrong is not None:
            raise InvalidArgumentError(
                f"there is no token {wrong}: this model has {self.vocab_size}. These are probably "
                "tokens of another model's tokenizer; send the text itself"
            )
        for text in self._readings(given):
            found = self.tokens(text, special_tokens=True)
            with_special = [token.id for token in found]
            if given in (with_special, [token.id for token in found if not token.special]):
                return text
        raise InvalidArgumentError(
            "this model's tokenizer makes no such tokens of any text. They are probably tokens of "
            "another model's tokenizer, or cut in the middle of a word; send the text itself"
        )

    def decode(self, several: Sequence[Sequence[int]]) -> list[str]:
        """Return the texts of several lists of tokens, without special tokens."""
        found: list[str] = self._tokenizer.decode_batch(list(map(list, several)))
        return list(map(_cleaned, found)) if self._cleans else found

    def _readings(self, token_ids: list[int]) -> Iterator[str]:
        """Yield what tokens may have been made of; whether they were, the caller finds out.

        A tokenizer that only encodes may have no decoder, so that the usual ones are tried.
        """
        yield self._tokenizer.decode(token_ids, skip_special_tokens=True)
        special = {
            id for id, token in self._tokenizer.get_added_tokens_decoder().items() if token.special
        }
        found = [self._tokenizer.id_to_token(id) for id in token_ids if id not in special]
        tokens = [token for token in found if token is not None]
        for decoder in (decoders.WordPiece(), decoders.ByteLevel(), decoders.Metaspace()):
            yield decoder.decode(tokens)

    def count_leading_tokens(self, prompt: str, *, max_length: int | None) -> int:
        """Return how many tokens a prompt takes at the beginning of a text.

        That is what sentence-transformers takes it for: all tokens of the prompt alone, cut as a
        text is, without the last one if it is one of the special tokens by name. So a prompt that
        ends in an unknown word counts without it.

        Args:
            prompt: what is put before a text.
            max_length: the longest text in tokens; None where nothing limits it.
        """
        (text,) = self.encode([prompt], max_length=max_length)
        ends_special = bool(text.ids) and text.ids[-1] in self._special_ids
        return len(text.ids) - ends_special
