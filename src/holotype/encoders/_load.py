"""`load`: turn a record, an id or a reference into an encoder."""

from __future__ import annotations

import gc
import importlib
import os
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, cast

from holotype.encoders.arguments import as_folder
from holotype.encoders.config import ModelConfig, check_options, configure
from holotype.errors import InvalidArgumentError, MissingExtraError, UnsupportedModelError
from holotype.records import ModelInfo
from holotype.run_options import LoadOptions

if TYPE_CHECKING:
    from holotype.encoders.artifact import Verify
    from holotype.encoders.captioner import Captioner
    from holotype.encoders.classifier import Classifier
    from holotype.encoders.colbert import ColbertEncoder
    from holotype.encoders.cross_encoder import CrossEncoder
    from holotype.encoders.dense import DenseEncoder
    from holotype.encoders.encoder import Build
    from holotype.encoders.finding import ModelFiles
    from holotype.encoders.image_text import ImageTextEncoder
    from holotype.encoders.kinds.plan import AnyPlan
    from holotype.encoders.opening import OpenedModel
    from holotype.encoders.running.network import Towers
    from holotype.encoders.sparse import SparseEncoder
    from holotype.references.ref import ModelRef

    AnyEncoder: TypeAlias = (
        DenseEncoder
        | ColbertEncoder
        | SparseEncoder
        | CrossEncoder
        | Classifier
        | ImageTextEncoder
        | Captioner
    )

REFERENCE_VARIABLE = "ML_MODEL_REF"
"""The environment variable that `load_from_env` reads by default."""

_ENCODERS = {
    "dense": ("holotype.encoders.dense", "DenseEncoder"),
    "colbert": ("holotype.encoders.colbert", "ColbertEncoder"),
    "sparse": ("holotype.encoders.sparse", "SparseEncoder"),
    "cross-encoder": ("holotype.encoders.cross_encoder", "CrossEncoder"),
    "classifier": ("holotype.encoders.classifier", "Classifier"),
    "captioner": ("holotype.encoders.captioner", "Captioner"),
    "image-text": ("holotype.encoders.image_text", "ImageTextEncoder"),
}
_BACKEND_PACKAGES = {
    "static": ("static", ("numpy", "safetensors", "tokenizers")),
    "torch": ("encoders", ("numpy", "safetensors", "tokenizers", "torch", "transformers")),
    "onnx": ("onnx", ("numpy", "onnxruntime", "safetensors", "tokenizers")),
    "openvino": ("openvino", ("numpy", "openvino", "safetensors", "tokenizers")),
}
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
    "PIL",
)
_OF_PICTURES = ("image-text", "captioner")
"""The kinds whose encoders need Pillow."""


