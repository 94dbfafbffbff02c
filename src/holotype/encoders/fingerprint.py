"""The fingerprint: a digest of what decides the vectors that an encoder makes.

Two encoders may share an index only if their fingerprints are equal. What decides is the encoding
(pooling, prompts, markers, lengths, normalisation, similarity), the size of the vectors, and the
files that the network and its tokenizer are made of. Where the model runs, and in which precision,
does not count.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.routes import module_folders
from holotype.encoders.graphs.manifest import original_weights
from holotype.encoders.inputs.tokenizer_classes import MAP_FILE, TOKENIZER_FILE, decided_by_map
from holotype.encoders.kinds.plan import AnyPlan
from holotype.references.checking import check_sizes, hash_files
from holotype.references.manifest import read_manifest
from holotype.references.paths import MANIFEST_FILE

_VERSION = 1
_TOKENIZER_FILES = frozenset(
    {
        "tokenizer.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "added_tokens.json",
        "sentencepiece.bpe.model",
        "spiece.model",
        "tokenizer.model",
    }
)
# Beside `tokenizer.json` these decide nothing. Of the files above, which counted there from the
# first, none may be left out: indexes that exist would not match their models any more.
_VOCABULARIES_ALONE = frozenset({"spm.model", "sentencepiece.model"})
# These files are written anew by every library that saves a model. What tells who did, or what
# decides nothing, does not count in them.
_SETTINGS = frozenset({"config.json", "tokenizer_config.json"})
_IDLE_KEYS = frozenset(
    {
        "_name_or_path",
        "architectures",
        "attn_implementation",
        "auto_map",
        "backend",
        "cache_dir",
        "chat_template",
        "dtype",
        "gradient_checkpointing",
        "is_local",
        "model_max_length",
        "name_or_path",
        "special_tokens_map_file",
        "tokenizer_file",
        "torch_dtype",
        "transformers_version",
        "use_cache",
    }
)


def fingerprint(
    plan: AnyPlan,
    *,
    dim: int | None,
    with_code: bool = False,
    digests: Mapping[str, str] | None = None,
) -> str:
    """Return the fingerprint of an encoder.

    Args:
        plan: how the model is run. A field of its encoding that has its default does not count,
            so that a later version may add fields.
        dim: the dimensions of the vectors that are returned; None where there are none.
        with_code: whether Python files of the checkpoint run.
        digests: the SHA-256 of files by their paths, where they are known; others are computed.

    Returns:
        ``sha256:`` and 64 hexadecimal digits.

    Raises:
        CheckpointError: a file is damaged.
        OSError: a file cannot be read.
    """
    checkpoint = plan.checkpoint
    # An export knows the digests of the weights that it was made from; the graph is theirs.
    original = original_weights(checkpoint)
    names = tuple(sorted({*deciding_files(checkpoint, with_code=with_code), *original}))
    own_file: str | None = getattr(plan.encoding, "own_file", None)
    if own_file is not None and checkpoint.has(own_file):
        names = (*names, own_file)
    known = {**(digests or {}), **original}
    # The Hub's cache is made of links.
    folder = checkpoint.folder
    unknown = {str((folder / name).resolve()): name for name in names if name not in known}
    known |= {unknown[path]: digest for path, digest in hash_files(folder, unknown).items()}
    decides = {
        "version": _VERSION,
        "encoding": _plain(plan.encoding),
        "dim": dim,
        "files": {name: known[name] for name in names},
        "settings": _settings(checkpoint),
    }
    text = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def fingerprint_of_folder(plan: AnyPlan, *, dim: int | None, with_code: bool = False) -> str:
    """Return the fingerprint of an encoder; an artifact's manifest spares reading the weights.

    Raises:
        ArtifactError: the folder has a manifest that is damaged.
        CheckpointError: a file is damaged.
        OSError: a file cannot be read.
    """
    folder = plan.checkpoint.folder
    digests: dict[str, str] = {}
    if (folder / MANIFEST_FILE).exists():
        manifest = read_manifest(folder)
        differing = {finding.path for finding in check_sizes(folder, manifest)}
        digests = {file.path: file.sha256 for file in manifest.files if file.path not in differing}
    return fingerprint(plan, dim=dim, with_code=with_code, digests=digests)


def deciding_files(checkpoint: Checkpoint, *, with_code: bool = False) -> tuple[str, ...]:
    """Return the files whose bytes decide the vectors: weights, tokenizer, and code that runs."""
    kept: list[str] = []
    for inside, names in _files_of_modules(checkpoint):
        tokenizer = _TOKENIZER_FILES
        if TOKENIZER_FILE not in names:
            tokenizer |= _VOCABULARIES_ALONE
        weights = checkpoint.part(inside).weight_names()
        chosen = {*weights, *(name for name in names if name in tokenizer)}
        kept += [inside + name for name in chosen]
    if with_code and "auto_map" in checkpoint.json("config.json", optional=True).values:
        kept += [path.name for path in checkpoint.folder.glob("*.py")]
    return tuple(sorted(kept))


def _files_of_modules(checkpoint: Checkpoint) -> Iterator[tuple[str, list[str]]]:
    """Yield the path of each module, with a slash at its end, and the names of its files."""
    for module in module_folders(checkpoint):
        folder = checkpoint.folder / module
        if folder.is_dir():
            names = sorted(path.name for path in folder.iterdir() if path.is_file())
            yield f"{module}/" if module else "", names


def _settings(checkpoint: Checkpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for inside, names in _files_of_modules(checkpoint):
        for name in names:
            if name in _SETTINGS:
                values = checkpoint.json(inside + name).values
                found[inside + name] = {key: values[key] for key in values if key not in _IDLE_KEYS}
            elif name == MAP_FILE:
                decided = decided_by_map(checkpoint.part(inside))
                if decided:
                    found[inside + name] = decided
            elif name.startswith("sentence_") and name.endswith("_config.json"):
                lower_case = checkpoint.json(inside + name).boolean("do_lower_case")
                if lower_case is not None and lower_case.value:
                    found["lower_case"] = True
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a dataclass with its name, a folder by its path."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.default is dataclasses.MISSING or getattr(value, field.name) != field.default
        }
        return {"": type(value).__name__, **fields}
    if isinstance(value, Checkpoint):
        return value.inside or "."
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"an encoding holds {value!r}, which has no place in a fingerprint")
