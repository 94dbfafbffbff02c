"""From a plan to networks on torch, for models whose head is one of transformers' own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from holotype.encoders.arrays.words import sparse_towers
from holotype.encoders.checkpoints.heads import HeadSettings
from holotype.encoders.checkpoints.modules import PoolingSpec
from holotype.encoders.kinds.cross_encoder import CrossEncoding
from holotype.encoders.kinds.plan import AnyPlan, ClassifierPlan, CrossEncoderPlan, SparsePlan
from holotype.encoders.kinds.sparse import SparseEncoding
from holotype.encoders.running.network import Tower, Towers
from holotype.encoders.torch_backend.backbone import (
    Backbone,
    LanguageModelBackbone,
    Placement,
    refuse_bytes,
    weight_bytes,
)
from holotype.encoders.torch_backend.forwards import replace_linears, without_padding
from holotype.encoders.torch_backend.heads import (
    ClassificationHead,
    PaddedClassifier,
    classification_modules,
    language_model_transform,
)
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.linear_map import OneDnnLinearMap, linear_map
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_template, load_tokenizer
from holotype.encoders.torch_backend.transformer import HeadedTransformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.encoders.torch_backend.weights import (
    answer_projection,
    load_classification_model,
    load_language_model,
)
from holotype.encoders.torch_backend.word_heads import LanguageModelHead, WordHead
from holotype.errors import UnsupportedModelError


def build_heads(plan: AnyPlan, placement: Placement) -> Towers:
    """Load the weights of a sparse model, a cross-encoder or a classifier; see `build`."""
    if isinstance(plan, SparsePlan):
        return _sparse(plan, placement)
    if isinstance(plan, ClassifierPlan):
        tensors = read_tensors(plan.settings.checkpoint.transformer)
        tower = _classification_tower(plan.settings, tensors, placement)
        return Towers(document=tower, query=tower, dtype=placement.name)
    if isinstance(plan, CrossEncoderPlan):
        return _cross_encoder(plan, placement)
    raise UnsupportedModelError(plan.record.id, f"there is no head for {plan.record.type!r}")


def _cross_encoder(plan: CrossEncoderPlan, placement: Placement) -> Towers:
    settings = plan.settings
    folder = settings.checkpoint.transformer
    template = None if settings.template is None else load_template(folder, settings.template)
    tensors = read_tensors(folder)
    if settings.task == "sequence-classification":
        tower = _classification_tower(settings, tensors, placement)
    else:
        tower = _layers_tower(settings, plan.encoding, tensors, placement)
    return Towers(document=tower, query=tower, dtype=placement.name, template=template)


def _classification_tower(
    settings: HeadSettings, tensors: Mapping[str, Tensor], placement: Placement
) -> Tower:
    checkpoint = settings.checkpoint
    tokenizer = load_tokenizer(checkpoint.transformer, lower_case=checkpoint.lower_case)
    model = load_classification_model(checkpoint.transformer, tensors)
    backbone = Backbone(checkpoint.transformer.location, tokenizer, model, placement)
    pad_id = getattr(model.config, "pad_token_id", None)
    modules = classification_modules(model)
    if modules is not None:
        head = ClassificationHead(*modules, pad_id=pad_id)
        transformer = without_padding(backbone, head_bytes=head.memory_bytes)
        if transformer is not None:
            return Tower(TorchNetwork(HeadedTransformer(transformer, head)), tokenizer)
    if placement.in_bytes:
        refuse_bytes(backbone.location, type(model).__name__)
    # A decoder beside the encoder is read at the last end of the text.
    end_id = model.config.eos_token_id if model.config.is_encoder_decoder else None
    return Tower(TorchNetwork(PaddedClassifier(backbone, pad_id=pad_id, end_id=end_id)), tokenizer)


def _layers_tower(
    settings: HeadSettings,
    encoding: CrossEncoding,
    tensors: Mapping[str, Tensor],
    placement: Placement,
) -> Tower:
    layers, projection = encoding.layers, None
    if settings.answer is not None:
        answer, projection = answer_projection(
            settings.checkpoint.transformer, tensors, settings.answer
        )
        layers = (PoolingSpec(modes=("last-token",)), answer)
    transformer = open_transformer(settings.checkpoint, tensors, placement)
    head = LayersHead(
        transformer, layers, dim=encoding.n_labels, normalized=False, projection=projection
    )
    return Tower(TorchNetwork(HeadedTransformer(transformer, head)), transformer.tokenizer)


def _sparse(plan: SparsePlan, placement: Placement) -> Towers:
    checkpoint, encoding = plan.settings.checkpoint, plan.encoding
    folder = checkpoint.transformer
    model, last = load_language_model(folder, read_tensors(folder))
    tied = last.weight is model.get_input_embeddings().weight
    tokenizer = load_tokenizer(folder, lower_case=checkpoint.lower_case)
    backbone = LanguageModelBackbone(folder.location, tokenizer, model, placement)
    last.to(device=placement.device, dtype=placement.dtype)
    transform = language_model_transform(model)
    packed = None
    if transform is not None:
        packed = without_padding(backbone, head_bytes=weight_bytes(transform))
    elif placement.in_bytes:
        refuse_bytes(backbone.location, type(model).__name__)
    # A model that is padded runs what comes before its last layer itself.
    head = _words(last, None if packed is None else transform, encoding, tied=tied)
    network = TorchNetwork(HeadedTransformer(packed or backbone, WordHead(head)))
    return sparse_towers(plan, Tower(network, tokenizer), load_tokenizer, dtype=placement.name)


@torch.inference_mode()
def _words(
    last: nn.Linear, transform: nn.Module | None, encoding: SparseEncoding, *, tied: bool
) -> LanguageModelHead:
    decoder = linear_map(last.weight, last.bias)
    memory_bytes = weight_bytes(nn.ModuleList([last] if transform is None else [last, transform]))
    if tied and not isinstance(decoder, OneDnnLinearMap):
        memory_bytes -= last.weight.nbytes
    if transform is not None:
        replace_linears(transform)
    return LanguageModelHead(
        transform=transform,
        decoder=decoder,
        dim=last.out_features,
        doubled=encoding.activation == "log1p-log1p-relu",
        summed=encoding.pooling == "sum",
        memory_bytes=memory_bytes,
    )
