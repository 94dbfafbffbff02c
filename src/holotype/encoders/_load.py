"""`load`: from a record or an id to an encoder that is ready."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from holotype.encoders.config import LoadOptions, ModelConfig, configure, look_up
from holotype.errors import MissingExtraError, UnsupportedModelError
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

if TYPE_CHECKING:
    from holotype.encoders.classifier import Classifier
    from holotype.encoders.colbert import ColbertEncoder
    from holotype.encoders.cross_encoder import CrossEncoder
    from holotype.encoders.dense import DenseEncoder
    from holotype.encoders.encoder import Encoder
    from holotype.encoders.sparse import SparseEncoder
    from holotype.models import (
        ClassifierModelId,
        ColbertModelId,
        CrossEncoderModelId,
        DenseModelId,
        SparseModelId,
    )

DimOfModel = TypeVar("DimOfModel", bound=int)

_PACKAGES = (
    "numpy",
    "onnxruntime",
    "openvino",
    "torch",
    "transformers",
    "tokenizers",
    "onnx",
    "onnxscript",
    "safetensors",
    "huggingface_hub",
    "httpx",
)


@overload
def load(
    model: DenseModel[DimOfModel],
    *,
    dim: DimOfModel | None = None,
    **options: Unpack[LoadOptions],
) -> DenseEncoder: ...
@overload
def load(
    model: ColbertModel[DimOfModel],
    *,
    dim: DimOfModel | None = None,
    **options: Unpack[LoadOptions],
) -> ColbertEncoder: ...
@overload
def load(model: SparseModel, **options: Unpack[LoadOptions]) -> SparseEncoder: ...
@overload
def load(model: CrossEncoderModel, **options: Unpack[LoadOptions]) -> CrossEncoder: ...
@overload
def load(model: ClassifierModel, **options: Unpack[LoadOptions]) -> Classifier: ...
@overload
def load(
    model: DenseModelId, *, dim: int | None = None, **options: Unpack[LoadOptions]
) -> DenseEncoder: ...
@overload
def load(
    model: ColbertModelId, *, dim: int | None = None, **options: Unpack[LoadOptions]
) -> ColbertEncoder: ...
@overload
def load(model: SparseModelId, **options: Unpack[LoadOptions]) -> SparseEncoder: ...
@overload
def load(model: CrossEncoderModelId, **options: Unpack[LoadOptions]) -> CrossEncoder: ...
@overload
def load(model: ClassifierModelId, **options: Unpack[LoadOptions]) -> Classifier: ...
@overload
def load(model: ModelConfig[AnyDenseModel]) -> DenseEncoder: ...
@overload
def load(model: ModelConfig[AnyColbertModel]) -> ColbertEncoder: ...
@overload
def load(model: ModelConfig[SparseModel]) -> SparseEncoder: ...
@overload
def load(model: ModelConfig[CrossEncoderModel]) -> CrossEncoder: ...
@overload
def load(model: ModelConfig[ClassifierModel]) -> Classifier: ...
def load(
    model: ModelInfo | str | ModelConfig[ModelInfo],
    *,
    dim: int | None = None,
    **options: Unpack[LoadOptions],
) -> Encoder[Any]:
    """Load a model so that it runs exactly as its record and its checkpoint say.

    Where the record is silent, the checkpoint decides; where they disagree, nothing is loaded.

    Args:
        model: a record of any catalogue, an id of holotype's own, or a `ModelConfig`, which
            settles everything below.
        dim: how many dimensions to return, one of `matryoshka_dims`; None returns all.
        device: a torch device; None takes CUDA, then MPS, then the CPU.
        dtype: ``"float32"`` (the default), ``"float16"`` or ``"bfloat16"``, for the weights and
            the arithmetic. Results are always float32.
        checkpoint: a folder with the model's files; None takes the pinned revision from the
            Hub's cache, or downloads it.
        trust_remote_code: whether Python files of the checkpoint may run on this machine.
        backend: ``"torch"`` (the default), or ``"onnx"`` or ``"openvino"`` for an export.
        options: the five above.

    Returns:
        An encoder of the model's kind, safe to share between threads.

    Raises:
        MissingExtraError: torch, transformers or another package is not installed.
        ModelNotFoundError: the catalogue has no model of this id.
        UnsupportedModelError: this kind of model, or this checkpoint, has no encoder.
        InvalidDimensionError: the model has no vectors of this size.
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
    """
    if isinstance(model, ModelConfig):
        if dim is not None or options:
            raise TypeError(
                "a ModelConfig settles how the model is run; change it with dataclasses.replace() "
                "in place of further arguments"
            )
        model, dim, options = model.record, model.dim, _options(model)
    record = look_up(model) if isinstance(model, str) else model
    return _encoder(configure(record, dim=dim, **options))


def _options(config: ModelConfig[ModelInfo]) -> LoadOptions:
    return {
        "device": config.device,
        "dtype": config.dtype,
        "checkpoint": config.checkpoint,
        "trust_remote_code": config.trust_remote_code,
        "backend": config.backend,
    }


def _encoder(config: ModelConfig[ModelInfo]) -> Encoder[Any]:
    module, extra = _loading_module(config)
    loading = import_part(module, extra, "load()")
    encoder: Encoder[Any] = loading.load_encoder(config)
    return encoder


def _loading_module(config: ModelConfig[ModelInfo]) -> tuple[str, str]:
    """Return the module that loads a model, and the extra that brings what it imports."""
    record = config.record
    if isinstance(record, DenseModel) and record.architecture_type == "static":
        # Tables of token vectors need neither torch nor transformers; importing them is most of a
        # cold start.
        if config.backend != "torch":
            raise UnsupportedModelError(
                record.id, "it is a table of token vectors, run by NumPy alone; leave backend= out"
            )
        return "holotype.encoders.static_loading", "static"
    if config.backend == "torch":
        return "holotype.encoders.loading", "encoders"
    return f"holotype.encoders.{config.backend}_backend", config.backend


def import_part(module: str, extra: str, feature: str) -> ModuleType:
    """Import a module of holotype that needs packages of an extra.

    By name, because type checkers follow imports: reading torch and transformers would cost every
    user's program half a minute.

    Args:
        module: the module.
        extra: what brings the packages.
        feature: what needs them, as errors call it.

    Raises:
        MissingExtraError: a package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _PACKAGES:
            raise
        raise MissingExtraError(extra, missing, feature) from error
