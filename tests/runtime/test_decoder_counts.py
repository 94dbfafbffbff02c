"""The formula by which the catalogue's pipeline counts decoders, against transformers' networks."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import (
    Gemma3TextConfig,
    Gemma3TextModel,
    MistralConfig,
    MistralModel,
    PreTrainedModel,
    Qwen2Config,
    Qwen2Model,
    Qwen3Config,
    Qwen3Model,
)

from catalogue.decoders import Decoder

SIZES: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 40,
}


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (MistralModel(MistralConfig(**SIZES)), {}),
        (Qwen2Model(Qwen2Config(**SIZES)), {"biased": True}),
        (
            Qwen3Model(Qwen3Config(**SIZES, head_dim=16)),
            {"queries": 64, "keys": 32, "norm": 32},
        ),
        (
            Gemma3TextModel(Gemma3TextConfig(**SIZES, head_dim=16)),
            {"queries": 64, "keys": 32, "norm": 32, "norms": 4},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_formula_counts_what_transformers_builds(
    model: PreTrainedModel, shape: dict[str, Any]
) -> None:
    table = SIZES["vocab_size"] * SIZES["hidden_size"]
    plain = {"hidden": 32, "layers": 2, "queries": 32, "keys": 16, "inner": 40}
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert Decoder(like="tiny", **(plain | shape)).parameters + table == counted
