"""`HolotypeEmbeddings` in LangChain's own vector store."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import numpy as np
import pytest
from langchain_core.vectorstores import InMemoryVectorStore

from holotype.adapters.langchain import HolotypeEmbeddings
from holotype.encoders.dense import DenseEncoder

DOCUMENTS = ["Paris is the capital of France.", "A cat sleeps on the sofa.", "Bread is baked."]


def test_a_vector_store_finds_by_meaning(minilm: DenseEncoder) -> None:
    store = InMemoryVectorStore(HolotypeEmbeddings(minilm))
    store.add_texts(DOCUMENTS)
    found = store.similarity_search("Which city governs France?", k=1)
    assert [document.page_content for document in found] == DOCUMENTS[:1]


def test_vectors_are_the_encoders_own(minilm: DenseEncoder) -> None:
    embeddings = HolotypeEmbeddings(minilm)
    assert np.allclose(embeddings.embed_query("a"), minilm.encode_query("a"))
    assert np.allclose(embeddings.embed_documents(DOCUMENTS), minilm.encode_document(DOCUMENTS))
    assert embeddings.embed_documents([]) == []


def test_the_asynchronous_methods_give_the_same(minilm: DenseEncoder) -> None:
    embeddings = HolotypeEmbeddings(minilm)
    assert asyncio.run(embeddings.aembed_query("a")) == embeddings.embed_query("a")


def test_an_instruction_goes_where_a_prompt_has_a_place_for_it(instructed: DenseEncoder) -> None:
    embeddings = HolotypeEmbeddings(instructed, instruction="Find the answer.")
    query = instructed.encode_query("a", instruction="Find the answer.")
    assert np.allclose(embeddings.embed_query("a"), query)
    assert np.allclose(embeddings.embed_documents(["a"])[0], instructed.encode_document("a"))


def test_the_namespace_of_a_cache_tells_encoders_and_instructions_apart(
    minilm: DenseEncoder, instructed: DenseEncoder, variants: list[DenseEncoder]
) -> None:
    embeddings = [HolotypeEmbeddings(encoder) for encoder in (minilm, *variants)]
    embeddings += [
        HolotypeEmbeddings(instructed, instruction=told) for told in ("Animals.", "Cities.")
    ]
    spaces = {embedding.cache_namespace for embedding in embeddings}
    assert len(spaces) == len(embeddings)
    assert HolotypeEmbeddings(minilm).cache_namespace == embeddings[0].cache_namespace


def test_a_pickle_loads_the_model_again(instructed: DenseEncoder) -> None:
    embeddings = HolotypeEmbeddings(instructed, instruction="Find the answer.")
    pickled = pickle.dumps(embeddings)
    assert len(pickled) < 100_000
    copied = pickle.loads(pickled)  # made here
    assert copied.encoder is not instructed
    assert copied.embed_query("a") == embeddings.embed_query("a")


@pytest.mark.parametrize("wrong", ["cat", {"a": "b"}, {"a"}, None, b"a", ["a", None]], ids=repr)
def test_documents_are_several_texts_in_an_order(minilm: DenseEncoder, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^(texts is|the text at index 1 is) "):
        HolotypeEmbeddings(minilm).embed_documents(wrong)


@pytest.mark.parametrize("wrong", [["a"], {"a": "b"}, None, b"a", 3], ids=repr)
def test_a_query_is_one_text(minilm: DenseEncoder, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^the query is .*; expected str$"):
        HolotypeEmbeddings(minilm).embed_query(wrong)
