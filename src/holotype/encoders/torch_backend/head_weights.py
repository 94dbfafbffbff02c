"""Loading the weights of heads: every one of them comes from the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    PreTrainedConfig,
    PreTrainedModel,
)

from holotype.encoders.checkpoints.head_settings import AnswerTokens
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.checkpoints.remote_code import CodePolicy, runs_own_code
from holotype.encoders.torch_backend.tensor_files import NOT_OF_THE_ENCODER, POOLER
from holotype.encoders.torch_backend.weights import build_model, choose_class, read_config
from holotype.errors import CheckpointError, TensorError, UnsupportedCheckpointError

_KIND = "AutoModelForSequenceClassification"
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
    folder: Path, tensors: Mapping[str, torch.Tensor], *, policy: CodePolicy
) -> PreTrainedModel:
    """Build a transformer with a head for classification, in float32 on the CPU.

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
        folder, _KIND, (MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,), "classifier", policy=policy
    )
    # What the model has a place for is loaded, also where its name is that of another's head.
    return build_model(folder, model_class, config, tensors, optional=(NOT_OF_THE_ENCODER, POOLER))


def answer_projection(
    folder: Path, tensors: Mapping[str, torch.Tensor], answer: AnswerTokens, *, policy: CodePolicy
) -> tuple[LinearSpec, dict[str, torch.Tensor]]:
    """Return the linear layer that turns a last hidden state into the score of an answer.

    The difference of two logits is one product with the difference of their rows, so that the
    logits of the other tokens are never computed.

    Args:
        folder: where `config.json` is.
        tensors: all tensors of the transformer's files.
        answer: the tokens.
        policy: what becomes of code that the checkpoint brings along.

    Raises:
        TensorError: there are no weights that give logits.
        CheckpointError: a token is not of the vocabulary, or two tables of tokens differ.
        UnsupportedCheckpointError: the logits are more than a product, or may be.
    """
    raw = JsonFile.read(folder, "config.json")
    config = read_config(folder, raw, with_own_code=runs_own_code(raw, "AutoConfig", policy))
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
            str(folder), f"its answers are the tokens {ids}, but it has only {len(table)}"
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
    folder: Path, tensors: Mapping[str, torch.Tensor], config: PreTrainedConfig
) -> torch.Tensor:
    own = tensors.get("lm_head.weight")
    embeddings = next((tensors[name] for name in _EMBEDDINGS if name in tensors), None)
    if not config.tie_word_embeddings:
        found = own
    elif own is not None and embeddings is not None and not torch.equal(own, embeddings):
        raise CheckpointError(
            str(folder),
            "config.json says that logits share the table of the embeddings, but the weights hold "
            "two tables that differ",
        )
    else:
        found = embeddings if own is None else own
    if found is None:
        raise TensorError(str(folder), missing=["lm_head.weight"])
    return found


def _difference(rows: torch.Tensor, ids: list[int]) -> torch.Tensor:
    chosen = rows[ids].float()
    return chosen[0] if len(ids) == 1 else chosen[0] - chosen[1]
