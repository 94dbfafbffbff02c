"""One record against one checkpoint, field by field.

How a dense, a ColBERT or a sparse model is run is compared by the code that loads it, so that what
is verified here is what loads there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from holotype.encoders.checkpoints.bge_m3 import read_colbert_checkpoint, read_projection
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.late_interaction import STANFORD_FILE
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    CheckpointSettings,
    declared_length,
    find_transformer_file,
    read_checkpoint,
    tokenizer_length,
    usable_positions,
)
from holotype.encoders.checkpoints.sparse import LEXICAL, read_sparse_checkpoint
from holotype.encoders.kinds.colbert import compare_colbert
from holotype.encoders.kinds.dense import compare_dense
from holotype.encoders.kinds.merge import Comparer, Comparison, Merge
from holotype.encoders.kinds.sparse import compare_sparse
from holotype.encoders.kinds.static import is_static
from holotype.errors import (
    HolotypeError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)
from holotype.hub.card import compare_card
from holotype.hub.checkpoint_files import CheckpointFiles
from holotype.hub.fields import value_of
from holotype.hub.file_list import compare_dtype, compare_files, compare_parameters
from holotype.hub.heads import compare_head
from holotype.hub.static import compare_static_files
from holotype.records import AnyColbertModel, AnyDenseModel, ModelInfo, SparseModel

_LAYERS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers")
"""What configurations call the number of layers; of two stacks, T5 and BART count the encoder's."""

