"""ColBERT encoders: one vector for every token, compared by MaxSim."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.rows import Reading
from holotype.encoders.inputs.sides import SideReader
from holotype.encoders.kinds.plan import ColbertPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, SideName, settings_of
from holotype.encoders.running.network import Output, Towers
from holotype.encoders.running.pipeline import Task
from holotype.encoders.vectors.quantization import Calibration, dequantize
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import maxsim, maxsim_pairwise
from holotype.encoders.vectors.token_pooling import finished, import_clustering
from holotype.records import AnyColbertModel

TokenVectors: TypeAlias = NDArray[np.float32]
ManyTokenVectors: TypeAlias = Ragged[Any] | Sequence[NDArray[Any]] | NDArray[Any]


class ColbertEncoder(Encoder[AnyColbertModel]):
    """Turns texts into vectors, one for every token, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays ``[n_tokens, dim]``, one for
    each text, in the order of the texts; for several texts they lie end to end in a `Ragged`.

    Attributes:
        encoding: markers, lengths and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self, config: ModelConfig[AnyColbertModel], plan: ColbertPlan, towers: Towers, build: Build
    ) -> None:
        """Take a model whose parts have been loaded; `holotype.encoders.load` does that.

        Raises:
            CheckpointError: a marker is no token of the checkpoint.
            ValueError: a length leaves no room for text.
            MissingExtraError: the checkpoint merges tokens, and scipy is not installed.
        """
        encoding = plan.encoding
        if encoding.token_pooling is not None:
            import_clustering("a model that merges its tokens")
        super().__init__(config, plan, towers, build)
        self.encoding = encoding
        tokenizer, model_id = towers.document.tokenizer, config.record.id
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

    # A string is an iterable of strings, too; the first overload that fits is meant.
    @overload
    def encode_query(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> TokenVectors: ...
    @overload
    def encode_query(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Ragged[np.float32]: ...
    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> TokenVectors | Ragged[np.float32]:
        """Encode queries, with prompt, marker and expansion as the model has them.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt has a place for it.
            options: see `EncodeOptions`; what limits the length is `query_length`.

        Returns:
            float32 ``[n_tokens, dim]`` for one query, a `Ragged` sequence of these for several.
            Where queries are expanded, all have as many tokens as the expansion says.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
            TextOverflowError: a text is too long, and `on_overflow` is ``"error"``.
            ClosedEncoderError: the encoder has been closed.
        """
        prompt = self.encoding.query.prompt.fill(self.record.id, instruction)
        return self._encode(texts, self._task(self._query, prompt), settings_of(**options))

    @overload
    def encode_document(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> TokenVectors: ...
    @overload
    def encode_document(
        self,
        texts: Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Ragged[np.float32]: ...
    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> TokenVectors | Ragged[np.float32]:
        """Encode documents, with prompt and marker, and without the tokens of the skiplist.

        Arguments, errors and the form of the result are those of `encode_query`; what limits the
        length is `document_length`.
        """
        prompt = self.encoding.document.prompt.fill(self.record.id, instruction)
        return self._encode(texts, self._task(self._document, prompt), settings_of(**options))

    @overload
    def encode(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> TokenVectors: ...
    @overload
    def encode(
        self,
        texts: Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Ragged[np.float32]: ...
    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> TokenVectors | Ragged[np.float32]:
        """Encode texts without a marker or an expansion; retrieval needs the other two methods.

        Args:
            texts: one text or several.
            prompt: what is put before every text; None means nothing, or the default prompt in
                the few checkpoints that name one.
            options: see `EncodeOptions`; what limits the length is `max_length`.

        Returns:
            float32 ``[n_tokens, dim]`` for one text, a `Ragged` sequence of these for several;
            the tokens of the documents' skiplist are left out.
        """
        chosen = self.encoding.plain.prompt.text if prompt is None else prompt
        return self._encode(texts, self._task(self._plain, chosen), settings_of(**options))

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[Ragged[np.float32], None, None]:
        """Encode texts as they come, in bounded memory.

        Args:
            texts: any number of texts; they are pulled 1,024 at a time at most.
            side: whether they are queries, documents or neither.
            instruction: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A generator of `Ragged` sequences, in the order of the texts; `close` stops it.
        """
        reader = {"query": self._query, "document": self._document, "text": self._plain}[side]
        prompt = reader.side.prompt.fill(self.record.id, instruction)
        task = self._task(reader, prompt)
        return self._stream(texts, task, settings_of(**options))

    def similarity(
        self,
        queries: ManyTokenVectors,
        documents: ManyTokenVectors,
        *,
        calibration: Calibration | None = None,
    ) -> TokenVectors:
        """Score every query against every document by MaxSim.

        Args:
            queries: what `encode_query` returns, or a sequence of arrays ``[n_tokens, dim]``;
                quantised ones are scored by what they stand for, see `dequantize`.
            documents: the same of documents.
            calibration: the ranges of int8 and uint8.

        Returns:
            float32 ``[n_queries, n_documents]``; more is nearer. Sums over a query's tokens, so
            that scores of different queries do not compare.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return maxsim(left, right)

    def similarity_pairwise(
        self,
        queries: ManyTokenVectors,
        documents: ManyTokenVectors,
        *,
        calibration: Calibration | None = None,
    ) -> TokenVectors:
        """Score every query against the document at its own position: float32 ``[n_queries]``.

        Arguments are those of `similarity`.

        Raises:
            ValueError: there are not as many documents as queries.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return maxsim_pairwise(left, right)

    def _floats(
        self, vectors: ManyTokenVectors, calibration: Calibration | None
    ) -> Ragged[np.float32]:
        if isinstance(vectors, np.ndarray) and vectors.ndim == 2:
            vectors = [vectors]
        several = vectors
        if not isinstance(several, Ragged):
            several = Ragged.from_arrays(several, dim=self.dim)
        values = dequantize(several.values, dim=self.dim, calibration=calibration)
        return several.with_values(values)

    def _encode(
        self,
        texts: str | Iterable[str],
        task: Task[str, Ragged[np.float32]],
        settings: EncodeSettings,
    ) -> TokenVectors | Ragged[np.float32]:
        windows = list(self._stream(texts, task, settings))
        if isinstance(texts, str):
            return windows[0][0]
        return Ragged.concatenate(windows or [Ragged.from_arrays([], dim=self.dim)])

    def _task(self, reader: SideReader, prompt: str) -> Task[str, Ragged[np.float32]]:
        tokenizer, width = self._tokenizer(), self.encoding.network_dim(self.config.dim)

        def read(texts: Sequence[str]) -> Reading:
            return reader.read([prompt + text for text in texts], tokenizer)

        def collect(n_texts: int, outputs: Iterator[Output]) -> Ragged[np.float32]:
            found = [np.empty((0, width), dtype=np.float32)] * n_texts
            for positions, batch, counted in outputs:
                for position, vectors, mask in zip(positions, batch, counted, strict=True):
                    found[position] = vectors[mask]
            return finished(
                Ragged.from_arrays(found, dim=width),
                self.encoding.token_pooling,
                side=reader.side.name,
                dim=self.dim,
                normalized=self.encoding.normalized,
            )

        return Task(
            model_id=self.record.id,
            max_length=reader.side.max_length,
            read=read,
            collect=collect,
            n_characters=len,
        )

    def __repr__(self) -> str:
        """Show what decides the vectors and where they are made."""
        expansion = self.encoding.expansion
        return (
            f"ColbertEncoder({self.record.id!r}, dim={self.dim}, "
            f"query_length={self.query_length}, document_length={self.document_length}, "
            f"query_expansion={expansion.length if expansion else None}, "
            f"normalized={self.encoding.normalized}, device={self.device!r}, dtype={self.dtype!r})"
        )
