"""The type of weights and arithmetic: chosen by what the hardware multiplies, and stated."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.runtime.test_minilm import MINILM

from holotype.encoders import load
from holotype.encoders.torch_backend.backbone import multiplies_bfloat16, settle_dtype
from holotype.run_options import Precision

CPU = torch.device("cpu")
TEXTS = ["what eats fish?", "Paris is in France.", "late interaction " * 60, "a"]


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx512_f": True, "avx512_bf16": False}, "float32"),
        ({}, "float32"),
    ],
)
def test_auto_is_bfloat16_only_where_it_is_multiplied_natively(
    capabilities: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert settle_dtype("auto", CPU) == expected
    assert settle_dtype("float16", CPU) == "float16"


def test_auto_is_float32_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert settle_dtype("auto", CPU) == "float32"


def test_an_encoder_states_what_auto_became(minilm_folder: Path) -> None:
    expected = "bfloat16" if multiplies_bfloat16(CPU) else "float32"
    encoder = load(MINILM, checkpoint=minilm_folder, device="cpu", dtype="auto")
    assert encoder.dtype == encoder.config.dtype == expected
    assert f"dtype='{expected}'" in repr(encoder)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_stays_close_to_float32(dtype: Precision, minilm_folder: Path) -> None:
    exact = load(MINILM, checkpoint=minilm_folder, device="cpu").encode(TEXTS)
    halved = load(MINILM, checkpoint=minilm_folder, device="cpu", dtype=dtype).encode(TEXTS)
    assert (halved * exact).sum(axis=1).min() >= 0.9998


def test_nothing_global_is_changed(minilm_folder: Path) -> None:
    def state() -> tuple[object, ...]:
        return (
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.get_float32_matmul_precision(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
        )

    before = state()
    load(MINILM, checkpoint=minilm_folder, device="cpu", dtype="auto").encode(TEXTS)
    assert state() == before
