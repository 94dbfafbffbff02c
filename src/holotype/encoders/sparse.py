"""Sparse encoders: weights for some words of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arguments import as_count
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder, shown_prompts
from holotype.encoders.inputs.sides import readers_of
from holotype.encoders.kinds.plan import SparsePlan
from holotype.encoders.options import SideName
from holotype.encoders.running.network import Towers
from holotype.encoders.text_encoder import SparseTextEncoder
from holotype.encoders.vectors.similarity import refuse_texts, shown
from holotype.encoders.vectors.sparse import (
    SparseVector,
    SparseVectors,
    lengths,
    pairwise_products,
    products,
    rescaled,
)
from holotype.errors import InvalidArgumentError
from holotype.records import SparseModel

OneOrManySparse: TypeAlias = SparseVector | SparseVectors
Decoded: TypeAlias = list[tuple[str, float]]


class SparseEncoder(Encoder[SparseModel], SparseTextEncoder[SparseVector, SparseVectors]):
    """Turns texts into weights for the words of a vocabulary, as the model's authors do.

    Safe to share between threads. The result is a `SparseVector` for one text, and `SparseVectors`
    for several, in the order of the texts; weights are float32. Queries either get the model's
    prompt or look their weights up in its token table.

    Attributes:
        encoding: pooling, activation and the other settings from the record and the checkpoint.
    """

    def __init__(
        self, config: ModelConfig[SparseModel], plan: SparsePlan, towers: Towers, build: Build
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Args:
            config: the record and how it is run.
            plan: how to run it, as the record and the checkpoint say.
            towers: the loaded weights and their tokenizers.
            build: loads the weights again, on another device.

        Raises:
            ValueError: the model's maximum length leaves no room for text.
        """
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._readers = readers_of(plan, towers.query.tokenizer, towers.document.tokenizer)

    @property
    def dim(self) -> int:
        """The size of the vocabulary, which is the width of the vectors."""
        return self.encoding.dim

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None for no limit."""
        return self.encoding.max_length

    def similarity(
        self, queries: OneOrManySparse, documents: OneOrManySparse
    ) -> NDArray[np.float32]:
        """Score every query against every document, with the model's own similarity function.

        Args:
            queries: the result of `encode_query`.
            documents: the result of `encode_document`.

        Returns:
            float32 ``[n_queries, n_documents]``; higher is closer.

        Raises:
            ValueError: a weight is NaN or infinite.
        """
        left, right = self._comparable(queries), self._comparable(documents)
        scores = products(left, right)
        if self.encoding.similarity == "cosine":
            scores /= np.maximum(np.outer(lengths(left), lengths(right)), 1e-12)
        return scores

    def similarity_pairwise(
        self, queries: OneOrManySparse, documents: OneOrManySparse
    ) -> NDArray[np.float32]:
        """Score each query against the document at the same position: float32 ``[n_queries]``.

        Raises:
            ValueError: the numbers of queries and documents differ, or a weight is NaN or infinite.
        """
        left, right = self._comparable(queries), self._comparable(documents)
        scores = pairwise_products(left, right)
        if self.encoding.similarity == "cosine":
            scores /= np.maximum(lengths(left) * lengths(right), 1e-12)
        return scores

    def _comparable(self, vectors: OneOrManySparse) -> SparseVectors:
        found = _several(vectors)
        return rescaled(found) if self.encoding.similarity == "cosine" else found

    @overload
    def decode(self, vectors: SparseVector, top_k: int | None = None) -> Decoded: ...
    @overload
    def decode(self, vectors: SparseVectors, top_k: int | None = None) -> list[Decoded]: ...
    def decode(self, vectors: OneOrManySparse, top_k: int | None = None) -> Decoded | list[Decoded]:
        """Return the weighted words, heaviest first.

        Args:
            vectors: one or several results of this encoder.
            top_k: how many words to return for each; None returns all.

        Returns:
            A list of pairs of token and weight for one vector, a list of such lists for several.

        Raises:
            InvalidArgumentError: `top_k` is not positive.
        """
        top_k = as_count("top_k", top_k)
        if isinstance(vectors, SparseVector):
            return self._decode(vectors, top_k)
        return [self._decode(vector, top_k) for vector in vectors]

    def _decode(self, vector: SparseVector, top_k: int | None) -> Decoded:
        order = np.argsort(-vector.values, kind="stable")[:top_k]
        tokenizer = self._towers.document.tokenizer
        return [
            (tokenizer.token(int(vector.indices[at])) or "", float(vector.values[at]))
            for at in order
        ]

    def _collector(self, side: SideName, top_k: int | None, n_texts: int) -> _WordCollector:
        kept = top_k or self.encoding.max_active_dims
        return _WordCollector(n_texts, dim=self.dim, top_k=kept)

    def _concatenate(self, windows: Sequence[SparseVectors]) -> SparseVectors:
        return SparseVectors.concatenate(windows)

    def __repr__(self) -> str:
        """Show the settings that determine the weights, and the device."""
        encoding = self.encoding
        prompts = shown_prompts(
            encoding.query_prompt, encoding.document_prompt, encoding.default_prompt
        )
        return (
            f"SparseEncoder({self.record.id!r}, dim={self.dim}, pooling={encoding.pooling!r}, "
            f"activation={encoding.activation!r}, similarity={encoding.similarity!r}, "
            f"looks_queries_up={encoding.looks_queries_up}, {prompts}, "
            f"max_length={self.max_length}, device={self.device!r}, dtype={self.dtype!r})"
        )


class _WordCollector:
    """Collects word weights; each batch drops its zeros at once."""

    def __init__(self, n_texts: int, *, dim: int, top_k: int | None) -> None:
        """Allocate room for the texts of a window.

        Args:
            n_texts: how many texts there are.
            dim: the size of the vocabulary.
            top_k: how many of the largest weights to keep; None keeps all.
        """
        self._dim = dim
        self._top_k = top_k
        none = SparseVector(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32), dim)
        self._texts = [none] * n_texts

    def add(
        self, positions: Sequence[int], found: NDArray[np.float32], counted: NDArray[np.bool_]
    ) -> None:
        """Add the weights of a batch, ``[n_rows, dim]``; see `Collector.add`."""
        rows = SparseVectors.from_dense(found, top_k=self._top_k)
        for position, row in zip(positions, rows, strict=True):
            self._texts[position] = row

    def first_not_finite(self) -> int | None:
        """Return the position of the first text with NaN or infinity."""
        wrong = (at for at, row in enumerate(self._texts) if not np.isfinite(row.values).all())
        return next(wrong, None)

    def result(self) -> SparseVectors:
        """Return the weights of all texts."""
        return SparseVectors.from_rows(self._texts, dim=self._dim)


def _several(vectors: OneOrManySparse) -> SparseVectors:
    refuse_texts(vectors)
    if isinstance(vectors, SparseVectors):
        return vectors
    if isinstance(vectors, SparseVector):
        return SparseVectors.from_rows([vectors], dim=vectors.dim)
    raise InvalidArgumentError(
        "similarity of sparse vectors compares what encode_query and encode_document return, "
        f"not {shown(vectors)}; make it of other arrays with SparseVectors.from_dense, from_scipy or from_rows"
    )
