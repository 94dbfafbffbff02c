"""What transformers builds by default is possible: no architecture is refused for its own sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.unit.holotype.hub.checkpoints import safetensors

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.network_sizes import check_network

MODELS = (
    *("AlbertModel", "BartForSequenceClassification", "BertModel", "DebertaV2Model"),
    *("DistilBertModel", "ElectraModel", "GPT2ForSequenceClassification", "Gemma3TextModel"),
    *("JambaForSequenceClassification", "MPNetModel", "ModernBertModel", "NomicBertModel"),
    *("Qwen3ForSequenceClassification", "Qwen3MoeModel", "T5EncoderModel", "XLMRobertaModel"),
    "XLNetModel",
)


@pytest.mark.parametrize("name", MODELS)
def test_the_usual_sizes_of_an_architecture_are_possible(tmp_path: Path, name: str) -> None:
    model_class: Any = getattr(transformers, name)
    config = model_class.config_class()
    with torch.device("meta"):
        model = model_class(config)
    config.architectures = [name]
    (tmp_path / "config.json").write_text(config.to_json_string(use_diff=False))
    tensors = {key: ("F32", [*tensor.shape]) for key, tensor in model.state_dict().items()}
    (tmp_path / "model.safetensors").write_bytes(safetensors(tensors))
    check_network(Checkpoint(tmp_path))
