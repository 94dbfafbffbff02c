"""Dense models whose queries are read by other modules than their documents.

Either side is a transformer and layers after it, and both may share the transformer; the side of
queries may be a table of token vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.routes import Module, Routes, read_routes
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_side
from holotype.encoders.kinds.dense import DenseEncoding, compare_dense
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.static import (
    STATIC_MODULE,
    StaticCheckpoint,
    compare_static,
    cut_length,
    table_shape,
)
from holotype.errors import UnsupportedCheckpointError
from holotype.records import AnyDenseModel


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


def read_routed(checkpoint: Checkpoint) -> RoutedCheckpoint | None:
    """Read a checkpoint whose sides have modules of their own; None where they have not.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    routes = read_routes(checkpoint)
    if routes is None:
        return None
    return RoutedCheckpoint(
        documents=read_side(checkpoint, _entries(routes.document)),
        queries=_read_queries(checkpoint, routes),
        routes=routes,
    )


def compare_routed(
    record: AnyDenseModel, routed: RoutedCheckpoint, comparer: Comparer
) -> DenseEncoding:
    """Compare a record and a checkpoint whose sides have modules of their own.

    The record describes the side of documents. Of the side of queries it states the width alone,
    which must be the same.

    Raises:
        UnsupportedCheckpointError: the vectors of both sides cannot be compared.
    """
    documents = compare_dense(record, routed.documents, Merge(comparer, routed.documents))
    queries = _compare_queries(_silent(record), routed, comparer)
    # Where the record tells one of the widths, the difference says more.
    agree = all(found.agrees for found in comparer.comparisons)
    if agree and queries.native_dim != documents.native_dim:
        raise UnsupportedCheckpointError(
            routed.documents.whole.location,
            f"makes vectors of {queries.native_dim} dimensions for queries and of "
            f"{documents.native_dim} for documents, which cannot be compared",
        )
    return replace(
        documents,
        modules=_paths(routed.routes.document),
        queries=replace(queries, modules=_paths(routed.routes.query)),
        text_side=routed.routes.text_side,
    )


def _compare_queries(
    record: AnyDenseModel, routed: RoutedCheckpoint, comparer: Comparer
) -> DenseEncoding:
    settings, own = routed.queries, Comparer(record)
    if isinstance(settings, CheckpointSettings):
        encoding = compare_dense(record, settings, Merge(own, settings))
    else:
        encoding = compare_static(own, settings)
    comparer.comparisons += [found for found in own.comparisons if not found.agrees]
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


def _read_queries(checkpoint: Checkpoint, routes: Routes) -> CheckpointSettings | StaticCheckpoint:
    kinds = [module.kind for module in routes.query]
    if kinds[:1] != [STATIC_MODULE]:
        return read_side(checkpoint, _entries(routes.query))
    others = [kind for kind in kinds[1:] if kind not in ("Normalize", "Dropout")]
    if others:
        raise UnsupportedCheckpointError(
            checkpoint.where(routes.file),
            f"lists {', '.join(others)} after {STATIC_MODULE}; only Normalize is run so far",
        )
    table = checkpoint.part(routes.query[0].path)
    return StaticCheckpoint(
        checkpoint=checkpoint,
        table=table,
        file=routes.file,
        is_model2vec=False,
        dim=None,
        normalize=Setting("Normalize" in kinds, MODULES_FILE),
        similarity=None,
        query_prompt=None,
        document_prompt=None,
        default_prompt=None,
        truncate_dim=None,
        shape=table_shape(table),
        max_length=cut_length(table),
        usual_length=None,
    )


def _entries(modules: tuple[Module, ...]) -> list[tuple[str, str, str]]:
    return [(module.package, module.kind, module.path) for module in modules]


def _paths(modules: tuple[Module, ...]) -> tuple[str, ...]:
    return tuple(module.path for module in modules)
