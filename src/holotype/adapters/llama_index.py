"""A dense encoder as LlamaIndex's embedding model."""

from __future__ import annotations

import asyncio
from typing import Any

from holotype.encoders.dense import DenseEncoder
from holotype.errors import MissingExtraError

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import PrivateAttr
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "llama-index", "llama_index", "holotype.adapters.llama_index"
    ) from error


class HolotypeEmbedding(BaseEmbedding):
    """Encodes queries and documents with the model's prompts.

    A vector is a list of floats, ``[dim]`` per text. `model_name` is the id of the record.
    """

    _encoder: DenseEncoder = PrivateAttr()
    _instruction: str | None = PrivateAttr()

    def __init__(
        self, encoder: DenseEncoder, *, instruction: str | None = None, **options: Any
    ) -> None:
        """Wrap a loaded encoder.

        Args:
            encoder: the encoder.
            instruction: the task description for prompts that take one.
            options: options of LlamaIndex's own embedding models, such as `embed_batch_size`.
        """
        super().__init__(model_name=encoder.record.id, **options)
        self._encoder = encoder
        self._instruction = instruction

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serialises this class."""
        return "HolotypeEmbedding"

    @property
    def encoder(self) -> DenseEncoder:
        """The encoder."""
        return self._encoder

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float]
        vector = self._encoder.encode_query(query, instruction=self._instruction).tolist()
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        given = self._instruction
        if not self._encoder.encoding.document_prompt.takes_instruction:
            given = None
        vectors: list[list[float]]
        vectors = self._encoder.encode_document(texts, instruction=given).tolist()
        return vectors

    # Encoders are safe to share between threads; running in one keeps the event loop free.

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)
