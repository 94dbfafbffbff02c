"""Sparse encoders: a weight for some words of the vocabulary."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TypeAlias, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.tokenizer import TokenizedText
from holotype.encoders.kinds.plan import SparsePlan
from holotype.encoders.kinds.prompts import prompt_of
from holotype.encoders.options import EncodeOptions, EncodeSettings, SideName, TextSide, settings_of
from holotype.encoders.running.network import Output, Towers
from holotype.encoders.running.pipeline import Task
from holotype.encoders.vectors.sparse import (
    SparseVector,
    SparseVectors,
    lengths,
    pairwise_products,
    products,
)
from holotype.records import SparseModel

OneOrManySparse: TypeAlias = SparseVector | SparseVectors
Decoded: TypeAlias = list[tuple[str, float]]


class SparseEncoder(Encoder[SparseModel]):
    """Turns texts into weights of the words of a vocabulary, as the model's authors do.

    Safe to share between threads. Results are float32, in the order of the texts.

    Attributes:
        encoding: pooling, activation and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self, config: ModelConfig[SparseModel], plan: SparsePlan, towers: Towers, build: Build
    ) -> None:
        """Take a model whose parts have been loaded; `holotype.encoders.load` does that.

        Args:
            config: the record and how it is run.
            plan: what the record and the checkpoint agreed on.
            towers: what runs.
            build: loads the weights once more, on another device.

        Raises:
            ValueError: the model's length leaves no room for text.
        """
        towers.document.tokenizer.require_room(plan.encoding.max_length)
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding

    @property
    def dim(self) -> int:
        """The size of the vocabulary, which is the width of the vectors."""
        return self.encoding.dim

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None where nothing limits it."""
        return self.encoding.max_length

    # A string is an iterable of strings, too; the first overload that fits is meant.
    @overload
    def encode_query(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> SparseVector: ...
    @overload
    def encode_query(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> SparseVectors: ...
    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneOrManySparse:
        """Encode queries: with the model's prompt, or from its table of tokens.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt has a place for it.
            top_k: how many of the largest weights are kept; None keeps as many as the checkpoint
                says, which is mostly all.
            options: see `EncodeOptions`; what limits the length is `max_length`.

        Returns:
            A `SparseVector` for one query, `SparseVectors` for several.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
            TextOverflowError: a text is too long, and `on_overflow` is ``"error"``.
            ClosedEncoderError: the encoder has been closed.
        """
        prompt = self._prompt("query", instruction)
        return self._encode(texts, "query", prompt, top_k, settings_of(**options))

    @overload
    def encode_document(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> SparseVector: ...
    @overload
    def encode_document(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> SparseVectors: ...
    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneOrManySparse:
        """Encode documents, with the model's prompt for documents before each.

        Arguments, errors and the form of the result are those of `encode_query`.
        """
        prompt = self._prompt("document", instruction)
        return self._encode(texts, "document", prompt, top_k, settings_of(**options))

    @overload
    def encode(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> SparseVector: ...
    @overload
    def encode(
        self,
        texts: Iterable[str],
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> SparseVectors: ...
    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> OneOrManySparse:
        """Encode texts that are neither queries nor documents, without a prompt.

        Args:
            texts: one text or several.
            prompt: what is put before every text; None means nothing, or the default prompt in
                the few checkpoints that name one.
            top_k: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A `SparseVector` for one text, `SparseVectors` for several.
        """
        chosen = self._prompt("text", None) if prompt is None else prompt
        return self._encode(texts, "text", chosen, top_k, settings_of(**options))

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[SparseVectors, None, None]:
        """Encode texts as they come, in bounded memory.

        Args:
            texts: any number of texts; they are pulled some thousand at a time.
            side: whether they are queries, documents or neither.
            instruction: see `encode_query`.
            top_k: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A generator of `SparseVectors`, in the order of the texts; `close` stops it.
        """
        task = self._task(side, self._prompt(side, instruction), top_k)
        return self._stream(texts, task, settings_of(**options), self._read_as(side))

    def similarity(
        self, queries: OneOrManySparse, documents: OneOrManySparse
    ) -> NDArray[np.float32]:
        """Score every query against every document, by the function that the model is made for.

        Args:
            queries: what `encode_query` returns.
            documents: what `encode_document` returns.

        Returns:
            float32 ``[n_queries, n_documents]``; more is nearer.
        """
        left, right = _several(queries), _several(documents)
        scores = products(left, right)
        if self.encoding.similarity == "cosine":
            scores /= np.maximum(np.outer(lengths(left), lengths(right)), 1e-12)
        return scores

    def similarity_pairwise(
        self, queries: OneOrManySparse, documents: OneOrManySparse
    ) -> NDArray[np.float32]:
        """Score every query against the document at its own position: float32 ``[n_queries]``.

        Raises:
            ValueError: there are not as many documents as queries.
        """
        left, right = _several(queries), _several(documents)
        scores = pairwise_products(left, right)
        if self.encoding.similarity == "cosine":
            scores /= np.maximum(lengths(left) * lengths(right), 1e-12)
        return scores

    @overload
    def decode(self, vectors: SparseVector, top_k: int | None = None) -> Decoded: ...
    @overload
    def decode(self, vectors: SparseVectors, top_k: int | None = None) -> list[Decoded]: ...
    def decode(self, vectors: OneOrManySparse, top_k: int | None = None) -> Decoded | list[Decoded]:
        """Return the words that have a weight, heaviest first.

        Args:
            vectors: what this encoder returned, one or several.
            top_k: how many words are returned for each; None returns all.

        Returns:
            Pairs of a token and its weight, a list of them for every vector.

        Raises:
            ValueError: `top_k` is not positive.
        """
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is {top_k!r}; expected at least 1")
        if isinstance(vectors, SparseVector):
            return self._decode(vectors, top_k)
        return [self._decode(vector, top_k) for vector in vectors]

    def _decode(self, vector: SparseVector, top_k: int | None) -> Decoded:
        order = np.argsort(-vector.values, kind="stable")[:top_k]
        tokenizer = self._tokenizer()
        return [
            (tokenizer.token(int(vector.indices[at])) or "", float(vector.values[at]))
            for at in order
        ]

    def _prompt(self, side: SideName, instruction: str | None) -> str:
        return prompt_of(self.encoding, side, self.record.id, instruction)

    def _encode(
        self,
        texts: str | Iterable[str],
        side: SideName,
        prompt: str,
        top_k: int | None,
        settings: EncodeSettings,
    ) -> OneOrManySparse:
        task = self._task(side, prompt, top_k)
        windows = list(self._stream(texts, task, settings, self._read_as(side)))
        if isinstance(texts, str):
            return windows[0][0]
        return SparseVectors.concatenate(windows or [SparseVectors.from_rows([], dim=self.dim)])

    def _read_as(self, side: SideName) -> TextSide:
        return self.encoding.text_side if side == "text" else side

    def _task(self, side: SideName, prompt: str, top_k: int | None) -> Task[str, SparseVectors]:
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is {top_k!r}; expected at least 1")
        read_as = self._read_as(side)
        looked_up = self.encoding.looks_queries_up and read_as == "query"
        tokenizer, kept = self._tokenizer(read_as), top_k or self.encoding.max_active_dims
        max_length = self.encoding.query_length if looked_up else self.max_length
        # A table knows no special tokens.
        tokenize = tokenizer.encode_bare if looked_up else tokenizer.encode

        def read(texts: Sequence[str]) -> Reading:
            whole = [prompt + text for text in texts]
            tokenized = list(tokenize(whole, max_length=max_length))
            return Reading([_row(text) for text in tokenized], [text.n_cut for text in tokenized])

        def collect(n_texts: int, outputs: Iterator[Output]) -> SparseVectors:
            found: dict[int, SparseVector] = {}
            for positions, weights, _ in outputs:
                rows = SparseVectors.from_dense(weights, top_k=kept)
                found.update(zip(positions, rows, strict=True))
            return SparseVectors.from_rows([found[at] for at in range(n_texts)], dim=self.dim)

        return Task(
            model_id=self.record.id,
            max_length=max_length,
            read=read,
            collect=collect,
            n_characters=len,
        )

    def __repr__(self) -> str:
        """Show what decides the weights and where they are made."""
        encoding = self.encoding
        return (
            f"SparseEncoder({self.record.id!r}, dim={self.dim}, pooling={encoding.pooling!r}, "
            f"activation={encoding.activation!r}, similarity={encoding.similarity!r}, "
            f"looks_queries_up={encoding.looks_queries_up}, max_length={self.max_length}, "
            f"device={self.device!r}, dtype={self.dtype!r})"
        )


def _row(text: TokenizedText) -> Row:
    n_tokens = len(text.ids)
    return Row(text.ids, text.type_ids, [True] * n_tokens, [True] * n_tokens)


def _several(vectors: OneOrManySparse) -> SparseVectors:
    if isinstance(vectors, SparseVectors):
        return vectors
    return SparseVectors.from_rows([vectors], dim=vectors.dim)
