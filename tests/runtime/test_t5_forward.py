"""T5's own forward pass: every option of its configuration, as transformers computes it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.runtime.packed_rows import in_batches, some_rows
from torch import Tensor
from transformers import T5Config, T5EncoderModel

from holotype.encoders.inputs.rows import Row
from holotype.encoders.torch_backend.forwards import packed_forward
from holotype.encoders.torch_backend.t5_forward import T5Forward

LENGTHS = (1, 2, 2, 7, 40, 140, 200)
OPTIONS: dict[str, dict[str, Any]] = {
    "as T5": {},
    "gates, as T5 1.1": {"feed_forward_proj": "gated-gelu"},
    "gates of another activation": {"feed_forward_proj": "gated-silu"},
    "the exact GELU": {"feed_forward_proj": "gelu"},
    "another activation": {"feed_forward_proj": "silu"},
    "heads that are wider than the layers": {"d_kv": 16},
    "few buckets": {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20},
    "another eps": {"layer_norm_epsilon": 0.1},
}


def model_of(**options: Any) -> Any:
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 3, "num_heads": 4}
    torch.manual_seed(3)
    model: Any = T5EncoderModel(T5Config(vocab_size=15, **{**sizes, **options}))
    model.eval()
    # Near 0 by default, so that buckets would hardly matter.
    torch.nn.init.normal_(
        model.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight
    )
    return model


def alone(model: Any, row: Row) -> Tensor:
    """Run a model of transformers over one row."""
    attended = torch.tensor([row.attended]).long()
    found: Tensor = model(input_ids=torch.tensor([row.ids]), attention_mask=attended)[0][0]
    return found


@pytest.mark.parametrize("all_attended", [True, False])
@pytest.mark.parametrize("name", OPTIONS)
@torch.inference_mode()
def test_each_option_gives_the_vectors_of_transformers(name: str, all_attended: bool) -> None:
    model = model_of(**OPTIONS[name])
    rows = some_rows(LENGTHS, all_attended=all_attended, with_types=False)
    expected = [alone(model, row) for row in rows]
    forward = packed_forward(model, has_types=False)
    assert isinstance(forward, T5Forward)
    for max_tokens in (100, 1000):
        for found, whole in zip(
            in_batches(forward, rows, max_tokens=max_tokens, with_types=False),
            expected,
            strict=True,
        ):
            torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_bfloat16_is_as_near_to_float32_as_by_transformers() -> None:
    rows = some_rows(LENGTHS, all_attended=True, with_types=False)
    exact = [alone(model_of(), row) for row in rows]
    rounded = model_of().to(torch.bfloat16)
    theirs = [alone(rounded, row) for row in rows]
    forward = packed_forward(rounded, has_types=False)
    for found, other, whole in zip(
        in_batches(forward, rows, max_tokens=1000, with_types=False), theirs, exact, strict=True
    ):
        assert found.dtype == torch.bfloat16
        away = (found.float() - whole).abs().mean()
        assert away <= 1.2 * (other.float() - whole).abs().mean() + 1e-3
