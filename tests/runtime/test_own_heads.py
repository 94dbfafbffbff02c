"""Heads of transformers' models that run apart from them: the logits of the whole models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runtime.architectures import PACKED, build
from tests.runtime.heads import PAIRS, cross_encoder_record, save_head
from tests.runtime.parity import SparseRecord
from tests.runtime.sparse import save_language_model
from torch import Tensor, nn
from transformers import PreTrainedModel

from holotype.encoders import (
    Captioner,
    Classifier,
    ColbertEncoder,
    CrossEncoder,
    DenseEncoder,
    ImageTextEncoder,
    load,
)
from holotype.encoders.arguments import METHODS_OF_OTHERS
from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import PackedBatch, pack
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.backbone import Backbone, weight_bytes
from holotype.encoders.torch_backend.forwards import packed_forward, replace_linears
from holotype.encoders.torch_backend.heads import ClassificationHead
from holotype.encoders.torch_backend.hosted_heads import (
    CLASSIFIERS,
    TRANSFORMS,
    classification_modules,
    language_model_transform,
)

CLASSIFIER = "ForSequenceClassification"
LANGUAGE_MODEL = "ForMaskedLM"
N_LABELS = 3
PADDING = 1


def some_rows() -> list[Row]:
    """Rows of 1 to 30 tokens, some of which end in what elsewhere is padding."""
    generator = np.random.default_rng(5)
    found = []
    for at, n_tokens in enumerate([30, 4, 4, 17, 1, 30, 9, 2]):
        ids = generator.integers(4, 15, n_tokens).tolist()
        if at % 3 == 1:
            ids[-1] = PADDING
        whole = [True] * n_tokens
        found.append(Row(ids, [0] * n_tokens, whole, whole))
    return found


def logits_of(model: Any, row: Row) -> Tensor:
    found: Tensor = model(input_ids=torch.tensor([row.ids])).logits[0]
    return found


def assert_equal(ours: Tensor, theirs: Tensor) -> None:
    """Assert that logits are equal to rounding in float32."""
    largest = max(1.0, float(theirs.abs().max()))
    torch.testing.assert_close(ours, theirs, atol=1e-5 * largest, rtol=0)


def passes(model: PreTrainedModel, rows: list[Row]) -> list[tuple[PackedBatch, Tensor]]:
    """Return batches without padding, and the token vectors of a model's transformer."""
    base: Any = model.base_model
    forward = packed_forward(base, has_types=True)
    assert forward is not None
    return [
        (batch, forward(TokenBatch.place(batch, torch.device("cpu"), with_types=True)))
        for batch in pack(rows, max_rows=None, max_tokens=50, pad_id=0)
    ]


def test_each_class_of_the_lists_is_compared_here() -> None:
    assert {name.replace("Model", CLASSIFIER) for name in PACKED} == CLASSIFIERS.keys()
    assert {name.replace(LANGUAGE_MODEL, "Model") for name in TRANSFORMS} <= PACKED.keys()


@pytest.mark.parametrize(
    ("name", "config"),
    [
        *((name, {}) for name in PACKED),
        ("ModernBertModel", {"classifier_pooling": "mean"}),
        ("Qwen3Model", {"pad_token_id": None}),
    ],
)
@torch.inference_mode()
def test_heads_of_classifiers(name: str, config: dict[str, Any]) -> None:
    model = build(name, CLASSIFIER, num_labels=N_LABELS, **config)
    rows = some_rows()
    expected = [logits_of(model, row) for row in rows]
    found = classification_modules(model)
    assert found is not None
    reads, modules = found
    head = ClassificationHead(
        reads, modules, memory_bytes=weight_bytes(modules), pad_id=model.config.pad_token_id
    )
    seen = []
    for batch, vectors in passes(model, rows):
        for indices, found_logits, _ in head.outputs(vectors, batch):
            seen += indices
            logits = found_logits()
            assert logits.shape == (len(indices), N_LABELS)
            for index, ours in zip(indices, logits, strict=True):
                assert_equal(torch.from_numpy(ours), expected[index])
    assert sorted(seen) == list(range(len(rows)))


