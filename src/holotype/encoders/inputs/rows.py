"""What a network runs for an item, and how rows of tokens become padded batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

TOKENS_AT_ONCE = 4096
"""How many tokens a batch has at most where nobody says how many rows, padding included."""


class NetworkInput(Protocol):
    """What a network runs for one item: the tokens of a text, or whatever else it reads."""

    @property
    def n_tokens(self) -> int:
        """How many tokens the network reads; work is divided and counted by them."""
        ...


ItemT_contra = TypeVar("ItemT_contra", contravariant=True)
RowT = TypeVar("RowT", bound=NetworkInput)
RowT_co = TypeVar("RowT_co", bound=NetworkInput, covariant=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One text as its transformer reads it; all lists have one entry for each token.

    Attributes:
        ids: token ids.
        type_ids: the segment of every token.
        attended: whether other tokens attend to this one.
        counted: whether the vector of this token counts in what comes after the transformer.
    """

    ids: list[int]
    type_ids: list[int]
    attended: list[bool]
    counted: list[bool]

    @property
    def n_tokens(self) -> int:
        """How many tokens the text has, with special tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One picture as its network reads it.

    Attributes:
        pixels: float32 ``[3, height, width]``, ``[n_patches, patch_size * patch_size * 3]`` where
            the network reads patches, or ``[n_tiles, 3, height, width]`` where it reads tiles.
        n_tokens: how many patches there are, as far as that is known; work is counted by them.
        grid: how many patches or tiles lie below and beside each other, where the network reads
            such; ``(0, 0)`` for a picture that is one tile.
    """

    pixels: NDArray[np.float32]
    n_tokens: int
    grid: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Several rows, padded on the right to the longest: ``[n_rows, n_tokens]`` each.

    Padding is on the right whatever the checkpoint's own side is, so that a text's positions do
    not depend on what it is batched with; nothing attends to padding.
    """

    ids: NDArray[np.int64]
    type_ids: NDArray[np.int64]
    attended: NDArray[np.bool_]
    counted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reading(Generic[RowT_co]):
    """The items of a window as the network reads them, in the order of the items.

    Attributes:
        rows: what the network runs for every item.
        n_cut: how many tokens of every item were cut off.
    """

    rows: Sequence[RowT_co]
    n_cut: Sequence[int]


class Reader(Protocol[ItemT_contra, RowT_co]):
    """Reads the items of one call; nothing after it knows what an item is."""

    @property
    def max_length(self) -> int | None:
        """The longest item in tokens, beyond which it is cut; None where nothing limits it."""
        ...

    def size(self, item: ItemT_contra, /) -> int:
        """Return the size of an item in characters, which bounds a window."""
        ...

    def read(self, items: Sequence[ItemT_contra], /) -> Reading[RowT_co]:
        """Return what the network runs for each item; several threads may call it."""
        ...


def batches(
    rows: Sequence[Row],
    batch_size: int | None,
    *,
    pad_id: int,
    max_tokens: int = TOKENS_AT_ONCE,
) -> Iterator[tuple[list[int], Batch]]:
    """Yield batches of rows of like length, longest first, with the rows' positions.

    Args:
        rows: what is put into batches.
        batch_size: how many rows make a batch; None makes batches of `max_tokens`.
        pad_id: the id of padding.
        max_tokens: how many tokens a batch has then at most, unless it is one row.
    """
    order = sorted(range(len(rows)), key=lambda index: -rows[index].n_tokens)
    start = 0
    while start < len(order):
        longest = max(1, rows[order[start]].n_tokens)
        chosen = order[start : start + (batch_size or max(1, max_tokens // longest))]
        yield chosen, _pad([rows[index] for index in chosen], pad_id)
        start += len(chosen)


def _pad(rows: Sequence[Row], pad_id: int) -> Batch:
    # Every tokenizer may give an empty text no token at all; a row needs one.
    shape = (len(rows), max(1, *(row.n_tokens for row in rows)))
    ids = np.full(shape, pad_id, dtype=np.int64)
    type_ids = np.zeros(shape, dtype=np.int64)
    attended = np.zeros(shape, dtype=np.bool_)
    counted = np.zeros(shape, dtype=np.bool_)
    for at, row in enumerate(rows):
        ids[at, : row.n_tokens] = row.ids
        type_ids[at, : row.n_tokens] = row.type_ids
        attended[at, : row.n_tokens] = row.attended
        counted[at, : row.n_tokens] = row.counted
    return Batch(ids, type_ids, attended, counted)


def picture_batches(
    rows: Sequence[PictureRow], batch_size: int | None
) -> Iterator[tuple[list[int], dict[str, NDArray[Any]]]]:
    """Yield batches of pictures of one size, as transformers names them, with their positions.

    Pictures that are cut into patches have any number of these, and are padded; nothing attends to
    the padding.

    Args:
        rows: what is put into batches.
        batch_size: how many rows make a batch; None makes batches of a bounded number of patches.
    """
    order = sorted(range(len(rows)), key=lambda at: (-rows[at].n_tokens, *rows[at].pixels.shape))
    start = 0
    while start < len(order):
        first = rows[order[start]]
        most = batch_size or max(1, TOKENS_AT_ONCE // max(1, first.n_tokens))
        chosen = order[start : start + most]
        # Those of one shape stand side by side.
        if first.grid is None:
            chosen = [at for at in chosen if rows[at].pixels.shape == first.pixels.shape]
            yield chosen, {"pixel_values": np.stack([rows[at].pixels for at in chosen])}
        else:
            yield chosen, _pad_patches([rows[at] for at in chosen])
        start += len(chosen)


def _pad_patches(rows: Sequence[PictureRow]) -> dict[str, NDArray[Any]]:
    n_patches = max(row.n_tokens for row in rows)
    pixels = np.zeros((len(rows), n_patches, rows[0].pixels.shape[1]), dtype=np.float32)
    attended = np.zeros((len(rows), n_patches), dtype=np.int64)
    for at, row in enumerate(rows):
        pixels[at, : row.n_tokens] = row.pixels
        attended[at, : row.n_tokens] = 1
    return {
        "pixel_values": pixels,
        "pixel_attention_mask": attended,
        "spatial_shapes": np.asarray([row.grid for row in rows], dtype=np.int64),
    }


def alike(
    rows: Sequence[PictureRow] | Sequence[Row], keys: Sequence[Any], batch_size: int | None
) -> Iterator[list[int]]:
    """Yield the positions of rows with one key each, which need no padding, the largest first.

    Args:
        rows: what is put into batches.
        keys: what rows of a batch have in common.
        batch_size: how many rows make a batch; None makes batches of a bounded number of tokens.
    """
    groups: dict[Any, list[int]] = {}
    for at in sorted(range(len(rows)), key=lambda at: -rows[at].n_tokens):
        groups.setdefault(keys[at], []).append(at)
    for group in groups.values():
        step = batch_size or max(1, TOKENS_AT_ONCE // max(1, rows[group[0]].n_tokens))
        for start in range(0, len(group), step):
            yield group[start : start + step]
