"""Dense models whose queries are read by modules of their own: the reference's vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Router, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from tests.runtime.backbones import save_backbone
from tests.runtime.heads import BERT_STYLE, CHARACTERS, byte_tokenizer
from tests.runtime.parity import (
    DenseRecord,
    Save,
    assert_dense_parity,
    assert_same,
    change,
    dense_reference,
    read,
    subject,
    write,
)

from holotype.encoders import load
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    ClosedEncoderError,
    TextOverflowWarning,
    UnsupportedCheckpointError,
)
from holotype.records import DenseModel

Modules = list[Any]


@pytest.fixture
def save_routed(tmp_path: Path) -> Save:
    """Save a model of the given modules as sentence-transformers does."""

    def save(*modules: Any, name: str = "routed", **options: Any) -> Path:
        model = SentenceTransformer(modules=list(modules), device="cpu", **options)
        model.save(str(tmp_path / name), create_model_card=False)
        return tmp_path / name

    return save


@pytest.fixture
def bert(bert_folder: Path) -> Transformer:
    made: Transformer = Transformer(str(bert_folder), max_seq_length=48)
    return made


def projected(width: int, *, seed: int) -> Dense:
    torch.manual_seed(seed)
    return Dense(32, width)


def shared(bert: Transformer) -> Modules:
    queries = [bert, Pooling(32, "cls"), projected(20, seed=1), Normalize()]
    documents = [bert, Pooling(32, "mean"), projected(20, seed=2), Normalize()]
    return [Router.for_query_document(queries, documents)]


def shared_before(bert: Transformer) -> Modules:
    router = Router.for_query_document([projected(20, seed=1)], [projected(20, seed=2)])
    return [bert, Pooling(32, "mean"), router, Normalize()]


def poolings_before(bert: Transformer) -> Modules:
    router = Router.for_query_document(
        [Pooling(32, "lasttoken")], [Pooling(32, ("mean"), include_prompt=False)]
    )
    return [bert, router, projected(12, seed=4)]


SHARED: dict[str, tuple[Callable[[Transformer], Modules], int]] = {
    "whole": (shared, 20),
    "after-pooling": (shared_before, 20),
    "poolings": (poolings_before, 12),
}


@pytest.mark.parametrize("layout", SHARED)
def test_sides_that_share_a_transformer(
    layout: str, bert: Transformer, save_routed: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    make, dim = SHARED[layout]
    prompts = {"query": "query: ", "document": "the text "}
    folder = save_routed(*make(bert), prompts=prompts)
    encoder = load(dense_record(dim), checkpoint=folder, device="cpu")
    assert_dense_parity(encoder, folder, [*texts, CHARACTERS])
    queries = encoder.encode_query(texts, on_overflow="truncate")
    assert np.abs(queries - encoder.encode_document(texts, on_overflow="truncate")).max() > 0.01
    streamed = list(encoder.encode_stream(iter(texts), "query", on_overflow="truncate"))
    np.testing.assert_array_equal(np.concatenate(streamed), queries)


@pytest.mark.parametrize("default", ["query", "document", None])
def test_two_transformers(
    default: str | None,
    bert: Transformer,
    save_routed: Save,
    dense_record: DenseRecord,
    tmp_path: Path,
    texts: list[str],
) -> None:
    other = Transformer(str(save_backbone("qwen3", tmp_path / "qwen3")))
    routes: dict[str, Any] = {
        "query": [other, Pooling(32, "lasttoken")],
        "document": [bert, Pooling(32, "mean")],
    }
    folder = save_routed(Router(routes, default_route=default), Normalize())
    known = {"pooling": "mean", "normalize": True, "context_length": 48}
    encoder = load(dense_record(**known), checkpoint=folder, device="cpu")
    assert encoder.encoding.text_side == (default or "query")
    assert "pooling='mean', query_pooling='last-token'" in repr(encoder)
    assert_dense_parity(encoder, folder, [*texts, CHARACTERS])
    with pytest.warns(TextOverflowWarning, match="longer than the 96 tokens"):
        encoder.encode_query(CHARACTERS)
    with pytest.warns(TextOverflowWarning, match="longer than the 48 tokens"):
        encoder.encode_document(CHARACTERS)


@pytest.mark.parametrize("normalized", [True, False])
def test_queries_from_a_table_of_token_vectors(
    normalized: bool,
    bert: Transformer,
    save_routed: Save,
    dense_record: DenseRecord,
    texts: list[str],
) -> None:
    torch.manual_seed(3)
    tokenizer = byte_tokenizer(BERT_STYLE).backend_tokenizer
    if not normalized:
        tokenizer.enable_truncation(9)
    table = StaticEmbedding(tokenizer, embedding_dim=32)
    documents = [bert, Pooling(32, "mean")]
    last = [Normalize()] if normalized else []
    folder = save_routed(Router.for_query_document([table], documents), *last)
    encoder = load(dense_record(pooling="mean"), checkpoint=folder, device="cpu")
    assert_dense_parity(encoder, folder, texts)
    assert encoder.encode_query([]).shape == (0, 32)
    assert encoder.encoding == make_plan(encoder.record, Checkpoint(folder)).encoding
    if not normalized:
        with pytest.warns(TextOverflowWarning, match="longer than the 9 tokens"):
            encoder.encode_query(CHARACTERS)


def test_matryoshka_vectors_of_both_sides(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_routed(*shared(bert))
    encoder = load(dense_record(20, matryoshka_dims=(8, 20)), checkpoint=folder, dim=8)
    reference, of = dense_reference(folder, truncate_dim=8), subject(encoder, folder)
    theirs = reference.encode_query(texts, normalize_embeddings=True)
    assert_same(encoder.encode_query(texts, on_overflow="truncate"), theirs, of=of)
    theirs = reference.encode_document(texts, normalize_embeddings=True)
    assert_same(encoder.encode_document(texts, on_overflow="truncate"), theirs, of=of)


@pytest.mark.parametrize("document", ["document", "doc"])
def test_the_router_of_older_versions(
    document: str,
    bert: Transformer,
    save_routed: Save,
    dense_record: DenseRecord,
    texts: list[str],
) -> None:
    routes: dict[str, Any] = {"query": [projected(20, seed=1)], document: [projected(20, seed=2)]}
    folder = save_routed(bert, Pooling(32, "mean"), Router(routes))
    modules = read(folder, "modules.json")
    modules[2]["type"] = "sentence_transformers.models.Asym"
    write(folder, "modules.json", modules)
    router = folder / modules[2]["path"]
    config = read(router, "router_config.json") | {"parameters": {"allow_empty_key": True}}
    types = dict.fromkeys(config["types"], "sentence_transformers.models.Dense")
    write(router, "config.json", config | {"types": types})
    (router / "router_config.json").unlink()
    encoder = load(dense_record(20), checkpoint=folder, device="cpu")
    reference, of = dense_reference(folder), subject(encoder, folder)
    assert_same(
        encoder.encode_query(texts, on_overflow="truncate"), reference.encode_query(texts), of=of
    )
    theirs = reference.encode(texts, task=document)
    assert_same(encoder.encode_document(texts, on_overflow="truncate"), theirs, of=of)
    assert_same(encoder.encode(texts, on_overflow="truncate"), reference.encode(texts), of=of)


def test_routes_may_be_mapped(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    routes: dict[str, Any] = {
        "short": [bert, Pooling(32, "cls")],
        "long": [bert, Pooling(32, "mean")],
    }
    mappings: dict[Any, str] = {("query", "text"): "short", (None, "text"): "long"}
    folder = save_routed(Router(routes, route_mappings=mappings))
    encoder = load(dense_record(), checkpoint=folder, device="cpu")
    assert_dense_parity(encoder, folder, texts)


def test_memory_counts_a_shared_transformer_once(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord, bert_folder: Path
) -> None:
    folder = save_routed(*shared(bert))
    encoder = load(dense_record(20), checkpoint=folder, device="cpu")
    alone = load(dense_record(pooling="mean"), checkpoint=bert_folder, device="cpu")
    assert encoder.memory_bytes == alone.memory_bytes + 2 * 4 * (32 * 20 + 20)
    encoder.warm_up()
    encoder.close()
    for encode in (encoder.encode_query, encoder.encode_document):
        with pytest.raises(ClosedEncoderError):
            encode("a text")


def test_both_sides_run_on_several_devices(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    encoder = load(dense_record(20), checkpoint=save_routed(*shared(bert)), device="cpu")
    alone = encoder.memory_bytes
    for encode in (encoder.encode_query, encoder.encode_document):
        found = encode(texts, devices=["cpu", "cpu:0"], on_overflow="truncate")
        assert_same(found, encode(texts, on_overflow="truncate"))
    assert encoder.memory_bytes == 2 * alone


def test_the_fingerprint_covers_both_sides(
    bert: Transformer,
    bert_folder: Path,
    save_routed: Save,
    dense_record: DenseRecord,
    tmp_path: Path,
) -> None:
    other = Transformer(str(save_backbone("bert", tmp_path / "bert")), max_seq_length=48)
    routes: dict[str, Any] = {
        "query": [bert, Pooling(32, "mean")],
        "document": [other, Pooling(32, "mean")],
    }
    folder = save_routed(Router(routes))

    def fingerprint() -> str:
        return load(dense_record(), checkpoint=folder, device="cpu").fingerprint

    found = [fingerprint(), fingerprint()]
    structure = read(folder, "router_config.json")["structure"]
    change(
        folder,
        "router_config.json",
        structure={"query": structure["document"], "document": structure["query"]},
    )
    found.append(fingerprint())
    change(folder, "router_config.json", structure=structure)
    change(folder, "query_1_Pooling/config.json", pooling_mode="cls")
    found.append(fingerprint())
    change(folder, "query_1_Pooling/config.json", pooling_mode="mean")
    weights = folder / "query_0_Transformer/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    found.append(fingerprint())
    assert found[0] == found[1]
    assert len({*found}) == 4


def test_what_is_known_of_a_folder_alone(
    bert: Transformer, save_routed: Save, texts: list[str]
) -> None:
    folder = save_routed(*shared(bert))
    record = derive_record(Checkpoint(folder), name="Routed")
    assert (record.type, record.embedding_dim) == ("dense", 20)
    assert isinstance(record, DenseModel)
    encoder = load(record, checkpoint=folder, device="cpu")
    assert make_plan(record, Checkpoint(folder)).encoding == encoder.encoding


def test_the_record_describes_documents(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord
) -> None:
    folder = save_routed(*shared(bert))
    load(dense_record(20, pooling="mean"), checkpoint=folder)
    with pytest.raises(CatalogueMismatchError, match="pooling"):
        load(dense_record(20, pooling="cls"), checkpoint=folder)


def test_sides_whose_vectors_do_not_compare(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord
) -> None:
    router = Router.for_query_document([projected(20, seed=1)], [projected(12, seed=2)])
    folder = save_routed(bert, Pooling(32, "mean"), router)
    with pytest.raises(CatalogueMismatchError, match="embedding_dim"):
        load(dense_record(12), checkpoint=folder)
    unknown: Any = None
    silent = replace(dense_record(), embedding_dim=unknown)
    with pytest.raises(CheckpointError, match="cannot be compared"):
        load(silent, checkpoint=folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"allow_empty_key": False}}, "'default_route' is None"),
        ({"parameters": {"route_mappings": {"query": "query"}}}, "maps 'query' to a route"),
        ({"structure": {"query": [], "image": []}}, "supported are query and document"),
    ],
)
def test_routes_that_are_not_understood(
    changes: dict[str, Any],
    message: str,
    bert: Transformer,
    save_routed: Save,
    dense_record: DenseRecord,
) -> None:
    folder = save_routed(*shared(bert))
    change(folder, "router_config.json", **changes)
    with pytest.raises(CheckpointError, match=message):
        load(dense_record(20), checkpoint=folder)


def test_a_router_within_late_interaction_is_refused(
    save_colbert: Save, colbert_record: Any
) -> None:
    folder = save_colbert()
    modules = read(folder, "modules.json")
    modules[1]["type"] = "sentence_transformers.base.modules.router.Router"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnsupportedCheckpointError, match="only dense and sparse"):
        load(colbert_record(), checkpoint=folder)


def test_layers_after_a_table_are_refused(
    bert: Transformer, save_routed: Save, dense_record: DenseRecord
) -> None:
    table = StaticEmbedding(byte_tokenizer(BERT_STYLE).backend_tokenizer, embedding_dim=32)
    queries = [table, projected(20, seed=1)]
    documents = [bert, Pooling(32, "mean"), projected(20, seed=2)]
    folder = save_routed(Router.for_query_document(queries, documents))
    with pytest.raises(UnsupportedCheckpointError, match="lists Dense after StaticEmbedding"):
        load(dense_record(20), checkpoint=folder)
