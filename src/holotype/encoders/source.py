"""Where the files of a model are: a local folder, the Hub's cache, or the Hub."""

from __future__ import annotations

from pathlib import Path

from holotype.errors import CheckpointError, CheckpointNotFoundError, MissingExtraError
from holotype.records import ModelInfo

_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "artifact.metadata")
_CONVERSIONS = ("onnx/*", "*/onnx/*", "openvino/*", "*/openvino/*", "*.gguf")


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
    files = [*_FILES, "*.py"] if with_code else [*_FILES]
    return _pinned_snapshot(record, files, list(_CONVERSIONS))


def fetch_graph(record: ModelInfo, graph: str, *, with_weights: bool) -> Path:
    """Return a folder with a graph that a model's repository holds, and the files that describe it.

    Args:
        record: the model.
        graph: the graph's file; what lies beside it and begins with its name comes along.
        with_weights: whether the transformer's own weights are fetched, too; those of further
            modules always are.

    Raises:
        CheckpointNotFoundError: the files cannot be had.
        CheckpointError: the record has no revision.
    """
    weights = "*.safetensors" if with_weights else "*/model.safetensors"
    small = [pattern for pattern in _FILES if pattern != "*.safetensors"]
    return _pinned_snapshot(record, [*small, weights, f"{graph}*"], ["openvino/*", "*.gguf"])


def _pinned_snapshot(record: ModelInfo, files: list[str], ignored: list[str]) -> Path:
    revision = record.revision
    if revision is None:
        raise CheckpointError(
            record.huggingface_id,
            f"the record {record.id!r} pins no revision, and a branch may change at any time; "
            "pass a local folder as checkpoint=, or a record with a revision",
        )
    # Not needed for a local folder, and a good part of the cold start of a small model.
    try:
        from httpx import HTTPError
        from huggingface_hub.errors import HFValidationError
    except ModuleNotFoundError as error:
        missing = error.name or "huggingface_hub"
        raise MissingExtraError("encoders", missing, "fetching a checkpoint") from error

    name = record.huggingface_id
    try:
        return _snapshot(name, revision, files, ignored, local_files_only=False)
    except (HTTPError, OSError, HFValidationError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    # A commit never changes, so what the cache has of it is right; the listing of its files that
    # huggingface_hub keeps beside them tells whether it is whole.
    try:
        return _snapshot(name, revision, files, ignored, local_files_only=True)
    except (OSError, HFValidationError):
        patterns = " ".join(f"--include {pattern!r}" for pattern in files)
        raise CheckpointNotFoundError(
            f"{record.huggingface_id}@{revision}",
            f"is not in the Hub's cache and cannot be fetched: {reason}. Where there is a "
            f"connection run: hf download {record.huggingface_id} --revision {revision} "
            f"{patterns}; a gated model needs HF_TOKEN. Or pass a local folder as checkpoint=",
        ) from None


def _snapshot(
    huggingface_id: str,
    revision: str,
    files: list[str],
    ignored: list[str],
    *,
    local_files_only: bool,
) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            huggingface_id,
            revision=revision,
            allow_patterns=files,
            ignore_patterns=ignored,
            local_files_only=local_files_only,
        )
    )
