"""Locate the files of a model: in a local folder, the Hub's cache, or the Hub."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from holotype.errors import CheckpointError, CheckpointNotFoundError, MissingExtraError
from holotype.records import ModelInfo

CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "artifact.metadata")
"""The files to fetch from a repository; pickled weights are not among them."""
CONVERSIONS = ("onnx/*", "*/onnx/*", "openvino/*", "*/openvino/*", "*.gguf")
"""Files to skip, although they match `CHECKPOINT_FILES`."""
# Layers after the transformer: modules, BGE-M3's token weights, the last layer of an export.
_LAYERS = ("*/model.safetensors", "sparse_linear.safetensors", "*/last_layer.safetensors")


def find_checkpoint(record: ModelInfo, checkpoint: str | None, *, with_code: bool) -> Path:
    """Return the folder with a model's files, fetching the pinned revision if necessary.

    Args:
        record: the model.
        checkpoint: a local folder; None means the Hub's cache, then the Hub, as huggingface_hub's
            variables say (HF_HOME, HF_HUB_OFFLINE, HF_ENDPOINT, HF_TOKEN).
        with_code: whether to fetch Python files, too. Pickled weights are never fetched.

    Raises:
        CheckpointNotFoundError: the folder does not exist, or the files cannot be fetched.
        CheckpointError: the record has no revision.
    """
    if checkpoint is not None:
        folder = Path(checkpoint).expanduser()
        if not folder.is_dir():
            hint = ", without local:" if checkpoint.startswith("local:") else ""
            raise CheckpointNotFoundError(
                str(folder),
                f"there is no such folder; checkpoint= of {record.id!r} expects one{hint}",
            )
        return folder
    code = ("*.py",) if with_code else ()
    return _fetch(record, (*CHECKPOINT_FILES, *code), CONVERSIONS)


def fetch_graph(record: ModelInfo, graph: str, *, with_weights: bool) -> Path:
    """Fetch a graph from a model's repository with the files that describe it; return the folder.

    Args:
        record: the model.
        graph: the graph's file; files beside it whose names start with its name are fetched, too.
        with_weights: whether to fetch the transformer's own weights, too; those of modules and
            layers after the graph are always fetched.

    Raises:
        CheckpointNotFoundError: the files cannot be fetched.
        CheckpointError: the record has no revision.
    """
    weights = ("*.safetensors",) if with_weights else _LAYERS
    small = [pattern for pattern in CHECKPOINT_FILES if pattern != "*.safetensors"]
    return _fetch(record, (*small, *weights, f"{graph}*"), ("openvino/*", "*.gguf"))


def how_to_make_artifact(record: ModelInfo) -> str:
    """Return the command that makes an artifact of an entry whose files are in a folder."""
    return f"holotype artifact create local:FOLDER --entry {record.id} --to PATH"


def _fetch(record: ModelInfo, files: Sequence[str], ignored: Sequence[str]) -> Path:
    if not record.is_on_hub:
        raise CheckpointError(
            record.id,
            "was made of a folder, and is not on the Hub; take the folder: load(..., "
            f"checkpoint=FOLDER), or make an artifact, whose path is a source everywhere: {how_to_make_artifact(record)}",
        )
    if record.revision is None:
        raise CheckpointError(
            record.huggingface_id,
            f"the record {record.id!r} pins no revision, and a branch may change at any time; "
            "take a local folder: load(..., checkpoint=FOLDER), or local:FOLDER as the source in a "
            "deployment; or take a record with a revision",
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