@pytest.mark.parametrize("name", [name.replace(LANGUAGE_MODEL, "Model") for name in TRANSFORMS])
@torch.inference_mode()
def test_heads_of_masked_language_models(name: str) -> None:
    model: Any = build(name, LANGUAGE_MODEL)
    last: nn.Linear = model.get_output_embeddings()
    rows = some_rows()
    expected = [logits_of(model, row) for row in rows]
    model.set_output_embeddings(_Identity(last))
    transform = language_model_transform(model)
    assert transform is not None
    replace_linears(transform)
    for batch, vectors in passes(model, rows):
        logits, start = last(transform(vectors)), 0
        for index in batch.indices:
            ours = logits[start : start + len(rows[index].ids)]
            start += len(ours)
            assert_equal(ours, expected[index])


class _Identity(nn.Identity):
    """What changes nothing, with the attributes of a last layer."""

    def __init__(self, last: nn.Linear) -> None:
        super().__init__()
        self.bias = last.bias


def test_a_class_of_the_same_name_from_elsewhere_is_none_of_the_lists() -> None:
    for kind, found_in in (
        (CLASSIFIER, classification_modules),
        (LANGUAGE_MODEL, language_model_transform),
    ):
        model = build("BertModel", kind)
        own = {"__module__": "transformers_modules.own"}
        model.__class__ = type(type(model).__name__, (type(model),), own)
        assert found_in(model) is None


@pytest.mark.parametrize(("architecture", "pads"), [("Bert", False), ("Electra", True)])
def test_what_is_on_the_list_of_classifiers_is_not_padded(
    architecture: str, pads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_head(tmp_path, architecture, num_labels=1)
    encoder = load(cross_encoder_record(), checkpoint=folder, device="cpu")
    seen = count_padded_passes(monkeypatch)
    encoder.predict(PAIRS, on_overflow="truncate")
    assert bool(seen) == pads


@pytest.mark.parametrize(("architecture", "pads"), [("bert", False), ("electra", True)])
def test_what_is_on_the_list_of_language_models_is_not_padded(
    architecture: str,
    pads: bool,
    tmp_path: Path,
    sparse_record: SparseRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = save_language_model(tmp_path, architecture)
    n_words = json.loads((folder / "config.json").read_text())["vocab_size"]
    known = {"pooling": "max", "activation": "log1p-relu"}
    encoder = load(sparse_record(n_words, **known), checkpoint=folder, device="cpu")
    seen = count_padded_passes(monkeypatch)
    encoder.encode(["a text", "another"])
    assert bool(seen) == pads


def count_padded_passes(monkeypatch: pytest.MonkeyPatch) -> list[PackedBatch]:
    """Return a list that takes the batches of whole models from now on."""
    seen: list[PackedBatch] = []
    run = Backbone.logits

    def logits(self: Backbone, batch: PackedBatch) -> Tensor:
        seen.append(batch)
        return run(self, batch)

    monkeypatch.setattr(Backbone, "logits", logits)
    return seen


def test_a_classifier_says_what_it_has_in_place_of_the_methods_of_cross_encoders(
    tmp_path: Path,
) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=N_LABELS)
    encoder: Any = load(f"local:{folder}", device="cpu")
    with pytest.raises(AttributeError, match=r"write predict_scores\(pairs, activation='logits'\)"):
        encoder.predict(PAIRS)
    with pytest.raises(AttributeError, match="a classifier does not rank"):
        encoder.rank("a query", ["a document"])
    with pytest.raises(AttributeError, match="read max_length"):
        _ = encoder.max_seq_length
    with pytest.raises(AttributeError, match="models that make vectors, and this one makes none"):
        encoder.encode("a text")
    with pytest.raises(AttributeError, match="it is a method of captioners"):
        encoder.caption("cat.png")


def test_methods_of_other_kinds_are_methods_of_some_kind() -> None:
    kinds: tuple[type, ...] = (Captioner, Classifier, ColbertEncoder, CrossEncoder, DenseEncoder)
    for name in METHODS_OF_OTHERS:
        assert any(hasattr(kind, name) for kind in (*kinds, ImageTextEncoder)), name
