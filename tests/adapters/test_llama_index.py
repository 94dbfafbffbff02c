"""`HolotypeEmbedding` in LlamaIndex's own index."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.ingestion import IngestionCache, IngestionPipeline
from llama_index.core.schema import TextNode
from llama_index.core.storage.kvstore import SimpleKVStore

from holotype.adapters.llama_index import HolotypeEmbedding
from holotype.encoders.dense import DenseEncoder

DOCUMENTS = ["Paris is the capital of France.", "A cat sleeps on the sofa.", "Bread is baked."]


def test_an_index_finds_by_meaning(minilm: DenseEncoder) -> None:
    nodes = [TextNode(text=text) for text in DOCUMENTS]
    index = VectorStoreIndex(nodes, embed_model=HolotypeEmbedding(minilm))
    found = index.as_retriever(similarity_top_k=1).retrieve("Which city governs France?")
    assert [node.text for node in found] == DOCUMENTS[:1]


def test_vectors_are_the_encoders_own(minilm: DenseEncoder) -> None:
    embedding = HolotypeEmbedding(minilm)
    assert embedding.model_name == "all-minilm-l6-v2"
    assert embedding.encoder is minilm
    assert np.allclose(embedding.get_query_embedding("a"), minilm.encode_query("a"))
    batch = embedding.get_text_embedding_batch(DOCUMENTS)
    assert np.allclose(batch, minilm.encode_document(DOCUMENTS), atol=1e-6)


def test_the_asynchronous_methods_give_the_same(minilm: DenseEncoder) -> None:
    embedding = HolotypeEmbedding(minilm)
    query = asyncio.run(embedding.aget_query_embedding("a"))
    assert query == embedding.get_query_embedding("a")
    batch = asyncio.run(embedding.aget_text_embedding_batch(DOCUMENTS))
    assert np.allclose(batch, minilm.encode_document(DOCUMENTS), atol=1e-6)


def test_an_instruction_goes_where_a_prompt_has_a_place_for_it(instructed: DenseEncoder) -> None:
    embedding = HolotypeEmbedding(instructed, instruction="Find the answer.")
    query = instructed.encode_query("a", instruction="Find the answer.")
    assert np.allclose(embedding.get_query_embedding("a"), query)
    assert np.allclose(embedding.get_text_embedding("a"), instructed.encode_document("a"))


def ingested(embedding: HolotypeEmbedding, cache: IngestionCache) -> list[float]:
    nodes = [TextNode(text=DOCUMENTS[0], id_="1")]
    (node,) = IngestionPipeline(transformations=[embedding], cache=cache).run(nodes=nodes)
    assert node.embedding is not None
    return node.embedding


def test_an_ingestion_cache_tells_encoders_and_instructions_apart(
    minilm: DenseEncoder, instructed: DenseEncoder, variants: list[DenseEncoder]
) -> None:
    embeddings = [HolotypeEmbedding(encoder) for encoder in (minilm, *variants)]
    embeddings += [
        HolotypeEmbedding(instructed, instruction=told) for told in ("Animals.", "Cities.")
    ]
    cache = IngestionCache()
    for embedding in embeddings:
        expected = embedding.get_text_embedding(DOCUMENTS[0])
        assert np.allclose(ingested(embedding, cache), expected, atol=1e-6)
    keys = {json.dumps(embedding.to_dict(), sort_keys=True) for embedding in embeddings}
    assert len(keys) == len(embeddings)


def test_an_ingestion_cache_knows_the_same_encoder_again(minilm: DenseEncoder) -> None:
    cache = IngestionCache()
    first = ingested(HolotypeEmbedding(minilm), cache)
    stored = list(cache.cache.get_all("llama_cache"))
    assert ingested(HolotypeEmbedding(minilm), cache) == first
    assert list(cache.cache.get_all("llama_cache")) == stored


def test_a_cache_that_cannot_tell_vectors_apart_is_refused(minilm: DenseEncoder) -> None:
    with pytest.raises(ValueError, match="leave it out, and pass cache= to the IngestionPipeline"):
        HolotypeEmbedding(minilm, embeddings_cache=SimpleKVStore())
    embedding = HolotypeEmbedding(minilm)
    with pytest.raises(ValueError, match="would get each other's vectors"):
        embedding.embeddings_cache = SimpleKVStore()


def query_vector(embedding: HolotypeEmbedding) -> Any:
    return embedding.get_query_embedding("a")


def test_a_worker_loads_the_model_again(instructed: DenseEncoder) -> None:
    embedding = HolotypeEmbedding(instructed, instruction="Find the answer.", embed_batch_size=3)
    assert len(pickle.dumps(embedding)) < 100_000
    copied = pickle.loads(pickle.dumps(embedding))  # made here
    assert (copied.embed_batch_size, copied.to_dict()) == (3, embedding.to_dict())
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as workers:
        found = workers.submit(query_vector, embedding).result()
    assert np.allclose(found, embedding.get_query_embedding("a"), atol=1e-6)


@pytest.mark.parametrize("wrong", ["cat", {"a": "b"}, {"a"}, None, b"a", ["a", None]], ids=repr)
def test_a_batch_is_several_texts_in_an_order(minilm: DenseEncoder, wrong: Any) -> None:
    embedding = HolotypeEmbedding(minilm)
    with pytest.raises(TypeError, match=r"^(texts is|the text at index 1 is) "):
        embedding.get_text_embedding_batch(wrong)
    with pytest.raises(TypeError, match=r"^(texts is|the text at index 1 is) "):
        asyncio.run(embedding.aget_text_embedding_batch(wrong))


@pytest.mark.parametrize("wrong", [["a"], {"a": "b"}, None, b"a", 3], ids=repr)
def test_a_query_and_a_text_are_one_text(minilm: DenseEncoder, wrong: Any) -> None:
    embedding = HolotypeEmbedding(minilm)
    with pytest.raises(TypeError, match=r"^the query is .*; expected str$"):
        embedding.get_query_embedding(wrong)
    with pytest.raises(TypeError, match=r"^the text at index 0 is .*; expected str$"):
        embedding.get_text_embedding(wrong)
