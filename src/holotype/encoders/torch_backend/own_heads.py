"""The heads of transformers' models, apart from the transformers that they are built with.

Apart, a head reads the vectors of any batch, padded or not. Which modules make a head is written
down here by the names of classes, and a test compares each of them with the whole model; what is
not on these lists is run as transformers has it, over padded batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from torch import nn
from transformers import PreTrainedModel

from holotype.encoders.torch_backend.forwards import is_of_transformers

Reads: TypeAlias = Literal["first", "mean", "last"]
"""What a head reads of a row: its first token, the mean of those that are attended, or the last
token that is no padding."""

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


def _distilbert(model: Any) -> nn.Module:
    return nn.Sequential(model.pre_classifier, nn.ReLU(), model.classifier)


def _modernbert(model: Any) -> nn.Module:
    return nn.Sequential(model.head, model.classifier)


def _score(model: Any) -> nn.Module:
    return nn.Sequential(model.score)


CLASSIFIERS: Mapping[str, tuple[Reads | None, Callable[[Any], nn.Module]]] = {
    "BertForSequenceClassification": ("first", _pooler),
    "CamembertForSequenceClassification": ("first", _classifier),
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
