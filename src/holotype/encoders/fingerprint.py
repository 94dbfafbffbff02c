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
from collections.abc import Collection, Mapping
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import TemplateSettings, template_file
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.routes import module_folders
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings
from holotype.encoders.checkpoints.sparse import IDF_FILE
from holotype.encoders.graphs.manifest import original_weights
from holotype.encoders.inputs.tokenizer_classes import (
    MAP_FILE,
    SETTINGS_FILE,
    TOKENIZER_FILE,
    decided_by_map,
    files_read,
)
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CrossEncoderPlan,
    DensePlan,
    SparsePlan,
    StaticPlan,
    layers_of,
    networks,
)
from holotype.encoders.kinds.static import StaticCheckpoint
from holotype.references.hashing import hash_file_once, hash_files

_VERSION = 1
IDLE_KEYS = frozenset(
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
"""What decides nothing in `config.json` and `tokenizer_config.json`.

Every library that saves a model writes both files anew; these keys tell who did, or what has no
effect here.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Deciding:
    """What counts in a fingerprint beside the encoding.

    Attributes:
        files: the paths of the files that count by their bytes.
        settings: what counts by its values, by the paths of its files.
    """

    files: frozenset[str]
    settings: Mapping[str, Any]


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
    return digest_of(plan, deciding(plan, with_code=with_code), dim=dim, digests=digests or {})


def fingerprint_of_folder(plan: AnyPlan, *, dim: int | None, with_code: bool = False) -> str:
    """Return the fingerprint of an encoder; what was compared as it was opened is not read again.

    Raises:
        CheckpointError: a file is damaged.
        OSError: a file cannot be read.
    """
    return fingerprint(plan, dim=dim, with_code=with_code, digests=plan.checkpoint.digests)


def digest_of(
    plan: AnyPlan, found: Deciding, *, dim: int | None, digests: Mapping[str, str]
) -> str:
    """Return the digest of an encoding and of what decides beside it; see `fingerprint`."""
    checkpoint = plan.checkpoint
    # An export knows the digests of the weights that it was made from; the graph is theirs.
    original = original_weights(checkpoint)
    names = tuple(sorted({*found.files, *original}))
    own_file: str | None = getattr(plan.encoding, "own_file", None)
    if own_file is not None and checkpoint.has(own_file):
        names = (*names, own_file)
    known = {**digests, **original}
    # The Hub's cache is made of links.
    folder = checkpoint.folder
    unknown = {str((folder / name).resolve()): name for name in names if name not in known}
    read = hash_files(folder, unknown, hash_one=hash_file_once)
    known |= {unknown[path]: digest for path, digest in read.items()}
    decides = {
        "version": _VERSION,
        "encoding": _plain(plan.encoding),
        "dim": dim,
        "files": {name: known[name] for name in names},
        "settings": found.settings,
    }
    text = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def deciding(plan: AnyPlan, *, with_code: bool = False) -> Deciding:
    """Return the files and settings that decide the vectors, and none that do not.

    Raises:
        CheckpointError: a file is damaged.
    """
    checkpoint = plan.checkpoint
    files = {*_weights(plan), *_vocabularies(plan)}
    if with_code and "auto_map" in checkpoint.json(CONFIG_FILE, optional=True).values:
        files |= {path.name for path in checkpoint.folder.glob("*.py")}
    return Deciding(frozenset(files), _settings(plan))


def _weights(plan: AnyPlan) -> set[str]:
    """Return the paths of the weights of networks, and of the layers that follow them."""
    of_layers = (getattr(layer, "folder", None) for layer in layers_of(plan))
    folders = (*networks(plan), *(folder for folder in of_layers if folder is not None))
    found = {folder.part(name).inside for folder in folders for name in folder.weight_names()}
    if isinstance(plan, SparsePlan) and plan.settings.query_table is not None:
        found |= _weights_of_queries(plan, plan.settings.query_table)
    return found


def _weights_of_queries(plan: SparsePlan, table: str) -> set[str]:
    if not plan.settings.has_query_module:
        return {table}
    folder = plan.checkpoint.part(table)
    names = [*folder.weight_names(), *([IDF_FILE] if folder.has(IDF_FILE) else [])]
    return _paths(folder, names)


def _vocabularies(plan: AnyPlan) -> set[str]:
    """Return the paths of the files that tokenizers are read from."""
    # Of the tokenizer of a table, nothing else is read.
    found = {path for table in _tables(plan) for path in _paths(table, [TOKENIZER_FILE])}
    return found.union(*(_paths(folder, files_read(folder)) for folder in _tokenizers(plan)))


def _tables(plan: AnyPlan) -> tuple[Checkpoint, ...]:
    """Return the folders of tables of token vectors."""
    static = plan.static if isinstance(plan, StaticPlan) else getattr(plan, "queries", None)
    return (static.table,) if isinstance(static, StaticCheckpoint) else ()


def _tokenizers(plan: AnyPlan) -> tuple[Checkpoint, ...]:
    """Return the folders that hold a tokenizer, but for tables of token vectors."""
    found = [folder for folder in networks(plan) if folder not in _tables(plan)]
    if isinstance(plan, SparsePlan) and plan.settings.has_query_module:
        found.append(plan.checkpoint.part(str(plan.settings.query_table)))
    return tuple(found)


def _paths(folder: Checkpoint, names: Collection[str]) -> set[str]:
    return {folder.part(name).inside for name in names if folder.has(name)}


def _settings(plan: AnyPlan) -> dict[str, Any]:
    checkpoint = plan.checkpoint
    modules = module_folders(checkpoint) if checkpoint.has(MODULES_FILE) else ()
    found: dict[str, Any] = {}
    for folder in dict.fromkeys((*networks(plan), *map(checkpoint.part, modules))):
        _add(found, folder, CONFIG_FILE)
    for folder in _tokenizers(plan):
        _add(found, folder, SETTINGS_FILE)
        decided = decided_by_map(folder) if folder.has(MAP_FILE) else {}
        if decided:
            found[folder.part(MAP_FILE).inside] = decided
    lowered = [settings.transformer.inside for settings in _read(plan) if settings.lower_case]
    if lowered:
        found["lower_case"] = True if len(lowered) == len(_read(plan)) else lowered
    if isinstance(plan, CrossEncoderPlan) and plan.settings.template is not None:
        found["template"] = _template(networks(plan)[0], plan.settings.template)
    return found


def _add(found: dict[str, Any], folder: Checkpoint, name: str) -> None:
    values = folder.json(name, optional=True).values
    if folder.has(name) or values:
        kept = {key: values[key] for key in values if key not in IDLE_KEYS}
        found[folder.part(name).inside] = kept


def _read(plan: AnyPlan) -> tuple[CheckpointSettings, ...]:
    """Return what the files say of each transformer."""
    if isinstance(plan, StaticPlan):
        return ()
    if isinstance(plan, DensePlan) and isinstance(plan.queries, CheckpointSettings):
        return plan.settings, plan.queries
    settings = plan.settings
    return (settings if isinstance(settings, CheckpointSettings) else settings.checkpoint,)


def _template(folder: Checkpoint, settings: TemplateSettings) -> dict[str, Any]:
    """Return how pairs are put through a chat template, and the template itself."""
    name = template_file(folder)
    text: object = None
    if name is not None and name.endswith(".jinja"):
        text = (folder.whole.folder / name).read_text(encoding="utf-8", errors="replace")
    elif name is not None:
        text = folder.whole.json(name).values.get("chat_template")
    return {"arguments": settings.arguments, "structured": settings.structured, "text": text}


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
