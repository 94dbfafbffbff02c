"""Linear maps of token vectors, by the fastest multiplication that torch has for them.

On CPUs torch multiplies float32 by its BLAS, which does not know every processor's widest
instructions, and lays the weights out anew in each call. oneDNN, which torch brings along, does
better: it takes weights that were laid out once, and adds bias, activation and residual on the way.
Its operators are those that torch's own compiler emits; where they are missing, `LinearMap` does
the same by public functions. oneDNN keeps what it makes for each number of rows, so that vectors
are padded to one of few numbers, where their caller has not done that; see `row_counts`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend.row_counts import RowCounts, row_counts


class LinearMap:
    """``x W^T + b``."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Take a weight, ``[out_dim, in_dim]``, and a bias, ``[out_dim]``."""
        self._weight = weight
        self._bias = bias

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map ``[n_tokens, in_dim]`` to ``[n_tokens, out_dim]``."""
        return functional.linear(vectors, self._weight, self._bias)

    def to_type(self, dtype: torch.dtype, vectors: Tensor) -> Tensor:
        """Map vectors, and return them in a type."""
        return self(vectors).to(dtype)

    def gelu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply GELU, the exact one."""
        return _gelu_in_place(self(vectors))

    def tanh_gelu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply GELU as a hyperbolic tangent approximates it."""
        return functional.gelu(self(vectors), approximate="tanh")

    def silu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply SiLU: ``x * sigmoid(x)``."""
        return functional.silu(self(vectors), inplace=True)

    def add_to(self, residual: Tensor, vectors: Tensor) -> Tensor:
        """Map vectors, which may be overwritten, and add others of the outer size to them."""
        return self(vectors).add_(residual)


class OneDnnLinearMap(LinearMap):
    """The same by oneDNN, with weights in its own layout."""

    def __init__(self, weight: Tensor, bias: Tensor | None, counts: RowCounts) -> None:
        """Lay a weight out; products run with some numbers of rows alone."""
        super().__init__(weight, bias)
        operators: Any = torch.ops.mkldnn
        self._weight = operators._reorder_linear_weight(weight.contiguous(), None)
        self._run: Callable[..., Tensor] = operators._linear_pointwise.default
        self._run_and_add: Callable[..., Tensor] = operators._linear_pointwise.binary
        self._counts = counts

    @property
    def packed(self) -> Tensor:
        """The weight in oneDNN's layout."""
        return self._weight

    @property
    def bias(self) -> Tensor | None:
        """What is added: ``[out_dim]``."""
        return self._bias

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map ``[..., in_dim]`` to ``[..., out_dim]``."""
        return in_pieces(self._counts, self._map, vectors)

    def gelu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply GELU, the exact one."""
        run = self._map_and_gelu if _fuses_gelu() else self._map_then_gelu
        return in_pieces(self._counts, run, vectors)

    def tanh_gelu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply GELU as a hyperbolic tangent approximates it."""
        run = self._map_and_tanh_gelu if _fuses_gelu() else self._map_then_tanh_gelu
        return in_pieces(self._counts, run, vectors)

    def silu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply SiLU: ``x * sigmoid(x)``."""
        return in_pieces(self._counts, self._map_then_silu, vectors)

    def add_to(self, residual: Tensor, vectors: Tensor) -> Tensor:
        """Map vectors, and add others of the outer size to them."""
        return in_pieces(self._counts, self._map_and_add, vectors, residual)

    def _map(self, vectors: Tensor) -> Tensor:
        return self._run(vectors, self._weight, self._bias, "none", [], "")

    def _map_and_gelu(self, vectors: Tensor) -> Tensor:
        return self._run(vectors, self._weight, self._bias, "gelu", [], "none")

    def _map_then_gelu(self, vectors: Tensor) -> Tensor:
        return _gelu_in_place(self._map(vectors))

    def _map_and_tanh_gelu(self, vectors: Tensor) -> Tensor:
        return self._run(vectors, self._weight, self._bias, "gelu", [], "tanh")

    def _map_then_tanh_gelu(self, vectors: Tensor) -> Tensor:
        return functional.gelu(self._map(vectors), approximate="tanh")

    def _map_then_silu(self, vectors: Tensor) -> Tensor:
        return functional.silu(self._map(vectors), inplace=True)

    def _map_and_add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        return self._run_and_add(vectors, residual, self._weight, self._bias, "add")


