"""A dense encoder as LlamaIndex's embedding model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from holotype.adapters.identity import identity, load_again, require_dense
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.inputs.items import check_string, several_texts
from holotype.errors import MissingExtraError

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import PrivateAttr
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "llama-index", "llama_index", "holotype.adapters.llama_index"
    ) from error

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig
    from holotype.records import AnyDenseModel

# LlamaIndex's embeddings cache has the bare text as its key.
_NO_CACHE = (
    "LlamaIndex keeps embeddings_cache under the text alone, so that queries and documents, and "
    "different models, would get each other's vectors; leave it out, and pass cache= to the "
    "IngestionPipeline"
)


class HolotypeEmbedding(BaseEmbedding):
    """Encodes queries and documents with the model's prompts.

    A vector is a list of floats, ``[dim]`` per text. `model_name` is the id of the record. The key
    of an ingestion cache, which LlamaIndex makes of `to_dict`, tells encoders apart: by their
    fingerprint, dimensions, type, backend and instruction. Workers, such as those of
    ``IngestionPipeline.run(num_workers=2)``, load the model again; see
    `holotype.adapters.identity.load_again`.
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

        Raises:
            TypeError: the encoder is no dense encoder.
            ValueError: `embeddings_cache` is given.
        """
        require_dense(encoder)
        if options.get("embeddings_cache") is not None:
            raise ValueError(_NO_CACHE)
        super().__init__(model_name=encoder.record.id, **options)
        self._encoder = encoder
        self._instruction = instruction

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serialises this class."""
        return "HolotypeEmbedding"

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an option.

        Raises:
            ValueError: it is `embeddings_cache`, which cannot tell vectors apart.
        """
        if name == "embeddings_cache" and value is not None:
            raise ValueError(_NO_CACHE)
        super().__setattr__(name, value)

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Return the options, and what decides the vectors; see `BaseEmbedding.to_dict`."""
        return {**super().to_dict(**kwargs), **identity(self._encoder, self._instruction)}

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the configuration to another process, which loads the model again."""
        options = {name: getattr(self, name) for name in ("embed_batch_size", "num_workers")}
        return _wrap_again, (type(self), self._encoder.config, self._instruction, options)

    @property
    def encoder(self) -> DenseEncoder:
        """The encoder."""
        return self._encoder

    # LlamaIndex cuts what it gets into batches, and would cut a text into characters, and a dict
    # into its keys.

    def get_text_embedding_batch(
        self, texts: list[str], show_progress: bool = False, **kwargs: Any
    ) -> list[list[float]]:
        """Return one vector per text, in order; see `BaseEmbedding.get_text_embedding_batch`.

        Raises:
            TypeError: it is one text, no sequence of texts, or something in it is not a string.
        """
        return super().get_text_embedding_batch(several_texts(texts), show_progress, **kwargs)

    async def aget_text_embedding_batch(
        self, texts: list[str], show_progress: bool = False, **kwargs: Any
    ) -> list[list[float]]:
        """Return what `get_text_embedding_batch` does."""
        given = several_texts(texts)
        return await super().aget_text_embedding_batch(given, show_progress, **kwargs)

    def _get_query_embedding(self, query: str) -> list[float]:
        check_string(query, "the query")
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


def _wrap_again(
    kind: type[HolotypeEmbedding],
    config: ModelConfig[AnyDenseModel],
    instruction: str | None,
    options: dict[str, Any],
) -> HolotypeEmbedding:
    return kind(load_again(config), instruction=instruction, **options)
