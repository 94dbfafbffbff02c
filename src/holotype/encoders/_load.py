"""`load`: from a record or an id to an encoder that is ready."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, TypeVar, overload

from holotype.encoders.config import ModelConfig, configure, look_up
from holotype.errors import MissingExtraError
from holotype.records import AnyColbertModel, AnyDenseModel, ColbertModel, DenseModel, ModelInfo

if TYPE_CHECKING:
    from holotype.encoders.colbert import ColbertEncoder
    from holotype.encoders.dense import DenseEncoder
    from holotype.models import ColbertModelId, DenseModelId

DimOfModel = TypeVar("DimOfModel", bound=int)

_PACKAGES = (
    "numpy",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "huggingface_hub",
    "httpx",
)


@overload
def load(
    model: DenseModel[DimOfModel],
    *,
    dim: DimOfModel | None = None,
    device: str | None = None,
    dtype: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    trust_remote_code: bool = False,
) -> DenseEncoder: ...
@overload
def load(
    model: ColbertModel[DimOfModel],
    *,
    dim: DimOfModel | None = None,
    device: str | None = None,
    dtype: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    trust_remote_code: bool = False,
) -> ColbertEncoder: ...
@overload
def load(
    model: DenseModelId,
    *,
    dim: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    trust_remote_code: bool = False,
) -> DenseEncoder: ...
@overload
def load(
    model: ColbertModelId,
    *,
    dim: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    trust_remote_code: bool = False,
) -> ColbertEncoder: ...
@overload
def load(model: ModelConfig[AnyDenseModel]) -> DenseEncoder: ...
@overload
def load(model: ModelConfig[AnyColbertModel]) -> ColbertEncoder: ...
def load(
    model: ModelInfo | str | ModelConfig[ModelInfo],
    *,
    dim: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    trust_remote_code: bool = False,
) -> DenseEncoder | ColbertEncoder:
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

    Returns:
        A `DenseEncoder` or a `ColbertEncoder`, safe to share between threads.

    Raises:
        MissingExtraError: torch, transformers or another package is not installed.
        ModelNotFoundError: the catalogue has no model of this id.
        UnsupportedModelError: this kind of model, or this checkpoint, has no encoder yet.
        InvalidDimensionError: the model has no vectors of this size.
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
    """
    if isinstance(model, ModelConfig):
        if (dim, device, dtype, checkpoint, trust_remote_code) != (None, None, None, None, False):
            raise TypeError(
                "a ModelConfig settles how the model is run; change it with dataclasses.replace() "
                "in place of further arguments"
            )
        dim, device, dtype = model.dim, model.device, model.dtype
        checkpoint, trust_remote_code = model.checkpoint, model.trust_remote_code
        model = model.record
    config = configure(
        look_up(model) if isinstance(model, str) else model,
        dim=dim,
        device=device,
        dtype=dtype,
        checkpoint=checkpoint,
        trust_remote_code=trust_remote_code,
    )
    return _encoder(config)


def _encoder(
    config: ModelConfig[AnyDenseModel | AnyColbertModel],
) -> DenseEncoder | ColbertEncoder:
    # By name, because type checkers follow imports: reading torch and transformers would cost every
    # user's program half a minute.
    try:
        loading = importlib.import_module("holotype.encoders.loading")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _PACKAGES:
            raise
        raise MissingExtraError("encoders", missing, "load()") from error
    load_kind = (
        loading.load_dense if isinstance(config.record, DenseModel) else loading.load_colbert
    )
    encoder: DenseEncoder | ColbertEncoder = load_kind(config)
    return encoder