def in_pieces(
    counts: RowCounts, run: Callable[..., Tensor], first: Tensor, *others: Tensor
) -> Tensor:
    """Run a map over all rows, with a number of rows on the ladder at a time.

    Args:
        counts: the ladder.
        run: takes ``[n_rows, ...]`` of each input, and returns ``[n_rows, out_dim]``.
        first: ``[..., in_dim]``.
        others: with the same number of rows.
    """
    shape = first.shape
    n_rows = shape[0] if len(shape) == 2 else math.prod(shape[:-1])
    if n_rows in counts.on_ladder:
        return run(first, *others)
    pieces = counts.pieces(n_rows)
    n_more = sum(pieces) - n_rows
    flat = [one.flatten(0, -2) for one in (first, *others)]
    if n_more:
        flat = [functional.pad(one, (0, 0, 0, n_more)) for one in flat]
    whole = piece_by_piece(run, pieces, *flat)
    return whole[:n_rows].view(*shape[:-1], whole.shape[-1])


def piece_by_piece(run: Callable[..., Tensor], pieces: Sequence[int], *parts: Tensor) -> Tensor:
    """Run something over so many rows at a time, one piece after the other.

    What lies between the two maps of a layer is the largest tensor of all, and in pieces it stays
    in the cache.

    Args:
        run: takes ``[n_rows, ...]`` of each part, and returns ``[n_rows, out_dim]``.
        pieces: the rows of each piece; together they are all rows.
        parts: with the same number of rows.
    """
    sizes = list(pieces)
    if len(sizes) == 1:
        return run(*parts)
    split = zip(*(torch.split(one, sizes) for one in parts), strict=True)
    return torch.cat([run(*piece) for piece in split])


def _gelu_in_place(vectors: Tensor) -> Tensor:
    found: Tensor = torch.ops.aten.gelu_.default(vectors)
    return found


@cache
def _fuses_gelu() -> bool:
    """Return whether oneDNN computes GELU faster as part of a product.

    Without AVX-512 it takes three times as long for it as torch does.
    """
    return torch.backends.cpu.get_cpu_capability() != "AVX2"


MakeMap: TypeAlias = Callable[[Tensor, Tensor | None], LinearMap]
"""Makes a map of a weight, ``[out_dim, in_dim]``, and a bias, ``[out_dim]``."""


def linear_map(weight: Tensor, bias: Tensor | None, counts: RowCounts | None = None) -> LinearMap:
    """Return the fastest map.

    Args:
        weight: ``[out_dim, in_dim]``.
        bias: ``[out_dim]``.
        counts: with how many rows products run; None takes those for texts.
    """
    if not one_dnn_multiplies(weight.device, weight.dtype):
        return LinearMap(weight, bias)
    return OneDnnLinearMap(weight, bias, counts or row_counts(weight.dtype))


def one_dnn_multiplies(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether oneDNN is there and multiplies this type by instructions of its own."""
    operators: Any = torch.ops.mkldnn
    library: Any = torch.backends.mkldnn
    needed = ("_reorder_linear_weight", "_linear_pointwise")
    if device.type != "cpu" or not library.is_available():
        return False
    if not all(hasattr(operators, name) for name in needed):
        return False
    if dtype == torch.bfloat16:
        return bool(operators._is_mkldnn_bf16_supported())
    if dtype == torch.float16:
        return bool(operators._is_mkldnn_fp16_supported())
    return dtype == torch.float32
