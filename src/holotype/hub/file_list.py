"""Compare a record with the file list and the headers of the weights."""

from __future__ import annotations

from typing import get_args

from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.open_clip import (
    OPEN_CLIP_FILE,
    OPEN_CLIP_PICKLE,
    OPEN_CLIP_WEIGHTS,
)
from holotype.encoders.checkpoints.safetensors import (
    some_are_pickled,
    stored_dtype,
)
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.kinds.merge import Comparer
from holotype.encoders.kinds.network import transformer_path
from holotype.hub.checkpoint_files import CheckpointFiles
from holotype.records import Dtype

FILE_LIST = "the list of files"
MISSING = "(no such file)"
"""Shown in place of a file that an entry names and the checkpoint lacks."""

_USUAL = {
    "tokenizer_file": ("tokenizer.json", "vocab.txt", "tokenizer.model", "spiece.model"),
    "config_file": ("config.json",),
    "safetensors_file": ("model.safetensors", "model.safetensors.index.json"),
    "pytorch_file": ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    "onnx_file": ("onnx/model.onnx", "model.onnx"),
}

_CONVERSION = "onnx_file"

_OF_OPEN_CLIP = {
    "config_file": (OPEN_CLIP_FILE,),
    "safetensors_file": (OPEN_CLIP_WEIGHTS,),
    "pytorch_file": (OPEN_CLIP_PICKLE,),
}
"""The same where only OpenCLIP's configuration says what the model is."""


def compare_files(comparer: Comparer, files: CheckpointFiles) -> None:
    """Compare the files that an entry names with those of the checkpoint."""
    for field, usual in _USUAL.items():
        ours = getattr(comparer.record, field)
        if ours is None:
            if files.checkpoint.is_open_clip:
                usual = (*_OF_OPEN_CLIP.get(field, ()), *usual)
            present = next((name for name in usual if name in files.names), None)
            theirs = None if present is None else Setting(present, FILE_LIST)
            comparer.compare(field, None, theirs, agrees=True)
        elif ours not in files.names and field == _CONVERSION and files.repository is None:
            # A folder need not hold what its repository has beside the weights.
            comparer.compare(field, ours, None, agrees=True)
        else:
            found = ours in files.names
            theirs = Setting(ours if found else MISSING, FILE_LIST)
            comparer.compare(field, ours, theirs, agrees=found)


def compare_dtype(comparer: Comparer, files: CheckpointFiles) -> None:
    """Compare the type of the weights, from safetensors headers or else from the configuration.

    Raises:
        CheckpointError: the configuration is damaged.
    """
    theirs: Setting[str] | None
    headers = files.checkpoint.headers
    if headers and not some_are_pickled(files.names):
        stored = stored_dtype(headers.values())
        theirs = None if stored is None else Setting(stored, ", ".join(headers))
    else:
        transformer = files.checkpoint.part(transformer_path(files.checkpoint))
        config = transformer.json(CONFIG_FILE, optional=True)
        theirs = _declared_dtype(config)
    comparer.choose("dtype", comparer.record.dtype, theirs)


def _declared_dtype(config: JsonFile) -> Setting[str] | None:
    """Return the type that transformers recorded, under its new or its old key."""
    for key in ("dtype", "torch_dtype"):
        name = str(config.values.get(key)).removeprefix("torch.")
        for dtype in get_args(Dtype):
            # PyTorch marks the finite variants of 8-bit types with "fn".
            if name in (dtype, f"{dtype}fn"):
                return Setting(dtype, config.name)
    return None
