"""Tiny sparse models of every sort: the same weights as sentence-transformers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SparseEncoder as ReferenceEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sparse_encoder.modules import (
    MLMTransformer,
    SparseStaticEmbedding,
    SpladePooling,
)
from tests.runtime.parity import SparseRecord, change, read, subject, write
from tests.runtime.sparse import (
    ARCHITECTURES,
    assert_sparse,
    assert_sparse_parity,
    save_language_model,
)
from transformers import AutoModelForMaskedLM, AutoTokenizer

from holotype.encoders import load
from holotype.encoders.torch_backend.linear_map import one_dnn_multiplies
from holotype.encoders.vectors.sparse import SparseVector, SparseVectors
from holotype.errors import ClosedEncoderError

# What torch says of the reference's own arithmetic.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta"),
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled"),
]

ACTIVATIONS = {"relu": "log1p-relu", "log1p_relu": "log1p-log1p-relu"}


def _saved(folder: Path, *modules: Any, **options: Any) -> ReferenceEncoder:
    listed: list[Any] = list(modules)
    ReferenceEncoder(modules=listed, device="cpu", **options).save(
        str(folder), create_model_card=False
    )
    return ReferenceEncoder(str(folder), device="cpu")


def _n_words(folder: Path) -> int:
    found: int = json.loads((folder / "config.json").read_text())["vocab_size"]
    return found


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture(
    architecture: str, sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain", architecture)
    transformer = Transformer(str(plain), transformer_task="fill-mask")
    reference = _saved(tmp_path / "saved", transformer, SpladePooling("max"))
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    of = subject(encoder, tmp_path / "saved")
    assert_sparse_parity(encoder, reference, texts, of=of)


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_pooling_and_activation(
    pooling: Any, activation: Any, sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    splade = SpladePooling(pooling, activation)
    reference = _saved(tmp_path / "saved", MLMTransformer(str(plain)), splade)
    known = {"pooling": pooling, "activation": ACTIVATIONS[activation]}
    encoder = load(sparse_record(_n_words(plain), **known), checkpoint=tmp_path / "saved")
    of = subject(encoder, tmp_path / "saved")
    assert_sparse_parity(encoder, reference, texts, of=of)
    bare = load(sparse_record(_n_words(plain), **known), checkpoint=plain)
    assert bare.encode(texts, on_overflow="truncate").equals(
        encoder.encode(texts, on_overflow="truncate")
    )


def test_untied_logits(sparse_record: SparseRecord, texts: list[str], tmp_path: Path) -> None:
    plain = save_language_model(tmp_path / "plain", tie_word_embeddings=False)
    reference = _saved(
        tmp_path / "saved", Transformer(str(plain), transformer_task="fill-mask"), SpladePooling()
    )
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    of = subject(encoder, tmp_path / "saved")
    assert_sparse_parity(encoder, reference, texts, of=of)


def test_prompts(sparse_record: SparseRecord, texts: list[str], tmp_path: Path) -> None:
    plain = save_language_model(tmp_path / "plain")
    reference = _saved(
        tmp_path / "saved",
        Transformer(str(plain), transformer_task="fill-mask"),
        SpladePooling(),
        prompts={"query": "query: ", "document": "the text: "},
    )
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    of = subject(encoder, tmp_path / "saved")
    assert_sparse_parity(encoder, reference, texts, of=of)


@pytest.mark.parametrize("side", ["query", "document"])
def test_queries_from_a_table(
    side: str, sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    tokenizer: Any = AutoTokenizer.from_pretrained(plain)
    torch.manual_seed(3)
    table = SparseStaticEmbedding(tokenizer=tokenizer, weight=torch.rand(len(tokenizer)))
    documents = [
        Transformer(str(plain), transformer_task="fill-mask"),
        SpladePooling("max", "log1p_relu"),
    ]
    router = Router.for_query_document([table], documents, default_route=side)
    reference = _saved(tmp_path / "saved", router)
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    assert encoder.encoding.looks_queries_up
    # One text at a time: where padding meets a text that names the padding, the reference
    # takes whichever it comes to last.
    of = subject(encoder, tmp_path / "saved")
    assert_sparse_parity(encoder, reference, [text for text in texts if "[PAD]" not in text], of=of)


def test_a_route_may_lie_at_the_root(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain, folder = save_language_model(tmp_path / "plain"), tmp_path / "saved"
    tokenizer: Any = AutoTokenizer.from_pretrained(plain)
    documents = [Transformer(str(plain), transformer_task="fill-mask"), SpladePooling()]
    table = SparseStaticEmbedding(tokenizer=tokenizer)
    _saved(folder, Router.for_query_document([table], documents))
    before = load(sparse_record(_n_words(plain)), checkpoint=folder)
    for file in (folder / "document_0_Transformer").iterdir():
        file.rename(folder / file.name)
    routes = read(folder, "router_config.json")
    routes["types"][""] = routes["types"].pop("document_0_Transformer")
    routes["structure"]["document"][0] = ""
    write(folder, "router_config.json", routes)
    after = load(sparse_record(_n_words(plain)), checkpoint=folder)
    found = [encoder.encode(texts, on_overflow="truncate") for encoder in (before, after)]
    assert found[0].equals(found[1])


def test_queries_from_the_file_of_opensearch(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    tokenizer: Any = AutoTokenizer.from_pretrained(plain)
    idf = {token: 1 + at / 7 for at, token in enumerate(sorted(tokenizer.get_vocab())[3:40])}
    (plain / "idf.json").write_text(json.dumps(idf))
    table = SparseStaticEmbedding.from_json(str(plain / "idf.json"), tokenizer=tokenizer)
    queries = ReferenceEncoder(modules=[table], device="cpu").encode(texts)
    known = {"pooling": "max", "activation": "log1p-relu"}
    encoder = load(sparse_record(_n_words(plain), **known), checkpoint=plain)
    ours = encoder.encode_query(texts, on_overflow="truncate")
    assert_sparse(ours, queries, of=subject(encoder, plain))
    assert not encoder.encode_query("").indices.size


def test_the_largest_weights_are_kept(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    reference = _saved(
        tmp_path / "saved",
        Transformer(str(plain), transformer_task="fill-mask"),
        SpladePooling(),
        max_active_dims=7,
    )
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    ours = encoder.encode_document(texts, on_overflow="truncate")
    assert_sparse(ours, reference.encode_document(texts))
    assert max(map(len, ours)) == 7
    three = encoder.encode_query(texts, top_k=3, on_overflow="truncate")
    assert_sparse(three, reference.encode_query(texts, max_active_dims=3))


def test_words_are_named(sparse_record: SparseRecord, texts: list[str], tmp_path: Path) -> None:
    plain = save_language_model(tmp_path / "plain")
    reference = _saved(
        tmp_path / "saved", Transformer(str(plain), transformer_task="fill-mask"), SpladePooling()
    )
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    ours = encoder.decode(encoder.encode(texts[:5]), top_k=4)
    theirs: Any = reference.decode(reference.encode(texts[:5]), top_k=4)
    for mine, other in zip(ours, theirs, strict=True):
        assert [token for token, _ in mine] == [token for token, _ in other]
        np.testing.assert_allclose([weight for _, weight in mine], [w for _, w in other], rtol=1e-5)
    one = encoder.encode(texts[0])
    whole = encoder.decode(one)
    assert whole[:4] == encoder.decode(one, top_k=4)
    assert len(whole) == len(one)


def test_one_none_and_a_stream(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    known = {"pooling": "max", "activation": "log1p-relu"}
    with load(sparse_record(_n_words(plain), **known), checkpoint=plain) as encoder:
        one = encoder.encode(texts[0])
        assert isinstance(one, SparseVector)
        several = encoder.encode(iter(texts), on_overflow="truncate")
        np.testing.assert_allclose(several[0].to_dense(), one.to_dense(), atol=1e-5)
        assert encoder.encode([]).shape == (0, encoder.dim)
        assert encoder.similarity(encoder.encode([]), several).shape == (0, len(texts))
        parts = list(encoder.encode_stream(texts * 100, on_overflow="truncate"))
        assert len(parts) > 1
        streamed = SparseVectors.concatenate(parts)
        assert streamed.shape == (len(texts) * 100, encoder.dim)
        np.testing.assert_allclose(
            streamed[-len(texts) :].to_dense(), several.to_dense(), atol=1e-5
        )


def test_cosines(sparse_record: SparseRecord, texts: list[str], tmp_path: Path) -> None:
    plain = save_language_model(tmp_path / "plain")
    reference = _saved(
        tmp_path / "saved", Transformer(str(plain), transformer_task="fill-mask"), SpladePooling()
    )
    change(tmp_path / "saved", "config_sentence_transformers.json", similarity_fn_name="cosine")
    encoder = load(sparse_record(_n_words(plain)), checkpoint=tmp_path / "saved")
    reference.similarity_fn_name = "cosine"
    ours, theirs = encoder.encode(texts[:6]), reference.encode(texts[:6])
    expected = reference.similarity(theirs, theirs).to_dense().numpy()
    np.testing.assert_allclose(encoder.similarity(ours, ours), expected, atol=1e-5)
    np.testing.assert_allclose(
        encoder.similarity_pairwise(ours, ours), np.diag(expected), atol=1e-5
    )
    for size in (1e-30, 1e30):
        far = SparseVectors.from_dense(ours.to_dense() * np.float32(size))
        np.testing.assert_allclose(encoder.similarity(far, far), expected, atol=1e-5)
        np.testing.assert_allclose(
            encoder.similarity_pairwise(far, ours), np.diag(expected), atol=1e-5
        )


def test_threads_share_an_encoder(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    known = {"pooling": "sum", "activation": "log1p-relu"}
    encoder = load(sparse_record(_n_words(plain), **known), checkpoint=plain)
    expected = encoder.encode(texts, on_overflow="truncate").to_dense()
    with ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(encoder.encode, texts, on_overflow="truncate") for _ in range(32)]
        for call in calls:
            np.testing.assert_allclose(call.result().to_dense(), expected, rtol=1e-5, atol=1e-5)


def test_a_closed_encoder_gives_its_weights_back(
    sparse_record: SparseRecord, tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    (plain / "idf.json").write_text('{"the": 1.5}')
    known = {"pooling": "max", "activation": "log1p-relu"}
    encoder = load(sparse_record(_n_words(plain), **known), checkpoint=plain)
    n_weights = sum(
        parameter.numel() for parameter in AutoModelForMaskedLM.from_pretrained(plain).parameters()
    )
    # The table of tokens is the weight of the last layer, too, which oneDNN lays out anew.
    if one_dnn_multiplies(torch.device("cpu"), torch.float32):
        n_weights += encoder.dim * 32
    assert encoder.memory_bytes == 4 * (n_weights + encoder.dim)
    encoder.close()
    for encode in (encoder.encode_query, encoder.encode_document):
        with pytest.raises(ClosedEncoderError):
            encode("text")
