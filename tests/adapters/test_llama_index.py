"""`HolotypeEmbedding` in LlamaIndex's own index."""

from __future__ import annotations

import asyncio

import numpy as np
from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode

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
