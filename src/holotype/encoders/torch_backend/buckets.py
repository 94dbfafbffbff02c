"""Rows of like lengths side by side, for what runs over rows of one length.

A CPU calls nothing that costs much, so that rows of different lengths stay apart there. On a GPU
every call costs as much as hundreds of tokens, so that rows of like lengths are padded to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from holotype.encoders.running.packing import Group
from holotype.encoders.torch_backend.transfers import send

# At most a quarter of a bucket is padding, but for rows that are short anyway.
_LEAST_SHARE = 0.75
_SHORT = 16


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows that follow each other in a batch, padded to the longest.

    Attributes:
        span: their tokens in the batch.
        shape: how many rows there are, and the tokens of each with its padding.
        places: where the tokens are among those of the padded rows: int64 ``[n_tokens]``; None
            where nothing is padded.
    """

    span: slice
    shape: tuple[int, int]
    places: Tensor | None

    def pad(self, tokens: Tensor) -> Tensor:
        """Return the rows, ``[n_rows, n_tokens, ...]``, of a batch's ``[n_tokens, ...]``.

        Padding is zeros, or False.
        """
        own = tokens[self.span]
        if self.places is None:
            return own.view(*self.shape, *own.shape[1:])
        padded = own.new_zeros(self.shape[0] * self.shape[1], *own.shape[1:])
        padded.index_copy_(0, self.places, own)
        return padded.view(*self.shape, *own.shape[1:])

    def join(self, rows: Tensor) -> Tensor:
        """Return the tokens of padded rows, ``[n_rows, n_tokens, ...]``, without padding."""
        tokens = rows.flatten(0, 1)
        return tokens if self.places is None else tokens.index_select(0, self.places)


def buckets(groups: Sequence[Group], device: torch.device) -> tuple[Bucket, ...]:
    """Return the rows of a batch, longest first, in the buckets in which a device runs them."""
    if device.type == "cuda":
        return merged_buckets(groups, device)
    return tuple(Bucket(group.span, group.shape, None) for group in groups)


def merged_buckets(groups: Sequence[Group], device: torch.device) -> tuple[Bucket, ...]:
    """Return the rows of a batch, longest first, in few buckets."""
    found: list[list[Group]] = []
    for group in groups:
        if found and _are_alike(found[-1][0].n_tokens, group.n_tokens):
            found[-1].append(group)
        else:
            found.append([group])
    return tuple(_bucket(several, device) for several in found)


def _are_alike(longest: int, n_tokens: int) -> bool:
    return longest <= _SHORT or _LEAST_SHARE * longest <= n_tokens <= longest


def _bucket(groups: Sequence[Group], device: torch.device) -> Bucket:
    span = slice(groups[0].start, groups[-1].span.stop)
    if len(groups) == 1:
        return Bucket(span, groups[0].shape, None)
    longest = max(group.n_tokens for group in groups)
    places = []
    n_rows = 0
    for group in groups:
        starts = np.arange(n_rows, n_rows + group.n_rows) * longest
        places.append((starts[:, None] + np.arange(group.n_tokens)).ravel())
        n_rows += group.n_rows
    return Bucket(span, (n_rows, longest), send(np.concatenate(places), device))
