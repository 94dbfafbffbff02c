"""Exports of networks that torch does not trace as they are: short ones, and mixtures of experts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime.architectures import HIDDEN, save_architecture
from tests.runtime.parity import DenseRecord

from holotype.encoders import load
from holotype.encoders.config import Backend, Precision
from holotype.encoders.exports import export
from holotype.encoders.graphs.losses import VectorLoss
from holotype.errors import UnsupportedModelError
from holotype.records import DenseModel

pytestmark = pytest.mark.usefixtures("_each_network_is_traced_once")

TEXTS = ["late", "", "what is late interaction", "the capital of france " * 12]


@pytest.fixture
def record(dense_record: DenseRecord) -> DenseModel[Any]:
    return dense_record(HIDDEN, pooling="mean", normalize=True)


def greatest_difference(
    record: Any, folder: Path, made: Path, backend: Backend, dtype: Precision = "float32"
) -> float:
    with (
        load(record, checkpoint=folder, device="cpu") as theirs,
        load(record, checkpoint=made, backend=backend, dtype=dtype) as ours,
    ):
        assert ours.max_length == theirs.max_length
        expected = theirs.encode(TEXTS, on_overflow="truncate")
        return float(np.abs(ours.encode(TEXTS, on_overflow="truncate") - expected).max())


@pytest.mark.parametrize("n_positions", [3, 4, 10])
@pytest.mark.parametrize("name", ["BertModel", "DistilBertModel"])
def test_models_of_few_positions_are_exported(
    name: str, n_positions: int, record: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    save_architecture(name, folder, max_position_embeddings=n_positions)
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    assert greatest_difference(record, folder, made, "onnx") <= 1e-5


EXPERTS: dict[str, dict[str, Any]] = {
    "Qwen3MoeModel": {"num_experts": 16, "moe_intermediate_size": 16, "head_dim": 8},
    "MixtralModel": {"num_local_experts": 4, "head_dim": 8},
    # The products of its experts have biases.
    "GptOssModel": {"num_local_experts": 4, "head_dim": 8, "sliding_window": 8},
}


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
@pytest.mark.parametrize("name", EXPERTS)
def test_mixtures_of_experts_have_the_vectors_of_torch(
    name: str, backend: Backend, record: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    chosen = {"num_experts_per_tok": 2, "num_key_value_heads": 2}
    save_architecture(name, folder, **chosen, **EXPERTS[name])
    made = export(record, backend=backend, checkpoint=folder, to=tmp_path / "made").folder
    assert greatest_difference(record, folder, made, backend) <= 1e-5


@pytest.mark.parametrize(
    ("backend", "dtype"), [("onnx", "float16"), ("onnx", "int8"), ("openvino", "int8")]
)
def test_mixtures_of_experts_are_exported_in_smaller_types(
    backend: Backend, dtype: Precision, record: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    save_architecture("Qwen3MoeModel", folder, num_experts_per_tok=2, **EXPERTS["Qwen3MoeModel"])
    to = tmp_path / "made"
    made = export(record, backend=backend, dtype=dtype, checkpoint=folder, to=to)
    assert isinstance(made.manifest.loss, VectorLoss)
    assert 0.98 < made.manifest.loss.min_cosine < 1
    assert greatest_difference(record, folder, to, backend, dtype) < 0.1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_type_in_which_the_tokens_of_experts_are_miscounted_is_refused(
    dtype: Precision, record: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    save_architecture("Qwen3MoeModel", folder, num_experts_per_tok=2, **EXPERTS["Qwen3MoeModel"])
    with pytest.raises(
        UnsupportedModelError, match=f"count in {dtype}, which rounds; export it in"
    ):
        export(record, backend="openvino", dtype=dtype, checkpoint=folder, to=tmp_path / "made")
    assert not (tmp_path / "made").exists()
