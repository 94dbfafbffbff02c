"""Linear maps by products of bytes: weights by channel, token vectors by token.

A few columns of what a map reads are many times as large as the others, and the same ones whatever
the text. They would take the range that the others share, so they stay in float32. Which ones they
are is seen by running some texts in float32 first.

oneDNN multiplies unsigned by signed bytes. Signed by signed ones it runs by its reference code,
thousands of times as slow, on processors without AMX; so token vectors are signed bytes around 128.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from holotype.encoders.torch_backend.linear_map import LinearMap, in_pieces
from holotype.encoders.torch_backend.row_counts import BY_BYTES

_LARGEST = 127
_MIDDLE = 128
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

    def in_bytes(self) -> ByteMap:
        """Return the same map by bytes."""
        return ByteMap(self._weight, self._bias, outlying(self._greatest))


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
    """``x W^T + b`` by a product of bytes; takes and returns float32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, kept: Tensor) -> None:
        """Round a weight.

        Args:
            weight: float32 ``[out_dim, in_dim]``.
            bias: float32 ``[out_dim]``.
            kept: the columns of the input that are multiplied in float32, int64 ``[n]``.
        """
        rounded = weight.index_fill(1, kept, 0)
        scales = rounded.abs().amax(1).clamp_(min=_LEAST_RANGE).div_(_LARGEST)
        rounded = rounded.div_(scales[:, None]).round_().to(torch.int8)
        operators: Any = torch.ops.onednn
        self._run: Callable[..., Tensor] = operators.qlinear_pointwise.default
        self._packed: Tensor = operators.qlinear_prepack(rounded, None)
        self._scales = scales
        self._zeros = torch.zeros(len(scales), dtype=torch.int64)
        self._bias = bias
        self._kept = kept if len(kept) else None
        self._kept_weight = weight[:, kept].t().contiguous()
        self.memory_bytes = (
            rounded.nbytes
            + scales.nbytes
            + self._kept_weight.nbytes
            + (0 if bias is None else bias.nbytes)
        )

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map ``[..., in_dim]`` to ``[..., out_dim]``."""
        return in_pieces(BY_BYTES, self._map, vectors)

    def gelu(self, vectors: Tensor) -> Tensor:
        """Map vectors, and apply GELU, the exact one."""
        return in_pieces(BY_BYTES, self._map_and_gelu, vectors)

    def add_to(self, residual: Tensor, vectors: Tensor) -> Tensor:
        """Map vectors, and add others of the outer size to them."""
        return in_pieces(BY_BYTES, self._map_and_add, vectors, residual)

    def _map(self, vectors: Tensor) -> Tensor:
        rounded, scales = _in_bytes(vectors, self._kept)
        found = self._run(
            *(rounded, 1.0, _MIDDLE, self._packed, self._scales, self._zeros, None),
            *(1.0, 0, torch.float32, "none", [], ""),
        )
        found.mul_(scales)
        if self._kept is not None:
            found.addmm_(vectors.index_select(1, self._kept), self._kept_weight)
        return found if self._bias is None else found.add_(self._bias)

    def _map_and_gelu(self, vectors: Tensor) -> Tensor:
        found: Tensor = torch.ops.aten.gelu_.default(self._map(vectors))
        return found

    def _map_and_add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        return self._map(vectors).add_(residual)


def _in_bytes(vectors: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return vectors as unsigned bytes around 128, and the scale of each: ``[n_tokens, 1]``."""
    room = vectors.abs()
    if kept is not None:
        room.index_fill_(1, kept, 0)
    scales = room.amax(1, keepdim=True).clamp_(min=_LEAST_RANGE).div_(_LARGEST)
    torch.mul(vectors, scales.reciprocal(), out=room)
    if kept is not None:
        room.index_fill_(1, kept, 0)
    # Signed bytes on the way, since torch makes unsigned ones of numbers nine times as slowly.
    rounded = room.round_().to(torch.int8).view(torch.uint8).add_(_MIDDLE)
    return rounded, scales


def byte_products(device: torch.device) -> bool:
    """Return whether a device multiplies bytes by instructions of its own, through oneDNN."""
    operators: Any = torch.ops.onednn
    library: Any = torch.backends.mkldnn
    # Before torch 2.10 there is no public way to know.
    capabilities: Any = getattr(torch.cpu, "get_capabilities", dict)
    return (
        device.type == "cpu"
        and library.is_available()
        and all(hasattr(operators, name) for name in ("qlinear_pointwise", "qlinear_prepack"))
        and bool(capabilities().get("avx512_vnni"))
    )
