"""The model to run, and the settings to run it with."""

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
from holotype.run_options import refuse_unknown

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
"""The data types that each backend supports."""
_KINDS = (DenseModel, ColbertModel, SparseModel, CrossEncoderModel, ClassifierModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Generic[ModelT_co]):
    """A record and how to run it; `holotype.encoders.load` accepts it in place of both.

    Attributes:
        record: the model, from any catalogue.
        dim: the size of the vectors to return, one that the model supports; None if the model
            returns no vectors, or to return all dimensions.
        device: a torch device such as ``"cpu"`` or ``"cuda:1"``; None takes the first available
            of CUDA, MPS and the CPU.
        dtype: the type of the weights and of the arithmetic; results are always float32. A loaded
            model's config holds the type that ``"auto"`` resolved to.
        checkpoint: a local folder; None takes the pinned revision from the Hub or its cache.
        trust_remote_code: whether Python files of the checkpoint may run.
        backend: the library that runs the model. ``"torch"`` reads the checkpoint's own weights;
            the others read an export (`holotype export`) or, for ``"onnx"``, the record's
            `onnx_file`, and import neither torch nor transformers. They run on the CPU by
            default, and `dtype` must be that of the export.
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
        """Look up a model in holotype's catalogue and configure how to run it.

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
    """Return the record with this id from holotype's own catalogue."""
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
    **unknown: object,
) -> ModelConfig[ModelInfo]:
    """Check the settings of a run against the record, before anything heavy is imported.

    Raises:
        TypeError: this is no record, or there is no such option.
        UnsupportedModelError: there is no encoder for this kind of model.
        InvalidDimensionError: the model has no vectors of this size.
        ValueError: the backend is unknown, or does not support the data type.
    """
    refuse_unknown(unknown, (name for name in ModelConfig.__slots__ if name != "record"))
    if not isinstance(record, ModelInfo):
        raise TypeError(
            f"cannot load {record!r}: expected a record, an id, a reference such as "
            "'hf:org/model', or a pathlib.Path"
        )
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
    """Return the requested vector size, or the native one for None, if the model has it."""
    if dim is None:
        return record.embedding_dim
    allowed: tuple[int, ...] = record.matryoshka_dims
    if not allowed and record.embedding_dim is not None:
        allowed = (record.embedding_dim,)
    if isinstance(dim, bool) or dim not in allowed:
        raise InvalidDimensionError(record.id, dim, allowed)
    return dim
