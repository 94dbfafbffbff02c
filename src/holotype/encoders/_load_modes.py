"""`load_modes`: from records of one checkpoint to an encoder that runs it once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, overload

from holotype.encoders._load import import_part, refuse_unlocked
from holotype.encoders.config import configure, look_up
from holotype.encoders.encodings.mode_agreement import require_one_checkpoint
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ColbertModel,
    DenseModel,
    ModelInfo,
    SparseModel,
)
from holotype.run_options import RunOptions

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig
    from holotype.encoders.mode_vectors import Mode, TokenVectors
    from holotype.encoders.modes import ModesEncoder
    from holotype.encoders.scores.similarity import Vectors
    from holotype.encoders.sparse_vectors import SparseVectors
    from holotype.models import ColbertModelId, DenseModelId, SparseModelId

    Dense: TypeAlias = AnyDenseModel | DenseModelId
    Sparse: TypeAlias = SparseModel | SparseModelId
    Colbert: TypeAlias = AnyColbertModel | ColbertModelId

_KINDS: dict[Mode, type[ModelInfo]] = {
    "dense": DenseModel,
    "sparse": SparseModel,
    "colbert": ColbertModel,
}


@overload
def load_modes(
    *, dense: Dense, sparse: Sparse, colbert: Colbert, **options: Unpack[RunOptions]
) -> ModesEncoder[Vectors, SparseVectors, TokenVectors]: ...
@overload
def load_modes(
    *, dense: Dense, sparse: Sparse, **options: Unpack[RunOptions]
) -> ModesEncoder[Vectors, SparseVectors, None]: ...
@overload
def load_modes(
    *, dense: Dense, colbert: Colbert, **options: Unpack[RunOptions]
) -> ModesEncoder[Vectors, None, TokenVectors]: ...
@overload
def load_modes(
    *, sparse: Sparse, colbert: Colbert, **options: Unpack[RunOptions]
) -> ModesEncoder[None, SparseVectors, TokenVectors]: ...
def load_modes(
    *,
    dense: Dense | None = None,
    sparse: Sparse | None = None,
    colbert: Colbert | None = None,
    **options: Unpack[RunOptions],
) -> ModesEncoder[Any, Any, Any]:
    """Load two or three modes of one checkpoint, to get their vectors from one pass.

    BGE-M3 is such a checkpoint: a text runs through its transformer once, and a head for each mode
    reads the token vectors. The weights of the transformer are in memory once.

    Args:
        dense: the record of the dense mode, of any catalogue, or an id of holotype's own.
        sparse: the same of the sparse mode, whose weights come from a layer on token vectors.
        colbert: the same of late interaction.
        options: `device`, `dtype`, `checkpoint` and `trust_remote_code`; see `load`.

    Returns:
        An encoder whose results have a field for each mode, safe to share between threads.

    Raises:
        TypeError: fewer than two modes are given, or a record is of another kind.
        IncompatibleModesError: the records are not of one repository and revision, or the modes
            read texts in different ways, which one pass cannot.
        MissingExtraError: torch, transformers or another package is not installed.
        ModelNotFoundError: the catalogue has no model of this id.
        UnsupportedModelError: a mode has no head that reads the token vectors.
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: a record and the checkpoint disagree.
    """
    given: dict[Mode, Dense | Sparse | Colbert | None]
    given = {"dense": dense, "sparse": sparse, "colbert": colbert}
    records: dict[Mode, ModelInfo] = {
        mode: _record(mode, model) for mode, model in given.items() if model is not None
    }
    if len(records) < 2:
        raise TypeError(
            f"load_modes() got {len(records)} of the modes dense, sparse and colbert; pass two or "
            "three, and load one with load()"
        )
    for record in records.values():
        refuse_unlocked(record, None)
    require_one_checkpoint(tuple(records.values()))
    configs: dict[Mode, ModelConfig[ModelInfo]]
    configs = {mode: configure(record, **options) for mode, record in records.items()}
    loading = import_part(
        "holotype.encoders.torch_backend.modes_loading", "encoders", "load_modes()"
    )
    encoder: ModesEncoder[Any, Any, Any] = loading.load_modes(configs)
    return encoder


def _record(mode: Mode, model: object) -> ModelInfo:
    record = look_up(model) if isinstance(model, str) else model
    if not isinstance(record, _KINDS[mode]):
        raise TypeError(
            f"{mode}= got {getattr(record, 'id', record)!r}; expected a record or an id of the kind "
            f"{_KINDS[mode].__name__}"
        )
    return record
