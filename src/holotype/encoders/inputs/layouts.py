"""The special tokens around a text, or around two, and how many tokens of two are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextLayout:
    """The special tokens around a text, and the segments of all tokens.

    Attributes:
        before: the special tokens before the text.
        after: those after it.
        type_ids: the segments of those before, of a token of the text, and of those after.
    """

    before: list[int]
    after: list[int]
    type_ids: tuple[list[int], int, list[int]]

    @classmethod
    def read(
        cls,
        ids: Sequence[int],
        type_ids: Sequence[int],
        special: Sequence[int],
        text: Sequence[int],
    ) -> TextLayout:
        """Read the layout off a text; see `PairLayout.read`. One without tokens ends the tokens.

        Raises:
            ValueError: the text is not in there whole.
        """
        start = special.index(0) if 0 in special else len(special)
        end = start + len(text)
        if sum(special) + len(text) != len(special) or list(ids[start:end]) != list(text):
            raise ValueError(
                f"the tokenizer makes {list(ids)!r} of the text {list(text)!r}; expected special "
                "tokens before it and after it"
            )
        own = type_ids[start] if start < end else 0
        return cls(
            list(ids[:start]), list(ids[end:]), (list(type_ids[:start]), own, list(type_ids[end:]))
        )

    @property
    def n_special(self) -> int:
        """How many special tokens there are."""
        return len(self.before) + len(self.after)

    def join(self, text: list[int]) -> tuple[list[int], list[int]]:
        """Return the token ids and the segments of a text with the special tokens."""
        before, own, after = self.type_ids
        return [*self.before, *text, *self.after], [*before, *[own] * len(text), *after]


@dataclass(frozen=True, slots=True)
class PairLayout:
    """The special tokens around two texts, and the segments of all tokens.

    Attributes:
        ids: the special tokens before the first text, between both and after the second.
        type_ids: their segments.
        text_type_ids: the segments of the two texts.
    """

    ids: tuple[list[int], list[int], list[int]]
    type_ids: tuple[list[int], list[int], list[int]]
    text_type_ids: tuple[int, int]

    @classmethod
    def read(
        cls,
        ids: Sequence[int],
        type_ids: Sequence[int],
        special: Sequence[int],
        texts: tuple[Sequence[int], Sequence[int]],
    ) -> PairLayout:
        """Read the layout off two texts that are put together.

        Args:
            ids: all tokens.
            type_ids: the segment of every token.
            special: 1 for every special token, 0 for others.
            texts: the tokens of the two texts alone, at least one each.

        Raises:
            ValueError: the texts are not in there whole, one after the other.
        """
        own = [at for at, is_special in enumerate(special) if not is_special]
        first, second = own[: len(texts[0])], own[len(texts[0]) :]
        found = [[ids[at] for at in part] for part in (first, second)]
        if not first or not second or found != [list(text) for text in texts]:
            raise ValueError(
                f"the tokenizer makes {list(ids)!r} of the texts {list(texts[0])!r} and "
                f"{list(texts[1])!r}; expected the first, then the second"
            )
        end, start = first[-1] + 1, second[0]
        if (end - first[0], second[-1] + 1 - start) != (len(first), len(second)):
            raise ValueError(f"special tokens stand within a text: {list(ids)!r}")
        parts = slice(0, first[0]), slice(end, start), slice(second[-1] + 1, None)
        before, between, after = (list(ids[part]) for part in parts)
        types = [list(type_ids[part]) for part in parts]
        return cls(
            (before, between, after),
            (types[0], types[1], types[2]),
            (type_ids[first[0]], type_ids[start]),
        )

    @property
    def n_special(self) -> int:
        """How many special tokens there are."""
        return sum(map(len, self.ids))

    def join(self, first: list[int], second: list[int]) -> tuple[list[int], list[int]]:
        """Return the token ids and the segments of two texts that are put together."""
        before, between, after = self.ids
        types, own = self.type_ids, self.text_type_ids
        return (
            [*before, *first, *between, *second, *after],
            [
                *types[0],
                *[own[0]] * len(first),
                *types[1],
                *[own[1]] * len(second),
                *types[2],
            ],
        )


def longest_first(n_first: int, n_second: int, room: int) -> tuple[int, int]:
    """Return how many tokens of two texts are kept, so that together they fit.

    The longer text is cut until both are equally long, then both, as the tokenizers library does
    under the name of ``longest_first``.
    """
    if n_first + n_second <= room:
        return n_first, n_second
    shorter, longer = sorted((n_first, n_second))
    longer = shorter if shorter > room else max(shorter, room - shorter)
    if shorter + longer > room:
        shorter = room // 2
        longer = shorter + room % 2
    return (longer, shorter) if n_first > n_second else (shorter, longer)