# Type checkers read the signatures in `_load_overloads` instead.
def load(
    model: ModelInfo | str | ModelRef | os.PathLike[str] | ModelConfig[ModelInfo],
    *,
    dim: int | None = None,
    verify: Verify = "full",
    lock: str | os.PathLike[str] | None = None,
    **options: Unpack[LoadOptions],
) -> AnyEncoder:
    """Load a model so that it runs exactly as its record and its checkpoint say.

    Where the record is silent, the checkpoint decides; if they disagree, loading fails.

    Args:
        model: a record of any catalogue; an id, an alias or a Hugging Face id in holotype's own,
            in any letter case; a `ModelRef` or its text (such as ``hf:org/model@v1`` or
            ``local:artifacts/model-v2``); the path of a folder (as ``local:`` takes it, but a
            `pathlib.Path` never has an alias); or a `ModelConfig`, which also fixes `dim` and the
            options.
        dim: how many dimensions to return, one of the record's `dims`; None returns all.
        verify: how to compare the files of an artifact with its manifest: ``"full"`` reads every
            byte; ``"sizes"`` compares names and sizes, and does not notice weights of the same
            size, such as retrained ones. A lock needs ``"full"``.
        lock: a lock file that `holotype artifact lock` wrote. Loading then fetches nothing, and
            fails if the lock does not name the reference or the files differ from it. None uses
            the file that HOLOTYPE_LOCK names, if it is set.
        options: the options that follow.
        backend: ``"torch"`` (the default), or ``"onnx"`` or ``"openvino"`` for an export.
        device: a torch device such as ``"cuda:1"``; None takes CUDA, then MPS, then the CPU.
        dtype: ``"float32"`` (the default), ``"float16"`` or ``"bfloat16"``, for the weights and
            the arithmetic; ``"auto"`` is bfloat16 where the hardware multiplies it faster than
            float32, and float32 elsewhere. ``"int8"`` multiplies bytes in the layers of BERT and its kin, on
            processors that do so. Results are always float32.
        checkpoint: a folder with the model's files; None takes the pinned revision from the
            Hub's cache, or downloads it.
        trust_remote_code: whether Python files of the checkpoint may run on this machine.
        max_length: the number of tokens at which texts are cut, at most the model's own (of
            ColBERT models, that of documents); None means the model's own.
        query_prompt: the prompt of queries in place of the one that the record or the checkpoint
            states; None keeps that, ``""`` means no prompt.
        document_prompt: likewise for documents.

    Returns:
        An encoder of the model's kind, safe to share between threads. Type checkers infer its
        class from the record or the id; otherwise, test it with `isinstance`.

    Raises:
        MissingExtraError: torch, transformers or another package is not installed.
        ModelNotFoundError: neither the catalogue nor the current folder has this name.
        AmbiguousModelError: a Hugging Face id has several entries; the error names them.
        AmbiguousNameError: the name is an entry and the folder of a model; write ``catalogue:ID``
            or ``local:PATH``.
        InvalidArgumentError: an option is unknown, or has a wrong type or value.
        UnsupportedModelError: this kind of model, or this checkpoint, has no encoder.
        InvalidDimensionError: the model has no vectors of this size.
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
        InvalidReferenceError: a text with a colon or a slash is not a reference.
        ArtifactError: the artifact is missing, or a file differs from its manifest or its lock.
        DeviceMemoryError: the GPU has too little memory.
        ForkedEncoderError: the process was forked after a model had been loaded.
    """
    from holotype.references.ref import ModelRef

    _check_files_options(verify, lock)
    meant = _meaning(model, options.get("checkpoint"))
    if isinstance(meant, ModelRef):
        return _load_reference(meant, dim, verify, lock, options)
    if verify != "full":
        raise InvalidArgumentError(
            "verify='sizes' is for references to artifacts; leave it out: other models have no "
            "manifest, and a checkpoint= that has one is compared in full"
        )
    refuse_unlocked(meant, lock)
    if isinstance(meant, ModelConfig):
        if dim is not None or options:
            raise InvalidArgumentError(
                "a ModelConfig settles how the model is run; change it with dataclasses.replace() "
                "in place of further arguments"
            )
        return _encoder(configure(meant.record, dim=meant.dim, **_options(meant)))
    return _encoder(configure(meant, dim=dim, **options))


def load_from_env(
    name: str = REFERENCE_VARIABLE,
    *,
    dim: int | None = None,
    verify: Verify = "full",
    lock: str | os.PathLike[str] | None = None,
    **options: Unpack[LoadOptions],
) -> AnyEncoder:
    """Load the model that an environment variable names.

    Args:
        name: the variable; it holds a reference, such as ``local:artifacts@production``.
        dim: see `load`.
        verify: see `load`.
        lock: see `load`.
        options: see `load`.

    Raises:
        InvalidReferenceError: the variable is not set, or does not hold a reference.
        HolotypeError: see `load`.
    """
    from holotype.references.ref import ModelRef

    return load(ModelRef.from_environment(name), dim=dim, verify=verify, lock=lock, **options)


def _check_files_options(verify: object, lock: object) -> None:
    if verify not in ("sizes", "full"):
        raise InvalidArgumentError(f"verify is {verify!r}; expected 'sizes' or 'full'")
    if lock is not None and not isinstance(lock, str | os.PathLike):
        raise InvalidArgumentError(f"lock is {lock!r}; expected the path of a lock file, or None")


