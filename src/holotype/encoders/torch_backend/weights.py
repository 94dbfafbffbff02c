"""Loading the weights of models so that every one of them comes from the checkpoint."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    MODEL_MAPPING,
    AutoConfig,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import AnswerTokens
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.checkpoints.network_sizes import check_defaults
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.torch_backend.quiet import without_messages
from holotype.encoders.torch_backend.running_errors import running_errors
from holotype.encoders.torch_backend.tensors import NOT_OF_THE_ENCODER, POOLER
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
)

_DECODER = re.compile(r"^decoder\.")
_ENCODERS = (MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING)


def load_backbone(folder: Checkpoint, tensors: Mapping[str, torch.Tensor]) -> PreTrainedModel:
    """Build the transformer of a checkpoint from its tensors, in float32 on the CPU.

    Args:
        folder: where the transformer is.
        tensors: all tensors of the transformer's files.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture.
    """
    model_class, config = choose_class(folder, "AutoModel", _ENCODERS, "text encoder")
    if model_class.__module__.startswith("transformers.") and (
        config.is_encoder_decoder and not model_class.__name__.endswith("EncoderModel")
    ):
        raise UnsupportedCheckpointError(
            folder.where("config.json"), f"the encoder of {config.model_type!r} is not run yet"
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
    folder: Checkpoint,
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
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    check_defaults(folder.json("config.json"), config.to_dict(), shapes)
    try:
        build: Any = model_class.from_pretrained
        # What it says of missing tensors, that they are made anew, is an error here.
        with without_messages("transformers.modeling_utils"):
            model, report = build(
                None,
                config=config,
                state_dict=dict(tensors),
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **arguments,
            )
    # What a configuration says reaches Python and torch as it is, which raise anything for it.
    except Exception as error:
        raise CheckpointError(
            folder.location, f"transformers cannot build it: {_reason(error)}"
        ) from error
    _check(folder, report, optional)
    built: PreTrainedModel = model.eval().requires_grad_(False)
    _own_weights(built, tensors)
    return built


def _own_weights(model: PreTrainedModel, tensors: Mapping[str, torch.Tensor]) -> None:
    """Copy the weights that are views of a file.

    A file that is written over while the model runs would change its vectors, and one that is cut
    off would end the process.
    """
    # What stands in for tensors where weights are only checked repeats one number.
    read = (one for one in tensors.values() if one.is_contiguous())
    views = {one.untyped_storage().data_ptr() for one in read}
    for weight in (*model.parameters(), *model.buffers()):
        if weight.untyped_storage().data_ptr() in views:
            weight.data = weight.data.clone()


def _check(
    folder: Checkpoint, report: Mapping[str, Collection[Any]], optional: Sequence[re.Pattern[str]]
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
        raise TensorError(folder.location, missing, unexpected, misshapen)


def read_config(folder: Checkpoint, raw: JsonFile, *, with_own_code: bool) -> PreTrainedConfig:
    """Read the configuration of a transformer.

    Args:
        folder: where the transformer is.
        raw: that file.
        with_own_code: whether a class of the checkpoint's own is run.

    Raises:
        UnsupportedCheckpointError: it is an adapter, quantised, or of an unknown architecture.
    """
    folder.refuse_adapter()
    if raw.values.get("quantization_config"):
        raise UnsupportedCheckpointError(
            raw.location, "holds quantised weights; use the original ones"
        )
    try:
        config: PreTrainedConfig
        if folder.is_open_clip:
            make: Any = AutoConfig.for_model
            config = make(**raw.values)
        else:
            config = AutoConfig.from_pretrained(
                folder.folder, local_files_only=True, trust_remote_code=with_own_code
            )
    # As above.
    except Exception as error:
        raise UnsupportedCheckpointError(
            raw.location,
            f"transformers does not know this architecture, or not with these values: {_reason(error)}",
        ) from error
    if hasattr(config, "use_cache"):
        config.use_cache = False
    _return_vectors(config)
    return config


def _return_vectors(config: PreTrainedConfig) -> None:
    """Decide what is returned beside the vectors, and how: the checkpoint has no say in it."""
    config.return_dict = True
    config.output_hidden_states = False
    config.output_attentions = False
    for name in config.sub_configs:
        part = getattr(config, name, None)
        if isinstance(part, PreTrainedConfig):
            _return_vectors(part)


def _reason(error: Exception) -> str:
    """Return what an error says; many of Python's own say nothing without their class."""
    return f"{type(error).__name__}: {error}" if not isinstance(error, OSError) else str(error)


