"""ColBERT encoders: one vector for every token, compared by MaxSim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.colbert_encoding import ColbertEncoding
from holotype.encoders.colbert_rows import SideReader
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Encoder
from holotype.encoders.maxsim import maxsim
from holotype.encoders.network import Network
from holotype.encoders.texts import OnOverflow, as_list, check_batch_size, report_overflow
from holotype.records import AnyColbertModel

TokenVectors: TypeAlias = NDArray[np.float32]


class ColbertEncoder(Encoder[AnyColbertModel]):
    """Turns texts into vectors, one for every token, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays ``[n_tokens, dim]``, one for
    each text, in the order of the texts.

    Attributes:
        encoding: markers, lengths and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self,
        config: ModelConfig[AnyColbertModel],
        encoding: ColbertEncoding,
        network: Network,
    ) -> None:
        """Take a model whose parts have been loaded; `holotype.encoders.load` does that.

        Raises:
            CheckpointError: a marker is no token of the checkpoint.
            ValueError: a length leaves no room for text.
        """
        super().__init__(config, network)
        self.encoding = encoding
        tokenizer, model_id = network.tokenizer, config.record.id
        self._query = SideReader(model_id, encoding.query, tokenizer, encoding.expansion)
        self._document = SideReader(model_id, encoding.document, tokenizer)
        self._plain = SideReader(model_id, encoding.plain, tokenizer)

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.config.dim or self.encoding.native_dim

    @property
    def query_length(self) -> int | None:
        """The longest query in tokens, with special tokens and marker; None for no limit."""
        return self.encoding.query.max_length

    @property
    def document_length(self) -> int | None:
        """The longest document in tokens, with special tokens and marker; None for no limit."""
        return self.encoding.document.max_length

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens that the transformer reads; None for no limit."""
        return self.encoding.plain.max_length

    @overload
    def encode_query(
        self,
        texts: str,
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> TokenVectors: ...
    @overload
    def encode_query(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> list[TokenVectors]: ...
    def encode_query(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> TokenVectors | list[TokenVectors]:
        """Encode queries, with prompt, marker and expansion as the model has them.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt has a place for it.
            batch_size: how many texts the model reads at once.
            on_overflow: what happens to texts longer than `query_length`: ``"warn"`` cuts them
                and warns once with the number of texts and tokens, ``"truncate"`` cuts them
                without a word, ``"error"`` refuses.

        Returns:
            float32 ``[n_tokens, dim]`` for one query, a list of these for several. Where queries
            are expanded, all have as many tokens as the expansion says.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
            TextOverflowError: a text is too long, and `on_overflow` is ``"error"``.
        """
        prompt = self.encoding.query.prompt.fill(self.record.id, instruction)
        return self._encode(texts, self._query, prompt, batch_size, on_overflow)

    @overload
    def encode_document(
        self,
        texts: str,
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> TokenVectors: ...
    @overload
    def encode_document(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> list[TokenVectors]: ...
    def encode_document(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> TokenVectors | list[TokenVectors]:
        """Encode documents, with prompt and marker, and without the tokens of the skiplist.

        Arguments, errors and the form of the result are those of `encode_query`; what limits the
        length is `document_length`.
        """
        prompt = self.encoding.document.prompt.fill(self.record.id, instruction)
        return self._encode(texts, self._document, prompt, batch_size, on_overflow)

    @overload
    def encode(
        self,
        texts: str,
        *,
        prompt: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> TokenVectors: ...
    @overload
    def encode(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        prompt: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> list[TokenVectors]: ...
    def encode(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        prompt: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> TokenVectors | list[TokenVectors]:
        """Encode texts without a marker or an expansion; retrieval needs the other two methods.

        Args:
            texts: one text or several.
            prompt: what is put before every text; None means nothing, or the default prompt in
                the few checkpoints that name one.
            batch_size: how many texts the model reads at once.
            on_overflow: see `encode_query`; what limits the length is `max_length`.

        Returns:
            float32 ``[n_tokens, dim]`` for one text, a list of these for several; the tokens of
            the documents' skiplist are left out.
        """
        chosen = self.encoding.plain.prompt.text if prompt is None else prompt
        return self._encode(texts, self._plain, chosen, batch_size, on_overflow)

    def similarity(
        self,
        queries: TokenVectors | Sequence[TokenVectors],
        documents: TokenVectors | Sequence[TokenVectors],
    ) -> NDArray[np.float32]:
        """Score every query against every document by MaxSim.

        Args:
            queries: ``[n_tokens, dim]`` each, or one of these alone.
            documents: ``[n_tokens, dim]`` each, or one of these alone.

        Returns:
            float32 ``[n_queries, n_documents]``; more is nearer. Sums over a query's tokens, so
            that scores of different queries do not compare.
        """
        return maxsim(_several(queries), _several(documents))

    def _encode(
        self,
        texts: str | list[str] | tuple[str, ...],
        side: SideReader,
        prompt: str,
        batch_size: int,
        on_overflow: OnOverflow,
    ) -> TokenVectors | list[TokenVectors]:
        check_batch_size(batch_size)
        tokenized = side.tokenize([prompt + text for text in as_list(texts)])
        report_overflow(tokenized, on_overflow, model_id=self.record.id, max_length=side.max_length)
        rows = [side.row(text) for text in tokenized]
        found: list[TokenVectors] = [np.empty((0, self.dim), dtype=np.float32)] * len(rows)
        for positions, batch, counted in self._network.run(rows, batch_size):
            for position, vectors, mask in zip(positions, batch, counted, strict=True):
                found[position] = vectors[mask]
        return found[0] if isinstance(texts, str) else found

    def __repr__(self) -> str:
        """Show what decides the vectors and where they are made."""
        expansion = self.encoding.expansion
        return (
            f"ColbertEncoder({self.record.id!r}, dim={self.dim}, "
            f"query_length={self.query_length}, document_length={self.document_length}, "
            f"query_expansion={expansion.length if expansion else None}, "
            f"normalized={self.encoding.normalized}, device={self.device!r}, dtype={self.dtype!r})"
        )


def _several(vectors: TokenVectors | Sequence[TokenVectors]) -> Sequence[TokenVectors]:
    if isinstance(vectors, np.ndarray) and vectors.ndim == 2:
        return [vectors]
    return list(vectors)
