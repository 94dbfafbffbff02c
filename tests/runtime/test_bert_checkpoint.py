"""Checkpoints that are read without transformers: the same vectors, and nothing out of the ordinary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.runtime.architectures import save_architecture
from tests.runtime.parity import change, change_tensors
from transformers import AutoModel
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.backbone import Placement
from holotype.encoders.torch_backend.bert_checkpoint import ReadModel, read_bert
from holotype.encoders.torch_backend.position_bias import position_bias
from holotype.encoders.torch_backend.tensors import read_tensors

KIN = (
    "BertModel",
    "CamembertModel",
    "DistilBertModel",
    "MPNetModel",
    "RobertaModel",
    "XLMRobertaModel",
)
CPU = torch.device("cpu")
_NOT_NEEDED = {
    "transformers",
    "holotype.encoders.completeness",
    "holotype.encoders.kinds.colbert",
    "holotype.encoders.kinds.images",
    "holotype.encoders.kinds.sparse",
    "holotype.encoders.opening",
    "holotype.encoders.running.captions",
}
"""Transformers, and modules of other kinds and ways of loading a model."""


def read(folder: Path, dtype: torch.dtype = torch.float32) -> ReadModel | None:
    tensors = load_file(folder / "model.safetensors")
    placement = Placement(CPU, dtype, str(dtype).removeprefix("torch."))
    return read_bert(Checkpoint(folder), tensors, placement)


@pytest.mark.parametrize("name", KIN)
def test_the_model_is_that_of_transformers(name: str, tmp_path: Path) -> None:
    save_architecture(name, tmp_path)
    change(tmp_path, "config.json", hidden_act="gelu")
    found = read(tmp_path)
    assert found is not None
    build: Any = AutoModel.from_pretrained
    reference = build(tmp_path, dtype=torch.float32).eval()
    ids = [0, 5, 9, 1, 7, 12, 4, 4, 2]
    row = Row(ids, [0] * len(ids), [True] * len(ids), [True] * len(ids))
    (batch,) = pack([row], max_rows=None, max_tokens=99, pad_id=1)
    with torch.inference_mode():
        ours = found.forward(TokenBatch.place(batch, CPU, with_types=True))
        theirs = reference(torch.tensor([ids]), torch.ones(1, len(ids)).long())[0][0]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert found.n_embeddings == reference.config.vocab_size
    pooled = {key for key in reference.state_dict() if "pooler" in key}
    weights = (one for key, one in reference.state_dict().items() if key not in pooled)
    assert found.memory_bytes == sum(one.nbytes for one in weights)


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "deberta"},
        {"is_decoder": True},
        {"add_cross_attention": True},
        {"position_embedding_type": "relative_key"},
        {"quantization_config": {"bits": 8}},
        {"hidden_act": "gelu_new"},
        {"layer_norm_eps": None},
        {"num_attention_heads": 5},
        {"vocab_size": 16},
        {"intermediate_size": None},
        {"num_hidden_layers": 2},
    ],
    ids=str,
)
def test_what_is_out_of_the_ordinary_is_left_to_transformers(
    changes: dict[str, object], tmp_path: Path
) -> None:
    save_architecture("BertModel", tmp_path)
    assert read(tmp_path) is not None
    change(tmp_path, "config.json", **changes)
    assert read(tmp_path) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder__layer__1__output__dense__weight": None},
        {"encoder__layer__1__output__dense__weight": torch.zeros(32, 32)},
        {"classifier__weight": torch.zeros(2, 32)},
    ],
    ids=["missing", "misshapen", "unexpected"],
)
def test_tensors_that_are_not_those_of_the_architecture_are_left_to_transformers(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    save_architecture("BertModel", tmp_path)
    change_tensors(tmp_path, "model.safetensors", **changes)
    assert read(tmp_path) is None


def test_biases_fall_into_the_buckets_of_the_reference() -> None:
    table, length = torch.randn(32, 4), 300
    at = torch.arange(length)
    reference: Any = MPNetEncoder
    buckets = reference.relative_position_bucket(at[None, :] - at[:, None])
    torch.testing.assert_close(
        position_bias(table, length).matrix[0], table[buckets].permute(2, 0, 1)
    )


def test_a_cold_start_imports_no_transformers(minilm_folder: Path) -> None:
    program = (
        "import sys, holotype; from holotype.models import ALL_MINILM_L6_V2 as model; "
        f"holotype.load(model, checkpoint={str(minilm_folder)!r}, device='cpu').encode('a text'); "
        f"print(sorted({_NOT_NEEDED!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"[]"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_files_of_a_loaded_model_may_change(dtype: torch.dtype, tmp_path: Path) -> None:
    save_architecture("BertModel", tmp_path)
    change(tmp_path, "config.json", hidden_act="gelu")
    checkpoint = Checkpoint(tmp_path)
    placement = Placement(CPU, dtype, str(dtype).removeprefix("torch."))
    model = read_bert(checkpoint, read_tensors(checkpoint), placement)
    assert model is not None
    row = Row([0, 5, 9, 2], [0] * 4, [True] * 4, [True] * 4)
    (batch,) = pack([row], max_rows=None, max_tokens=9, pad_id=1)
    tokens = TokenBatch.place(batch, CPU, with_types=True)
    with torch.inference_mode():
        before = model.forward(tokens)
        weights = tmp_path / "model.safetensors"
        size = weights.stat().st_size
        with weights.open("r+b") as file:
            file.seek(size // 4)
            file.write(bytes(size - size // 4))
        assert torch.equal(model.forward(tokens), before)
