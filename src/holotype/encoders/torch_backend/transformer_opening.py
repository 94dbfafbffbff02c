"""From the files of a checkpoint to a transformer that is ready, by the shortest way."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.torch_backend.backbone import (
    Placement,
    open_backbone,
    require_embeddings,
)
from holotype.encoders.torch_backend.bert_checkpoint import ReadModel, read_bert
from holotype.encoders.torch_backend.bytes_forward import pack_bert
from holotype.encoders.torch_backend.packed_backbone import PACKING_DEVICES, PackedBackbone
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.encoders.torch_backend.transformer import Transformer


def open_transformer(
    settings: CheckpointSettings, tensors: Mapping[str, Tensor], placement: Placement
) -> Transformer:
    """Load the tokenizer and the transformer of a checkpoint.

    Args:
        settings: what the checkpoint says.
        tensors: the tensors of the transformer.
        placement: where and in which type they run.

    Returns:
        What runs without padding where the architecture is on the list for that.

    Raises:
        UnsupportedCheckpointError: the architecture does not run in this type on this device, or
            its vectors are not as wide as its configuration says.
    """
    folder = settings.transformer
    if placement.device.type in PACKING_DEVICES:
        read = read_bert(folder, tensors, placement)
        if read is not None:
            return pack_read(settings, read, placement)
    # The list of what transformers' models run without padding imports them.
    from holotype.encoders.torch_backend.forwards import without_padding

    backbone = open_backbone(settings, tensors, placement)
    packed = without_padding(backbone)
    if packed is None:
        width = settings.hidden_dim
        backbone.require_runs(None if width is None else width.value)
    return packed or backbone


def pack_read(
    settings: CheckpointSettings, read: ReadModel, placement: Placement
) -> PackedBackbone:
    """Return what runs a model that has been read without transformers, with its tokenizer.

    Args:
        settings: what the checkpoint says.
        read: the transformer.
        placement: where and in which type it runs.

    Raises:
        CheckpointError: the tokenizer knows tokens that the model does not.
    """
    folder = settings.transformer
    tokenizer = load_tokenizer(folder, lower_case=settings.lower_case)
    require_embeddings(folder.location, tokenizer, read.n_embeddings)
    return pack_bert(tokenizer, read.forward, placement=placement, memory_bytes=read.memory_bytes)
