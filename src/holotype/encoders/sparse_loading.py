"""From a `ModelConfig` to a sparse encoder on torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from holotype.encoders.backbone import Backbone, open_backbone, resolve_device, resolve_dtype
from holotype.encoders.config import ModelConfig
from holotype.encoders.network import Network
from holotype.encoders.remote_code import code_policy
from holotype.encoders.source import find_checkpoint
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.sparse_encoding import SparseEncoding, resolve_sparse
from holotype.encoders.sparse_lookup import LookupNetwork
from holotype.encoders.sparse_network import LanguageModelHead, SparseNetwork, TokenHead
from holotype.encoders.sparse_settings import LEXICAL, SparseSettings, read_sparse_checkpoint
from holotype.encoders.sparse_weights import load_language_model
from holotype.encoders.tensor_files import read_tensors
from holotype.encoders.token_weights import (
    DROPPED_TOKENS,
    load_token_layer,
    load_token_weights,
)
from holotype.encoders.tokenizer_files import load_tokenizer
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
) -> SparseNetwork:
    folder = settings.checkpoint.transformer_folder
    policy = code_policy(config.record, trusted=config.trust_remote_code)
    device, dtype = resolve_device(config.device), resolve_dtype(config.dtype)
    model, last = load_language_model(folder, tensors, policy=policy)
    tied = last.weight is model.get_input_embeddings().weight
    last.to(device=device, dtype=dtype)
    backbone = Backbone(
        folder,
        load_tokenizer(folder, lower_case=settings.checkpoint.lower_case, policy=policy),
        model,
        device=device,
        dtype=dtype,
    )
    head = LanguageModelHead(
        weight=last.weight,
        bias=last.bias,
        doubled=encoding.activation == "log1p-log1p-relu",
        summed=encoding.pooling == "sum",
        tied=tied,
    )
    return SparseNetwork(backbone, head)


def _lexical_network(
    config: ModelConfig[SparseModel],
    settings: SparseSettings,
    encoding: SparseEncoding,
    tensors: Mapping[str, Tensor],
) -> SparseNetwork:
    backbone = open_backbone(config, settings.checkpoint, tensors)
    hidden = settings.checkpoint.hidden_dim
    weight, bias = load_token_layer(settings.checkpoint.folder, hidden.value if hidden else 0)
    ids = [backbone.tokenizer.token_id(token) for token in DROPPED_TOKENS]
    dropped = torch.tensor([id for id in ids if id is not None])
    head = TokenHead(
        weight=torch.from_numpy(weight).to(device=backbone.device, dtype=backbone.dtype),
        bias=torch.from_numpy(bias).to(device=backbone.device, dtype=backbone.dtype),
        dropped=dropped.to(backbone.device),
        dim=encoding.dim,
    )
    return SparseNetwork(backbone, head)


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
