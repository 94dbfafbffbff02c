"""From a plan to networks on torch, for models that end in a head of their own.

The heads of BERT and its kin are read here; others are those of transformers' models.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from holotype.encoders.arrays.words import DROPPED_TOKENS, load_token_layer, sparse_towers
from holotype.encoders.checkpoints.heads import HeadSettings
from holotype.encoders.checkpoints.modules import PoolingSpec
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.kinds.cross_encoder import CrossEncoding
from holotype.encoders.kinds.plan import AnyPlan, ClassifierPlan, CrossEncoderPlan, SparsePlan
from holotype.encoders.kinds.sparse import SparseEncoding
from holotype.encoders.running.network import Tower, Towers, one_tower
from holotype.encoders.torch_backend.backbone import Placement
from holotype.encoders.torch_backend.bert_heads import read_classifier, read_language_model
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.linear_map import OneDnnLinearMap, linear_map
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.packed_backbone import PACKING_DEVICES
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_template, load_tokenizer
from holotype.encoders.torch_backend.transformer import HeadedTransformer, Transformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer, pack_read
from holotype.encoders.torch_backend.word_heads import (
    LanguageModel,
    LanguageModelHead,
    TokenHead,
    WordHead,
)
from holotype.errors import UnsupportedModelError


def build_heads(plan: AnyPlan, placement: Placement) -> Towers:
    """Load the weights of a sparse model, a cross-encoder or a classifier; see `build`."""
    if isinstance(plan, SparsePlan):
        lexical = plan.settings.form == "lexical"
        return _lexical(plan, placement) if lexical else _sparse(plan, placement)
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
    if placement.device.type in PACKING_DEVICES:
        read = read_classifier(
            checkpoint.transformer, tensors, placement, n_labels=settings.n_labels.value
        )
        if read is not None:
            transformer = pack_read(checkpoint, read.model, placement)
            network = TorchNetwork(HeadedTransformer(transformer, read.head))
            return Tower(network, transformer.tokenizer)
    from holotype.encoders.torch_backend.hosted_heads import host_classifier

    return host_classifier(checkpoint, tensors, placement)


def _layers_tower(
    settings: HeadSettings,
    encoding: CrossEncoding,
    tensors: Mapping[str, Tensor],
    placement: Placement,
) -> Tower:
    layers, projection = encoding.layers, None
    if settings.answer is not None:
        from holotype.encoders.torch_backend.weights import answer_projection

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
    settings = plan.settings.checkpoint
    model = _language_model(settings, read_tensors(settings.transformer), placement)
    head = WordHead(_words(model, plan.encoding))
    tower = Tower(
        TorchNetwork(HeadedTransformer(model.transformer, head)), model.transformer.tokenizer
    )
    return sparse_towers(plan, tower, load_tokenizer, dtype=placement.name)


def _lexical(plan: SparsePlan, placement: Placement) -> Towers:
    settings = plan.settings.checkpoint
    transformer = open_transformer(settings, read_tensors(settings.transformer), placement)
    head = lexical_head(plan, transformer)
    network = TorchNetwork(HeadedTransformer(transformer, head))
    return one_tower(network, transformer.tokenizer, dtype=placement.name)


def lexical_head(plan: SparsePlan, transformer: Transformer) -> WordHead:
    """Load the layer by which BGE-M3 weighs tokens.

    Raises:
        CheckpointError: it is missing, damaged, or of another model.
    """
    settings = plan.settings
    hidden = settings.checkpoint.hidden_dim
    weight, bias = load_token_layer(settings.checkpoint.whole, hidden.value if hidden else 0)
    ids = [transformer.tokenizer.token_id(token) for token in DROPPED_TOKENS]
    dropped = torch.tensor([id for id in ids if id is not None], dtype=torch.int64)
    head = TokenHead(
        weight=torch.from_numpy(weight).to(device=transformer.device, dtype=transformer.dtype),
        bias=torch.from_numpy(bias).to(device=transformer.device, dtype=transformer.dtype),
        dropped=dropped.to(transformer.device),
        dim=plan.encoding.dim,
    )
    return WordHead(head)


def _language_model(
    settings: CheckpointSettings, tensors: Mapping[str, Tensor], placement: Placement
) -> LanguageModel:
    if placement.device.type in PACKING_DEVICES:
        read = read_language_model(settings.transformer, tensors, placement)
        if read is not None:
            return LanguageModel(
                transformer=pack_read(settings, read.model, placement),
                transform=read.transform,
                transform_bytes=read.transform_bytes,
                weight=read.model.forward.words,
                bias=read.bias,
                is_tied=True,
            )
    from holotype.encoders.torch_backend.hosted_heads import host_language_model

    return host_language_model(settings, tensors, placement)


@torch.inference_mode()
def _words(model: LanguageModel, encoding: SparseEncoding) -> LanguageModelHead:
    decoder = linear_map(model.weight, model.bias)
    memory_bytes = model.transform_bytes + (0 if model.bias is None else model.bias.nbytes)
    # oneDNN lays a weight out anew.
    if not model.is_tied or isinstance(decoder, OneDnnLinearMap):
        memory_bytes += model.weight.nbytes
    return LanguageModelHead(
        transform=model.transform,
        decoder=decoder,
        dim=model.weight.shape[0],
        doubled=encoding.activation == "log1p-log1p-relu",
        summed=encoding.pooling == "sum",
        memory_bytes=memory_bytes,
    )
