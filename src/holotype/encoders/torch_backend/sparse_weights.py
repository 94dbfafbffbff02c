"""Loading masked language models: every weight comes from the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import MODEL_FOR_MASKED_LM_MAPPING, PreTrainedModel

from holotype.encoders.checkpoints.remote_code import CodePolicy
from holotype.encoders.torch_backend.tensor_files import NOT_OF_THE_ENCODER, POOLER
from holotype.encoders.torch_backend.weights import build_model, choose_class
from holotype.errors import UnsupportedCheckpointError

_KIND = "AutoModelForMaskedLM"
_PROBE = [[1, 2, 3]]


def load_language_model(
    folder: Path, tensors: Mapping[str, Tensor], *, policy: CodePolicy
) -> tuple[PreTrainedModel, nn.Linear]:
    """Build a masked language model without its last layer, in float32 on the CPU.

    The last layer, from token vectors to logits, is by far the widest; apart from the rest it can
    be run for some tokens at a time.

    Args:
        folder: where `config.json` is.
        tensors: all tensors of the transformer's files.
        policy: what becomes of code that the checkpoint brings along.

    Returns:
        The model, whose logits are the inputs of its last layer, and that layer.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: the model is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: transformers does not know the architecture, or the logits are
            not what a linear layer gives.
    """
    model_class, config = choose_class(
        folder, _KIND, (MODEL_FOR_MASKED_LM_MAPPING,), "masked language model", policy=policy
    )
    model = build_model(folder, model_class, config, tensors, optional=(NOT_OF_THE_ENCODER, POOLER))
    return model, _split(folder, model)


@torch.inference_mode()
def _split(folder: Path, model: PreTrainedModel) -> nn.Linear:
    whole: Any = model
    last = whole.get_output_embeddings()
    probe = torch.tensor(_PROBE)
    expected = whole(input_ids=probe).logits
    if isinstance(last, nn.Linear) and last.out_features == expected.shape[-1]:
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if child is last:
                    setattr(parent, name, nn.Identity())
        inputs = whole(input_ids=probe).logits
        if inputs.shape[-1] == last.in_features and torch.allclose(
            last(inputs), expected, rtol=1e-4, atol=1e-4
        ):
            return last
    raise UnsupportedCheckpointError(
        str(folder), f"the logits of {type(model).__name__} are not what one linear layer gives"
    )
