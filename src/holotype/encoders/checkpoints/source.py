"""Where the files of a model are: a local folder, the Hub's cache, or the Hub."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from holotype.errors import CheckpointError, CheckpointNotFoundError, MissingExtraError
from holotype.records import ModelInfo

CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "artifact.metadata")
"""What is fetched of a repository; pickled weights are not."""
CONVERSIONS = ("onnx/*", "*/onnx/*", "openvino/*", "*/openvino/*", "*.gguf")
"""What is not fetched, although its name says that it should be."""
# What follows a transformer: modules, BGE-M3's weights of tokens, the last layer of an export.
_LAYERS = ("*/model.safetensors", "sparse_linear.safetensors", "*/last_layer.safetensors")


def find_checkpoint(record: ModelInfo, checkpoint: str | None, *, with_code: bool) -> Path:
    """Return the folder with a model's files, fetched at the pinned revision where need be.

    Args:
        record: the model.
        checkpoint: a local folder; None means the Hub's cache, then the Hub. The environment of
            huggingface_hub is honoured (HF_HOME, HF_HUB_OFFLINE, HF_ENDPOINT, HF_TOKEN).
        with_code: whether Python files are fetched too. Pickled weights never are.

    Raises:
        CheckpointNotFoundError: there is no such folder, or the files cannot be had.
        CheckpointError: the record has no revision.
    """
    if checkpoint is not None:
        folder = Path(checkpoint).expanduser()
        if not folder.is_dir():
            raise CheckpointNotFoundError(
                str(folder), f"there is no such folder; checkpoint= of {record.id!r} expects one"
            )
        return folder
    code = ("*.py",) if with_code else ()
    return _fetch(record, (*CHECKPOINT_FILES, *code), CONVERSIONS)


def fetch_graph(record: ModelInfo, graph: str, *, with_weights: bool) -> Path:
    """Return a folder with a graph that a model's repository holds, and the files that describe it.

    Args:
        record: the model.
        graph: the graph's file; what lies beside it and begins with its name comes along.
        with_weights: whether the transformer's own weights are fetched, too; those of further
            modules, and of layers that follow the graph, always are.

    Raises:
        CheckpointNotFoundError: the files cannot be had.
        CheckpointError: the record has no revision.
    """
    weights = ("*.safetensors",) if with_weights else _LAYERS
    small = [pattern for pattern in CHECKPOINT_FILES if pattern != "*.safetensors"]
    return _fetch(record, (*small, *weights, f"{graph}*"), ("openvino/*", "*.gguf"))


def _fetch(record: ModelInfo, files: Sequence[str], ignored: Sequence[str]) -> Path:
    if record.revision is None:
        raise CheckpointError(
            record.huggingface_id,
            f"the record {record.id!r} pins no revision, and a branch may change at any time; "
            "pass a local folder as checkpoint=, or a record with a revision",
        )
    # By name: neither a local folder nor a type checker needs huggingface_hub.
    try:
        repository = importlib.import_module("holotype.encoders.checkpoints.repository")
    except ModuleNotFoundError as error:
        missing = error.name or "huggingface_hub"
        raise MissingExtraError("encoders", missing, "fetching a checkpoint") from error
    folder = repository.pinned_snapshot(
        record.huggingface_id, record.revision, files, ignored, record
    )
    return Path(folder)
