"""Linear maps by products of bytes: weights by channel, token vectors by token.

A few columns of what a map reads are many times as large as the others, and the same ones whatever
the text. They would take the range that the others share, so they stay in float32. Which ones they
are is seen by running some texts in float32 first.

oneDNN multiplies unsigned bytes by the signed ones of packed weights. Signed by signed ones run by
its reference code, thousands of times as slowly, where there is no AMX; so token vectors are
unsigned, around 128.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from holotype.encoders.torch_backend.devices import processor_has
from holotype.encoders.torch_backend.linear_map import LinearMap, in_pieces
from holotype.encoders.torch_backend.row_counts import BY_BYTES

_BYTES = 255
_LARGEST = 127
_MIDDLE = 128
# Of values that are hardly negative, so many bytes are for those that are.
_BELOW = 16
_AT_ONCE = max(BY_BYTES.ladder)
# More would cost time, and save none of the loss of the models that were measured.
_MOST_KEPT = 8
# How many times the range of the others a column must have.
_OUTLYING = 1.5
# Rows of nothing but zeros have a scale, too.
_LEAST_RANGE = 1e-12


class WatchedMap(LinearMap):
    """A map in float32 that remembers how large each column gets that it reads."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Take a weight, ``[out_dim, in_dim]``, and a bias, ``[out_dim]``."""
        super().__init__(weight, bias)
        self._greatest = weight.new_zeros(weight.shape[1])

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map ``[n_tokens, in_dim]`` to ``[n_tokens, out_dim]``."""
        torch.maximum(self._greatest, vectors.abs().amax(0), out=self._greatest)
        return super().__call__(vectors)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take."""
        return self._weight.nbytes + (0 if self._bias is None else self._bias.nbytes)

    def in_bytes(self, *, after_gelu: bool = False) -> ByteMap:
        """Return the same map by bytes.

        Args:
            after_gelu: whether what it reads is hardly negative, as what GELU returns.
        """
        kept = outlying(self._greatest)
        return ByteMap(self._weight, self._bias, kept, after_gelu=after_gelu)


def outlying(greatest: Tensor) -> Tensor:
    """Return which columns are so large that they stay in float32: int64 ``[n]``, at most 8.

    Args:
        greatest: the greatest magnitude of each column.
    """
    if len(greatest) <= _MOST_KEPT:
        return torch.empty(0, dtype=torch.int64)
    values, columns = greatest.topk(_MOST_KEPT + 1)
    return columns[:-1][values[:-1] > _OUTLYING * values[-1]]


