"""From the files of a checkpoint to a transformer that is ready, by the shortest way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from holotype.encoders.checkpoints.remote_code import CodePolicy, code_policy
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.config import ModelConfig
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_json import read_tokenizer
from holotype.encoders.torch_backend.backbone import (
    open_backbone,
    require_embeddings,
    resolve_device,
    resolve_dtype,
)
from holotype.encoders.torch_backend.bert_checkpoint import read_bert
from holotype.encoders.torch_backend.packed_backbone import PACKING_DEVICES, PackedBackbone
from holotype.encoders.torch_backend.transformer import Transformer
from holotype.errors import UnsupportedCheckpointError


def open_transformer(
    config: ModelConfig[Any],
    settings: CheckpointSettings,
    tensors: Mapping[str, Tensor],
) -> Transformer:
    """Load the tokenizer and the transformer of a checkpoint.

    Args:
        config: where and in which type they run.
        settings: what the checkpoint says.
        tensors: the tensors of the transformer.

    Returns:
        What runs without padding where the architecture is on the list for that.
    """
    folder = settings.transformer_folder
    policy = code_policy(config.record, trusted=config.trust_remote_code)
    device, dtype = resolve_device(config.device), resolve_dtype(config.dtype)
    if device.type in PACKING_DEVICES:
        read = read_bert(folder, tensors, policy=policy, device=device, dtype=dtype)
        if read is not None:
            tokenizer = _tokenizer(folder, lower_case=settings.lower_case, policy=policy)
            require_embeddings(folder, tokenizer, read.n_embeddings)
            return PackedBackbone(
                tokenizer, read.forward, device=device, dtype=dtype, memory_bytes=read.memory_bytes
            )
    # The list of what transformers' models run without padding imports them.
    from holotype.encoders.torch_backend.forwards import without_padding

    backbone = open_backbone(config, settings, tensors)
    return without_padding(backbone) or backbone


def _tokenizer(folder: Path, *, lower_case: bool, policy: CodePolicy) -> TextTokenizer:
    try:
        return read_tokenizer(folder, lower_case=lower_case, policy=policy)
    except UnsupportedCheckpointError:
        # What it does not know, transformers may.
        from holotype.encoders.torch_backend.tokenizer import load_tokenizer

        return load_tokenizer(folder, lower_case=lower_case, policy=policy)
