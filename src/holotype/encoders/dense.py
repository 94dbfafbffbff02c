"""Dense encoders: one vector for a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.batching import Row
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Encoder
from holotype.encoders.encoding import DenseEncoding
from holotype.encoders.modules import PoolingSpec
from holotype.encoders.network import Network
from holotype.encoders.texts import OnOverflow, as_list, check_batch_size, report_overflow
from holotype.encoders.tokenization import TokenizedText
from holotype.records import AnyDenseModel

Vectors: TypeAlias = NDArray[np.float32]


class DenseEncoder(Encoder[AnyDenseModel]):
    """Turns texts into vectors, one for each, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays, in the order of the texts.

    Attributes:
        encoding: pooling, prompts and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self,
        config: ModelConfig[AnyDenseModel],
        encoding: DenseEncoding,
        network: Network,
    ) -> None:
        """Take a model whose parts have been loaded; `holotype.encoders.load` does that.

        Raises:
            ValueError: the model's length leaves no room for text.
        """
        network.tokenizer.require_room(encoding.max_length)
        super().__init__(config, network)
        self.encoding = encoding
        self._prompt_counts = all(
            layer.with_prompt for layer in encoding.layers if isinstance(layer, PoolingSpec)
        )

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.config.dim or self.encoding.native_dim

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None where nothing limits it."""
        return self.encoding.max_length

    def encode_query(
        self,
        texts: str | Sequence[str],
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> Vectors:
        """Encode queries, with the model's prompt for queries before each.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt has a place for it.
            batch_size: how many texts the model reads at once.
            on_overflow: what happens to texts longer than `max_length`: ``"warn"`` cuts them and
                warns once with the number of texts and tokens, ``"truncate"`` cuts them without a
                word, ``"error"`` refuses.

        Returns:
            float32 ``[dim]`` for one query, ``[n_queries, dim]`` for several.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
            TextOverflowError: a text is too long, and `on_overflow` is ``"error"``.
        """
        prompt = self.encoding.query_prompt.fill(self.record.id, instruction)
        return self._encode(texts, prompt, batch_size, on_overflow)

    def encode_document(
        self,
        texts: str | Sequence[str],
        *,
        instruction: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> Vectors:
        """Encode documents, with the model's prompt for documents before each.

        Arguments, errors and the shape of the result are those of `encode_query`.
        """
        prompt = self.encoding.document_prompt.fill(self.record.id, instruction)
        return self._encode(texts, prompt, batch_size, on_overflow)

    def encode(
        self,
        texts: str | Sequence[str],
        *,
        prompt: str | None = None,
        batch_size: int = 32,
        on_overflow: OnOverflow = "warn",
    ) -> Vectors:
        """Encode texts that are neither queries nor documents, without a prompt.

        Args:
            texts: one text or several.
            prompt: what is put before every text; None means nothing, or the default prompt in
                the few checkpoints that name one.
            batch_size: how many texts the model reads at once.
            on_overflow: see `encode_query`.

        Returns:
            float32 ``[dim]`` for one text, ``[n_texts, dim]`` for several.
        """
        chosen = self.encoding.default_prompt if prompt is None else prompt
        return self._encode(texts, chosen, batch_size, on_overflow)

    def similarity(self, queries: Vectors, documents: Vectors) -> Vectors:
        """Score every query against every document, by the function that the model is made for.

        Args:
            queries: ``[n_queries, dim]``, or ``[dim]`` for one.
            documents: ``[n_documents, dim]``, or ``[dim]`` for one.

        Returns:
            float32 ``[n_queries, n_documents]``; more is nearer. Cosines are in -1 to 1.
        """
        left, right = np.atleast_2d(queries), np.atleast_2d(documents)
        if self.encoding.similarity == "cosine":
            left, right = _unit(left), _unit(right)
        scores: Vectors = np.asarray(left @ right.T, dtype=np.float32)
        return scores

    def _encode(
        self, texts: str | Sequence[str], prompt: str, batch_size: int, on_overflow: OnOverflow
    ) -> Vectors:
        check_batch_size(batch_size)
        tokenizer, max_length = self._network.tokenizer, self.encoding.max_length
        whole = [prompt + text for text in as_list(texts)]
        tokenized = list(tokenizer.encode(whole, max_length=max_length))
        report_overflow(tokenized, on_overflow, model_id=self.record.id, max_length=max_length)
        n_uncounted = 0
        if prompt and not self._prompt_counts:
            n_uncounted = tokenizer.count_leading_tokens(prompt)
        rows = [_row(text, n_uncounted) for text in tokenized]
        vectors = np.empty((len(rows), self.dim), dtype=np.float32)
        for positions, batch, _ in self._network.run(rows, batch_size):
            vectors[positions] = batch
        return vectors[0] if isinstance(texts, str) else vectors

    def __repr__(self) -> str:
        """Show what decides the vectors and where they are made."""
        pooling = "+".join(
            mode
            for layer in self.encoding.layers
            if isinstance(layer, PoolingSpec)
            for mode in layer.modes
        )
        return (
            f"DenseEncoder({self.record.id!r}, dim={self.dim}, pooling={pooling!r}, "
            f"normalized={self.encoding.normalized}, similarity={self.encoding.similarity!r}, "
            f"max_length={self.max_length}, device={self.device!r}, dtype={self.dtype!r})"
        )


def _row(text: TokenizedText, n_uncounted: int) -> Row:
    n_tokens = len(text.ids)
    counted = [position >= n_uncounted for position in range(n_tokens)]
    return Row(text.ids, text.type_ids, [True] * n_tokens, counted)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, 1e-12)
    return unit
