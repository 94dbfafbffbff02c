"""Encoders of several modes: dense, sparse and late interaction in one pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeAlias, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder, LoadedModel
from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.sides import Side, Sides, TextReader, readers_of, sides_of
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.options import SideName, TextSide
from holotype.encoders.running.collecting import Collector
from holotype.encoders.running.forks import unpickle
from holotype.encoders.running.modes import Mode, ModesNetwork, ModesRow, ModeTowers
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.text_encoder import SparseTextEncoder
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import Vectors, refuse_texts, shown
from holotype.encoders.vectors.sparse import SparseVectors
from holotype.errors import IncompatibleModesError, InvalidArgumentError, ModeNotLoadedError
from holotype.records import ModelInfo

MODES: tuple[Mode, ...] = ("dense", "sparse", "colbert")
Weights: TypeAlias = Mapping[Mode, float]
"""The weight of each mode in the score."""
TokenVectors: TypeAlias = Ragged[np.float32]

DenseT_co = TypeVar("DenseT_co", covariant=True)
SparseT_co = TypeVar("SparseT_co", covariant=True)
ColbertT_co = TypeVar("ColbertT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeVectors(Generic[DenseT_co, SparseT_co, ColbertT_co]):
    """The vectors of several texts in every loaded mode; the other modes are None.

    Attributes:
        dense: one vector for each text: float32 ``[n_texts, dim]``.
        sparse: word weights: `SparseVectors`, a compressed matrix.
        colbert: one vector for each token: a `Ragged` sequence of float32 ``[n_tokens, dim]``.
    """

    dense: DenseT_co
    sparse: SparseT_co
    colbert: ColbertT_co

    def __len__(self) -> int:
        """Return the number of texts."""
        found: tuple[Any, ...] = (self.dense, self.sparse, self.colbert)
        return next(len(vectors) for vectors in found if vectors is not None)


AnyModeVectors: TypeAlias = ModeVectors[Vectors | None, SparseVectors | None, TokenVectors | None]

_DIFFERENCES = {
    "prompt": "prompts of {side}",
    "max_length": "lengths of {side} in tokens",
    "marker": "markers of {side}",
    "expanded_length": "expansions of {side}",
    "special_tokens": "special tokens of {side}",
}
_TWO_SIDES: tuple[SideName, SideName] = ("query", "document")
_SIDES: Mapping[SideName, str] = {"query": "queries", "document": "documents", "text": "texts"}


def require_one_checkpoint(records: Sequence[ModelInfo]) -> None:
    """Refuse models that do not share their weights.

    Raises:
        IncompatibleModesError: the repositories or revisions differ.
    """
    for first, second in pairwise(records):
        for what, ours, theirs in (
            ("repositories", first.huggingface_id, second.huggingface_id),
            ("revisions", first.revision, second.revision),
        ):
            if ours != theirs:
                raise IncompatibleModesError((first.id, second.id), what, (ours, theirs))


def require_one_reading(plans: Iterable[AnyPlan]) -> None:
    """Refuse models that read the texts of some side differently.

    Raises:
        IncompatibleModesError: they differ in prompt, length, marker or expansion.
        UnsupportedModelError: a model reads pairs.
    """
    read: list[tuple[str, Sides]] = [(plan.record.id, sides_of(plan)) for plan in plans]
    for (first, ours), (second, theirs) in pairwise(read):
        for side, name in _SIDES.items():
            for field, what in _DIFFERENCES.items():
                found = getattr(ours[side], field), getattr(theirs[side], field)
                if found[0] != found[1]:
                    raise IncompatibleModesError((first, second), what.format(side=name), found)


@dataclass(frozen=True, slots=True)
class _ModesReader:
    """Reads texts once for all modes, which share the rows but count different tokens."""

    readers: Mapping[Mode, TextReader]

    @property
    def first(self) -> TextReader:
        """The reader of the first mode."""
        return next(iter(self.readers.values()))

    @property
    def side(self) -> Side:
        """The side that it reads."""
        return self.first.side

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens; None for no limit."""
        return self.first.max_length

    def with_instruction(self, instruction: str | None) -> _ModesReader:
        """Return a reader with the side's own prompt; see `TextReader.with_instruction`."""
        readers = self.readers.items()
        return _ModesReader({mode: one.with_instruction(instruction) for mode, one in readers})

    def with_prompt(self, prompt: str) -> _ModesReader:
        """Return a reader with another prompt."""
        return _ModesReader({mode: one.with_prompt(prompt) for mode, one in self.readers.items()})

    def size(self, text: str) -> int:
        """Return the number of characters of a text."""
        return len(text)

    def read(self, texts: Sequence[str]) -> Reading[ModesRow]:
        """Return the rows of texts, and how many tokens each lost."""
        tokenized = self.first.tokenize(texts)
        rows = []
        for text in tokenized:
            every = [True] * len(text.ids)
            row = Row(text.ids, text.type_ids, every, every)
            counted: dict[Mode, list[bool]] = {
                mode: reader.count(text.ids) for mode, reader in self.readers.items()
            }
            rows.append(ModesRow(row, counted))
        return Reading(rows, [text.n_cut for text in tokenized])


