"""Dense models whose queries are read by other modules than their documents.

Either side is a transformer and layers after it, and both may share the transformer; the side of
queries may be a table of token vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.routes import Module, Routes, read_routes
from holotype.encoders.checkpoints.safetensors import read_header, weight_files
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_checkpoint, read_side
from holotype.encoders.kinds.dense import DenseEncoding, compare_dense
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.static import (
    STATIC_MODULE,
    TABLE_NAMES,
    StaticCheckpoint,
    compare_static,
)
from holotype.errors import CheckpointError, UnsupportedCheckpointError
from holotype.records import AnyDenseModel

_TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedCheckpoint:
    """What the files say of either side.

    Attributes:
        documents: how documents are read.
        queries: how queries are read: by a transformer, or by a table of token vectors.
        routes: the modules of both sides.
    """

    documents: CheckpointSettings
    queries: CheckpointSettings | StaticCheckpoint
    routes: Routes


def read_routed(folder: Path) -> RoutedCheckpoint | None:
    """Read a checkpoint whose sides have modules of their own; None where they have not.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    routes = read_routes(folder)
    if routes is None:
        return None
    return RoutedCheckpoint(
        documents=read_side(folder, _entries(routes.document)),
        queries=_read_queries(folder, routes),
        routes=routes,
    )


def read_documents(folder: Path) -> CheckpointSettings:
    """Read how a checkpoint reads documents, whether or not it reads queries by other modules."""
    routed = read_routed(folder)
    return read_checkpoint(folder) if routed is None else routed.documents


def resolve_routed(record: AnyDenseModel, routed: RoutedCheckpoint) -> DenseEncoding:
    """Merge a record and a checkpoint whose sides have modules of their own.

    The record describes the side of documents. Of the side of queries it states the width alone,
    which must be the same.

    Raises:
        CatalogueMismatchError: they disagree.
        CheckpointError: the vectors of both sides cannot be compared.
    """
    merge = Merge(record, routed.documents)
    documents = compare_dense(record, routed.documents, merge)
    merge.finish()
    queries = _resolve_queries(_silent(record), routed)
    if queries.native_dim != documents.native_dim:
        raise CheckpointError(
            str(routed.documents.folder),
            f"makes vectors of {queries.native_dim} dimensions for queries and of "
            f"{documents.native_dim} for documents, which cannot be compared",
        )
    return replace(
        documents,
        modules=_paths(routed.routes.document),
        queries=replace(queries, modules=_paths(routed.routes.query)),
        text_side=routed.routes.text_side,
    )


def _resolve_queries(record: AnyDenseModel, routed: RoutedCheckpoint) -> DenseEncoding:
    settings = routed.queries
    if isinstance(settings, CheckpointSettings):
        merge = Merge(record, settings)
        encoding = compare_dense(record, settings, merge)
        merge.finish()
        return encoding
    comparer = Comparer(record)
    length = _cut_length(settings.table_folder)
    encoding = compare_static(comparer, settings, _shape(settings), length=length)
    comparer.raise_differences(settings.folder)
    return encoding


def _silent(record: AnyDenseModel) -> AnyDenseModel:
    """Return a record that knows nothing but the width of its vectors."""
    return replace(
        record,
        architecture_type=None,
        context_length=None,
        hidden_dim=None,
        vocab_size=None,
        pooling=None,
        normalize=None,
        similarity=None,
        has_projection=None,
        projection_dims=None,
        query_prompt=None,
        document_prompt=None,
    )


def _read_queries(folder: Path, routes: Routes) -> CheckpointSettings | StaticCheckpoint:
    kinds = [module.kind for module in routes.query]
    if kinds[:1] != [STATIC_MODULE]:
        return read_side(folder, _entries(routes.query))
    others = [kind for kind in kinds[1:] if kind not in ("Normalize", "Dropout")]
    if others:
        raise UnsupportedCheckpointError(
            str(folder / routes.file),
            f"lists {', '.join(others)} after {STATIC_MODULE}; only Normalize is run so far",
        )
    return StaticCheckpoint(
        folder=folder,
        table_folder=folder / routes.query[0].path,
        file=routes.file,
        is_model2vec=False,
        dim=None,
        normalize=Setting("Normalize" in kinds, MODULES_FILE),
        similarity=None,
        query_prompt=None,
        document_prompt=None,
        default_prompt=None,
        truncate_dim=None,
        max_length=None,
        usual_length=None,
    )


def _shape(static: StaticCheckpoint) -> Setting[tuple[int, int]] | None:
    """Return how many tokens a table has and how wide it is, by the header of its file."""
    folder = static.table_folder
    for name in weight_files([path.name for path in folder.iterdir()]):
        header = read_header(folder / name)
        for table in TABLE_NAMES:
            if table in header and len(header[table].shape) == 2:
                n_tokens, dim = header[table].shape
                return Setting((n_tokens, dim), name)
    return None


def _cut_length(folder: Path) -> Setting[int] | None:
    """Return the length in tokens at which a tokenizer's file cuts texts, if it does."""
    truncation = JsonFile.read(folder, _TOKENIZER_FILE).part("truncation")
    return truncation.integer("max_length") if truncation else None


def _entries(modules: tuple[Module, ...]) -> list[tuple[str, str, str]]:
    return [(module.package, module.kind, module.path) for module in modules]


def _paths(modules: tuple[Module, ...]) -> tuple[str, ...]:
    return tuple(module.path for module in modules)