def _meaning(
    model: ModelInfo | str | ModelRef | os.PathLike[str] | ModelConfig[ModelInfo],
    checkpoint: object,
) -> ModelInfo | ModelRef | ModelConfig[ModelInfo]:
    if isinstance(model, os.PathLike):
        from holotype.encoders.names import reference_to_folder

        return reference_to_folder(os.fspath(model))
    if isinstance(model, str):
        from holotype.encoders.names import resolve

        return resolve(model, checkpoint=as_folder(checkpoint))
    return model


def refuse_unlocked(model: object, lock: str | os.PathLike[str] | None) -> None:
    """Refuse anything but a reference under a lock, which can only name references."""
    path = lock or os.environ.get("HOLOTYPE_LOCK")
    if path:
        from holotype.errors import NotLockedError

        id = getattr(getattr(model, "record", model), "id", model)
        raise NotLockedError(
            str(id),
            f"is no reference, and models are loaded under the lock {os.fspath(path)!r}, which "
            f"names references; load 'catalogue:{id}', or an artifact",
        )


def _load_reference(
    ref: ModelRef,
    dim: int | None,
    verify: Verify,
    lock: str | os.PathLike[str] | None,
    options: LoadOptions,
) -> AnyEncoder:
    from pathlib import Path

    from holotype.encoders.opening import open_reference
    from holotype.references.lock_file import lock_of_environment

    if options.get("checkpoint") is not None:
        raise InvalidArgumentError(f"'{ref}' says where the files are; leave checkpoint= out")
    # What is mistyped is found before anything is fetched.
    trusted: bool = check_options(**options)["trust_remote_code"]
    path = None if lock is None else Path(lock)
    if verify == "sizes" and (under := path or lock_of_environment()) is not None:
        raise InvalidArgumentError(
            f"verify='sizes' does not read the files, and models are loaded under the lock "
            f"{str(under)!r}, which states the digest of each; leave verify= out"
        )
    opened = open_reference(ref, verify=verify, with_code=trusted, lock=path)
    checkpoint = opened.checkpoint
    folder = None if checkpoint is None else checkpoint.folder
    placed: LoadOptions = {**options, "checkpoint": folder}
    config = configure(opened.record, dim=dim, **placed)
    files, plan = _planned(config, opened)
    if opened.is_derived:
        _warn_of_lost_prompts(plan, config)
    return _built(config, files, plan)


def _warn_of_lost_prompts(plan: AnyPlan, config: ModelConfig[Any]) -> None:
    """Warn where a folder without prompts seems to hold a model that has some."""
    import warnings

    from holotype.encoders.copies import find_resemblance
    from holotype.errors import LostPromptWarning

    given = {"query_prompt": config.query_prompt, "document_prompt": config.document_prompt}
    found = find_resemblance(plan, given=[name for name in given if given[name] is not None])
    if found is None:
        return
    folder = plan.checkpoint.location
    copy = f"load({found.record.id!r}, checkpoint={folder!r})"
    tuned = f"load('local:{folder}', {found.as_options})"
    none = " and ".join(f"{field}=''" for field in found.prompts)
    warnings.warn(
        f"{folder} {found.loss}; to use them, write {copy if found.fits else tuned}; for a model "
        f"that has none, pass {none}",
        LostPromptWarning,
        # The caller of load().
        stacklevel=4,
    )


def _options(config: ModelConfig[ModelInfo]) -> LoadOptions:
    return {
        "device": config.device,
        "dtype": config.dtype,
        "checkpoint": config.checkpoint,
        "trust_remote_code": config.trust_remote_code,
        "backend": config.backend,
        "max_length": config.max_length,
        "query_prompt": config.query_prompt,
        "document_prompt": config.document_prompt,
    }


def load_config(config: ModelConfig[Any]) -> AnyEncoder:
    """Reload a model from an encoder's config, ignoring any lock."""
    return _encoder(config)


def _encoder(config: ModelConfig[ModelInfo]) -> AnyEncoder:
    """Find a model's files, plan how to run it, and load its weights."""
    files, plan = _planned(config)
    return _built(config, files, plan)


