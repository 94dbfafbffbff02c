"""Encoders of several modes: dense, sparse and late interaction from one pass."""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.inputs.items import count_texts, each_text
from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.sides import SideReader
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.modes import Readings
from holotype.encoders.mode_vectors import (
    AnyModeVectors,
    ColbertT_co,
    DenseT_co,
    Found,
    Mode,
    ModeVectors,
    Sizes,
    SparseT_co,
    TokenVectors,
    Weights,
    check_weights,
    collect,
    concatenate,
    counting_modes,
    weighted_mean,
)
from holotype.encoders.options import EncodeOptions, EncodeSettings, SideName, settings_of
from holotype.encoders.running.devices import Replicas
from holotype.encoders.running.modes_network import Counter, ModesNetwork, ModesRunner, ModeTowers
from holotype.encoders.running.network import OutputOf
from holotype.encoders.running.pipeline import TaskOf, stream
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import Vectors
from holotype.encoders.vectors.sparse import SparseVectors
from holotype.errors import ClosedEncoderError, ModeNotLoadedError

EncoderT = TypeVar("EncoderT", bound=Encoder[Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleModes:
    """An encoder for each mode that was loaded; None for a mode that was not."""

    dense: DenseEncoder | None
    sparse: SparseEncoder | None
    colbert: ColbertEncoder | None

    @property
    def loaded(self) -> dict[Mode, Encoder[Any]]:
        """Those that there are."""
        modes: dict[Mode, Encoder[Any] | None]
        modes = {"dense": self.dense, "sparse": self.sparse, "colbert": self.colbert}
        return {mode: encoder for mode, encoder in modes.items() if encoder is not None}

    @property
    def sizes(self) -> Sizes:
        """How wide the vectors of each mode are."""
        return Sizes(
            dense=self.dense.dim if self.dense else None,
            sparse=self.sparse.dim if self.sparse else None,
            colbert=self.colbert.dim if self.colbert else None,
        )

    def counters(
        self, side: SideName, prompt: str, tokenizer: TextTokenizer
    ) -> dict[Mode, Counter]:
        """Return what tells which tokens count, for the modes that leave some out.

        Args:
            side: how texts are read.
            prompt: what is put before every text.
            tokenizer: that of the transformer.
        """
        counters: dict[Mode, Counter] = {}
        if self.dense is not None and prompt and not self.dense.encoding.counts_prompt:
            n_uncounted = tokenizer.count_leading_tokens(prompt)
            counters["dense"] = lambda ids: [at >= n_uncounted for at in range(len(ids))]
        if self.colbert is not None:
            encoding = self.colbert.encoding
            sides = {"query": encoding.query, "document": encoding.document}
            read_as = sides.get(side, encoding.plain)
            counters["colbert"] = SideReader(self.colbert.record.id, read_as, tokenizer).counted
        return counters

    def scores(
        self, queries: AnyModeVectors, documents: AnyModeVectors, modes: Container[Mode]
    ) -> dict[Mode, NDArray[np.float32]]:
        """Score all queries against all documents in some modes: ``[n_queries, n_documents]``.

        MaxSim is divided by the number of the query's vectors.
        """
        scores: dict[Mode, NDArray[np.float32]] = {}
        for mode, encoder in self._chosen(modes).items():
            ours, theirs = getattr(queries, mode), getattr(documents, mode)
            scores[mode] = encoder.similarity(ours, theirs)
            if mode == "colbert":
                scores[mode] /= _lengths(ours)[:, None]
        return scores

    def pairwise_scores(
        self, queries: AnyModeVectors, documents: AnyModeVectors, modes: Container[Mode]
    ) -> dict[Mode, NDArray[np.float32]]:
        """Score every query against the document at its own position: ``[n_queries]``."""
        scores: dict[Mode, NDArray[np.float32]] = {}
        for mode, encoder in self._chosen(modes).items():
            ours, theirs = getattr(queries, mode), getattr(documents, mode)
            scores[mode] = encoder.similarity_pairwise(ours, theirs)
            if mode == "colbert":
                scores[mode] /= _lengths(ours)
        return scores

    def _chosen(self, modes: Container[Mode]) -> dict[Mode, Any]:
        return {mode: encoder for mode, encoder in self.loaded.items() if mode in modes}


def _lengths(queries: Ragged[np.float32]) -> NDArray[np.float32]:
    """Return by how many vectors the score of each query is divided."""
    return np.maximum(queries.lengths, 1).astype(np.float32)


class ModesEncoder(Generic[DenseT_co, SparseT_co, ColbertT_co]):
    """Turns texts into vectors of several modes, each text in one pass through one transformer.

    Safe to share between threads. Works as a context manager that closes it. Every method takes one
    text or several, and one text is a sequence of one.
    """

    def __init__(
        self,
        single: SingleModes,
        towers: ModeTowers,
        readings: Readings,
        build_on: Callable[[str], ModeTowers],
    ) -> None:
        """Take models that have been loaded; `holotype.encoders.load_modes` does that.

        Args:
            single: two or three encoders on one transformer.
            towers: the same transformer with the heads of all of them.
            readings: how texts of every side are read.
            build_on: loads the weights once more, on another device.
        """
        self._single = single
        self._opened: ModeTowers | None = towers
        self._readings = readings
        self._device = towers.network.device
        self._replicas = Replicas(self._device, build_on)
        self._modes = tuple(single.loaded)
        self._first = single.loaded[self._modes[0]]
        self._id = " + ".join(encoder.record.id for encoder in single.loaded.values())

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that were loaded, in the order dense, sparse, colbert."""
        return self._modes

    @property
    def dense(self: ModesEncoder[Vectors, Any, Any]) -> DenseEncoder:
        """The encoder of the dense mode, on the same transformer.

        Raises:
            ModeNotLoadedError: there is none.
        """
        return _loaded(self._single.dense, "dense", self._modes)

    @property
    def sparse(self: ModesEncoder[Any, SparseVectors, Any]) -> SparseEncoder:
        """The encoder of the sparse mode, on the same transformer.

        Raises:
            ModeNotLoadedError: there is none.
        """
        return _loaded(self._single.sparse, "sparse", self._modes)

    @property
    def colbert(self: ModesEncoder[Any, Any, TokenVectors]) -> ColbertEncoder:
        """The encoder of late interaction, on the same transformer.

        Raises:
            ModeNotLoadedError: there is none.
        """
        return _loaded(self._single.colbert, "colbert", self._modes)

    @property
    def device(self) -> str:
        """Where the model runs, as torch names it."""
        return self._device

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are float32 always."""
        return self._first.dtype

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None where nothing limits it."""
        return self._readings["text"].length

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take, those of the transformer once, on all devices.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        return self._towers.memory_bytes + self._replicas.memory_bytes

    # A string is an iterable of strings, too; the first overload that fits is meant.
    @overload
    def count_tokens(self, texts: str, *, prompt: str = "") -> int: ...  # type: ignore[overload-overlap]
    @overload
    def count_tokens(self, texts: Iterable[str], *, prompt: str = "") -> NDArray[np.int64]: ...
    def count_tokens(
        self, texts: str | Iterable[str], *, prompt: str = ""
    ) -> int | NDArray[np.int64]:
        """Count the tokens of texts before anything is cut; see `Encoder.count_tokens`."""
        return self._first.count_tokens(texts, prompt=prompt)

    def warm_up(self) -> None:
        """Run the model once, so that the first call takes no longer than those after it."""
        self.encode(["a text of a few words"], progress=False)

    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ModeVectors[DenseT_co, SparseT_co, ColbertT_co]:
        """Encode queries, with the model's prompt for queries before each.

        Args:
            texts: one query or several.
            instruction: a description of the task, for models whose prompt has a place for it.
            top_k: how many of the largest weights of words are kept; None keeps as many as the
                checkpoint says, which is mostly all.
            options: see `EncodeOptions`; what limits the length is `max_length`.

        Returns:
            The vectors of every mode, each equal to what the encoder of that mode gives for the
            same list of texts.

        Raises:
            InstructionError: the prompt needs an instruction, or has no place for one.
            TextOverflowError: a text is too long, and `on_overflow` is ``"error"``.
            ClosedEncoderError: the encoder has been closed.
        """
        return self._encode(texts, "query", self._prompt("query", instruction), top_k, options)

    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ModeVectors[DenseT_co, SparseT_co, ColbertT_co]:
        """Encode documents, with the model's prompt for documents before each.

        Arguments, errors and the form of the result are those of `encode_query`.
        """
        prompt = self._prompt("document", instruction)
        return self._encode(texts, "document", prompt, top_k, options)

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> ModeVectors[DenseT_co, SparseT_co, ColbertT_co]:
        """Encode texts that are neither queries nor documents, without a prompt.

        Args:
            texts: one text or several.
            prompt: what is put before every text; None means nothing, or the default prompt in
                the few checkpoints that name one.
            top_k: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            The vectors of every mode.
        """
        chosen = self._prompt("text", None) if prompt is None else prompt
        return self._encode(texts, "text", chosen, top_k, options)

    def encode_stream(
        self,
        texts: Iterable[str],
        side: SideName = "document",
        *,
        instruction: str | None = None,
        top_k: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Generator[ModeVectors[DenseT_co, SparseT_co, ColbertT_co], None, None]:
        """Encode texts as they come, in bounded memory.

        Args:
            texts: any number of texts; they are pulled 1,024 at a time at most.
            side: whether they are queries, documents or neither.
            instruction: see `encode_query`.
            top_k: see `encode_query`.
            options: see `EncodeOptions`.

        Returns:
            A generator of the vectors of every mode, in the order of the texts; `close` stops it.
        """
        prompt = self._prompt(side, instruction)
        found = self._stream(texts, side, prompt, top_k, settings_of(**options))
        return cast(Generator[Any, None, None], found)

    def similarity(
        self, queries: AnyModeVectors, documents: AnyModeVectors, *, weights: Weights
    ) -> NDArray[np.float32]:
        """Score every query against every document in all modes, by the mean that weights make.

        The score of late interaction is MaxSim divided by the number of the query's vectors, so
        that it is of the size of a cosine, as BGE-M3's authors have it. Their library weighs all
        modes alike where it is not told otherwise; the example of their model card takes 0.4 for
        dense, 0.2 for sparse and 0.4 for late interaction. What is best depends on the texts.

        Args:
            queries: what `encode_query` returns.
            documents: what `encode_document` returns.
            weights: one for every mode that was loaded, by its name; their size does not matter,
                only what they are to each other.

        Returns:
            float32 ``[n_queries, n_documents]``; more is nearer.

        Raises:
            ValueError: the weights are not those of the modes.
        """
        check_weights(weights, self._modes)
        scores = self._single.scores(queries, documents, counting_modes(weights))
        return weighted_mean(scores, weights)

    def similarity_pairwise(
        self, queries: AnyModeVectors, documents: AnyModeVectors, *, weights: Weights
    ) -> NDArray[np.float32]:
        """Score every query against the document at its own position: float32 ``[n_queries]``.

        Arguments are those of `similarity`.

        Raises:
            ValueError: there are not as many documents as queries, or the weights are not those of
                the modes.
        """
        check_weights(weights, self._modes)
        scores = self._single.pairwise_scores(queries, documents, counting_modes(weights))
        return weighted_mean(scores, weights)

    def close(self) -> None:
        """Let go of the weights and give the memory back; closing twice does no harm.

        The encoders of single modes are closed, too. A call that runs on another thread finishes
        the window that it is at, and raises a `ClosedEncoderError` if that was not the last.
        """
        towers, self._opened = self._opened, None
        if towers is not None:
            for encoder in self._single.loaded.values():
                encoder.close()
            towers.close()
        self._replicas.close()

    def _prompt(self, side: SideName, instruction: str | None) -> str:
        return self._readings[side].prompt.fill(self._id, instruction)

    def _encode(
        self,
        texts: str | Iterable[str],
        side: SideName,
        prompt: str,
        top_k: int | None,
        options: EncodeOptions,
    ) -> ModeVectors[DenseT_co, SparseT_co, ColbertT_co]:
        windows = list(self._stream(texts, side, prompt, top_k, settings_of(**options)))
        found = concatenate(windows or [collect(0, iter(()), self._single.sizes)])
        # Which of the vectors are None was settled when the modes were loaded.
        return cast(ModeVectors[DenseT_co, SparseT_co, ColbertT_co], found)

    def _stream(
        self,
        texts: str | Iterable[str],
        side: SideName,
        prompt: str,
        top_k: int | None,
        settings: EncodeSettings,
    ) -> Generator[AnyModeVectors, None, None]:
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is {top_k!r}; expected at least 1")
        sparse = self._single.sparse
        kept = top_k or (sparse.encoding.max_active_dims if sparse else None)
        counters = self._single.counters(side, prompt, self._towers.tokenizer)
        runners = [ModesRunner(network, counters, kept) for network in self._networks(settings)]
        task = self._task(side, prompt)
        return stream(runners, task, each_text(texts), settings, n_items=count_texts(texts))

    def _networks(self, settings: EncodeSettings) -> Sequence[ModesNetwork]:
        own = self._towers
        if settings.devices is None:
            return [own.network]
        replicas = (self._replicas.on(device) for device in settings.devices)
        return [(replica or own).network for replica in replicas]

    def _task(self, side: SideName, prompt: str) -> TaskOf[str, Found, AnyModeVectors]:
        tokenizer, max_length = self._towers.tokenizer, self._readings[side].length

        def read(texts: Sequence[str]) -> Reading:
            whole = [prompt + text for text in texts]
            tokenized = list(tokenizer.encode(whole, max_length=max_length))
            all_count = ([True] * len(text.ids) for text in tokenized)
            rows = [
                Row(text.ids, text.type_ids, yes, yes)
                for text, yes in zip(tokenized, all_count, strict=True)
            ]
            return Reading(rows, [text.n_cut for text in tokenized])

        def put_together(n_texts: int, outputs: Iterator[OutputOf[Found]]) -> AnyModeVectors:
            return collect(n_texts, outputs, self._single.sizes)

        return TaskOf(
            model_id=self._id,
            max_length=max_length,
            read=read,
            collect=put_together,
            n_characters=len,
        )

    @property
    def _towers(self) -> ModeTowers:
        if self._opened is None:
            raise ClosedEncoderError(self._id)
        return self._opened

    def __enter__(self) -> Self:
        """Return the encoder."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the encoder."""
        self.close()

    def __repr__(self) -> str:
        """Show the modes, and where their vectors are made."""
        named = ", ".join(f"{mode}={one.record.id!r}" for mode, one in self._single.loaded.items())
        return (
            f"ModesEncoder({named}, max_length={self.max_length}, device={self.device!r}, "
            f"dtype={self.dtype!r})"
        )


def _loaded(encoder: EncoderT | None, mode: Mode, modes: Sequence[Mode]) -> EncoderT:
    if encoder is None:
        raise ModeNotLoadedError(mode, modes)
    return encoder