_PARTIAL = (
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a checkpoint.

    Attributes:
        comparisons: one for each field.
        notes: what could not be read, and why.
    """

    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]


def compare_with_checkpoint(record: ModelInfo, files: CheckpointFiles) -> Reading:
    """Compare a record with what a checkpoint says of itself.

    Raises:
        CheckpointError: a file is damaged.
    """
    comparer, notes = Comparer(record), list[str]()
    inside = _transformer_folder(files)
    if is_static(files.folder):
        try:
            compare_static_files(comparer, files)
        except _PARTIAL as error:
            notes.append(_note(error, files))
    else:
        comparisons, note = _encoding(record, files)
        comparer.comparisons += comparisons
        notes += [note] if note else []
        _compare_network(comparer, files.folder, inside)
        compare_head(comparer, files.folder, inside)
    compare_parameters(comparer, files)
    compare_dtype(comparer, files, inside)
    compare_files(comparer, files)
    notes += compare_card(comparer, files)
    if files.repository is not None and record.revision is not None:
        comparer.choose("revision", record.revision, Setting(files.repository.commit, "the Hub"))
    return Reading(_once(comparer), tuple(notes))


def _once(comparer: Comparer) -> tuple[Comparison, ...]:
    """Return one comparison for each field: the first that names a value of the checkpoint."""
    chosen: dict[str, Comparison] = {}
    for comparison in comparer.comparisons:
        known = chosen.get(comparison.field)
        if known is None or known.theirs is None:
            chosen[comparison.field] = comparison
    return tuple(chosen.values())


def _transformer_folder(files: CheckpointFiles) -> Path:
    """Return the folder of the transformer, relative to the checkpoint."""
    if CONFIG_FILE in files.names:
        return Path()
    nested = sorted(name for name in files.names if name.endswith(f"Transformer/{CONFIG_FILE}"))
    return Path(nested[0]).parent if nested else Path()


def _encoding(record: ModelInfo, files: CheckpointFiles) -> tuple[list[Comparison], str | None]:
    """Compare how a model is run, as far as this is known of its kind; and say what is not."""
    if isinstance(record, SparseModel):
        return _sparse_encoding(record, files)
    if record.type not in ("dense", "colbert"):
        return [], None
    dense = record.type == "dense"
    try:
        settings = (read_checkpoint if dense else read_colbert_checkpoint)(files.folder)
    except _PARTIAL as error:
        return [], _note(error, files)
    merge = Merge(record, settings)
    try:
        if dense:
            compare_dense(cast(AnyDenseModel, record), settings, merge)
        else:
            projection = _projection(files, settings)
            compare_colbert(cast(AnyColbertModel, record), settings, projection, merge)
    except _PARTIAL as error:
        return merge.comparisons, _note(error, files)
    return merge.comparisons, None


def _sparse_encoding(
    record: SparseModel, files: CheckpointFiles
) -> tuple[list[Comparison], str | None]:
    merge: Merge | None = None
    try:
        settings = read_sparse_checkpoint(files.folder, lexical=record.activation == LEXICAL)
        merge = Merge(record, settings.checkpoint)
        compare_sparse(record, settings, merge)
    except _PARTIAL as error:
        return merge.comparisons if merge else [], _note(error, files)
    return merge.comparisons, None


def _note(error: HolotypeError, files: CheckpointFiles) -> str:
    return str(error).replace(f"{files.folder}/", "").replace(str(files.folder), files.location)


def _projection(files: CheckpointFiles, settings: CheckpointSettings) -> Setting[LinearSpec] | None:
    """Return the projection that no module of the checkpoint holds, where there is one."""
    if settings.format == "bge-m3":
        return read_projection(files.folder)
    return _stanford_projection(files) if settings.format == "stanford" else None


def _stanford_projection(files: CheckpointFiles) -> Setting[LinearSpec] | None:
    """Return the projection that lies in the transformer's weights, by its shape alone."""
    for name, header in files.headers.items():
        if "linear.weight" in header and len(header["linear.weight"].shape) == 2:
            width, hidden = header["linear.weight"].shape
            return Setting(_linear(files.folder, hidden, width), name)
    metadata = JsonFile.read(files.folder, STANFORD_FILE, optional=True)
    config = JsonFile.read(files.folder, CONFIG_FILE)
    stated, entering = metadata.integer("dim"), config.integer("hidden_size", "dim")
    if stated is None or entering is None:
        return None
    return Setting(_linear(files.folder, entering.value, stated.value), STANFORD_FILE)


def _linear(folder: Path, entering: int, leaving: int) -> LinearSpec:
    return LinearSpec(
        folder=folder,
        in_dim=entering,
        out_dim=leaving,
        bias=False,
        activation="torch.nn.modules.linear.Identity",
        residual=False,
    )


def _compare_network(comparer: Comparer, folder: Path, inside: Path) -> None:
    """Compare the sizes that every transformer has."""
    record = comparer.record
    config = JsonFile.read(folder, str(inside / CONFIG_FILE), optional=True)
    comparer.choose("architecture_type", record.architecture_type, config.text("model_type"))
    positions = config.integer("max_position_embeddings", "n_positions")
    if positions is not None and positions.value <= 0:
        positions = None
    comparer.choose("max_position_embeddings", record.max_position_embeddings, positions)
    hidden = config.integer("hidden_size", "d_model", "dim", "n_embd")
    comparer.choose("hidden_dim", record.hidden_dim, hidden)
    comparer.choose("vocab_size", record.vocab_size, config.integer("vocab_size"))
    comparer.choose("layers", record.layers, config.integer(*_LAYERS))
    if record.type == "dense" and not any(
        known.field == "embedding_dim" for known in comparer.comparisons
    ):
        plain = not (folder / "modules.json").is_file()
        comparer.choose("embedding_dim", record.embedding_dim, hidden if plain else None)
    _compare_length(comparer, folder, inside, config)
    own_code = config.part("auto_map") is not None
    # That no code is needed is the rule; only an entry that speaks of it is compared.
    if own_code or record.requires_remote_code is not None:
        comparer.choose(
            "requires_remote_code",
            record.requires_remote_code,
            Setting(own_code, config.name) if config.values else None,
        )


def _compare_length(comparer: Comparer, folder: Path, inside: Path, config: JsonFile) -> None:
    if any(known.field == "context_length" for known in comparer.comparisons):
        return
    positions = usable_positions(config)
    stated = None
    # Queries and documents of late interaction have lengths of their own.
    if comparer.record.type != "colbert":
        stated = declared_length(folder, inside, find_transformer_file(folder, inside))
        stated = stated or tokenizer_length(folder, inside)
    limits = [limit for limit in (stated, positions) if limit is not None]
    shortest = min(limits, key=lambda limit: limit.value, default=None)
    comparer.choose(
        "context_length", cast("int | None", value_of(comparer.record, "context_length")), shortest
    )
