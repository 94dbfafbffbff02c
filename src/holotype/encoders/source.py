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
    if record.revision is None:
        raise CheckpointError(
            record.huggingface_id,
            f"the record {record.id!r} pins no revision, and a branch may change at any time; "
            "pass a local folder as checkpoint=, or a record with a revision",
        )
    return _pinned_snapshot(record, record.revision, with_code=with_code)


def _pinned_snapshot(record: ModelInfo, revision: str, *, with_code: bool) -> Path:
    # Not needed for a local folder, and a good part of the cold start of a small model.
    try:
        from httpx import HTTPError
        from huggingface_hub.errors import HFValidationError
    except ModuleNotFoundError as error:
        missing = error.name or "huggingface_hub"
        raise MissingExtraError("encoders", missing, "fetching a checkpoint") from error

    files: list[str] = [*_FILES, "*.py"] if with_code else [*_FILES]
    try:
        return _snapshot(record.huggingface_id, revision, files, local_files_only=False)
    except (HTTPError, OSError, HFValidationError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    # A commit never changes, so what the cache has of it is right; the listing of its files that
    # huggingface_hub keeps beside them tells whether it is whole.
    try:
        return _snapshot(record.huggingface_id, revision, files, local_files_only=True)
    except (OSError, HFValidationError):
        patterns = " ".join(f"--include {pattern!r}" for pattern in files)
        raise CheckpointNotFoundError(
            f"{record.huggingface_id}@{revision}",
            f"is not in the Hub's cache and cannot be fetched: {reason}. Where there is a "
            f"connection run: hf download {record.huggingface_id} --revision {revision} "
            f"{patterns}; a gated model needs HF_TOKEN. Or pass a local folder as checkpoint=",
        ) from None


def _snapshot(
    huggingface_id: str, revision: str, files: list[str], *, local_files_only: bool
) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            huggingface_id,
            revision=revision,
            allow_patterns=files,
            ignore_patterns=list(_CONVERSIONS),
            local_files_only=local_files_only,
        )
    )
