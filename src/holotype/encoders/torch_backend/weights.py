"""Loading a transformer's weights so that every one of them comes from the checkpoint."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    MODEL_MAPPING,
    AutoConfig,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.remote_code import CodePolicy, runs_own_code
from holotype.encoders.torch_backend.tensor_files import NOT_OF_THE_ENCODER, POOLER
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
)

_DECODER = re.compile(r"^decoder\.")
_ENCODERS = (MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING)


def load_backbone(
    folder: Path, tensors: Mapping[str, torch.Tensor], *, policy: CodePolicy
) -> PreTrainedModel:
    """Build the transformer of a checkpoint from its tensors, in float32 on the CPU.

    Args:
        folder: where `config.json` is.
        tensors: all tensors of the transformer's files.
        policy: what becomes of code that the checkpoint brings along.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture.
    """
    model_class, config = choose_class(
        folder, "AutoModel", _ENCODERS, "text encoder", policy=policy
    )
    if model_class.__module__.startswith("transformers.") and (
        config.is_encoder_decoder and not model_class.__name__.endswith("EncoderModel")
    ):
        raise UnsupportedCheckpointError(
            str(folder / "config.json"), f"the encoder of {config.model_type!r} is not run yet"
        )
    arguments: dict[str, Any] = {}
    unused = [NOT_OF_THE_ENCODER]
    if "add_pooling_layer" in inspect.signature(model_class.__init__).parameters:
        # The pooler is a head of pre-training; pooling is done on the token vectors.
        arguments["add_pooling_layer"] = False
        unused.append(POOLER)
    if model_class.__name__.endswith("EncoderModel"):
        # The encoder of a pair, as in T5, whose checkpoints may hold the decoder, too.
        unused.append(_DECODER)
    wanted = {
        name: tensor
        for name, tensor in tensors.items()
        if not any(pattern.search(name) for pattern in unused)
    }
    return build_model(folder, model_class, config, wanted, **arguments)


def build_model(
    folder: Path,
    model_class: type[PreTrainedModel],
    config: PreTrainedConfig,
    tensors: Mapping[str, torch.Tensor],
    *,
    optional: Sequence[re.Pattern[str]] = (),
    **arguments: Any,
) -> PreTrainedModel:
    """Build a model of transformers from tensors alone, in float32 on the CPU.

    Args:
        folder: the checkpoint, for errors.
        model_class: the class of the model.
        config: its configuration.
        tensors: all of its tensors.
        optional: names of tensors for which the model need not have a place.
        arguments: what else the class takes.

    Raises:
        CheckpointError: transformers cannot build the model.
        TensorError: a tensor is missing, unexpected, or of another shape.
    """
    try:
        build: Any = model_class.from_pretrained
        model, report = build(
            None,
            config=config,
            state_dict=dict(tensors),
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **arguments,
        )
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, ImportError) as error:
        raise CheckpointError(str(folder), f"transformers cannot build it: {error}") from error
    _check(folder, report, optional)
    built: PreTrainedModel = model.eval().requires_grad_(False)
    return built


def _check(
    folder: Path, report: Mapping[str, Collection[Any]], optional: Sequence[re.Pattern[str]]
) -> None:
    missing = sorted(report["missing_keys"])
    unexpected = sorted(
        name
        for name in report["unexpected_keys"]
        if not any(pattern.search(name) for pattern in optional)
    )
    misshapen = sorted(
        f"{name} ({list(found)}, expected {list(expected)})"
        for name, found, expected in report["mismatched_keys"]
    )
    if missing or unexpected or misshapen:
        raise TensorError(str(folder), missing, unexpected, misshapen)


def read_config(folder: Path, raw: JsonFile, *, with_own_code: bool) -> PreTrainedConfig:
    """Read the configuration of a transformer.

    Args:
        folder: where `config.json` is.
        raw: that file.
        with_own_code: whether a class of the checkpoint's own is run.

    Raises:
        UnsupportedCheckpointError: it is an adapter, quantised, or of an unknown architecture.
    """
    if (folder / "adapter_config.json").is_file():
        raise UnsupportedCheckpointError(
            str(folder), "is an adapter on another model; merge it into that model first"
        )
    if raw.values.get("quantization_config"):
        raise UnsupportedCheckpointError(
            raw.location, "holds quantised weights; use the original ones"
        )
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=with_own_code
        )
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, ImportError) as error:
        raise UnsupportedCheckpointError(
            raw.location, f"transformers does not know this architecture: {error}"
        ) from error
    if hasattr(config, "use_cache"):
        config.use_cache = False
    return config


def choose_class(
    folder: Path,
    auto_class: str,
    classes: Sequence[Mapping[Any, Any]],
    what: str,
    *,
    policy: CodePolicy,
) -> tuple[type[PreTrainedModel], PreTrainedConfig]:
    """Return the class of a checkpoint's model, and its configuration.

    Args:
        folder: where `config.json` is.
        auto_class: the class of transformers that stands for it in a checkpoint's own code.
        classes: what transformers has, by the class of the configuration; the first that knows it
            counts.
        what: what these classes are, as errors call it.
        policy: what becomes of code that the checkpoint brings along.

    Raises:
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture.
    """
    raw = JsonFile.read(folder, "config.json")
    own_config, own_model = (
        runs_own_code(raw, kind, policy) for kind in ("AutoConfig", auto_class)
    )
    config = read_config(folder, raw, with_own_code=own_config)
    if own_model:
        return _own_class(folder, raw, auto_class), config
    known = (found.get(type(config), None) for found in classes)
    model_class = next((one for one in known if one is not None), None)
    if not isinstance(model_class, type) or not issubclass(model_class, PreTrainedModel):
        raise UnsupportedCheckpointError(
            raw.location, f"transformers has no {what} for {config.model_type!r}"
        )
    return model_class, config


def _own_class(folder: Path, raw: JsonFile, kind: str) -> type[PreTrainedModel]:
    """Return the class of the checkpoint's own code that stands for a class such as `AutoModel`."""
    classes = raw.part("auto_map")
    reference = str(classes.values[kind]) if classes else ""
    found: type[PreTrainedModel] = get_class_from_dynamic_module(reference, str(folder))
    return found
