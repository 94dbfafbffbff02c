"""What is to be run: a record, and the settings of this run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Generic, TypeVar, cast, overload

from holotype.errors import InvalidDimensionError, UnsupportedModelError
from holotype.records import AnyColbertModel, AnyDenseModel, ColbertModel, DenseModel, ModelInfo

if TYPE_CHECKING:
    from dataclasses import dataclass

    from holotype.models import ColbertModelId, DenseModelId, ModelId
else:
    from holotype._dataclass import dataclass

ModelT_co = TypeVar("ModelT_co", bound=ModelInfo, covariant=True)

DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Generic[ModelT_co]):
    """A record and how it is run; `holotype.encoders.load` accepts it in place of both.

    Attributes:
        record: the model, from any catalogue.
        dim: the dimensions of the vectors that are returned, one of the model's own.
        device: a torch device such as ``"cpu"`` or ``"cuda:1"``; None takes CUDA, then MPS, then
            the CPU, whichever is there first.
        dtype: the type of the weights and of the arithmetic; results are always float32.
        checkpoint: a local folder; None takes the pinned revision from the Hub or its cache.
        trust_remote_code: whether Python files of the checkpoint may run.
    """

    record: ModelT_co
    dim: int
    device: str | None = None
    dtype: str = "float32"
    checkpoint: str | None = None
    trust_remote_code: bool = False

    @overload
    @classmethod
    def from_registry(
        cls,
        id: DenseModelId,
        *,
        dim: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        trust_remote_code: bool = False,
    ) -> ModelConfig[AnyDenseModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls,
        id: ColbertModelId,
        *,
        dim: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        trust_remote_code: bool = False,
    ) -> ModelConfig[AnyColbertModel]: ...
    @classmethod
    def from_registry(
        cls,
        id: str,
        *,
        dim: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        trust_remote_code: bool = False,
    ) -> ModelConfig[AnyDenseModel | AnyColbertModel]:
        """Look a model of holotype's catalogue up and settle how it is run.

        Args:
            id: the id of a dense or a ColBERT model.
            dim: see `ModelConfig`; None means the model's native size.
            device: see `ModelConfig`.
            dtype: see `ModelConfig`; None means float32.
            checkpoint: see `ModelConfig`.
            trust_remote_code: see `ModelConfig`.

        Raises:
            ModelNotFoundError: the catalogue has no model of this id.
            UnsupportedModelError: there is no encoder for this kind of model yet.
            InvalidDimensionError: the model has no vectors of this size.
        """
        return configure(
            look_up(id),
            dim=dim,
            device=device,
            dtype=dtype,
            checkpoint=checkpoint,
            trust_remote_code=trust_remote_code,
        )


def look_up(id: str) -> ModelInfo:
    """Return the record of this id in holotype's own catalogue."""
    from holotype.models import get_model

    return get_model(cast("ModelId", id))


def configure(
    record: ModelInfo,
    *,
    dim: int | None,
    device: str | None,
    dtype: str | None,
    checkpoint: str | os.PathLike[str] | None,
    trust_remote_code: bool,
) -> ModelConfig[AnyDenseModel | AnyColbertModel]:
    """Check the settings of a run against the record, before anything heavy is imported.

    Raises:
        UnsupportedModelError: there is no encoder for this kind of model yet.
        InvalidDimensionError: the model has no vectors of this size.
        ValueError: the data type is unknown.
    """
    if not isinstance(record, DenseModel | ColbertModel):
        raise UnsupportedModelError(
            record.id,
            f"there is no encoder for models of the kind {str(record.type)!r} yet; dense and colbert "
            "models have one",
        )
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}; pass one of {', '.join(DTYPES)}, or None")
    return ModelConfig(
        record=record,
        dim=chosen_dim(record, dim),
        device=device,
        dtype=dtype or "float32",
        checkpoint=None if checkpoint is None else os.fspath(checkpoint),
        trust_remote_code=trust_remote_code,
    )


def chosen_dim(record: AnyDenseModel | AnyColbertModel, dim: int | None) -> int:
    """Return the size that was asked for where the model has it, its native one for None."""
    allowed = record.matryoshka_dims or (record.embedding_dim,)
    if dim is None:
        return record.embedding_dim
    if isinstance(dim, bool) or dim not in allowed:
        raise InvalidDimensionError(record.id, dim, allowed)
    return dim
