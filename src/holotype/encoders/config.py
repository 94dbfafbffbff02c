"""What is to be run: a record, and the settings of this run."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    TypeVar,
    Unpack,
    cast,
    get_args,
    overload,
)

from holotype.errors import InvalidDimensionError, UnsupportedModelError
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ModelInfo,
    SparseModel,
)
from holotype.run_options import Backend as Backend
from holotype.run_options import LoadOptions as LoadOptions

if TYPE_CHECKING:
    from dataclasses import dataclass

    from holotype.models import (
        ClassifierModelId,
        ColbertModelId,
        CrossEncoderModelId,
        DenseModelId,
        ModelId,
        SparseModelId,
    )
else:
    from holotype._dataclass import dataclass

ModelT_co = TypeVar("ModelT_co", bound=ModelInfo, covariant=True)

DTYPES = {
    "torch": ("float32", "float16", "bfloat16", "auto"),
    "onnx": ("float32", "float16", "int8"),
    "openvino": ("float32", "float16", "bfloat16", "int8"),
}
"""The types that each backend knows."""
_KINDS = (DenseModel, ColbertModel, SparseModel, CrossEncoderModel, ClassifierModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Generic[ModelT_co]):
    """A record and how it is run; `holotype.encoders.load` accepts it in place of both.

    Attributes:
        record: the model, from any catalogue.
        dim: the dimensions of the vectors that are returned, one of the model's own; None where
            the model returns no vectors, or all dimensions of them.
        device: a torch device such as ``"cpu"`` or ``"cuda:1"``; None takes CUDA, then MPS, then
            the CPU, whichever is there first.
        dtype: the type of the weights and of the arithmetic; results are always float32. In the
            config of a loaded model ``"auto"`` has become what it stands for.
        checkpoint: a local folder; None takes the pinned revision from the Hub or its cache.
        trust_remote_code: whether Python files of the checkpoint may run.
        backend: what runs the model. ``"torch"`` reads the checkpoint's own weights; the others
            read an export (`holotype export`) or, for ``"onnx"``, the record's `onnx_file`, and
            import neither torch nor transformers. Their device is the CPU unless one is named,
            and `dtype` must be that of the export.
    """

    record: ModelT_co
    dim: int | None = None
    device: str | None = None
    dtype: str = "float32"
    checkpoint: str | None = None
    trust_remote_code: bool = False
    backend: Backend = "torch"

    @overload
    @classmethod
    def from_registry(
        cls, id: DenseModelId, *, dim: int | None = None, **options: Unpack[LoadOptions]
    ) -> ModelConfig[AnyDenseModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls, id: ColbertModelId, *, dim: int | None = None, **options: Unpack[LoadOptions]
    ) -> ModelConfig[AnyColbertModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls, id: SparseModelId, **options: Unpack[LoadOptions]
    ) -> ModelConfig[SparseModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls, id: CrossEncoderModelId, **options: Unpack[LoadOptions]
    ) -> ModelConfig[CrossEncoderModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls, id: ClassifierModelId, **options: Unpack[LoadOptions]
    ) -> ModelConfig[ClassifierModel]: ...
    @classmethod
    def from_registry(
        cls, id: str, *, dim: int | None = None, **options: Unpack[LoadOptions]
    ) -> ModelConfig[Any]:
        """Look a model of holotype's catalogue up and settle how it is run.

        Args:
            id: the id of a model.
            dim: see `ModelConfig`; None means the model's native size.
            options: see `ModelConfig`; a dtype of None means float32.

        Raises:
            ModelNotFoundError: the catalogue has no model of this id.
            UnsupportedModelError: there is no encoder for this kind of model.
            InvalidDimensionError: the model has no vectors of this size.
        """
        return configure(look_up(id), dim=dim, **options)


def look_up(id: str) -> ModelInfo:
    """Return the record of this id in holotype's own catalogue."""
    from holotype.models import get_model

    return get_model(cast("ModelId", id))


def configure(
    record: ModelInfo,
    *,
    dim: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    trust_remote_code: bool = False,
    backend: Backend = "torch",
) -> ModelConfig[ModelInfo]:
    """Check the settings of a run against the record, before anything heavy is imported.

    Raises:
        UnsupportedModelError: there is no encoder for this kind of model.
        InvalidDimensionError: the model has no vectors of this size.
        ValueError: the backend is unknown, or the data type to it.
    """
    if not isinstance(record, _KINDS):
        raise UnsupportedModelError(
            record.id, f"there is no encoder for models of the kind {str(record.type)!r}"
        )
    if backend not in get_args(Backend):
        raise ValueError(f"unknown backend {backend!r}; pass one of {', '.join(get_args(Backend))}")
    known = DTYPES[backend]
    if dtype is not None and dtype not in known:
        raise ValueError(
            f"unknown dtype {dtype!r}; pass one of {', '.join(known)}, or None, to {backend}"
        )
    return ModelConfig(
        record=record,
        dim=chosen_dim(record, dim),
        device=device,
        dtype=dtype or "float32",
        checkpoint=None if checkpoint is None else os.fspath(checkpoint),
        trust_remote_code=trust_remote_code,
        backend=backend,
    )


def chosen_dim(record: ModelInfo, dim: int | None) -> int | None:
    """Return the size that was asked for where the model has it, its native one for None."""
    if dim is None:
        return record.embedding_dim
    allowed: tuple[int, ...] = record.matryoshka_dims
    if not allowed and record.embedding_dim is not None:
        allowed = (record.embedding_dim,)
    if isinstance(dim, bool) or dim not in allowed:
        raise InvalidDimensionError(record.id, dim, allowed)
    return dim
