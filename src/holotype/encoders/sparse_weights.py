"""Loading the weights of sparse models: every one of them comes from the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import MODEL_FOR_MASKED_LM_MAPPING, PreTrainedModel

from holotype.encoders.json_file import JsonFile
from holotype.encoders.remote_code import CodePolicy, runs_own_code
from holotype.encoders.sparse_settings import LEXICAL_STEM
from holotype.encoders.tensor_files import NOT_OF_THE_ENCODER, POOLER, read_tensors
from holotype.encoders.tokenization import TextTokenizer
from holotype.encoders.weights import build_model, own_model_class, read_config
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
)

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
    raw = JsonFile.read(folder, "config.json")
    own_config, own_model = (runs_own_code(raw, kind, policy) for kind in ("AutoConfig", _KIND))
    config = read_config(folder, raw, with_own_code=own_config)
    model_class: Any
    if own_model:
        model_class = own_model_class(folder, raw, _KIND)
    else:
        model_class = MODEL_FOR_MASKED_LM_MAPPING.get(type(config), None)
    if model_class is None:
        raise UnsupportedCheckpointError(
            raw.location, f"transformers has no masked language model for {config.model_type!r}"
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


def load_token_layer(folder: Path, hidden_dim: int) -> tuple[Tensor, Tensor]:
    """Load the linear layer by which BGE-M3 weighs tokens.

    Returns:
        Its weight, ``[1, hidden_dim]``, and its bias, ``[1]``.

    Raises:
        CheckpointError: the file is missing or damaged.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: there is only a pickled file.
    """
    path = folder / f"{LEXICAL_STEM}.safetensors"
    if not path.is_file():
        pickled = any(folder.glob(f"{LEXICAL_STEM}.*"))
        problem = f"has {LEXICAL_STEM} only as a pickle" if pickled else f"has no {path.name}"
        raise (UnsafeCheckpointError if pickled else CheckpointError)(
            str(folder),
            f"{problem}, and unpickling can run any code, so pickles are neither fetched nor read. "
            f"Convert it where that does no harm, with torch.load('{LEXICAL_STEM}.pt', "
            f"weights_only=True) and safetensors.torch.save_file(tensors, {path.name!r})",
        )
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            str(path), f"is no whole safetensors file ({error}); fetch it again"
        ) from error
    shapes = {"weight": [1, hidden_dim], "bias": [1]}
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {shape})"
        for name, shape in shapes.items()
        if name in found and list(found[name].shape) != shape
    ]
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    if missing or unexpected or misshapen:
        raise TensorError(str(path), missing, unexpected, misshapen)
    return found["weight"].float(), found["bias"].float()


def load_token_weights(table: Path, tokenizer: TextTokenizer, dim: int) -> NDArray[np.float32]:
    """Load the weights of queries' tokens: from a module's tensors, or from OpenSearch's file.

    Args:
        table: the module's folder, or the JSON file with a weight for every token.
        tokenizer: knows the ids of tokens.
        dim: how many words the vectors weigh.

    Returns:
        float32 ``[dim]``.

    Raises:
        CheckpointError: the file is damaged, or names a token that is not of the vocabulary.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: the module names a file of its own.
    """
    if table.suffix == ".json":
        return _from_json(table, tokenizer, dim)
    settings = JsonFile.read(table, "config.json", optional=True)
    if settings.values.get("path") is not None:
        raise UnsupportedCheckpointError(
            settings.location, "takes the weights of tokens from a file of another repository"
        )
    tensors = read_tensors(table)
    found = tensors.get("weight")
    unexpected = sorted(tensors.keys() - {"weight"})
    if found is None or unexpected:
        raise TensorError(str(table), [] if found is not None else ["weight"], unexpected)
    if list(found.shape) != [dim]:
        shapes = f"weight ({list(found.shape)}, expected {[dim]})"
        raise TensorError(str(table), misshapen=[shapes])
    weights: NDArray[np.float32] = found.float().numpy()
    return weights


def _from_json(path: Path, tokenizer: TextTokenizer, dim: int) -> NDArray[np.float32]:
    file = JsonFile.read(path.parent, path.name)
    weights = np.zeros(dim, dtype=np.float32)
    for token, weight in file.values.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise file.wrong(token, weight, "a weight")
        id = tokenizer.token_id(token)
        if id is None or id >= dim:
            raise CheckpointError(
                str(path), f"weighs {token!r}, which is no token of the checkpoint's vocabulary"
            )
        weights[id] = weight
    return weights
