"""A dense encoder as LangChain's `Embeddings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holotype.adapters.identity import identity, load_again, require_dense, short_digest
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.inputs.items import check_string, several_texts
from holotype.errors import MissingExtraError

try:
    from langchain_core.embeddings import Embeddings
except ModuleNotFoundError as error:
    raise MissingExtraError("langchain", "langchain_core", "holotype.adapters.langchain") from error

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig
    from holotype.records import AnyDenseModel


class HolotypeEmbeddings(Embeddings):
    """Encodes queries and documents with the model's prompts.

    A vector is a list of floats, ``[dim]`` per text. A pickle holds the configuration of the
    encoder, and whoever reads it loads the model again; see
    `holotype.adapters.identity.load_again`.

    Attributes:
        encoder: the encoder.
        instruction: the task description for prompts that take one.
    """

    def __init__(self, encoder: DenseEncoder, *, instruction: str | None = None) -> None:
        """Wrap a loaded encoder.

        Raises:
            TypeError: it is no dense encoder.
        """
        require_dense(encoder)
        self.encoder = encoder
        self.instruction = instruction

    @property
    def cache_namespace(self) -> str:
        """A namespace for caches of vectors, such as those of LangChain's `CacheBackedEmbeddings`.

        It differs wherever the checkpoint, the record, the dimensions, the type, the backend or the
        instruction does. The weights are read once for it. Documents and queries need namespaces of
        their own beside it: their prompts differ.
        """
        return f"{self.encoder.record.id}-{short_digest(identity(self.encoder, self.instruction))}"

    def __reduce__(self) -> tuple[object, ...]:
        """Send the configuration to another process, which loads the model again."""
        return _wrap_again, (type(self), self.encoder.config, self.instruction)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector per document, in order.

        Raises:
            TypeError: it is one text, no sequence of texts, or something in it is not a string.
        """
        documents = several_texts(texts)
        given = self.instruction
        if not self.encoder.encoding.document_prompt.takes_instruction:
            given = None
        vectors: list[list[float]]
        vectors = self.encoder.encode_document(documents, instruction=given).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a query.

        Raises:
            TypeError: it is not a string.
        """
        check_string(text, "the query")
        vector: list[float]
        vector = self.encoder.encode_query(text, instruction=self.instruction).tolist()
        return vector


def _wrap_again(
    kind: type[HolotypeEmbeddings], config: ModelConfig[AnyDenseModel], instruction: str | None
) -> HolotypeEmbeddings:
    return kind(load_again(config), instruction=instruction)
