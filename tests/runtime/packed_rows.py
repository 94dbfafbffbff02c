"""Rows of several lengths, and forward passes of our own over batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend.attention import TokenBatch


def some_rows(lengths: Sequence[int], *, all_attended: bool, with_types: bool) -> list[Row]:
    """Rows of these lengths, each token in or out of attention, the first always in."""
    generator = np.random.default_rng(5)
    return [
        Row(
            generator.integers(4, 15, n_tokens).tolist(),
            generator.integers(0, 2, n_tokens).tolist() if with_types else [0] * n_tokens,
            [all_attended or at == 0 or bool(generator.random() < 0.7) for at in range(n_tokens)],
            [True] * n_tokens,
        )
        for n_tokens in lengths
    ]


def in_batches(forward: Any, rows: list[Row], *, max_tokens: int, with_types: bool) -> list[Tensor]:
    """Run a pass of ours over batches; some tokens of each belong to no row."""
    found: dict[int, Tensor] = {}
    for batch in pack(rows, max_rows=None, max_tokens=max_tokens, pad_id=0):
        pieces = (len(batch.ids), 8)
        placed = TokenBatch.place(batch, torch.device("cpu"), with_types=with_types, pieces=pieces)
        vectors = forward(placed)
        start = 0
        for index in batch.indices:
            found[index] = vectors[start : start + rows[index].n_tokens]
            start += rows[index].n_tokens
    return [found[at] for at in range(len(rows))]
