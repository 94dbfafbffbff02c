"""Passes of few tokens through encoders of BERT's kind, in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from holotype_kernels.library import (
    INSTRUCTION_SETS,
    InstructionSet,
    OpenMp,
    library,
    require_instructions,
    threads,
)

MOST_TOKENS: Final = 64
"""How many tokens a pass reads at most."""
PANEL: Final = 64
"""How many outputs of a weight lie together; see `Layer`."""
_MOST_HEAD_DIM = 128
_LANES = 16
_MOST_WIDTH = 1 << 20
_MOST_LAYERS = 1 << 16

_ARRAYS = (
    *("query_key_value", "attended", "up", "down"),
    *("query_key_value_bias", "attended_bias", "up_bias", "down_bias"),
    *("attention_norm", "attention_norm_bias", "output_norm", "output_norm_bias"),
)


class _Layer(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in _ARRAYS)


class _Model(ctypes.Structure):
    _fields_ = (
        ("layers", ctypes.POINTER(_Layer)),
        ("n_layers", ctypes.c_int64),
        ("hidden_dim", ctypes.c_int64),
        ("inner_dim", ctypes.c_int64),
        ("n_heads", ctypes.c_int64),
        ("norm_eps", ctypes.c_float),
        ("has_relu", ctypes.c_int32),
    )


class _Batch(ctypes.Structure):
    _fields_ = (
        ("vectors", ctypes.c_void_p),
        ("lengths", ctypes.POINTER(ctypes.c_int64)),
        ("attended", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("n_tokens", ctypes.c_int64),
        ("n_rows", ctypes.c_int64),
        ("bias_length", ctypes.c_int64),
    )


@cache
def _run() -> Any:
    found = library().holotype_run
    found.argtypes = [
        ctypes.c_int,
        ctypes.POINTER(_Model),
        ctypes.POINTER(_Batch),
        ctypes.POINTER(OpenMp),
        ctypes.c_int,
    ]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The addresses of a layer's arrays.

    A weight of ``n`` outputs and ``k`` inputs is ``[n / 64, k, 64]`` in float32, and
    ``[n / 64, k / 2, 64, 2]`` in bfloat16; everything else is float32.

    Attributes:
        query_key_value: a weight from `hidden_dim` to three times as many.
        attended: a weight from `hidden_dim` to `hidden_dim`, of what attention returns.
        up: a weight from `hidden_dim` to `inner_dim`.
        down: a weight from `inner_dim` to `hidden_dim`.
        query_key_value_bias: ``[3 * hidden_dim]``.
        attended_bias: ``[hidden_dim]``.
        up_bias: ``[inner_dim]``.
        down_bias: ``[hidden_dim]``.
        attention_norm: the weight of the norm after attention, ``[hidden_dim]``.
        attention_norm_bias: ``[hidden_dim]``.
        output_norm: the weight of the norm at the end, ``[hidden_dim]``.
        output_norm_bias: ``[hidden_dim]``.
    """

    query_key_value: int
    attended: int
    up: int
    down: int
    query_key_value_bias: int
    attended_bias: int
    up_bias: int
    down_bias: int
    attention_norm: int
    attention_norm_bias: int
    output_norm: int
    output_norm_bias: int


class Model:
    """The layers of a model; any number of threads may run it at once.

    Attributes:
        hidden_dim: the width of token vectors.
        n_heads: how many heads attention has.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        hidden_dim: int,
        inner_dim: int,
        n_heads: int,
        norm_eps: float,
        activation: Literal["gelu", "relu"],
        instruction_set: InstructionSet,
    ) -> None:
        """Take the layers of a model.

        Args:
            layers: the layers, in order.
            hidden_dim: the width of token vectors.
            inner_dim: the width between the two maps of a layer.
            n_heads: how many heads attention has.
            norm_eps: what norms add to the variance.
            activation: what comes between the two maps of a layer.
            instruction_set: the instructions that a pass uses; they decide the type of the weights.

        Raises:
            ValueError: no pass is made for such sizes, or an address is 0.
            OSError: the processor lacks the instructions.
        """
        require_instructions(instruction_set)
        _require_sizes(len(layers), hidden_dim, inner_dim, n_heads)
        if activation not in ("gelu", "relu"):
            raise ValueError(f"expected the activation 'gelu' or 'relu', not {activation!r}")
        rows = [[getattr(layer, name) for name in _ARRAYS] for layer in layers]
        if not all(address for row in rows for address in row):
            raise ValueError("the address of an array of a layer is 0")
        self.hidden_dim = hidden_dim
        self.n_heads = n_heads
        self._set = INSTRUCTION_SETS.index(instruction_set)
        self._model = _Model(
            (_Layer * len(rows))(*(_Layer(*row) for row in rows)),
            *(len(rows), hidden_dim, inner_dim, n_heads, norm_eps, activation == "relu"),
        )

    def run(
        self,
        vectors: int,
        lengths: Sequence[int],
        *,
        attended: int | None = None,
        bias: int | None = None,
        bias_length: int = 0,
        n_threads: int = 1,
    ) -> None:
        """Replace the input of the first layer by what the last one returns.

        Args:
            vectors: the address of float32 ``[n_tokens, hidden_dim]``.
            lengths: how many tokens each row has; tokens attend within their row.
            attended: the address of one byte for each token: whether the other tokens of its row
                attend to it; None means that all are attended.
            bias: the address of float32 ``[n_heads, bias_length, bias_length]``, which is added to
                scores by the positions of query and key; None adds nothing.
            bias_length: at least the tokens of the longest row, where there is a `bias`.
            n_threads: how many threads share the work, if the process has loaded OpenMP.

        Raises:
            ValueError: there are no tokens or too many, or a bias is too small.
            MemoryError: there is too little memory.
        """
        n_tokens = sum(lengths)
        if not lengths or min(lengths) < 1 or n_tokens > MOST_TOKENS:
            raise ValueError(
                f"expected rows with 1 to {MOST_TOKENS} tokens altogether, not {list(lengths)}"
            )
        if not vectors:
            raise ValueError("the address of the vectors is 0")
        if bias is not None and bias_length < max(lengths):
            raise ValueError(
                f"a bias for {bias_length} tokens does not reach a row of {max(lengths)}"
            )
        shared = threads(n_threads)
        batch = _Batch(
            *(vectors, (ctypes.c_int64 * len(lengths))(*lengths), attended, bias),
            *(n_tokens, len(lengths), bias_length),
        )
        if _run()(self._set, self._model, batch, shared, n_threads):
            raise MemoryError(f"too little memory for a pass of {n_tokens} tokens")


def _require_sizes(n_layers: int, hidden_dim: int, inner_dim: int, n_heads: int) -> None:
    for name, width in (("hidden_dim", hidden_dim), ("inner_dim", inner_dim)):
        if not 0 < width <= _MOST_WIDTH or width % PANEL:
            raise ValueError(
                f"{name} is {width}, and must be a multiple of {PANEL}, up to {_MOST_WIDTH}"
            )
    if not 0 < n_layers <= _MOST_LAYERS:
        raise ValueError(f"expected 1 to {_MOST_LAYERS} layers, not {n_layers}")
    if n_heads < 1 or hidden_dim % n_heads:
        raise ValueError(f"{n_heads} heads do not share a width of {hidden_dim}")
    head_dim = hidden_dim // n_heads
    if head_dim % _LANES or head_dim > _MOST_HEAD_DIM:
        raise ValueError(
            f"a head has {head_dim} dimensions, and must have a multiple of {_LANES}, up to "
            f"{_MOST_HEAD_DIM}"
        )
