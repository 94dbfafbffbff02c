"""Dense encoders: one vector for a text."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.checkpoints.modules import PoolingSpec
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.tokenizer import TextTokenizer, TokenizedText
from holotype.encoders.kinds.dense import DenseEncoding, side_of
from holotype.encoders.kinds.plan import DensePlan, StaticPlan
from holotype.encoders.kinds.prompts import prompt_of
from holotype.encoders.options import EncodeOptions, EncodeSettings, SideName, settings_of
from holotype.encoders.running.network import Output, Towers
from holotype.encoders.running.pipeline import Task
from holotype.encoders.vectors.quantization import Calibration, dequantize
from holotype.encoders.vectors.similarity import Vectors, all_pairs, pairwise
from holotype.records import AnyDenseModel


class DenseEncoder(Encoder[AnyDenseModel]):
    """Turns texts into vectors, one for each, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays, in the order of the texts.

    Attributes:
        encoding: pooling, prompts and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self,
        config: ModelConfig[AnyDenseModel],
        plan: DensePlan | StaticPlan,
        towers: Towers,
        build: Build,
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
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        towers.document.tokenizer.require_room(self.encoding.max_length)
        towers.query.tokenizer.require_room(side_of(self.encoding, "query").max_length)

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.config.dim or self.encoding.native_dim

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None where nothing limits it.

        Where queries are read by modules of their own, it is the longest document.
        """
        return self.encoding.max_length

    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Vectors:
        """Encode queries, with the model's prompt for queries before each.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt has a place for it.
            options: see `EncodeOptions`; what limits the length is `max_length`.

        Returns:
            float32 ``[dim]`` for one query, ``[n_queries, dim]`` for several.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
            TextOverflowError: a text is too long, and `on_overflow` is ``"error"``.
            ClosedEncoderError: the encoder has been closed.
        """
        return self._encode(
            "query", texts, self._prompt("query", instruction), settings_of(**options)
        )

    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Vectors:
        """Encode documents, with the model's prompt for documents before each.

        Arguments, errors and the shape of the result are those of `encode_query`.
        """
        prompt = self._prompt("document", instruction)
        return self._encode("document", texts, prompt, settings_of(**options))

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Vectors:
        """Encode texts that are neither queries nor documents, without a prompt.

        Args:
            texts: one text or several.
            prompt: what is put before every text; None means nothing, or the default prompt in
                the few checkpoints that name one.
            options: see `EncodeOptions`.

        Returns:
            float32 ``[dim]`` for one text, ``[n_texts, dim]`` for several.
        """
        chosen = self._prompt("text", None) if prompt is None else prompt
        return self._encode("text", texts, chosen, settings_of(**options))

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[Vectors, None, None]:
        """Encode texts as they come, in bounded memory.

        Args:
            texts: any number of texts; they are pulled 1,024 at a time at most.
            side: whether they are queries, documents or neither.
            instruction: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A generator of float32 ``[n_texts, dim]``, in the order of the texts; `close` stops it.
        """
        return self._stream_of(side, texts, self._prompt(side, instruction), settings_of(**options))

    def similarity(
        self,
        queries: NDArray[Any],
        documents: NDArray[Any],
        *,
        calibration: Calibration | None = None,
    ) -> Vectors:
        """Score every query against every document, by the function that the model is made for.

        Quantised vectors are scored by what they stand for, see `dequantize`; either side may be
        quantised. Two sides of bits rank by the Hamming distance: their cosine is
        ``1 - 2 * distance / dim``.

        Args:
            queries: ``[n_queries, dim]``, or ``[dim]`` for one; for bits ``ceil(dim / 8)`` bytes.
            documents: the same of documents.
            calibration: the ranges of int8 and uint8.

        Returns:
            float32 ``[n_queries, n_documents]``; more is nearer. Cosines are in -1 to 1.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return all_pairs(left, right, function=self.encoding.similarity)

    def similarity_pairwise(
        self,
        queries: NDArray[Any],
        documents: NDArray[Any],
        *,
        calibration: Calibration | None = None,
    ) -> Vectors:
        """Score every query against the document at its own position: float32 ``[n_queries]``.

        Arguments are those of `similarity`.

        Raises:
            ValueError: there are not as many documents as queries.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return pairwise(left, right, function=self.encoding.similarity)

    def _floats(self, vectors: NDArray[Any], calibration: Calibration | None) -> Vectors:
        return dequantize(np.atleast_2d(vectors), dim=self.dim, calibration=calibration)

    def _prompt(self, side: SideName, instruction: str | None) -> str:
        return prompt_of(self.encoding, side, self.record.id, instruction)

    def _stream_of(
        self, side: SideName, texts: str | Iterable[str], prompt: str, settings: EncodeSettings
    ) -> Generator[Vectors, None, None]:
        read_as = self.encoding.text_side if side == "text" else side
        tokenizer = self._tokenizer(read_as)
        task = self._task(side_of(self.encoding, read_as), tokenizer, prompt)
        return self._stream(texts, task, settings, read_as)

    def _encode(
        self, side: SideName, texts: str | Iterable[str], prompt: str, settings: EncodeSettings
    ) -> Vectors:
        windows = list(self._stream_of(side, texts, prompt, settings))
        if isinstance(texts, str):
            vector: Vectors = windows[0][0]
            return vector
        return np.concatenate(windows) if windows else np.empty((0, self.dim), dtype=np.float32)

    def _task(
        self, encoding: DenseEncoding, tokenizer: TextTokenizer, prompt: str
    ) -> Task[str, Vectors]:
        n_uncounted, max_length = 0, encoding.max_length
        if prompt and not encoding.counts_prompt:
            n_uncounted = tokenizer.count_leading_tokens(prompt)

        def read(texts: Sequence[str]) -> Reading:
            whole = [prompt + text for text in texts]
            tokenized = list(tokenizer.encode(whole, max_length=max_length))
            rows = [_row(text, n_uncounted) for text in tokenized]
            return Reading(rows, [text.n_cut for text in tokenized])

        def collect(n_texts: int, outputs: Iterator[Output]) -> Vectors:
            vectors = np.empty((n_texts, self.dim), dtype=np.float32)
            for positions, batch, _ in outputs:
                vectors[positions] = batch
            return vectors

        return Task(
            model_id=self.record.id,
            max_length=max_length,
            read=read,
            collect=collect,
            n_characters=len,
        )

    def __repr__(self) -> str:
        """Show what decides the vectors and where they are made."""
        queries = self.encoding.queries
        own = "" if queries is None else f"query_pooling={_pooling(queries)!r}, "
        return (
            f"DenseEncoder({self.record.id!r}, dim={self.dim}, pooling={_pooling(self.encoding)!r}, {own}"
            f"normalized={self.encoding.normalized}, similarity={self.encoding.similarity!r}, "
            f"max_length={self.max_length}, device={self.device!r}, dtype={self.dtype!r})"
        )


def _pooling(encoding: DenseEncoding) -> str:
    poolings = [layer for layer in encoding.layers if isinstance(layer, PoolingSpec)]
    return "+".join(mode for pooling in poolings for mode in pooling.modes)


def _row(text: TokenizedText, n_uncounted: int) -> Row:
    n_tokens = len(text.ids)
    counted = [position >= n_uncounted for position in range(n_tokens)]
    return Row(text.ids, text.type_ids, [True] * n_tokens, counted)
