"""Heads of transformers' models, and what runs models with them.

Importing this brings transformers, whose import is a good part of a cold start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.running.network import Tower
from holotype.encoders.torch_backend.backbone import (
    Backbone,
    LanguageModelBackbone,
    Placement,
    refuse_bytes,
    token_table,
    weight_bytes,
)
from holotype.encoders.torch_backend.forwards import (
    is_of_transformers,
    replace_linears,
    without_padding,
)
from holotype.encoders.torch_backend.heads import ClassificationHead, PaddedClassifier, Reads
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.encoders.torch_backend.transformer import HeadedTransformer
from holotype.encoders.torch_backend.weights import load_classification_model, load_language_model
from holotype.encoders.torch_backend.word_heads import LanguageModel

TRANSFORMS: Mapping[str, tuple[str, ...]] = {
    "BertForMaskedLM": ("cls",),
    "CamembertForMaskedLM": ("lm_head",),
    "DistilBertForMaskedLM": ("vocab_transform", "activation", "vocab_layer_norm"),
    "MPNetForMaskedLM": ("lm_head",),
    "ModernBertForMaskedLM": ("head",),
    "NomicBertForMaskedLM": ("cls",),
    "RobertaForMaskedLM": ("lm_head",),
    "XLMRobertaForMaskedLM": ("lm_head",),
}
"""Masked language models: the modules between the transformer and the last layer, in order."""


def language_model_transform(model: PreTrainedModel) -> nn.Module | None:
    """Return what a masked language model does between its transformer and its last layer.

    Args:
        model: the model; its last layer has been replaced by one that changes nothing.

    Returns:
        A module that maps ``[..., width]``; None where the class of the model is not on the list.
    """
    names = TRANSFORMS.get(type(model).__name__)
    if names is None or not is_of_transformers(model):
        return None
    return nn.Sequential(*(model.get_submodule(name) for name in names))


def _pooler(model: Any) -> nn.Module:
    return nn.Sequential(model.base_model.pooler, model.classifier)


def _classifier(model: Any) -> nn.Module:
    return nn.Sequential(model.classifier)


def _own_pooler(model: Any) -> nn.Module:
    return nn.Sequential(model.pooler, model.classifier)


def _distilbert(model: Any) -> nn.Module:
    return nn.Sequential(model.pre_classifier, nn.ReLU(), model.classifier)


def _modernbert(model: Any) -> nn.Module:
    return nn.Sequential(model.head, model.classifier)


def _score(model: Any) -> nn.Module:
    return nn.Sequential(model.score)


CLASSIFIERS: Mapping[str, tuple[Reads | None, Callable[[Any], nn.Module]]] = {
    "BertForSequenceClassification": ("first", _pooler),
    "CamembertForSequenceClassification": ("first", _classifier),
    "DebertaV2ForSequenceClassification": ("first", _own_pooler),
    "DistilBertForSequenceClassification": ("first", _distilbert),
    "Gemma3TextForSequenceClassification": ("last", _score),
    "LlamaForSequenceClassification": ("last", _score),
    "MPNetForSequenceClassification": ("first", _classifier),
    "MistralForSequenceClassification": ("last", _score),
    "ModernBertForSequenceClassification": (None, _modernbert),
    "NomicBertForSequenceClassification": ("first", _pooler),
    "Qwen2ForSequenceClassification": ("last", _score),
    "Qwen3ForSequenceClassification": ("last", _score),
    "RobertaForSequenceClassification": ("first", _classifier),
    "XLMRobertaForSequenceClassification": ("first", _classifier),
}
"""Classifiers: what the head reads, None where the configuration says it, and its modules."""
_POOLINGS: Mapping[str, Reads] = {"cls": "first", "mean": "mean"}


def classification_modules(model: PreTrainedModel) -> tuple[Reads, nn.Module] | None:
    """Return what the head of a classifier reads of a row, and what maps that.

    Returns:
        A module that maps ``[n_rows, 1, width]`` to ``[n_rows, n_labels]``, with or without an
        axis of one between; None where the class of the model is not on the list.
    """
    found = CLASSIFIERS.get(type(model).__name__)
    if found is None or not is_of_transformers(model):
        return None
    reads, modules = found
    return reads or _POOLINGS[model.config.classifier_pooling], modules(model)


def host_classifier(
    settings: CheckpointSettings, tensors: Mapping[str, Tensor], placement: Placement
) -> Tower:
    """Load a transformer with a head for classification as transformers has them.

    Args:
        settings: what the checkpoint says.
        tensors: all tensors of the transformer's files.
        placement: where and in which type they run.

    Raises:
        CheckpointError: the weights are of another model.
        UnsupportedCheckpointError: it does not run in this type on this device.
    """
    folder = settings.transformer
    tokenizer = load_tokenizer(folder, lower_case=settings.lower_case)
    model = load_classification_model(folder, tensors)
    backbone = Backbone(folder.location, tokenizer, model, placement)
    pad_id = getattr(model.config, "pad_token_id", None)
    found = classification_modules(model)
    if found is not None:
        reads, modules = found
        head = ClassificationHead(reads, modules, memory_bytes=weight_bytes(modules), pad_id=pad_id)
        transformer = without_padding(backbone, head_bytes=head.memory_bytes)
        if transformer is not None:
            return Tower(TorchNetwork(HeadedTransformer(transformer, head)), tokenizer)
    if placement.in_bytes:
        refuse_bytes(backbone.location, type(model).__name__)
    backbone.require_runs()
    # A decoder beside the encoder is read at the last end of the text.
    end_id = model.config.eos_token_id if model.config.is_encoder_decoder else None
    if summarizes_padding(model):
        pad_id = None
    return Tower(TorchNetwork(PaddedClassifier(backbone, pad_id=pad_id, end_id=end_id)), tokenizer)


def summarizes_padding(model: PreTrainedModel) -> bool:
    """Return whether a head reads padding, such as that of XLNet, which reads the last token."""
    summary = getattr(model, "sequence_summary", None)
    return summary is not None and summary.summary_type != "first"


def host_language_model(
    settings: CheckpointSettings, tensors: Mapping[str, Tensor], placement: Placement
) -> LanguageModel:
    """Load a masked language model as transformers has it.

    Args:
        settings: what the checkpoint says.
        tensors: all tensors of the transformer's files.
        placement: where and in which type it runs.

    Raises:
        CheckpointError: the weights are of another model.
        UnsupportedCheckpointError: it does not run in this type on this device.
    """
    folder = settings.transformer
    model, last = load_language_model(folder, tensors)
    is_tied = last.weight is token_table(folder.location, model)
    tokenizer = load_tokenizer(folder, lower_case=settings.lower_case)
    backbone = LanguageModelBackbone(folder.location, tokenizer, model, placement)
    last.to(device=placement.device, dtype=placement.dtype)
    transform, transform_bytes, packed = language_model_transform(model), 0, None
    if transform is not None:
        packed = without_padding(backbone, head_bytes=weight_bytes(transform))
    elif placement.in_bytes:
        refuse_bytes(backbone.location, type(model).__name__)
    if packed is None:
        # A model that is padded runs what comes before its last layer itself.
        transform = None
        backbone.require_runs()
    if transform is not None:
        transform_bytes = weight_bytes(transform)
        with torch.inference_mode():
            replace_linears(transform)
    return LanguageModel(
        transformer=packed or backbone,
        transform=transform,
        transform_bytes=transform_bytes,
        weight=last.weight,
        bias=last.bias,
        is_tied=is_tied,
    )
