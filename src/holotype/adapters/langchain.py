"""A dense encoder as LangChain's `Embeddings`."""

from __future__ import annotations

from holotype.encoders.dense import DenseEncoder
from holotype.errors import MissingExtraError

try:
    from langchain_core.embeddings import Embeddings
except ModuleNotFoundError as error:
    raise MissingExtraError("langchain", "langchain_core", "holotype.adapters.langchain") from error


class HolotypeEmbeddings(Embeddings):
    """Encodes queries and documents with the model's prompts.

    A vector is a list of floats, ``[dim]`` per text.

    Attributes:
        encoder: the encoder.
        instruction: the task description for prompts that take one.
    """

    def __init__(self, encoder: DenseEncoder, *, instruction: str | None = None) -> None:
        """Wrap a loaded encoder."""
        self.encoder = encoder
        self.instruction = instruction

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector per document, in order."""
        given = self.instruction
        if not self.encoder.encoding.document_prompt.takes_instruction:
            given = None
        vectors: list[list[float]]
        vectors = self.encoder.encode_document(texts, instruction=given).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a query."""
        vector: list[float]
        vector = self.encoder.encode_query(text, instruction=self.instruction).tolist()
        return vector
