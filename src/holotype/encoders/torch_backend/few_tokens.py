"""Few tokens in one compiled call, where the distribution holotype-kernels is installed.

A short text takes a model as long as it takes to read the weights, if nothing lies between the
products: no call of an operator, no thread that is woken for each of them. The compiled pass reads
the weights where oneDNN keeps them, so that they take no memory twice; longer texts stay with
oneDNN, whose products run at the processor's rate.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.kernels import kernels
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.bert_forward import BertForward, Layer, Norm
from holotype.encoders.torch_backend.compiled_attention import INSTRUCTION_SETS, instruction_set
from holotype.encoders.torch_backend.linear_map import LinearMap, OneDnnLinearMap
from holotype.encoders.torch_backend.magnitudes import MapSizes, largest, stays_finite
from holotype.encoders.torch_backend.packed_backbone import Forward
from holotype.encoders.torch_backend.row_counts import multiplies_by_tiles

# oneDNN multiplies by tiles (AMX), and the kernels do not: more tokens take longer to multiply than
# to read the weights.
_MOST_BESIDE_TILES = 16
# Every 12 tokens read a panel again, which does not stay in the second cache (1 MB) if it is
# larger.
_LARGE_PANEL = 3 << 18
_MOST_OF_LARGE = 32
_log = logging.getLogger(__name__)


class FewTokensForward:
    """A `Forward` that leaves few tokens to a compiled pass, and the others to another one."""

    def __init__(
        self, forward: BertForward, model: Any, held: Sequence[Tensor], most_tokens: int
    ) -> None:
        """Take both.

        Args:
            forward: what reads many tokens.
            model: the layers as `holotype_kernels.Model`.
            held: the arrays whose addresses the model has, beside the weights of `forward`.
            most_tokens: how many tokens the model reads at most.
        """
        self._forward = forward
        self._model = model
        self._held = tuple(held)
        self._most_tokens = most_tokens

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        n_tokens = batch.groups[-1].span.stop
        if n_tokens > self._most_tokens:
            return self._forward(batch)
        given, bias = self._forward.start(batch)
        vectors = given.float().contiguous()
        # The arrays stay alive in these names until the call returns.
        attended = batch.attended
        added = None if bias is None else bias.matrix.float().contiguous()
        self._model.run(
            vectors.data_ptr(),
            [group.n_tokens for group in batch.groups for _ in range(group.n_rows)],
            attended=None if attended is None else attended.data_ptr(),
            bias=None if added is None else added.data_ptr(),
            bias_length=0 if added is None else added.shape[-1],
            n_threads=torch.get_num_threads(),
        )
        return vectors.to(given.dtype)


def with_kernel(forward: Forward) -> Forward:
    """Return a forward pass with a compiled one beside it.

    Where the kernels are not installed, or not made for the model or the processor, it is returned
    as it is.
    """
    return (_beside(forward) if isinstance(forward, BertForward) else None) or forward


def _beside(forward: BertForward) -> FewTokensForward | None:
    found = kernels()
    if found is None:
        return None
    rows = [_layer(layer) for layer in forward.layers]
    known = [row for row in rows if row is not None]
    if not known or len(known) < len(rows):
        return None
    first = forward.layers[0]
    packed = [packed for packed, _ in known]
    if not all(lies_in_panels(one, found.PANEL) for row in packed for one in row):
        return None
    by = instruction_set(found, packed[0][0].dtype)
    # Where numbers leave float32, the passes differ in what they make of infinities.
    if by is None or not stays_finite(forward, _sizes, found.MOST_TOKENS):
        return None
    address = torch.ops.mkldnn.data_ptr
    layers = [
        found.Layer(
            **dict(zip(_MAPS, map(address, weights), strict=True)),
            **{name: one.data_ptr() for name, one in others.items()},
        )
        for weights, others in known
    ]
    try:
        model = found.Model(
            layers,
            hidden_dim=packed[0][1].shape[0],
            inner_dim=packed[0][2].shape[0],
            n_heads=first.n_heads,
            norm_eps=first.attention_norm.eps,
            activation="gelu" if first.activation is None else "relu",
            instruction_set=by,
        )
    except ValueError:
        # No pass is made for such sizes.
        return None
    held = [one for _, row in known for one in row.values()]
    most_tokens: int = found.MOST_TOKENS
    if packed[0][3].shape[1] * found.PANEL * packed[0][3].itemsize > _LARGE_PANEL:
        most_tokens = _MOST_OF_LARGE
    if by == "avx512_bf16" and multiplies_by_tiles():
        most_tokens = _MOST_BESIDE_TILES
    _log.debug("up to %d tokens at a time run by holotype-kernels, by %s", most_tokens, by)
    return FewTokensForward(forward, model, held, most_tokens)


_MAPS = ("query_key_value", "attended", "up", "down")


def _layer(layer: Layer) -> tuple[list[Tensor], dict[str, Tensor]] | None:
    """Return the packed weights of a layer's maps, and its other arrays in float32 by their names."""
    if layer.activation not in (None, functional.relu):
        return None
    maps: list[LinearMap] = [getattr(layer, name) for name in _MAPS]
    weights: list[Tensor] = []
    others: dict[str, Tensor] = {}
    for name, one in zip(_MAPS, maps, strict=True):
        if (
            not isinstance(one, OneDnnLinearMap)
            or one.bias is None
            or one.packed.dtype not in INSTRUCTION_SETS
        ):
            return None
        weights.append(one.packed)
        others[f"{name}_bias"] = one.bias
    norms: tuple[tuple[str, Norm], ...] = (
        ("attention_norm", layer.attention_norm),
        ("output_norm", layer.output_norm),
    )
    for name, norm in norms:
        others[name] = norm.weight
        others[f"{name}_bias"] = norm.bias
    return weights, {name: one.float().contiguous() for name, one in others.items()}


def lies_in_panels(packed: Tensor, panel: int) -> bool:
    """Return whether oneDNN keeps a weight, ``[out_dim, in_dim]``, as the kernels read it.

    Its layout is its own affair, so each weight is looked at. It depends on the processor, and
    without AVX-512 on how many threads torch had when the weight was laid out.
    """
    operators: Any = torch.ops.mkldnn
    n_outputs, n_inputs = packed.shape
    if n_outputs % panel or n_inputs % 2:
        return False
    if not all(hasattr(operators, name) for name in ("data_ptr", "_nbytes")):
        return False
    weight = packed.to_dense()
    if operators._nbytes(packed) != weight.nbytes:
        return False
    per_input = 1 if weight.dtype == torch.float32 else 2
    panels = weight.view(n_outputs // panel, panel, n_inputs // per_input, per_input)
    expected = panels.transpose(1, 2)
    return torch.equal(_numbers(packed).view(expected.shape), expected)


def _numbers(packed: Tensor) -> Tensor:
    """Return the numbers of a weight in the order in which oneDNN keeps them, without a copy."""
    operators: Any = torch.ops.mkldnn
    n_bytes: int = operators._nbytes(packed)
    memory = (ctypes.c_uint8 * n_bytes).from_address(operators.data_ptr(packed))
    return torch.frombuffer(memory, dtype=packed.dtype)


def _sizes(one: LinearMap) -> MapSizes:
    """Return the sizes of a map of which `_layer` has found that it has a bias and lies in panels."""
    held: Any = one
    return MapSizes(held.packed.shape[1], largest(_numbers(held.packed)), largest(held.bias))