def choose_class(
    folder: Checkpoint,
    auto_class: str,
    classes: Sequence[Mapping[Any, Any]],
    what: str,
) -> tuple[type[PreTrainedModel], PreTrainedConfig]:
    """Return the class of a checkpoint's model, and its configuration.

    Args:
        folder: where the transformer is.
        auto_class: the class of transformers that stands for it in a checkpoint's own code.
        classes: what transformers has, by the class of the configuration; the first that knows it
            counts.
        what: what these classes are, as errors call it.

    Raises:
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture.
    """
    raw = folder.json("config.json")
    own_config, own_model = (
        runs_own_code(raw, kind, folder.policy) for kind in ("AutoConfig", auto_class)
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


def _own_class(folder: Checkpoint, raw: JsonFile, kind: str) -> type[PreTrainedModel]:
    """Return the class of the checkpoint's own code that stands for a class such as `AutoModel`."""
    classes = raw.part("auto_map")
    reference = str(classes.values[kind]) if classes else ""
    found: type[PreTrainedModel] = get_class_from_dynamic_module(reference, str(folder.folder))
    return found


_CLASSIFIER = "AutoModelForSequenceClassification"
# Causal models whose logits are what their last linear layer gives and nothing more: no cap, no
# scale. Others could be run, but their scores would be silently wrong.
_PLAIN_LOGITS = (
    "gemma",
    "llama",
    "ministral",
    "mistral",
    "olmo2",
    "phi3",
    "qwen2",
    "qwen3",
    "qwen3_moe",
    "smollm3",
)
_EMBEDDINGS = ("model.embed_tokens.weight", "embed_tokens.weight")


def load_classification_model(
    folder: Checkpoint, tensors: Mapping[str, torch.Tensor]
) -> PreTrainedModel:
    """Build a transformer with a head for classification, in float32 on the CPU.

    Args:
        folder: where the transformer is.
        tensors: all tensors of the transformer's files.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture.
    """
    model_class, config = choose_class(
        folder,
        _CLASSIFIER,
        (MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,),
        "classifier",
    )
    # What the model has a place for is loaded, also where its name is that of another's head.
    return build_model(folder, model_class, config, tensors, optional=(NOT_OF_THE_ENCODER, POOLER))


def answer_projection(
    folder: Checkpoint, tensors: Mapping[str, torch.Tensor], answer: AnswerTokens
) -> tuple[LinearSpec, dict[str, torch.Tensor]]:
    """Return the linear layer that turns a last hidden state into the score of an answer.

    The difference of two logits is one product with the difference of their rows, so that the
    logits of the other tokens are never computed.

    Args:
        folder: where the transformer is.
        tensors: all tensors of the transformer's files.
        answer: the tokens.

    Raises:
        TensorError: there are no weights that give logits.
        CheckpointError: a token is not of the vocabulary, or two tables of tokens differ.
        UnsupportedCheckpointError: the logits are more than a product, or may be.
    """
    raw = folder.json("config.json")
    config = read_config(folder, raw, with_own_code=runs_own_code(raw, "AutoConfig", folder.policy))
    if config.model_type not in _PLAIN_LOGITS:
        raise UnsupportedCheckpointError(
            raw.location,
            f"the logits of {config.model_type!r} are not known to be those of a linear layer "
            f"alone; supported are {', '.join(_PLAIN_LOGITS)}",
        )
    table = _table(folder, tensors, config)
    bias = tensors.get("lm_head.bias")
    ids = [answer.true_id] if answer.false_id is None else [answer.true_id, answer.false_id]
    if not all(0 <= token < len(table) for token in ids):
        raise CheckpointError(
            folder.location, f"its answers are the tokens {ids}, but it has only {len(table)}"
        )
    made = {"linear.weight": _difference(table, ids)[None]}
    if bias is not None:
        made["linear.bias"] = _difference(bias, ids)[None]
    spec = LinearSpec(
        folder=folder,
        in_dim=table.shape[1],
        out_dim=1,
        bias=bias is not None,
        activation="torch.nn.Identity",
        residual=False,
    )
    return spec, made


def _table(
    folder: Checkpoint, tensors: Mapping[str, torch.Tensor], config: PreTrainedConfig
) -> torch.Tensor:
    own = tensors.get("lm_head.weight")
    embeddings = next((tensors[name] for name in _EMBEDDINGS if name in tensors), None)
    if not config.tie_word_embeddings:
        found = own
    elif own is not None and embeddings is not None and not torch.equal(own, embeddings):
        raise CheckpointError(
            folder.location,
            "config.json says that logits share the table of the embeddings, but the weights hold "
            "two tables that differ",
        )
    else:
        found = embeddings if own is None else own
    if found is None:
        raise TensorError(folder.location, missing=["lm_head.weight"])
    return found


def _difference(rows: torch.Tensor, ids: list[int]) -> torch.Tensor:
    chosen = rows[ids].float()
    return chosen[0] if len(ids) == 1 else chosen[0] - chosen[1]


_LANGUAGE_MODEL = "AutoModelForMaskedLM"
_PROBE = [[1, 2, 3]]


def load_language_model(
    folder: Checkpoint, tensors: Mapping[str, Tensor]
) -> tuple[PreTrainedModel, nn.Linear]:
    """Build a masked language model without its last layer, in float32 on the CPU.

    The last layer, from token vectors to logits, is by far the widest; apart from the rest it can
    be run for some tokens at a time.

    Args:
        folder: where the transformer is.
        tensors: all tensors of the transformer's files.

    Returns:
        The model, whose logits are the inputs of its last layer, and that layer.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture, or the logits are
            not what a linear layer gives.
    """
    model_class, config = choose_class(
        folder,
        _LANGUAGE_MODEL,
        (MODEL_FOR_MASKED_LM_MAPPING,),
        "masked language model",
    )
    model = build_model(folder, model_class, config, tensors, optional=(NOT_OF_THE_ENCODER, POOLER))
    return model, _split(folder, model)


@torch.inference_mode()
def _split(folder: Checkpoint, model: PreTrainedModel) -> nn.Linear:
    whole: Any = model
    last = whole.get_output_embeddings()
    probe = torch.tensor(_PROBE)
    refused = UnsupportedCheckpointError(
        folder.location, f"the logits of {type(model).__name__} are not what one linear layer gives"
    )
    with running_errors(folder.location, model):
        expected = whole(input_ids=probe).logits
    if isinstance(last, nn.Linear) and last.out_features == expected.shape[-1]:
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if child is last:
                    setattr(parent, name, nn.Identity())
        try:
            inputs = whole(input_ids=probe).logits
        # What it does with its last layer beside calling it fails in any way.
        except Exception as error:
            raise refused from error
        if inputs.shape[-1] == last.in_features and torch.allclose(
            last(inputs), expected, rtol=1e-4, atol=1e-4
        ):
            return last
    raise refused
