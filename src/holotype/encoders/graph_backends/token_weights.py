"""Weights of tokens that lie beside a transformer, read without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holotype.encoders.checkpoints.bge_m3 import find_layer
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.sparse_settings import LEXICAL_STEM
from holotype.encoders.graph_backends.array_tensors import Array, read_arrays, read_tensor_file
from holotype.encoders.tokens.tokenization import TextTokenizer
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
)

DROPPED_TOKENS = ("<s>", "</s>", "<pad>", "<unk>")
"""What BGE-M3's authors leave out of a text's words."""


def load_token_layer(folder: Path, hidden_dim: int) -> tuple[Array, Array]:
    """Load the linear layer by which BGE-M3 weighs tokens.

    Returns:
        Its weight, ``[1, hidden_dim]``, and its bias, ``[1]``.

    Raises:
        CheckpointError: the file is missing or damaged.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: there is only a pickled file.
    """
    path = find_layer(folder, LEXICAL_STEM)
    found = read_tensor_file(path)
    shapes = {"weight": [1, hidden_dim], "bias": [1]}
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {shape})"
        for name, shape in shapes.items()
        if name in found and list(found[name].shape) != shape
    ]
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    if missing or unexpected or misshapen:
        raise TensorError(str(path), missing, unexpected, misshapen)
    return found["weight"], found["bias"]


def load_token_weights(table: Path, tokenizer: TextTokenizer, dim: int) -> Array:
    """Load the weights of queries' tokens: from a module's tensors, or from OpenSearch's file.

    Args:
        table: the module's folder, or the JSON file with a weight for every token.
        tokenizer: knows the ids of tokens.
        dim: how many words the vectors weigh.

    Returns:
        float32 ``[dim]``.

    Raises:
        CheckpointError: the file is damaged, or names a token that is not of the vocabulary.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: the module names a file of its own.
    """
    if table.suffix == ".json":
        return _from_json(table, tokenizer, dim)
    settings = JsonFile.read(table, "config.json", optional=True)
    if settings.values.get("path") is not None:
        raise UnsupportedCheckpointError(
            settings.location, "takes the weights of tokens from a file of another repository"
        )
    tensors = read_arrays(table)
    found = tensors.get("weight")
    unexpected = sorted(tensors.keys() - {"weight"})
    if found is None or unexpected:
        raise TensorError(str(table), [] if found is not None else ["weight"], unexpected)
    if list(found.shape) != [dim]:
        shapes = f"weight ({list(found.shape)}, expected {[dim]})"
        raise TensorError(str(table), misshapen=[shapes])
    return found


def _from_json(path: Path, tokenizer: TextTokenizer, dim: int) -> Array:
    file = JsonFile.read(path.parent, path.name)
    weights = np.zeros(dim, dtype=np.float32)
    for token, weight in file.values.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise file.wrong(token, weight, "a weight")
        id = tokenizer.token_id(token)
        if id is None or id >= dim:
            raise CheckpointError(
                str(path), f"weighs {token!r}, which is no token of the checkpoint's vocabulary"
            )
        weights[id] = weight
    return weights