@dataclass(frozen=True, slots=True)
class _ModesCollector:
    """Collects the outputs of the heads, each mode on its own."""

    collectors: Mapping[Mode, Collector[NDArray[np.float32], Any]]

    def add(
        self,
        positions: Sequence[int],
        found: tuple[Mode, NDArray[np.float32]],
        counted: NDArray[np.bool_],
    ) -> None:
        """Add the output of one head; see `Collector.add`."""
        mode, vectors = found
        self.collectors[mode].add(positions, vectors, counted)

    def first_not_finite(self) -> int | None:
        """Return the position of the first text with NaN or infinity in any mode."""
        found = (collector.first_not_finite() for collector in self.collectors.values())
        return min((at for at in found if at is not None), default=None)

    def result(self) -> ModeVectors[Any, Any, Any]:
        """Return the vectors of all texts in all modes."""
        return _of_modes({mode: one.result() for mode, one in self.collectors.items()})


def _of_modes(found: Mapping[Mode, Any]) -> ModeVectors[Any, Any, Any]:
    return ModeVectors(**{mode: found.get(mode) for mode in MODES})


class ModesEncoder(
    LoadedModel[ModeTowers],
    SparseTextEncoder[
        ModeVectors[DenseT_co, SparseT_co, ColbertT_co],
        ModeVectors[DenseT_co, SparseT_co, ColbertT_co],
    ],
    Generic[DenseT_co, SparseT_co, ColbertT_co],
):
    """Turns texts into vectors of several modes, with one pass through one transformer per text.

    Safe to share between threads. A context manager that closes the encoder on exit; copying or
    unpickling an encoder reloads the models. Every method takes one text or several and returns
    `ModeVectors`; one text gives a sequence of length one. The vectors of each mode equal those
    that the mode's own encoder returns for the same list of texts.
    """

    def __init__(
        self,
        single: Mapping[Mode, Encoder[Any]],
        plans: Mapping[Mode, AnyPlan],
        towers: ModeTowers,
        load_on: Callable[[str], ModeTowers],
        load_again: Callable[[Mapping[Mode, ModelConfig[Any]]], ModesEncoder[Any, Any, Any]],
    ) -> None:
        """Wrap models that `holotype.encoders.load_modes` has loaded.

        Args:
            single: the encoder of each mode, two or three on one transformer.
            plans: how to run each mode; all of them read texts alike.
            towers: the same transformer with the heads of all modes.
            load_on: loads the weights again, on another device.
            load_again: reloads the models from their configurations, for unpickling.
        """
        super().__init__(
            " + ".join(encoder.record.id for encoder in single.values()),
            towers,
            device=towers.network.device,
            load_on=load_on,
            survives_fork=False,
        )
        self._single: Mapping[Mode, Any] = single
        self._load_again = load_again
        self._first_mode: Encoder[Any] = next(iter(single.values()))
        readers: dict[Mode, dict[SideName, TextReader]] = {
            mode: readers_of(plan, towers.tokenizer, towers.tokenizer)
            for mode, plan in plans.items()
        }
        self._readers = {
            side: _ModesReader(
                {
                    # Errors name the models of all modes.
                    mode: dataclasses.replace(found[side], model_id=self._name)
                    for mode, found in readers.items()
                }
            )
            for side in _SIDES
        }

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The loaded modes, in the order dense, sparse, colbert."""
        return tuple(self._single)

    @property
    def dense(self: ModesEncoder[Vectors, Any, Any]) -> DenseEncoder:
        """The encoder of the dense mode, on the same transformer.

        Raises:
            ModeNotLoadedError: the mode was not loaded.
        """
        return cast(DenseEncoder, self._encoder("dense"))

    @property
    def sparse(self: ModesEncoder[Any, SparseVectors, Any]) -> SparseEncoder:
        """The encoder of the sparse mode, on the same transformer.

        Raises:
            ModeNotLoadedError: the mode was not loaded.
        """
        return cast(SparseEncoder, self._encoder("sparse"))

    @property
    def colbert(self: ModesEncoder[Any, Any, TokenVectors]) -> ColbertEncoder:
        """The encoder of late interaction, on the same transformer.

        Raises:
            ModeNotLoadedError: the mode was not loaded.
        """
        return cast(ColbertEncoder, self._encoder("colbert"))

    @property
    def device(self) -> str:
        """The device of the model, as torch names it."""
        return self._first_mode.device

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are always float32."""
        return self._first_mode.dtype

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None for no limit."""
        return self._readers["text"].max_length

    # A string is also an iterable of strings; the first overload that matches is the right one.
    @overload
    def count_tokens(self, texts: str, *, prompt: str = "") -> int: ...  # type: ignore[overload-overlap]
    @overload
    def count_tokens(self, texts: Iterable[str], *, prompt: str = "") -> NDArray[np.int64]: ...
    def count_tokens(
        self, texts: str | Iterable[str], *, prompt: str = ""
    ) -> int | NDArray[np.int64]:
        """Count the tokens of texts before truncation; see `Encoder.count_tokens`."""
        return self._first_mode.count_tokens(texts, prompt=prompt)

    def warm_up(self) -> None:
        """Run the model once, so that the first call is as fast as later ones."""
        self.encode(["a text of a few words"], progress=False)

    def similarity(
        self, queries: AnyModeVectors, documents: AnyModeVectors, *, weights: Weights
    ) -> NDArray[np.float32]:
        """Score every query against every document by the weighted mean over all modes.

        As in BGE-M3's own library, the late-interaction score is MaxSim divided by the number of
        the query's vectors, which puts it on the scale of a cosine. That library weighs all modes
        equally by default; the example on its model card uses 0.4 for dense, 0.2 for sparse and
        0.4 for late interaction. The best weights depend on the texts.

        Args:
            queries: the result of `encode_query`.
            documents: the result of `encode_document`.
            weights: one for each loaded mode, by name; only their ratios matter.

        Returns:
            float32 ``[n_queries, n_documents]``; higher is closer.

        Raises:
            ValueError: the weights do not match the modes, or a score is NaN or infinite.
        """
        return self._score("similarity", queries, documents, weights)

    def similarity_pairwise(
        self, queries: AnyModeVectors, documents: AnyModeVectors, *, weights: Weights
    ) -> NDArray[np.float32]:
        """Score each query against the document at the same position: float32 ``[n_queries]``.

        Arguments are those of `similarity`.

        Raises:
            ValueError: the numbers of queries and documents differ, the weights do not match the
                modes, or a score is NaN or infinite.
        """
        return self._score("similarity_pairwise", queries, documents, weights)

    def close(self) -> None:
        """Release the weights, also those of the modes' own encoders; see `Encoder.close`."""
        for encoder in self._single.values():
            encoder.close()
        super().close()

    def _score(
        self, method: str, queries: AnyModeVectors, documents: AnyModeVectors, weights: Weights
    ) -> NDArray[np.float32]:
        _check_weights(weights, self.modes)
        for vectors in (queries, documents):
            refuse_texts(vectors)
            if not isinstance(vectors, ModeVectors):
                raise InvalidArgumentError(
                    "similarity compares the ModeVectors that encode_query and encode_document "
                    f"return, not {shown(vectors)}"
                )
        total = sum(weights.values())
        parts = []
        for mode in self.modes:
            if not weights[mode]:
                continue
            ours, theirs = getattr(queries, mode), getattr(documents, mode)
            scores = getattr(self._single[mode], method)(ours, theirs)
            if mode == "colbert":
                n_vectors = np.maximum(ours.lengths, 1).astype(np.float32)
                scores /= n_vectors.reshape(-1, *[1] * (scores.ndim - 1))
            parts.append(scores * (weights[mode] / total))
        return np.asarray(np.sum(parts, axis=0), dtype=np.float32)

    def _encoder(self, mode: Mode) -> Encoder[Any]:
        if mode not in self._single:
            raise ModeNotLoadedError(mode, self.modes)
        found: Encoder[Any] = self._single[mode]
        return found

    def _networks(
        self, devices: Sequence[str] | None, side: TextSide = "document"
    ) -> Sequence[ModesNetwork]:
        return [towers.network for towers in self._towers_on(devices)]

    def _collector(self, side: SideName, top_k: int | None, n_texts: int) -> _ModesCollector:
        return _ModesCollector(
            {
                mode: encoder._collector(side, top_k, n_texts)
                for mode, encoder in self._single.items()
            }
        )

    def _concatenate(
        self, windows: Sequence[ModeVectors[Any, Any, Any]]
    ) -> ModeVectors[DenseT_co, SparseT_co, ColbertT_co]:
        return _of_modes(
            {
                mode: encoder._concatenate([getattr(window, mode) for window in windows])
                for mode, encoder in self._single.items()
            }
        )

    def _first(
        self, windows: Sequence[ModeVectors[DenseT_co, SparseT_co, ColbertT_co]]
    ) -> ModeVectors[DenseT_co, SparseT_co, ColbertT_co]:
        return windows[0]

    def __reduce__(self) -> tuple[object, ...]:
        """Reload the models from their configurations; weights are not copied.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        _ = self._towers
        configs = {mode: one.config for mode, one in self._single.items()}
        return unpickle, (type(self), self._load_again, configs)

    def __repr__(self) -> str:
        """Show the modes, the prompts of all of them, and the device."""
        named = ", ".join(f"{mode}={one.record.id!r}" for mode, one in self._single.items())
        query, document = (self._readers[side].side.prompt.text for side in _TWO_SIDES)
        return (
            f"ModesEncoder({named}, query_prompt={query!r}, document_prompt={document!r}, "
            f"max_length={self.max_length}, device={self.device!r}, "
            f"dtype={self.dtype!r})"
        )


def _check_weights(weights: Weights, modes: Sequence[Mode]) -> None:
    """Refuse weights that do not match the modes.

    Raises:
        ValueError: a mode has no weight or is unknown, a weight is negative, or all are 0.
    """
    if set(weights) != set(modes):
        raise ValueError(
            f"weights has {', '.join(weights) or 'nothing'}; expected one for each mode that was "
            f"loaded: {', '.join(modes)}"
        )
    if min(weights.values()) < 0 or not any(weights.values()):
        raise ValueError(
            f"weights is {dict(weights)!r}; expected none below 0, and one above it at least"
        )
