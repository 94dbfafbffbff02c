"""Heads that are read without transformers: its logits, and nothing out of the ordinary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.runtime.architectures import build
from tests.runtime.heads import save_head
from tests.runtime.parity import change, change_tensors
from tests.runtime.sparse import save_language_model
from tests.runtime.test_bert_checkpoint import KIN
from torch import Tensor

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import PackedBatch, pack
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.backbone import Placement
from holotype.encoders.torch_backend.bert_checkpoint import ReadModel
from holotype.encoders.torch_backend.bert_heads import (
    ReadClassifier,
    ReadLanguageModel,
    read_classifier,
    read_language_model,
)
from holotype.errors import UnsafeCheckpointError

CLASSIFIER = "ForSequenceClassification"
LANGUAGE_MODEL = "ForMaskedLM"
N_LABELS = 3
CPU = torch.device("cpu")
PLACEMENT = Placement(CPU, torch.float32, "float32")
IDS = [0, 5, 9, 7, 12, 4, 4, 2]


def save(name: str, suffix: str, folder: Path, activation: str = "gelu") -> Any:
    """Save a model of random weights, biases and norms included, and return it."""
    key = "activation" if name.startswith("Distil") else "hidden_act"
    config = {key: activation} | ({"num_labels": N_LABELS} if suffix == CLASSIFIER else {})
    model: Any = build(name, suffix, **config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder)
    model.eval()
    return model


def classifier(folder: Path) -> ReadClassifier | None:
    tensors = load_file(folder / "model.safetensors")
    return read_classifier(Checkpoint(folder), tensors, PLACEMENT, n_labels=N_LABELS)


def language_model(folder: Path) -> ReadLanguageModel | None:
    tensors = load_file(folder / "model.safetensors")
    return read_language_model(Checkpoint(folder), tensors, PLACEMENT)


def vectors_of(model: ReadModel) -> tuple[Tensor, PackedBatch]:
    whole = [True] * len(IDS)
    row = Row(IDS, [0] * len(IDS), whole, whole)
    (batch,) = pack([row], max_rows=None, max_tokens=99, pad_id=1)
    return model.forward(TokenBatch.place(batch, CPU, with_types=True)), batch


@pytest.mark.parametrize("name", KIN)
@torch.inference_mode()
def test_logits_of_classifiers_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    reference = save(name, CLASSIFIER, tmp_path)
    found = classifier(tmp_path)
    assert found is not None
    (((indices, fetched, _),)) = [*found.head.outputs(*vectors_of(found.model))]
    assert list(indices) == [0]
    expected = reference(torch.tensor([IDS])).logits
    torch.testing.assert_close(torch.from_numpy(fetched()), expected, atol=1e-5, rtol=1e-5)
    n_bytes = found.model.memory_bytes + found.head.memory_bytes
    assert n_bytes == sum(one.nbytes for one in reference.state_dict().values())


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("name", KIN)
@torch.inference_mode()
def test_logits_of_words_are_those_of_transformers(
    name: str, activation: str, tmp_path: Path
) -> None:
    reference = save(name, LANGUAGE_MODEL, tmp_path, activation)
    found = language_model(tmp_path)
    assert found is not None
    states = found.transform(vectors_of(found.model)[0])
    logits = torch.nn.functional.linear(states, found.model.forward.words, found.bias)
    expected = reference(torch.tensor([IDS])).logits[0]
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    n_bytes = found.model.memory_bytes + found.transform_bytes + found.bias.nbytes
    assert n_bytes == sum(one.nbytes for one in {*reference.parameters()})


@pytest.mark.parametrize(
    "changes",
    [
        {"classifier__weight": None},
        {"classifier__weight": torch.zeros(N_LABELS + 1, 32)},
        {"bert__pooler__dense__bias": torch.zeros(16)},
        {"scores__weight": torch.zeros(2, 32)},
        {"bert__encoder__layer__1__output__dense__weight": None},
    ],
    ids=["missing", "more labels", "misshapen", "unexpected", "below the head"],
)
def test_classifiers_of_other_tensors_are_left_to_transformers(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    save("BertModel", CLASSIFIER, tmp_path)
    assert classifier(tmp_path) is not None
    change_tensors(tmp_path, "model.safetensors", **changes)
    assert classifier(tmp_path) is None


@pytest.mark.parametrize("changes", [{"num_labels": 2}, {"model_type": "electra"}], ids=str)
def test_classifiers_of_other_settings_are_left_to_transformers(
    changes: dict[str, object], tmp_path: Path
) -> None:
    save("BertModel", CLASSIFIER, tmp_path)
    change(tmp_path, "config.json", **changes)
    assert classifier(tmp_path) is None


WORDS = "cls__predictions__decoder__weight"
BIAS = "cls__predictions__decoder__bias"


@pytest.mark.parametrize(
    "changes",
    [
        {"cls__predictions__bias": None},
        {"cls__predictions__transform__LayerNorm__weight": torch.zeros(16)},
        {WORDS: torch.zeros(15, 32)},
        {WORDS: torch.zeros(16, 32)},
        {BIAS: torch.zeros(15)},
        {"classifier__weight": torch.zeros(2, 32)},
    ],
    ids=["missing", "misshapen", "other words", "more words", "other bias", "unexpected"],
)
def test_language_models_of_other_tensors_are_left_to_transformers(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    save("BertModel", LANGUAGE_MODEL, tmp_path)
    assert language_model(tmp_path) is not None
    change_tensors(tmp_path, "model.safetensors", **changes)
    assert language_model(tmp_path) is None


def test_a_last_layer_that_is_stored_again_is_read(tmp_path: Path) -> None:
    save("BertModel", LANGUAGE_MODEL, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    copies = {
        WORDS: tensors["bert.embeddings.word_embeddings.weight"].clone(),
        BIAS: tensors["cls.predictions.bias"].clone(),
    }
    change_tensors(tmp_path, "model.safetensors", **copies)
    assert language_model(tmp_path) is not None


def test_a_last_layer_of_its_own_is_left_to_transformers(tmp_path: Path) -> None:
    save("BertModel", LANGUAGE_MODEL, tmp_path)
    change(tmp_path, "config.json", tie_word_embeddings=False)
    assert language_model(tmp_path) is None


def test_code_of_the_checkpoint_in_place_of_a_head_is_refused(tmp_path: Path) -> None:
    save("BertModel", CLASSIFIER, tmp_path)
    change(tmp_path, "config.json", auto_map={f"AutoModel{CLASSIFIER}": "own.Model"})
    with pytest.raises(UnsafeCheckpointError, match=f"AutoModel{CLASSIFIER} is Python code"):
        classifier(tmp_path)


ABOUT = (
    "id='tiny', name='Tiny', huggingface_id='tests/tiny', organization='Tests', description='Tiny'"
)
RECORDS = {
    "cross-encoder": ("CrossEncoderModel", "embedding_dim=None"),
    "classifier": ("ClassifierModel", "embedding_dim=None"),
    "sparse": (
        "SparseModel",
        "embedding_dim=None, pooling='max', activation='log1p-relu', similarity='dot'",
    ),
}


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("cross-encoder", "predict([('a query', 'a document')])"),
        ("classifier", "predict_scores(['a text'])"),
        ("sparse", "encode_document(['a text'])"),
    ],
)
def test_a_cold_start_of_heads_imports_no_transformers(
    kind: str, call: str, tmp_path: Path
) -> None:
    if kind == "sparse":
        save_language_model(tmp_path)
    else:
        save_head(tmp_path, "Bert", num_labels=1 if kind == "cross-encoder" else 2)
    name, known = RECORDS[kind]
    program = (
        "import sys, holotype; "
        f"record = holotype.{name}({ABOUT}, type={kind!r}, {known}); "
        f"model = holotype.load(record, checkpoint={str(tmp_path)!r}, device='cpu'); model.{call}; "
        "print(sorted({'transformers', 'torch._dynamo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
