"""The tensors of a checkpoint's files."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from holotype.encoders.arrays.tensors import read_safetensors
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.errors import TensorError

# Tensors of a checkpoint that are no part of the encoder: the heads that it was pre-trained with,
# and tables that are computed. Whatever the encoder itself needs is missed if it is dropped here.
NOT_OF_THE_ENCODER = re.compile(
    r"""(^|\.)position_ids$ | rotary_emb\.inv_freq$
    | ^cls\.(predictions|seq_relationship)\.      # BERT
    | ^lm_head(\.|$)                              # RoBERTa, MPNet, T5, causal models
    | ^vocab_(transform|layer_norm|projector)\.   # DistilBERT
    | ^(lm_predictions|mask_predictions)\.        # DeBERTa
    | ^head\.(dense|norm)\. | ^decoder\.(weight|bias)$    # ModernBERT
    | ^(discriminator_|generator_)?predictions\. | ^generator_lm_head\. | ^sop_classifier\.
    """,
    re.VERBOSE,
)
POOLER = re.compile(r"^(\w+\.)?pooler\.")


def read_tensors(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """Read all safetensors weights of a folder, whole or in shards.

    Raises:
        CheckpointError: a file is missing or damaged.
        UnsafeCheckpointError: there are only pickled weights.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name in checkpoint.weights():
        tensors |= read_tensor_file(checkpoint.folder / name)
    return tensors


def read_tensor_file(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of one file.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    return read_safetensors(path, "pt", accepts=lambda _name, _dtype: True)


def split_projection(
    checkpoint: Checkpoint, tensors: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Take the projection out of a transformer's tensors, as Stanford ColBERT stores it.

    Returns:
        The tensors of the projection, which `tensors` then has no more.

    Raises:
        TensorError: there is no projection.
    """
    own = {name: tensors.pop(name) for name in list(tensors) if name.startswith("linear.")}
    weight = own.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise TensorError(checkpoint.location, missing=["linear.weight"])
    return own
