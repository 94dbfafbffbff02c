"""The type of weights and arithmetic: chosen by what the hardware multiplies, and stated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tests.runtime.test_minilm import MINILM
from torch import Tensor

from holotype.encoders import load
from holotype.encoders.torch_backend import precision
from holotype.encoders.torch_backend.linear_map import linear_map
from holotype.encoders.torch_backend.precision import favours_bfloat16, settle_dtype
from holotype.encoders.torch_backend.row_counts import multiplies_by_tiles
from holotype.run_options import Precision

CPU = torch.device("cpu")
TEXTS = ["what eats fish?", "Paris is in France.", "late interaction " * 60, "a"]


@pytest.fixture
def fresh() -> Iterator[None]:
    """What is known of this processor is asked for anew, and forgotten."""

    def forget() -> None:
        multiplies_by_tiles.cache_clear()
        precision._is_measured_faster.cache_clear()

    forget()
    yield
    forget()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("capabilities", "seconds_of_bfloat16", "expected"),
    [
        ({"amx_bf16": True}, None, "bfloat16"),
        ({"avx512_bf16": True, "amx_bf16": False}, 0.5, "bfloat16"),
        ({"avx512_bf16": True, "amx_bf16": False}, 1.5, "float32"),
        ({"avx512_f": True, "avx512_bf16": False}, None, "float32"),
        ({}, None, "float32"),
    ],
)
def test_auto_is_bfloat16_only_where_it_is_faster(
    capabilities: dict[str, bool],
    seconds_of_bfloat16: float | None,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    def slow_map(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
        made = linear_map(weight, bias)

        def run(vectors: Tensor) -> Tensor:
            assert seconds_of_bfloat16 is not None
            now[0] += seconds_of_bfloat16 if weight.dtype == torch.bfloat16 else 1.0
            return made(vectors)

        return run

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(precision, "linear_map", slow_map)
    monkeypatch.setattr(precision, "perf_counter", lambda: now[0])
    for _ in range(2):
        assert settle_dtype("auto", CPU) == expected
    assert now[0] in (0.0, precision._N_TURNS * (1.0 + (seconds_of_bfloat16 or 0.0)))
    assert settle_dtype("float16", CPU) == "float16"


@pytest.mark.usefixtures("fresh")
def test_the_processor_is_measured_whatever_device_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: set[str] = set()

    def known_map(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
        measured.add(weight.device.type)
        return linear_map(weight, bias)

    monkeypatch.setattr(precision, "linear_map", known_map)
    with torch.device("meta"):
        precision._is_measured_faster()
    assert measured == {"cpu"}


@pytest.mark.usefixtures("fresh")
def test_auto_is_float32_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert settle_dtype("auto", CPU) == "float32"


def test_an_encoder_states_what_auto_became(minilm_folder: Path) -> None:
    expected = "bfloat16" if favours_bfloat16(CPU) else "float32"
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
