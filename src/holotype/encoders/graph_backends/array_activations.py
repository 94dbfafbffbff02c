"""torch's activations on arrays, with the defaults of their modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.graph_backends.array_tensors import Array
from holotype.errors import UnsupportedCheckpointError

# https://arxiv.org/abs/1706.02515, as torch writes them.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

_erf: Any = np.vectorize(math.erf, otypes=[np.float32])


def _gelu(x: Array) -> Array:
    activated: Array = x * np.float32(0.5) * (1 + _erf(x / math.sqrt(2)))
    return activated


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Array) -> Array:
    return np.float32(_SELU_SCALE) * np.where(
        x > 0, x, np.float32(_SELU_ALPHA) * np.expm1(np.minimum(x, 0))
    )


def _sigmoid(x: Array) -> Array:
    # Through tanh, which overflows nowhere.
    activated: Array = np.float32(0.5) * (1 + np.tanh(x * np.float32(0.5)))
    return activated


def _softplus(x: Array) -> Array:
    return np.logaddexp(np.float32(0), x)


def _hardswish(x: Array) -> Array:
    activated: Array = x * (np.clip(x + 3, 0, 6) / np.float32(6)).astype(np.float32)
    return activated


def _mish(x: Array) -> Array:
    return x * np.tanh(_softplus(x))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "ELU": _elu,
    "GELU": _gelu,
    "Hardswish": _hardswish,
    "Hardtanh": lambda x: np.clip(x, -1, 1),
    "Identity": lambda x: x,
    "LeakyReLU": lambda x: np.where(x > 0, x, np.float32(0.01) * x),
    "Mish": _mish,
    "ReLU": lambda x: np.maximum(x, 0),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "SELU": _selu,
    "SiLU": lambda x: x * _sigmoid(x),
    "Sigmoid": _sigmoid,
    "Softplus": _softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Tanh": np.tanh,
}
"""By the names of torch's classes."""


def activation(spec: LinearSpec) -> Callable[[Array], Array]:
    """Return the activation of a layer.

    Raises:
        UnsupportedCheckpointError: it is none of torch's, or unknown here.
    """
    module, _, name = spec.activation.rpartition(".")
    found = ACTIVATIONS.get(name)
    if found is None or not f"{module}.".startswith("torch.nn."):
        raise UnsupportedCheckpointError(
            str(spec.folder),
            f"uses the activation {spec.activation!r}; supported are torch.nn's "
            f"{', '.join(ACTIVATIONS)}",
        )
    return found
