"""The model to run, and the settings to run it with."""

from __future__ import annotations

import operator
from collections.abc import Sequence
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

from holotype.encoders.arguments import (
    LOAD_EQUIVALENTS,
    as_count,
    as_device,
    as_dtype,
    as_flag,
    as_folder,
    as_text,
    refuse_unknown,
)
from holotype.errors import InvalidArgumentError, InvalidDimensionError, UnsupportedModelError
from holotype.naming import one_of
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    AnyImageTextModel,
    CaptionerModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ImageTextModel,
    ModelInfo,
    SparseModel,
)
from holotype.run_options import Backend as Backend
from holotype.run_options import LoadOptions as LoadOptions
from holotype.run_options import Precision as Precision
from holotype.run_options import PromptlessOptions as PromptlessOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import dataclass

    from holotype.models import (
        CaptionerModelId,
        ClassifierModelId,
        ColbertModelId,
        CrossEncoderModelId,
        DenseModelId,
        ImageTextModelId,
        ModelId,
        SparseModelId,
    )
    from holotype.references.ref import ModelRef
else:
    from holotype._dataclass import dataclass

ModelT_co = TypeVar("ModelT_co", bound=ModelInfo, covariant=True)

DTYPES: Mapping[str, tuple[Precision, ...]] = {
    "torch": ("float32", "float16", "bfloat16", "int8", "auto"),
    "onnx": ("float32", "float16", "int8"),
    "openvino": ("float32", "float16", "bfloat16", "int8"),
}
"""The data types that each backend supports."""
_KINDS = (
    DenseModel,
    ColbertModel,
    SparseModel,
    CrossEncoderModel,
    ClassifierModel,
    ImageTextModel,
    CaptionerModel,
)


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
            model's config holds the type that ``"auto"`` resolved to. In int8 on torch, tables,
            norms and heads stay in float32.
        checkpoint: a local folder; None takes the pinned revision from the Hub or its cache.
        trust_remote_code: whether Python files of the checkpoint may run.
        backend: the library that runs the model. ``"torch"`` reads the checkpoint's own weights;
            the others read an export (`holotype export`) or, for ``"onnx"``, the record's
            `onnx_file`, and import neither torch nor transformers. They run on the CPU by
            default, and `dtype` must be that of the export.
        max_length: the number of tokens at which texts are cut, at most the model's own; None
            means the model's own. Of ColBERT models it is that of documents.
        query_prompt: the prompt of queries in place of the model's own; None keeps that, ``""``
            means no prompt.
        document_prompt: likewise for documents.
    """

    record: ModelT_co
    dim: int | None = None
    device: str | None = None
    dtype: Precision = "float32"
    checkpoint: str | None = None
    trust_remote_code: bool = False
    backend: Backend = "torch"
    max_length: int | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None

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
        cls, id: ClassifierModelId, **options: Unpack[PromptlessOptions]
    ) -> ModelConfig[ClassifierModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls, id: ImageTextModelId, *, dim: int | None = None, **options: Unpack[LoadOptions]
    ) -> ModelConfig[AnyImageTextModel]: ...
    @overload
    @classmethod
    def from_registry(
        cls, id: CaptionerModelId, **options: Unpack[PromptlessOptions]
    ) -> ModelConfig[CaptionerModel]: ...
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


def look_up_reference(ref: ModelRef) -> ModelInfo:
    """Return the entry that a reference to a catalogue names."""
    return look_up(ref.location) if ref.record is None else ref.record


def configure(
    record: ModelInfo, *, dim: int | None = None, **options: Unpack[LoadOptions]
) -> ModelConfig[ModelInfo]:
    """Check the settings of a run against the record, before anything heavy is imported.

    Raises:
        InvalidArgumentError: this is no record, or an option is unknown or has a wrong value.
        UnsupportedModelError: there is no encoder for this kind of model.
        InvalidDimensionError: the model has no vectors of this size.
    """
    if not isinstance(record, ModelInfo):
        of_before = any(
            (each.__module__, each.__qualname__) == (ModelInfo.__module__, ModelInfo.__qualname__)
            for each in type(record).__mro__
        )
        if of_before:
            raise InvalidArgumentError(
                f"cannot load {record!r}: it was made before holotype's modules were imported anew; "
                "restart Python, in a notebook its kernel"
            )
        raise InvalidArgumentError(
            f"cannot load {record!r}: expected a record, an id, a reference such as "
            "'hf:org/model', or a pathlib.Path"
        )
    settings = check_options(**options)
    if not isinstance(record, _KINDS):
        raise UnsupportedModelError(
            record.id, f"there is no encoder for models of the kind {str(record.type)!r}"
        )
    return ModelConfig(record=record, dim=chosen_dim(record, dim), **settings)


def check_options(
    *,
    device: object = None,
    dtype: object = None,
    checkpoint: object = None,
    trust_remote_code: object = False,
    backend: object = "torch",
    max_length: object = None,
    query_prompt: object = None,
    document_prompt: object = None,
    **unknown: object,
) -> dict[str, Any]:
    """Return the options of a run with their defaults, each of its type.

    Raises:
        InvalidArgumentError: an option is unknown, or has a wrong type or value.
    """
    options = [name for name in ModelConfig.__slots__ if name != "record"]
    refuse_unknown(unknown, (*options, "verify", "lock"), LOAD_EQUIVALENTS)
    if backend not in get_args(Backend):
        raise InvalidArgumentError(
            f"unknown backend {backend!r}; {one_of(str(backend), get_args(Backend))}"
        )
    dtype, known = as_dtype(dtype), DTYPES[str(backend)]
    if dtype is not None and dtype not in known:
        if any(dtype in others for others in DTYPES.values()):
            raise InvalidArgumentError(
                f"backend {backend} does not take the dtype {dtype!r}; expected one of {', '.join(known)}"
            )
        raise InvalidArgumentError(f"unknown dtype {dtype!r}; {one_of(dtype, known)}")
    device = as_device(device)
    if device is not None and backend == "torch" and device.partition(":")[0] == "gpu":
        raise InvalidArgumentError(
            f"there is no device {device!r}; torch calls it {device.replace('gpu', 'cuda')!r}, or "
            "'mps' on a Mac"
        )
    return {
        "device": device,
        "dtype": dtype or "float32",
        "checkpoint": as_folder(checkpoint),
        "trust_remote_code": as_flag("trust_remote_code", trust_remote_code),
        "backend": backend,
        "max_length": as_count("max_length", max_length),
        "query_prompt": as_text("query_prompt", query_prompt),
        "document_prompt": as_text("document_prompt", document_prompt),
    }


def chosen_dim(record: ModelInfo, dim: int | None) -> int | None:
    """Return the requested vector size, or the native one for None, if the model has it."""
    return record.embedding_dim if dim is None else one_of_dims(record, dim, record.dims)


def one_of_dims(record: ModelInfo, dim: int, dims: Sequence[int]) -> int:
    """Return a size as Python's int, if it is a whole number and among the sizes of a model.

    Raises:
        InvalidDimensionError: it is not.
    """
    try:
        whole = operator.index(dim)
    except TypeError:
        whole = None
    if isinstance(dim, bool) or whole is None or whole not in dims:
        raise InvalidDimensionError(record.id, dim, dims, sizes_known=knows_sizes(record))
    return whole


def knows_sizes(record: ModelInfo) -> bool:
    """Return whether it is known to which sizes vectors can be cut, or that they cannot be."""
    return record.embedding_dim is None or record.matryoshka is not None
