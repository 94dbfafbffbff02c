"""Heads of BERT and its kin, read without transformers.

What `bert_checkpoint` does for the encoder, this does for what comes after it: a head is read where
its files hold just what its architecture says, and anything else is left to transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.torch_backend.backbone import Placement
from holotype.encoders.torch_backend.bert_checkpoint import ReadModel, read_bert
from holotype.encoders.torch_backend.bert_forward import Norm
from holotype.encoders.torch_backend.heads import ClassificationHead
from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClassifierNames:
    """What an architecture calls the two maps of its classifier, and what is between them."""

    inner: str
    outer: str
    activation: Callable[[Tensor], Tensor] = torch.tanh


@dataclass(frozen=True, slots=True, kw_only=True)
class _WordNames:
    """What an architecture calls the parts of its head for masked words.

    Attributes:
        dense: the map before the last layer.
        norm: the norm after that.
        bias: that of the last layer.
        decoder: the last layer, in files that store again what it shares with other tensors.
        is_configured: whether the configuration says the activation, which is GELU otherwise.
    """

    dense: str
    norm: str
    bias: str
    decoder: str
    is_configured: bool


_ROBERTA = _ClassifierNames(inner="classifier.dense", outer="classifier.out_proj")
_CLASSIFIERS: Mapping[str, _ClassifierNames] = {
    "bert": _ClassifierNames(inner="bert.pooler.dense", outer="classifier"),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": _ROBERTA,
    "distilbert": _ClassifierNames(
        inner="pre_classifier", outer="classifier", activation=functional.relu
    ),
}
_ROBERTA_WORDS = _WordNames(
    dense="lm_head.dense",
    norm="lm_head.layer_norm",
    bias="lm_head.bias",
    decoder="lm_head.decoder",
    is_configured=False,
)
_WORDS: Mapping[str, _WordNames] = {
    "bert": _WordNames(
        dense="cls.predictions.transform.dense",
        norm="cls.predictions.transform.LayerNorm",
        bias="cls.predictions.bias",
        decoder="cls.predictions.decoder",
        is_configured=True,
    ),
    "roberta": _ROBERTA_WORDS,
    "xlm-roberta": _ROBERTA_WORDS,
    "camembert": _ROBERTA_WORDS,
    "mpnet": _ROBERTA_WORDS,
    "distilbert": _WordNames(
        dense="vocab_transform",
        norm="vocab_layer_norm",
        bias="vocab_projector.bias",
        decoder="vocab_projector",
        is_configured=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadClassifier:
    """A transformer and its head for classification."""

    model: ReadModel
    head: ClassificationHead


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLanguageModel:
    """A masked language model, whose last layer multiplies by its table of words.

    Attributes:
        model: the transformer.
        transform: what comes between it and the last layer.
        transform_bytes: how many bytes the weights of that take.
        bias: that of the last layer, ``[n_words]``.
    """

    model: ReadModel
    transform: Callable[[Tensor], Tensor]
    transform_bytes: int
    bias: Tensor


@dataclass(frozen=True, slots=True)
class _TwoMaps:
    inner: LinearMap
    activation: Callable[[Tensor], Tensor]
    outer: LinearMap

    def __call__(self, vectors: Tensor) -> Tensor:
        return self.outer(self.activation(self.inner(vectors)))


@dataclass(frozen=True, slots=True)
class _Transform:
    dense: LinearMap
    activation: Callable[[Tensor], Tensor] | None
    norm: Norm

    def __call__(self, vectors: Tensor) -> Tensor:
        if self.activation is None:
            return self.norm(self.dense.gelu(vectors))
        return self.norm(self.activation(self.dense(vectors)))


def read_classifier(
    checkpoint: Checkpoint, tensors: Mapping[str, Tensor], placement: Placement, *, n_labels: int
) -> ReadClassifier | None:
    """Read a transformer with a head for classification; None where only transformers can.

    Args:
        checkpoint: the folder of the transformer.
        tensors: all tensors of the transformer's files.
        placement: where they run, and in which type.
        n_labels: how many logits there are for a row.

    Raises:
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
    """
    config = checkpoint.json("config.json")
    names = _CLASSIFIERS.get(str(config.values.get("model_type")))
    # transformers takes the number of labels from either key.
    if names is None or config.values.get("num_labels") not in (None, n_labels):
        return None
    own, rest = _split(tensors, _with_bias(names.inner, names.outer))
    model = read_bert(checkpoint, rest, placement, auto_class="AutoModelForSequenceClassification")
    if model is None:
        return None
    width = model.hidden_dim
    expected = _map_shapes(names.inner, (width, width)) | _map_shapes(
        names.outer, (n_labels, width)
    )
    if _shapes(own) != expected:
        return None
    placed = _place(own, placement)
    inner, outer = (
        LinearMap(placed[f"{name}.weight"], placed[f"{name}.bias"])
        for name in (names.inner, names.outer)
    )
    head = ClassificationHead(
        "first",
        _TwoMaps(inner, names.activation, outer),
        memory_bytes=_bytes_of(placed),
        pad_id=None,
    )
    return ReadClassifier(model=model, head=head)


def read_language_model(
    checkpoint: Checkpoint, tensors: Mapping[str, Tensor], placement: Placement
) -> ReadLanguageModel | None:
    """Read a masked language model; None where only transformers can.

    Args:
        checkpoint: the folder of the transformer.
        tensors: all tensors of the transformer's files.
        placement: where they run, and in which type.

    Raises:
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
    """
    config = checkpoint.json("config.json")
    names = _WORDS.get(str(config.values.get("model_type")))
    if names is None or config.values.get("tie_word_embeddings", True) is not True:
        return None
    own, rest = _split(tensors, (*_with_bias(names.dense, names.norm), names.bias))
    copies, rest = _split(rest, _with_bias(names.decoder))
    model = read_bert(checkpoint, rest, placement, auto_class="AutoModelForMaskedLM")
    if model is None:
        return None
    words, width = model.forward.words, (model.hidden_dim,)
    expected = _map_shapes(names.dense, (model.hidden_dim, model.hidden_dim))
    expected |= dict.fromkeys(_with_bias(names.norm), width)
    expected[names.bias] = (model.n_embeddings,)
    if _shapes(own) != expected:
        return None
    placed = _place(own, placement)
    bias = placed.pop(names.bias)
    shared = {f"{names.decoder}.weight": words, f"{names.decoder}.bias": bias}
    if not all(torch.equal(one.to(words), shared[name]) for name, one in copies.items()):
        return None
    return ReadLanguageModel(
        model=model,
        transform=_Transform(
            linear_map(placed[f"{names.dense}.weight"], placed[f"{names.dense}.bias"]),
            model.forward.layers[0].activation if names.is_configured else None,
            Norm(
                placed[f"{names.norm}.weight"],
                placed[f"{names.norm}.bias"],
                model.forward.input_norm.eps,
            ),
        ),
        transform_bytes=_bytes_of(placed),
        bias=bias,
    )


def _with_bias(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}.{part}" for name in names for part in ("weight", "bias"))


def _split(
    tensors: Mapping[str, Tensor], names: Collection[str]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of these names, and the others."""
    chosen = {name: tensor for name, tensor in tensors.items() if name in names}
    return chosen, {name: tensor for name, tensor in tensors.items() if name not in names}


def _map_shapes(name: str, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _place(tensors: Mapping[str, Tensor], placement: Placement) -> dict[str, Tensor]:
    # Copies, since what was read may be a view of the file.
    return {
        name: tensor.to(device=placement.device, dtype=placement.dtype, copy=True)
        for name, tensor in tensors.items()
    }


def _bytes_of(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())
