"""From a `ModelConfig` to a sparse encoder on torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from holotype.encoders.arrays.words import (
    DROPPED_TOKENS,
    LookupNetwork,
    load_token_layer,
    load_token_weights,
)
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.checkpoints.sparse import (
    LEXICAL,
    SparseSettings,
    read_sparse_checkpoint,
)
from holotype.encoders.config import ModelConfig
from holotype.encoders.kinds.sparse import SparseEncoding, resolve_sparse
from holotype.encoders.running.network import Network
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.torch_backend.backbone import (
    LanguageModelBackbone,
    resolve_device,
    resolve_dtype,
    weight_bytes,
)
from holotype.encoders.torch_backend.forwards import replace_linears, without_padding
from holotype.encoders.torch_backend.heads import language_model_transform
from holotype.encoders.torch_backend.linear_map import OneDnnLinearMap, linear_map
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.encoders.torch_backend.transformer import HeadedTransformer, Transformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.encoders.torch_backend.weights import load_language_model
from holotype.encoders.torch_backend.word_heads import LanguageModelHead, TokenHead, WordHead
from holotype.records import SparseModel


def load_sparse(config: ModelConfig[SparseModel]) -> SparseEncoder:
    """Load a sparse model; see `holotype.encoders.load`."""
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    settings = read_sparse_checkpoint(folder, lexical=record.activation == LEXICAL)
    encoding = resolve_sparse(record, settings)
    tensors = read_tensors(settings.checkpoint.transformer_folder)
    if settings.form == "lexical":
        network = _lexical_network(config, settings, encoding, tensors)
    else:
        network = _language_model_network(config, settings, encoding, tensors)
    queries = _queries(config, settings, network, encoding.dim)
    return SparseEncoder(config, encoding, network, queries)


def _language_model_network(
    config: ModelConfig[SparseModel],
    settings: SparseSettings,
    encoding: SparseEncoding,
    tensors: Mapping[str, Tensor],
) -> TorchNetwork:
    folder = settings.checkpoint.transformer_folder
    policy = code_policy(config.record, trusted=config.trust_remote_code)
    device, dtype = resolve_device(config.device), resolve_dtype(config.dtype)
    model, last = load_language_model(folder, tensors, policy=policy)
    tied = last.weight is model.get_input_embeddings().weight
    backbone = LanguageModelBackbone(
        folder,
        load_tokenizer(folder, lower_case=settings.checkpoint.lower_case, policy=policy),
        model,
        device=device,
        dtype=dtype,
    )
    last.to(device=device, dtype=dtype)
    transform = language_model_transform(model)
    packed = None
    if transform is not None:
        packed = without_padding(backbone, head_bytes=weight_bytes(transform))
    # A model that is padded runs what comes before its last layer itself.
    head = _head(last, None if packed is None else transform, encoding, tied=tied)
    return TorchNetwork(HeadedTransformer(packed or backbone, WordHead(head)))


@torch.inference_mode()
def _head(
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


def _lexical_network(
    config: ModelConfig[SparseModel],
    settings: SparseSettings,
    encoding: SparseEncoding,
    tensors: Mapping[str, Tensor],
) -> TorchNetwork:
    transformer = open_transformer(config, settings.checkpoint, tensors)
    head = load_token_head(transformer, settings, encoding.dim)
    return TorchNetwork(HeadedTransformer(transformer, WordHead(head)))


def load_token_head(transformer: Transformer, settings: SparseSettings, dim: int) -> TokenHead:
    """Load the layer by which BGE-M3 weighs tokens.

    Args:
        transformer: whose vectors it takes; it says where and in which type it runs.
        settings: what the checkpoint says.
        dim: the size of the vocabulary.

    Raises:
        CheckpointError: the file is missing or damaged.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: there is only a pickled file.
    """
    hidden = settings.checkpoint.hidden_dim
    weight, bias = load_token_layer(settings.checkpoint.folder, hidden.value if hidden else 0)
    ids = [transformer.tokenizer.token_id(token) for token in DROPPED_TOKENS]
    dropped = torch.tensor([id for id in ids if id is not None], dtype=torch.int64)
    return TokenHead(
        weight=torch.from_numpy(weight).to(device=transformer.device, dtype=transformer.dtype),
        bias=torch.from_numpy(bias).to(device=transformer.device, dtype=transformer.dtype),
        dropped=dropped.to(transformer.device),
        dim=dim,
    )


def _queries(
    config: ModelConfig[SparseModel], settings: SparseSettings, network: Network, dim: int
) -> LookupNetwork | None:
    table = settings.query_table
    if table is None:
        return None
    tokenizer = network.tokenizer
    if table.is_dir():
        policy = code_policy(config.record, trusted=config.trust_remote_code)
        tokenizer = load_tokenizer(table, lower_case=False, policy=policy)
    return LookupNetwork(tokenizer, load_token_weights(table, tokenizer, dim))
