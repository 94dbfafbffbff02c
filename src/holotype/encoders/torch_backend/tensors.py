"""The tensors of a checkpoint's files."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors import safe_open

from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import LinearSpec, stanford_linear
from holotype.encoders.checkpoints.safetensors import reading_tensors
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError

_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")

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


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Read all safetensors weights of a folder, whole or in shards.

    Raises:
        CheckpointError: a file is missing or damaged.
        UnsafeCheckpointError: there are only pickled weights.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name in _weight_files(folder):
        tensors |= read_tensor_file(folder / name)
    return tensors


def read_tensor_file(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of one file.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with reading_tensors(path), safe_open(path, framework="pt", device="cpu") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def split_projection(
    folder: Path, tensors: dict[str, torch.Tensor]
) -> tuple[Setting[LinearSpec], dict[str, torch.Tensor]]:
    """Take the projection out of a transformer's tensors, as Stanford ColBERT stores it.

    Returns:
        What the projection is and the file that holds it, and its tensors, which `tensors` then
        has no more.

    Raises:
        TensorError: there is no projection.
    """
    own = {name: tensors.pop(name) for name in list(tensors) if name.startswith("linear.")}
    weight = own.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise TensorError(str(folder), missing=["linear.weight"])
    spec = stanford_linear(folder, weight.shape, bias="linear.bias" in own)
    return Setting(spec, _WEIGHTS), own


def _weight_files(folder: Path) -> list[str]:
    if (folder / _WEIGHTS).is_file():
        return [_WEIGHTS]
    if (folder / _INDEX).is_file():
        index = JsonFile.read(folder, _INDEX)
        shards = index.part("weight_map")
        if shards is None or not all(isinstance(name, str) for name in shards.values.values()):
            raise index.wrong("weight_map", index.values.get("weight_map"), "the files by tensor")
        return sorted({str(name) for name in shards.values.values()})
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise UnsafeCheckpointError(
            str(folder),
            f"has only pickled weights ({', '.join(pickles)}); unpickling can run any code, so it "
            "is refused. Convert them where that does no harm, with torch.load(path, "
            f"weights_only=True) and safetensors.torch.save_file(tensors, {_WEIGHTS!r}), or use a "
            "revision that has safetensors",
        )
    raise CheckpointError(
        str(folder),
        f"has no {_WEIGHTS}; expected weights as safetensors (pickled weights are not downloaded, "
        "since unpickling can run any code)",
    )
