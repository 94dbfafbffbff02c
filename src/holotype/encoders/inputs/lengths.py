"""How long texts are for a model, and what their tokens are, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holotype.encoders.inputs.rows import ItemT_contra, Reader, RowT
from holotype.errors import TextOverflowError


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """The tokens of several texts or pairs, with prompts and special tokens.

    Attributes:
        n_read: how many tokens of each the model reads.
        n_cut: how many tokens of each are cut off before.
        max_length: the longest that it reads, in tokens; None for no limit.
    """

    n_read: tuple[int, ...]
    n_cut: tuple[int, ...]
    max_length: int | None

    @property
    def n_tokens(self) -> int:
        """How many tokens the model reads in all."""
        return sum(self.n_read)

    @property
    def n_cut_texts(self) -> int:
        """How many texts are cut."""
        return sum(map(bool, self.n_cut))

    def require_whole(self, model_id: str) -> None:
        """Refuse texts that would be cut.

        Raises:
            TextOverflowError: at least one would be.
        """
        if any(self.n_cut) and self.max_length is not None:
            first = next(at for at, n in enumerate(self.n_cut) if n)
            raise TextOverflowError(
                model_id, self.n_cut_texts, sum(self.n_cut), self.max_length, first
            )


def lengths_of(reader: Reader[ItemT_contra, RowT], items: Sequence[ItemT_contra]) -> Lengths:
    """Return the lengths of items as a reader reads them."""
    reading = reader.read(items)
    return Lengths(
        n_read=tuple(row.n_tokens for row in reading.rows),
        n_cut=tuple(reading.n_cut),
        max_length=reader.max_length,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token of a text.

    Attributes:
        id: its number in the vocabulary.
        text: its text in the vocabulary.
        special: whether it belongs to the model, and not to the text.
        start: where it begins in the text, in characters; 0 for special tokens.
        end: where it ends.
    """

    id: int
    text: str
    special: bool
    start: int
    end: int