def _planned(
    config: ModelConfig[ModelInfo], opened: OpenedModel | None = None
) -> tuple[ModelFiles, AnyPlan]:
    from holotype.encoders.finding import find_files
    from holotype.encoders.kinds.run_plan import make_run_plan

    # Do not fetch files that nothing here could run.
    require_backend(config)
    if str(config.record.type) in _OF_PICTURES:
        _require_pillow()
    files = find_files(config, opened, import_backend=partial(_graphs, config.backend))
    return files, make_run_plan(config, files.checkpoint)


def _require_pillow() -> None:
    if find_spec("PIL") is None:
        raise MissingExtraError("images", "pillow", "load()")


def _built(config: ModelConfig[ModelInfo], files: ModelFiles, plan: AnyPlan) -> AnyEncoder:
    build = partial(build_towers, plan, files)
    return encoder_of(plan, config, build(config), build)


def build_towers(plan: AnyPlan, files: ModelFiles, config: ModelConfig[Any]) -> Towers:
    """Load the weights of a model on the backend that its config names.

    Raises:
        MissingExtraError: a package of the backend is not installed.
        HolotypeError: see `load`.
    """
    with files.unchanged():
        return _read_towers(plan, files, config)


def _read_towers(plan: AnyPlan, files: ModelFiles, config: ModelConfig[Any]) -> Towers:
    if plan.is_static:
        if config.backend != "torch":
            raise UnsupportedModelError(
                plan.record.id,
                "it is a table of token vectors, run by NumPy alone; leave backend= out",
            )
        # Tables need neither torch nor transformers, whose import is most of a cold start.
        tables = import_part("holotype.encoders.arrays.tables", "static", "load()")
        return cast("Towers", tables.build_table(plan, config))
    if config.backend == "torch":
        require_device(config.device)
        torch_backend = import_part("holotype.encoders.torch_backend.build", "encoders", "load()")
        return cast("Towers", torch_backend.build(plan, config))
    return cast("Towers", _graphs(config.backend).build(plan, config, files.graph))


def require_device(device: str | None) -> None:
    """Refuse a device that torch does not have, before weights are read.

    Raises:
        InvalidArgumentError: there is no such device; the error names those that there are.
    """
    if device is not None:
        devices = import_part("holotype.encoders.torch_backend.devices", "encoders", "load()")
        devices.require_device(device)


def encoder_of(plan: AnyPlan, config: ModelConfig[Any], towers: Towers, build: Build) -> AnyEncoder:
    """Build the encoder of the plan's kind, importing its module on demand."""
    module, name = _ENCODERS[str(plan.record.type)]
    kind = getattr(importlib.import_module(module), name)
    encoder: AnyEncoder = kind(config, plan, towers, build)
    return encoder


def require_backend(config: ModelConfig[Any]) -> None:
    """Fail before fetching files if the backend's packages are not installed.

    Raises:
        MissingExtraError: a package is not installed.
    """
    if config.checkpoint is not None:
        return
    static = config.record.architecture_type == "static"
    extra, packages = _BACKEND_PACKAGES["static" if static else config.backend]
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(extra, package, "load()")


def _graphs(backend: str) -> ModuleType:
    return import_part(f"holotype.encoders.graphs.{backend}_backend", backend, "load()")


def import_part(module: str, extra: str, feature: str) -> ModuleType:
    """Import a module of holotype that needs packages of an extra.

    The import is by name because type checkers follow imports: reading torch and transformers
    would add half a minute to every check of a user's program. Garbage collection pauses
    meanwhile: it would visit the hundred thousand objects that torch makes three times over, find
    nothing, and take a twentieth of the time to the first vector.

    Args:
        module: the module.
        extra: the extra that installs the packages.
        feature: the feature that needs them, as named in errors.

    Raises:
        MissingExtraError: a package is not installed.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _PACKAGES:
            raise
        raise MissingExtraError(extra, missing, feature) from error
    finally:
        if collecting:
            gc.enable()
