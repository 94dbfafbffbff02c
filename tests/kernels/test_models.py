"""Whole models with compiled attention: what transformers returns, and the same without the kernels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.kernels.conftest import batch_of, rows_of
from tests.runtime.architectures import build
from torch import Tensor
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    T5Config,
    T5EncoderModel,
)

from holotype.encoders.torch_backend.compiled_attention import CompiledRows
from holotype.encoders.torch_backend.forwards import packed_forward
from holotype.encoders.torch_backend.pre_norm_encoder import replace_encoders

# Heads of 16 dimensions; keys that are shared, windows, causal orders and biases are among them.
MODELS: dict[str, dict[str, Any]] = {
    "BertModel": {},
    "DebertaV2Model": {},
    "Gemma3TextModel": {"head_dim": 16, "sliding_window": 9},
    "MPNetModel": {"hidden_act": "gelu"},
    "ModernBertModel": {},
    "Qwen3Model": {"head_dim": 16},
}
LENGTHS = [70, 33, 33, 9, 1]


def model_of(name: str) -> Any:
    if name == "T5EncoderModel":
        torch.manual_seed(3)
        sizes: dict[str, Any] = {
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 64,
            "num_layers": 3,
            "num_heads": 4,
        }
        found: Any = T5EncoderModel(T5Config(vocab_size=15, **sizes))
        return found.eval()
    sizes = {"hidden_size": 64, "max_position_embeddings": 96, "initializer_range": 0.1}
    return build(name, **{**sizes, **MODELS[name]})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """The types in which compiled attention has run."""
    found: list[torch.dtype] = []
    attend = CompiledRows.attend

    def watched(self: CompiledRows, query: Tensor, *others: Any, **options: Any) -> Tensor:
        found.append(query.dtype)
        return attend(self, query, *others, **options)

    monkeypatch.setattr(CompiledRows, "attend", watched)
    return found


@pytest.mark.parametrize("name", [*MODELS, "T5EncoderModel"])
@pytest.mark.parametrize("all_attended", [True, False])
@torch.inference_mode()
def test_states_equal_those_of_transformers(
    kernels: Any, calls: list[torch.dtype], name: str, all_attended: bool
) -> None:
    rows = rows_of(LENGTHS, all_attended=all_attended)
    model: Any = model_of(name)
    expected = []
    for row in rows:
        attended = torch.tensor([row.attended]).long()
        states = model(input_ids=torch.tensor([row.ids]), attention_mask=attended)
        expected.append(states.last_hidden_state[0])
    forward = packed_forward(model, has_types=True)
    assert forward is not None
    found = forward(batch_of(rows, kernels=kernels))
    # DeBERTa's hidden tokens attend to all alike, which the kernels do not compute.
    by_kernels = all_attended or name != "DebertaV2Model"
    assert calls == [torch.float32] * 3 * by_kernels
    torch.testing.assert_close(found, torch.cat(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", [*MODELS, "T5EncoderModel"])
@torch.inference_mode()
def test_bfloat16_is_as_near_to_float32_as_without_the_kernels(
    kernels: Any, calls: list[torch.dtype], name: str
) -> None:
    if "avx512_bf16" not in kernels.instruction_sets():
        pytest.skip("this processor has no AVX512-BF16")
    rows = rows_of(LENGTHS)
    exact_forward = packed_forward(model_of(name), has_types=True)
    forward = packed_forward(model_of(name).to(torch.bfloat16), has_types=True)
    assert exact_forward is not None
    assert forward is not None
    exact = exact_forward(batch_of(rows))
    theirs = (forward(batch_of(rows)).float() - exact).abs().mean()
    assert not calls
    ours = (forward(batch_of(rows, kernels=kernels)).float() - exact).abs().mean()
    assert calls == [torch.bfloat16] * 3
    assert 0 < ours <= 1.1 * theirs


@pytest.mark.parametrize("n_rows", [1, 3, 40])
@torch.inference_mode()
def test_encoders_of_pictures_give_the_vectors_of_transformers(
    kernels: Any, calls: list[torch.dtype], n_rows: int
) -> None:
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )
    model: Any = CLIPVisionModel(config)
    model.eval()
    pixels = torch.randn(n_rows, 3, 32, 32)
    expected = model(pixels).last_hidden_state
    replace_encoders(model)
    torch.testing.assert_close(model(pixels).last_hidden_state, expected, atol=1e-5, rtol=1e-5)
    assert calls == [torch.float32] * 2
