"""Sparse checkpoints that do not fit their records, or are no sparse models: always an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers import SparseEncoder as ReferenceEncoder
from sentence_transformers.base.modules import Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import (
    SparseAutoEncoder,
    SparseStaticEmbedding,
    SpladePooling,
)
from tests.runtime.parity import DenseRecord, SparseRecord, change, change_tensors, read, write
from tests.runtime.sparse import save_language_model

from holotype.encoders import load
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    TensorError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)

KNOWN = {"pooling": "max", "activation": "log1p-relu"}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return save_language_model(tmp_path / "plain")


@pytest.fixture
def n_words(plain: Path) -> int:
    found: int = read(plain, "config.json")["vocab_size"]
    return found


@pytest.fixture
def saved(plain: Path, tmp_path: Path) -> Path:
    return _save(tmp_path / "saved", _transformer(plain), SpladePooling())


@pytest.fixture
def routed(plain: Path, tmp_path: Path) -> Path:
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(plain)
    table = SparseStaticEmbedding(tokenizer=tokenizer)
    documents = [_transformer(plain), SpladePooling()]
    return _save(tmp_path / "routed", Router.for_query_document([table], documents))


def _transformer(folder: Path) -> Any:
    return Transformer(str(folder), transformer_task="fill-mask")


def _save(folder: Path, *modules: Any) -> Path:
    listed: list[Any] = list(modules)
    ReferenceEncoder(modules=listed, device="cpu").save(str(folder), create_model_card=False)
    return folder


@pytest.mark.parametrize(
    ("known", "theirs"),
    [
        ({"pooling": "sum"}, "max"),
        ({"activation": "log1p-log1p-relu"}, "log1p-relu"),
        ({"similarity": "dot"}, "cosine"),
        ({"hidden_dim": 33}, 32),
        ({"context_length": 90}, 94),
        ({"query_prompt": "q: "}, "query: "),
    ],
    ids=str,
)
def test_what_differs_is_shown_with_both_values(
    known: dict[str, Any], theirs: object, saved: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change(
        saved,
        "config_sentence_transformers.json",
        similarity_fn_name="cosine",
        prompts={"query": "query: ", "document": ""},
    )
    ((field, ours),) = known.items()
    with pytest.raises(CatalogueMismatchError) as caught:
        load(sparse_record(n_words, **known), checkpoint=saved)
    assert [found[:3] for found in caught.value.differences] == [(field, ours, theirs)]


def test_another_vocabulary_is_a_difference(
    saved: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    with pytest.raises(CatalogueMismatchError) as caught:
        load(sparse_record(n_words + 1), checkpoint=saved)
    assert caught.value.differences[0][:3] == ("embedding_dim", n_words + 1, n_words)


@pytest.mark.parametrize("field", KNOWN)
def test_nothing_is_guessed(
    field: str, plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    known = {name: value for name, value in KNOWN.items() if name != field}
    with pytest.raises(UnsupportedModelError, match=f"says the {field}, and a guess"):
        load(sparse_record(n_words, **known), checkpoint=plain)


def test_a_head_that_is_missing_is_never_made_up(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change_tensors(plain, "model.safetensors", cls__predictions__transform__dense__weight=None)
    with pytest.raises(TensorError) as caught:
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)
    assert caught.value.missing == ("cls.predictions.transform.dense.weight",)


def test_tensors_without_a_place_are_an_error(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change_tensors(plain, "model.safetensors", bert__more=torch.ones(3))
    with pytest.raises(TensorError) as caught:
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)
    assert caught.value.unexpected == ("bert.more",)


def test_a_tensor_of_another_shape_is_an_error(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change_tensors(plain, "model.safetensors", cls__predictions__bias=torch.ones(3))
    with pytest.raises(TensorError) as caught:
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)
    assert "cls.predictions.bias" in caught.value.misshapen[0]


def test_a_bare_transformer_is_of_another_kind(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    transformers.AutoModel.from_pretrained(plain).save_pretrained(plain)
    with pytest.raises(WrongKindError, match=r"it is a BertModel; .*ForMaskedLM"):
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)


def test_a_dense_model_is_of_another_kind(
    plain: Path, n_words: int, sparse_record: SparseRecord, tmp_path: Path
) -> None:
    folder = tmp_path / "dense"
    modules: list[Any] = [Transformer(str(plain)), Pooling(32, "mean")]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    with pytest.raises(WrongKindError, match="a SentenceTransformer; expected a SparseEncoder"):
        load(sparse_record(n_words, **KNOWN), checkpoint=folder)
    (folder / "config_sentence_transformers.json").unlink()
    with pytest.raises(WrongKindError, match="reads documents with Transformer, Pooling"):
        load(sparse_record(n_words, **KNOWN), checkpoint=folder)


def test_a_sparse_model_is_no_dense_one(saved: Path, dense_record: DenseRecord) -> None:
    with pytest.raises(WrongKindError, match="it is a SparseEncoder"):
        load(dense_record(32), checkpoint=saved)


def test_a_transformer_for_another_task_is_of_another_kind(
    saved: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change(saved, "sentence_bert_config.json", transformer_task="feature-extraction")
    with pytest.raises(WrongKindError, match="run for 'feature-extraction'; expected 'fill-mask'"):
        load(sparse_record(n_words), checkpoint=saved)


def test_a_length_of_one_side_is_refused(
    saved: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change(saved, "sentence_bert_config.json", document_length=20)
    with pytest.raises(UnsupportedCheckpointError, match="sets document_length, which has an equ"):
        load(sparse_record(n_words), checkpoint=saved)


def test_other_modules_are_refused(
    plain: Path, n_words: int, sparse_record: SparseRecord, tmp_path: Path
) -> None:
    auto_encoder = SparseAutoEncoder(input_dim=32, hidden_dim=64, k=4, k_aux=4)
    folder = _save(tmp_path / "other", Transformer(str(plain)), Pooling(32, "mean"), auto_encoder)
    with pytest.raises(CheckpointError, match="reads documents with Transformer, Pooling, Sparse"):
        load(sparse_record(n_words), checkpoint=folder)
    folder = _save(tmp_path / "more", _transformer(plain), SpladePooling(), Normalize())
    with pytest.raises(UnsupportedCheckpointError, match="SpladePooling, Normalize; expected"):
        load(sparse_record(n_words), checkpoint=folder)


def test_an_unknown_activation_is_refused(
    saved: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change(saved, "1_SpladePooling/config.json", activation_function="gelu")
    with pytest.raises(CheckpointError, match="'gelu'; expected one of relu, log1p_relu"):
        load(sparse_record(n_words), checkpoint=saved)


def test_an_activation_of_another_form_is_refused(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    with pytest.raises(UnsupportedModelError, match="'mean' does not fit its checkpoint"):
        load(sparse_record(n_words, pooling="mean", activation="log1p-relu"), checkpoint=plain)


@pytest.mark.parametrize("source", ["plain", "saved", "routed"])
def test_relu_in_the_record_of_a_language_model_is_told_by_its_name_there(
    source: str, n_words: int, sparse_record: SparseRecord, request: pytest.FixtureRequest
) -> None:
    record = sparse_record(n_words, pooling="max", activation="relu")
    with pytest.raises(UnsupportedModelError, match=r"calls relu after .* is log1p-relu"):
        load(record, checkpoint=request.getfixturevalue(source))


def test_a_model_whose_logits_are_no_linear_layers_is_refused(
    n_words: int, sparse_record: SparseRecord, tmp_path: Path
) -> None:
    folder = save_language_model(tmp_path / "deberta", "deberta-v2", legacy=False)
    record = sparse_record(read(folder, "config.json")["vocab_size"], **KNOWN)
    with pytest.raises(UnsupportedCheckpointError, match="not what one linear layer gives"):
        load(record, checkpoint=folder)


def test_an_architecture_without_masks_is_refused(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    change(plain, "config.json", model_type="qwen3", architectures=None)
    with pytest.raises(UnsupportedCheckpointError, match="no masked language model for 'qwen3'"):
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"types": {}}, CheckpointError, "the class of a module"),
        ({"structure": None}, CheckpointError, "expected the types and the structure"),
        ({"structure": {"image": []}}, UnsupportedCheckpointError, "routes image; supported are"),
        (
            {"parameters": {"route_mappings": {"x": "query"}}},
            UnsupportedCheckpointError,
            "supported are query and document",
        ),
        ({"parameters": {"default_route": "both"}}, CheckpointError, "query or document"),
    ],
    ids=str,
)
def test_a_router_that_is_not_understood_is_refused(
    changes: dict[str, Any],
    error: type[Exception],
    message: str,
    routed: Path,
    n_words: int,
    sparse_record: SparseRecord,
) -> None:
    change(routed, "router_config.json", **changes)
    with pytest.raises(error, match=message):
        load(sparse_record(n_words), checkpoint=routed)


@pytest.mark.parametrize(
    ("id", "kind"),
    [
        ("query_0_SparseStaticEmbedding", "own.code.Table"),
        ("../outside", "sentence_transformers.sparse_encoder.modules.SparseStaticEmbedding"),
    ],
)
def test_code_and_paths_of_elsewhere_are_refused(
    id: str, kind: str, routed: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    file = read(routed, "router_config.json")
    file["types"][id] = kind
    file["structure"]["query"] = [id]
    write(routed, "router_config.json", file)
    with pytest.raises(UnsafeCheckpointError):
        load(sparse_record(n_words), checkpoint=routed)


def test_a_table_of_another_size_is_an_error(
    routed: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    name = "query_0_SparseStaticEmbedding/model.safetensors"
    change_tensors(routed, name, weight=torch.ones(3))
    with pytest.raises(TensorError, match=r"weight \(\[3\], expected"):
        load(sparse_record(n_words), checkpoint=routed)
    change_tensors(routed, name, weight=None, other=torch.ones(3))
    with pytest.raises(TensorError) as caught:
        load(sparse_record(n_words), checkpoint=routed)
    assert (caught.value.missing, caught.value.unexpected) == (("weight",), ("other",))


@pytest.mark.parametrize(
    ("idf", "message"),
    [({"nowhere": 1.0}, "no token of the checkpoint's"), ({"the": "much"}, "expected a weight")],
)
def test_weights_of_tokens_that_make_no_sense_are_an_error(
    idf: Any, message: str, plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    write(plain, "idf.json", idf)
    with pytest.raises(CheckpointError, match=message):
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)


def test_pickled_weights_are_refused(
    plain: Path, n_words: int, sparse_record: SparseRecord
) -> None:
    (plain / "model.safetensors").rename(plain / "pytorch_model.bin")
    with pytest.raises(UnsafeCheckpointError, match=r"pytorch_model\.bin"):
        load(sparse_record(n_words, **KNOWN), checkpoint=plain)
