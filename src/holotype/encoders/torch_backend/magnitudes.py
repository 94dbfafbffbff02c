"""How large the numbers of a forward pass can become, by its weights alone.

Two passes that compute the same differ where float32 ends: one keeps an infinity that the other
turns into a number. Norms bound what every layer begins with, so that the largest numbers of the
weights tell whether any text can lead there. For real models the bound is 1e30 at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from holotype.encoders.torch_backend.bert_forward import BertForward, Layer, Norm
from holotype.encoders.torch_backend.linear_map import LinearMap

# Sums of as many numbers round to a little more than their exact value; float32 ends at 3.4e38.
_MOST = 1e38


@dataclass(frozen=True, slots=True)
class MapSizes:
    """How large the numbers of a linear map are.

    Attributes:
        n_inputs: how many numbers each output is a sum of.
        weight: the largest of the weight, without its sign.
        bias: that of the bias.
    """

    n_inputs: int
    weight: float
    bias: float


def stays_finite(
    forward: BertForward, sizes: Callable[[LinearMap], MapSizes], n_tokens: int
) -> bool:
    """Return whether no text can lead a pass beyond float32; False if a weight is NaN.

    Args:
        forward: the pass.
        sizes: returns the sizes of one of its maps.
        n_tokens: how many tokens attend to each other at most.
    """
    states = _of_norm(forward.input_norm)
    bias = 0.0 if forward.bias_table is None else largest(forward.bias_table)
    for layer in forward.layers:
        found, states = _of_layer(layer, states, bias, sizes, n_tokens)
        # NaN is not below anything.
        if not found < _MOST:
            return False
    return True


def largest(values: Tensor) -> float:
    """Return the largest number without its sign; NaN if one is NaN."""
    least, most = values.aminmax()
    # Of a NaN, both are NaN.
    return float(max(-least.item(), most.item()))


def _of_norm(norm: Norm) -> float:
    """Return the bound of what a norm returns: a unit vector by the root of its width, weighted."""
    return math.sqrt(len(norm.weight)) * largest(norm.weight) + largest(norm.bias)


def _of_layer(
    layer: Layer,
    states: float,
    position_bias: float,
    sizes: Callable[[LinearMap], MapSizes],
    n_tokens: int,
) -> tuple[float, float]:
    """Return the bound of all numbers within a layer, and that of what it returns."""
    width = len(layer.attention_norm.weight)

    def mapped(one: LinearMap, given: float) -> float:
        found = sizes(one)
        return found.n_inputs * given * found.weight + found.bias

    parts = mapped(layer.query_key_value, states)
    scores = width // layer.n_heads * parts * parts + position_bias
    # The shares of attention are divided by their sum at the end.
    attended = n_tokens * parts
    first = mapped(layer.attended, parts) + states
    normed = _of_norm(layer.attention_norm)
    within = mapped(layer.up, normed)
    second = mapped(layer.down, within) + normed
    squares = [width * (2 * one) * (2 * one) for one in (first, second)]
    bounds = (scores, attended, within * within, *squares)
    return sum(bounds), _of_norm(layer.output_norm)
