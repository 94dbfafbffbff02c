"""With how many rows products run on a CPU: with few numbers, whatever texts come.

oneDNN makes a product for every number of rows that it meets, which takes as long as running a
short text, and keeps it: half a megabyte for each map. So batches end with some rows that nobody
reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import torch

from holotype.encoders.torch_backend.devices import processor_has


@dataclass(frozen=True)
class RowCounts:
    """The numbers of rows that products run with.

    Attributes:
        ladder: all of them, in ascending order.
        longest_padded: more rows than this run in pieces, of which the last one is padded.
    """

    ladder: tuple[int, ...]
    longest_padded: int

    @cached_property
    def on_ladder(self) -> frozenset[int]:
        """The numbers of rows that run as they are."""
        return frozenset(self.ladder)

    def including(self, count: int) -> RowCounts:
        """Return these numbers and one more, which comes again and again."""
        return RowCounts(tuple(sorted({*self.ladder, count})), self.longest_padded)

    def pieces(self, n_rows: int) -> tuple[int, ...]:
        """Return the numbers of rows to run one after the other; their sum is at least `n_rows`."""
        return _pieces(self, n_rows)


@cache
def _pieces(counts: RowCounts, n_rows: int) -> tuple[int, ...]:
    found = []
    while n_rows > counts.longest_padded:
        found.append(max(count for count in counts.ladder if count <= n_rows))
        n_rows -= found[-1]
    if n_rows or not found:
        found.append(min(count for count in counts.ladder if count >= n_rows))
    return tuple(found)


# Rows that nobody reads cost what all rows cost, but reading the weights costs as much as 12 to 25
# rows do. Above 128 rows, a further product costs no more than padding does.
BY_ROWS = RowCounts(
    ladder=(
        *(4, 6, 8, 9, 10, 11, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64),
        *(80, 96, 112, 128, 256, 512, 1024),
    ),
    longest_padded=128,
)
# AMX multiplies 16 rows at once, and each product takes more memory.
BY_TILES = RowCounts(
    ladder=(*(8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 384, 512, 768, 1024),),
    longest_padded=1024,
)
# What lies between the products of bytes is so much of their time that it must not leave the cache.
BY_BYTES = RowCounts(
    ladder=(*(count for count in BY_ROWS.ladder if count <= 128), 160, 192, 224, 256),
    longest_padded=256,
)
LARGEST = 1024
"""The largest number of rows of one product."""


def row_counts(dtype: torch.dtype) -> RowCounts:
    """Return the numbers of rows for a type of arithmetic."""
    return BY_TILES if dtype == torch.bfloat16 and multiplies_by_tiles() else BY_ROWS


@cache
def multiplies_by_tiles() -> bool:
    """Return whether the processor multiplies bfloat16 by tiles (AMX)."""
    return processor_has("amx_bf16")
