"""What transformers builds by default is possible: no architecture is refused for its own sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.network_sizes import check_network

MODELS = (
    *("AlbertModel", "BartForSequenceClassification", "BertModel", "DebertaV2Model"),
    *("DistilBertModel", "ElectraModel", "GPT2ForSequenceClassification", "Gemma3TextModel"),
    *("JambaForSequenceClassification", "MPNetModel", "ModernBertModel", "NomicBertModel"),
    *("Qwen3ForSequenceClassification", "Qwen3MoeModel", "T5EncoderModel", "XLMRobertaModel"),
    "XLNetModel",
)


def save_sparse(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Save zeros of these shapes, of which nothing but the header takes memory and disk."""
    header: dict[str, Any] = {}
    at = 0
    for name, tensor in tensors.items():
        end = at + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": [*tensor.shape], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + at)


@pytest.mark.parametrize("name", MODELS)
def test_the_usual_sizes_of_an_architecture_are_possible(tmp_path: Path, name: str) -> None:
    model_class: Any = getattr(transformers, name)
    config = model_class.config_class()
    with torch.device("meta"):
        model = model_class(config)
    config.architectures = [name]
    (tmp_path / "config.json").write_text(config.to_json_string(use_diff=False))
    save_sparse(tmp_path / "model.safetensors", model.state_dict())
    check_network(Checkpoint(tmp_path))
