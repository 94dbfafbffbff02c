"""Attention within the rows of a batch by one compiled call, where holotype-kernels is installed.

The call reads queries, keys and values where the product before it has left them, whatever the
lengths of the rows, and writes what the product behind it reads. Scores stay in the registers and
the nearest cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from holotype.encoders.torch_backend.position_bias import PositionBias
from holotype.encoders.torch_backend.row_counts import multiplies_by_tiles

INSTRUCTION_SETS: dict[torch.dtype, tuple[str, ...]] = {
    torch.float32: ("avx512", "avx2"),
    torch.bfloat16: ("avx512_bf16",),
}
"""The instructions that kernels have for each type, the best first."""


def instruction_set(found: Any, dtype: torch.dtype) -> str | None:
    """Return by which instructions the kernels run a type; None where the processor has none.

    Args:
        found: the module of the kernels.
        dtype: the type of the numbers.
    """
    known = found.instruction_sets()
    return next((name for name in INSTRUCTION_SETS.get(dtype, ()) if name in known), None)


@dataclass(frozen=True, slots=True)
class CompiledRows:
    """Where the rows of a batch are, on the CPU.

    Attributes:
        kernels: the module of the kernels.
        rows: the rows, as it knows them.
        n_tokens: how many tokens they have.
        attended: whether the other tokens of its row attend to a token: ``[n_tokens]``; None where
            all are attended.
    """

    kernels: Any
    rows: Any
    n_tokens: int
    attended: Tensor | None

    @classmethod
    def place(cls, kernels: Any, lengths: Sequence[int], attended: Tensor | None) -> CompiledRows:
        """Take the rows of a batch.

        Args:
            kernels: the module of the kernels.
            lengths: the tokens of each row.
            attended: bool ``[n_tokens]``, side by side; None where all are attended.
        """
        address = None if attended is None else attended.data_ptr()
        rows = kernels.Rows(lengths, attended=address)
        return cls(kernels, rows, rows.n_tokens, attended)

    def runs(self, dtype: torch.dtype) -> bool:
        """Return whether numbers of a type attend by the kernels."""
        # Nobody has compared them with tiles (AMX).
        if dtype == torch.bfloat16 and multiplies_by_tiles():
            return False
        return instruction_set(self.kernels, dtype) is not None

    def takes(self, query: Tensor, key: Tensor, value: Tensor) -> bool:
        """Return whether the kernels are made for heads of such a size and layout; see `attend`."""
        parts = (query, key, value)
        return (
            self.runs(query.dtype)
            and all(one.dtype == query.dtype and _lies_in_pairs(one) for one in parts)
            and self.kernels.takes_heads(query.shape[2], query.shape[1], key.shape[1])
        )

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scale: float | None,
        causal: bool,
        window: int | None,
        bias: PositionBias | None,
        tables: Any = None,
    ) -> Tensor:
        """Let the tokens of every row attend to each other; see `attention.attend`.

        `tables` are what the kernels take for what distances add.
        """
        n_tokens, n_heads, head_dim = query.shape
        output = query.new_empty(n_tokens, n_heads * head_dim)
        # Tokens behind the rows belong to none.
        output[self.n_tokens :] = 0
        # The arrays stay alive in these names until the call returns.
        numbers = None if bias is None else bias.in_float32
        self.kernels.attend(
            *(self._heads(one) for one in (query, key, value)),
            output.data_ptr(),
            self.rows,
            head_dim=head_dim,
            scale=head_dim**-0.5 if scale is None else scale,
            instruction_set=instruction_set(self.kernels, query.dtype),
            causal=causal,
            window=window,
            bias=None if numbers is None else numbers.data_ptr(),
            bias_length=0 if bias is None else bias.n_tokens,
            tables=tables,
            n_threads=torch.get_num_threads(),
        )
        return output

    def _heads(self, one: Tensor) -> Any:
        if len(one) < self.n_tokens:
            raise ValueError(f"{len(one)} tokens are given for rows of {self.n_tokens}")
        token_stride, head_stride, _ = one.stride()
        return self.kernels.Heads(one.data_ptr(), one.shape[1], token_stride, head_stride)


def _lies_in_pairs(one: Tensor) -> bool:
    token_stride, head_stride, step = one.stride()
    return step == 1 and token_stride % 2 == 0 and head_stride % 2 == 0
