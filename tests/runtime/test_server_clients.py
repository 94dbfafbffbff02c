"""Clients that others have written, as their users call them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai import OpenAIEmbedding
from tests.runtime.server_process import RunningServer, local, running_server, write_deployment

from holotype.encoders import load

KEY = "a-key-of-the-tests"
TEXTS = ["what eats fish?", "Paris is in France."]


@pytest.fixture(scope="module")
def server(
    minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    deployment = write_deployment(
        tmp_path_factory.mktemp("clients"), {"minilm": local(minilm_folder, "preload: true")}
    )
    with running_server(deployment=str(deployment), api_keys=(KEY,)) as running:
        yield running


@pytest.fixture(scope="module")
def expected(minilm_folder: Path) -> Any:
    with load("all-minilm-l6-v2", checkpoint=minilm_folder, device="cpu") as encoder:
        return encoder.encode(TEXTS)


@pytest.fixture
def client(server: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def test_openai_gets_vectors(client: openai.OpenAI, expected: Any) -> None:
    # It asks for base64, since nobody says otherwise.
    found = client.embeddings.create(model="minilm", input=TEXTS)
    np.testing.assert_allclose([each.embedding for each in found.data], expected, atol=1e-6)
    assert found.model == "minilm"
    assert found.usage.prompt_tokens == found.usage.total_tokens > 0


def test_openai_gets_vectors_as_numbers(client: openai.OpenAI, expected: Any) -> None:
    found = client.embeddings.create(model="minilm", input=TEXTS[0], encoding_format="float")
    np.testing.assert_allclose(found.data[0].embedding, expected[0], atol=1e-6)


def test_openai_lists_models(client: openai.OpenAI) -> None:
    assert [each.id for each in client.models.list()] == ["minilm"]
    assert client.models.retrieve("minilm").owned_by == "holotype"


def test_openai_raises_its_own_errors(client: openai.OpenAI, server: RunningServer) -> None:
    with pytest.raises(openai.NotFoundError, match="did you mean 'minilm'") as missing:
        client.embeddings.create(model="minilm2", input="x")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.UnprocessableEntityError, match="index 0"):
        client.embeddings.create(model="minilm", input="long " * 400)
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError, match="unknown, revoked or expired"),
    ):
        other.embeddings.create(model="minilm", input="x")


def test_openai_asynchronously(server: RunningServer, expected: Any) -> None:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY) as client:
            return await client.embeddings.create(model="minilm", input=TEXTS)

    found = asyncio.run(ask())
    np.testing.assert_allclose([each.embedding for each in found.data], expected, atol=1e-6)


def test_langchain_gets_vectors(server: RunningServer, expected: Any) -> None:
    embeddings = OpenAIEmbeddings(
        model="minilm",
        base_url=f"{server.url}/v1",
        api_key=KEY,  # type: ignore[arg-type]
        # Otherwise it sends tokens of OpenAI's tokenizer.
        check_embedding_ctx_length=False,
    )
    np.testing.assert_allclose(embeddings.embed_documents(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose(embeddings.embed_query(TEXTS[0]), expected[0], atol=1e-6)


def test_llama_index_gets_vectors(server: RunningServer, expected: Any) -> None:
    embedding = OpenAIEmbedding(model_name="minilm", api_base=f"{server.url}/v1", api_key=KEY)
    np.testing.assert_allclose(embedding.get_text_embedding_batch(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose(embedding.get_query_embedding(TEXTS[0]), expected[0], atol=1e-6)
