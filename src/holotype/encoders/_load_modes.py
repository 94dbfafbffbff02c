"""`load_modes`: load several modes of one checkpoint, which then runs once for all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, cast, overload

from holotype.encoders._load import (
    build_towers,
    encoder_of,
    import_part,
    refuse_unlocked,
    require_backend,
    require_device,
)
from holotype.encoders.checkpoints.sparse import LEXICAL
from holotype.encoders.config import configure, look_up
from holotype.errors import AmbiguousModelError, InvalidArgumentError, UnsupportedModelError
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
    from holotype.encoders.encoder import Encoder
    from holotype.encoders.kinds.plan import AnyPlan
    from holotype.encoders.modes import ModesEncoder, TokenVectors
    from holotype.encoders.running.modes import Mode, ModeTowers
    from holotype.encoders.vectors.similarity import Vectors
    from holotype.encoders.vectors.sparse import SparseVectors
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

    BGE-M3 is such a checkpoint: each text passes through its transformer once, and a head for each
    mode reads the token vectors. The transformer's weights are in memory only once.

    Args:
        dense: the record of the dense mode from any catalogue, or an id in holotype's own.
        sparse: likewise for the sparse mode, whose weights come from a layer on token vectors.
        colbert: likewise for late interaction.
        options: `device`, `dtype`, `checkpoint` and `trust_remote_code`; see `load`.

    Returns:
        An encoder whose results have one field per mode, safe to share between threads.

    Raises:
        TypeError: fewer than two modes are given, or a record is of another kind.
        IncompatibleModesError: the records name different repositories or revisions, or the modes
            read texts differently, so one pass cannot serve them.
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
        raise InvalidArgumentError(
            f"load_modes() got {len(records)} of the modes dense, sparse and colbert; pass two or "
            "three, and load one with load()"
        )
    for record in records.values():
        refuse_unlocked(record, None)
    return load_configs({mode: configure(record, **options) for mode, record in records.items()})


def load_configs(configs: Mapping[Mode, ModelConfig[Any]]) -> ModesEncoder[Any, Any, Any]:
    """Load modes from configs that differ only in their records; see `load_modes`."""
    from holotype.encoders.finding import find_files
    from holotype.encoders.kinds.run_plan import make_run_plan
    from holotype.encoders.modes import (
        ModesEncoder,
        require_one_checkpoint,
        require_one_reading,
    )

    records = [config.record for config in configs.values()]
    require_one_checkpoint(records)
    for record in records:
        _require_token_head(record)
    first = next(iter(configs.values()))
    require_backend(first)
    files = find_files(first)
    plans: dict[Mode, AnyPlan] = {
        mode: make_run_plan(config, files.checkpoint) for mode, config in configs.items()
    }
    require_one_reading(plans.values())
    backend = import_part("holotype.encoders.torch_backend.build", "encoders", "load_modes()")

    def load_on(device: str | None) -> ModeTowers:
        require_device(device)
        dims = {mode: config.dim for mode, config in configs.items()}
        placed = dataclasses.replace(first, device=device)
        with files.unchanged():
            return cast("ModeTowers", backend.build_modes(plans, placed, dims))

    towers = load_on(first.device)
    single: dict[Mode, Encoder[Any]] = {
        mode: cast(
            "Encoder[Any]",
            encoder_of(
                plan, configs[mode], towers.single[mode], partial(build_towers, plan, files)
            ),
        )
        for mode, plan in plans.items()
    }
    return ModesEncoder(single, plans, towers, load_on, load_configs)


def _require_token_head(record: ModelInfo) -> None:
    if isinstance(record, SparseModel) and record.activation != LEXICAL:
        raise UnsupportedModelError(
            record.id,
            "it weighs words by the last layer of a language model, and not by a layer on the "
            "token vectors that the other modes read; load() it on its own",
        )


def _record(mode: Mode, model: object) -> ModelInfo:
    record = _mode_of(model, mode) if isinstance(model, str) else model
    if not isinstance(record, _KINDS[mode]):
        raise InvalidArgumentError(
            f"{mode}= got {getattr(record, 'id', record)!r}; expected a record or an id of the kind "
            f"{_KINDS[mode].__name__}"
        )
    return record


def _mode_of(name: str, mode: Mode) -> ModelInfo:
    """Return the record of a name; of a repository with several entries, that of the mode."""
    try:
        return look_up(name)
    except AmbiguousModelError:
        from holotype.models import CATALOGUE

        return CATALOGUE.get_model_by_hf_id(name, mode)