class ByteMap(LinearMap):
    """``x W^T + b`` by a product of bytes, of float32."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None, kept: Tensor, *, after_gelu: bool = False
    ) -> None:
        """Round a weight.

        Args:
            weight: float32 ``[out_dim, in_dim]``.
            bias: float32 ``[out_dim]``.
            kept: the columns of the input that are multiplied in float32, int64 ``[n]``.
            after_gelu: whether the input is hardly negative, as what GELU returns.
        """
        rounded = weight.index_fill(1, kept, 0)
        scales = rounded.abs().amax(1).clamp_(min=_LEAST_RANGE).div_(_LARGEST)
        rounded = rounded.div_(scales[:, None]).round_().to(torch.int8)
        operators: Any = torch.ops.onednn
        self._run: Callable[..., Tensor] = operators.qlinear_pointwise.default
        self._packed: Tensor = operators.qlinear_prepack(rounded, None)
        self._scales = scales
        self._zeros = torch.zeros(len(scales), dtype=torch.int64)
        self._added: Tensor = torch.zeros_like(scales) if bias is None else bias
        self._kept = kept if len(kept) else None
        self._kept_weight = weight[:, kept].t().contiguous()
        self._after_gelu = after_gelu
        held = (rounded, scales, self._zeros, self._added, self._kept_weight)
        self.memory_bytes = sum(one.nbytes for one in held)

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map ``[..., in_dim]`` to ``[..., out_dim]``."""
        return self.to_type(torch.float32, vectors)

    def to_type(self, dtype: torch.dtype, vectors: Tensor) -> Tensor:
        """Map vectors, and return them in a type."""
        flat = vectors.flatten(0, -2)
        found = vectors.new_empty(len(flat), len(self._scales), dtype=dtype)
        # What lies between two steps stays in the cache; the last one writes to its place.
        for part, room in zip(
            torch.split(flat, _AT_ONCE), torch.split(found, _AT_ONCE), strict=True
        ):
            torch.add(in_pieces(BY_BYTES, self._product, part), self._added, out=room)
        return found.view(*vectors.shape[:-1], -1)

    def gelu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply GELU, the exact one."""
        return in_pieces(BY_BYTES, self._map_and_gelu, vectors)

    def add_to(self, residual: Tensor, vectors: Tensor) -> Tensor:
        """Map vectors, which are overwritten, and add others of the outer size to them."""
        run = self._map_one_sided_and_add if self._after_gelu else self._map_and_add
        return in_pieces(BY_BYTES, run, vectors, residual)

    def _map_and_gelu(self, vectors: Tensor) -> Tensor:
        found: Tensor = torch.ops.aten.gelu_.default(self._product(vectors).add_(self._added))
        return found

    def _map_and_add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        return self._product(vectors).add_(self._added).add_(residual)

    def _map_one_sided_and_add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        kept = self._take_kept(vectors)
        # Zero lies as far above the least byte as the least value needs.
        scales = vectors.amax(1, keepdim=True).div_(_BYTES - _BELOW)
        scales = torch.maximum(scales, vectors.amin(1, keepdim=True).div_(-_BELOW))
        scales.clamp_(min=_LEAST_RANGE / _BYTES)
        vectors.mul_(scales.reciprocal()).add_(_BELOW - _MIDDLE)
        found = self._multiply(_to_bytes(vectors), _BELOW, scales)
        return self._add_kept(found, kept).add_(self._added).add_(residual)

    def _product(self, vectors: Tensor) -> Tensor:
        """Return ``x W^T``."""
        room = vectors.abs()
        if self._kept is not None:
            room.index_fill_(1, self._kept, 0)
        scales = room.amax(1, keepdim=True).clamp_(min=_LEAST_RANGE).div_(_LARGEST)
        torch.mul(vectors, scales.reciprocal(), out=room)
        kept = None if self._kept is None else vectors.index_select(1, self._kept)
        if self._kept is not None:
            room.index_fill_(1, self._kept, 0)
        return self._add_kept(self._multiply(_to_bytes(room), _MIDDLE, scales), kept)

    def _multiply(self, rounded: Tensor, zero: int, scales: Tensor) -> Tensor:
        found = self._run(
            *(rounded, 1.0, zero, self._packed, self._scales, self._zeros, None),
            *(1.0, 0, torch.float32, "none", [], ""),
        )
        return found.mul_(scales)

    def _take_kept(self, vectors: Tensor) -> Tensor | None:
        """Return the columns that stay in float32, and leave zeros in their place."""
        if self._kept is None:
            return None
        found = vectors.index_select(1, self._kept)
        vectors.index_fill_(1, self._kept, 0)
        return found

    def _add_kept(self, found: Tensor, kept: Tensor | None) -> Tensor:
        return found if kept is None else found.addmm_(kept, self._kept_weight)


def _to_bytes(vectors: Tensor) -> Tensor:
    """Round numbers from -128 to 127, in place, and return them as bytes around 128."""
    # Signed bytes on the way, since torch makes unsigned ones of numbers nine times as slowly.
    return vectors.round_().to(torch.int8).view(torch.uint8).add_(_MIDDLE)


def byte_products(device: torch.device) -> bool:
    """Return whether a device multiplies bytes by instructions of its own, through oneDNN."""
    operators: Any = torch.ops.onednn
    library: Any = torch.backends.mkldnn
    return (
        device.type == "cpu"
        and library.is_available()
        and all(hasattr(operators, name) for name in ("qlinear_pointwise", "qlinear_prepack"))
        and processor_has("avx512_vnni")
        and _keeps_large_products()
    )


@cache
def _keeps_large_products() -> bool:
    """Return whether the sum of two products of bytes may be larger than 16 bits.

    Without VNNI, oneDNN cuts it off there. It leaves instructions out that the processor has where
    the variable ONEDNN_MAX_CPU_ISA says so.
    """
    largest = ByteMap(torch.full((1, 2), float(_LARGEST)), None, torch.empty(0, dtype=torch.int64))
    return float(largest(torch.full((1, 2), float(_LARGEST)))) == 2 * _LARGEST**2
