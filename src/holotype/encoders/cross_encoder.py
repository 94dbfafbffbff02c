"""Cross-encoders: a score for a query and a document that are read together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Unpack, overload

import numpy as np

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.items import Pair, each_pair, each_text, is_pair
from holotype.encoders.inputs.rows import Reading
from holotype.encoders.kinds.plan import CrossEncoderPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, settings_of
from holotype.encoders.running.network import Towers
from holotype.encoders.running.pipeline import Task, stream
from holotype.encoders.running.scores import (
    Activation,
    Scores,
    activate,
    chosen_activation,
    collect_logits,
    count_inputs,
    joined,
    reading,
)
from holotype.records import CrossEncoderModel, ScoreActivation


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedDocument:
    """A document and how well it answers a query.

    Attributes:
        corpus_id: its position among the documents that were passed.
        score: its score; more is better.
        activation: what the score is: a logit (``identity``), or what ``sigmoid`` makes of it.
        text: the document, where the call asked for it.
    """

    corpus_id: int
    score: float
    activation: ScoreActivation
    text: str | None = None


class CrossEncoder(Encoder[CrossEncoderModel]):
    """Scores pairs of a query and a document, as the model's authors do.

    Safe to share between threads.

    Attributes:
        encoding: activation, prompts and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self,
        config: ModelConfig[CrossEncoderModel],
        plan: CrossEncoderPlan,
        towers: Towers,
        build: Build,
    ) -> None:
        """Take a model whose parts have been loaded; `holotype.encoders.load` does that.

        Raises:
            ValueError: the model's length leaves no room for two texts.
        """
        towers.document.tokenizer.require_room_for_pairs(plan.encoding.max_length)
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._template = towers.template

    @property
    def activation(self) -> ScoreActivation:
        """What turns logits into scores, unless a call says otherwise."""
        return self.encoding.activation

    @property
    def n_labels(self) -> int:
        """How many scores there are for a pair; rerankers have one."""
        return self.encoding.n_labels

    @property
    def max_length(self) -> int | None:
        """The longest pair in tokens, with special tokens; None where nothing limits it."""
        return self.encoding.max_length

    @overload
    def predict(
        self,
        pairs: Pair,
        *,
        activation: Activation = "record",
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> float: ...
    @overload
    def predict(
        self,
        pairs: Iterable[Pair],
        *,
        activation: Activation = "record",
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Scores: ...
    def predict(
        self,
        pairs: Pair | Iterable[Pair],
        *,
        activation: Activation = "record",
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> float | Scores:
        """Score pairs of a query and a document.

        Args:
            pairs: one pair, or several.
            activation: what the scores are: ``"logits"`` (or ``"identity"``), ``"sigmoid"`` or
                ``"softmax"`` over the labels; ``"record"`` takes the model's own `activation`.
            instruction: a description of the task, for models that take one.
            options: see `EncodeOptions`. What is longer than `max_length` is cut from the longer
                text of a pair.

        Returns:
            A float for one pair; float32 ``[n_pairs]`` for several, and ``[n_pairs, n_labels]``
            where the model has several labels.

        Raises:
            InstructionError: the model needs an instruction, or has no place for one.
            TextOverflowError: a pair is too long, and that is an error.
            ValueError: there is no such activation, or a single pair of a model with several
                labels was passed, whose scores are no float; pass a list of one pair.
        """
        single = is_pair(pairs)
        if single and self.n_labels != 1:
            raise ValueError(
                f"{self.record.id!r} gives {self.n_labels} scores for a pair; pass a list of one "
                "pair to get them as an array"
            )
        n_pairs = 1 if single else count_inputs(pairs)
        settings = settings_of(**options)
        scores = self._scores(each_pair(pairs), n_pairs, activation, instruction, settings)
        if self.n_labels == 1:
            scores = scores[:, 0]
        return float(scores[0]) if single else scores

    def rank(
        self,
        query: str,
        documents: Iterable[str],
        *,
        top_k: int | None = None,
        return_documents: bool = False,
        activation: Activation = "record",
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> list[RankedDocument]:
        """Sort documents by how well they answer a query, best first.

        Args:
            query: the query.
            documents: the documents.
            top_k: how many to return; None returns all.
            return_documents: whether the results carry the documents.
            activation: see `predict`.
            instruction: see `predict`.
            options: see `predict`.

        Returns:
            Documents of equal scores stay in the order in which they were passed.

        Raises:
            ValueError: the model has several scores for a pair, or `top_k` is negative.
            InstructionError: the model needs an instruction, or has no place for one.
            TextOverflowError: a pair is too long, and that is an error.
        """
        if self.n_labels != 1:
            raise ValueError(
                f"{self.record.id!r} gives {self.n_labels} scores for a pair, by which documents "
                "cannot be ranked; choose one of those that predict() returns"
            )
        if top_k is not None and top_k < 0:
            raise ValueError(f"top_k is {top_k!r}; expected at least 0, or None")
        if isinstance(documents, str):
            raise TypeError("documents is a single text; expected several")
        texts = list(each_text(documents))
        pairs = each_pair((query, text) for text in texts)
        settings = settings_of(**options)
        scores = self._scores(pairs, len(texts), activation, instruction, settings)[:, 0]
        best = np.argsort(-scores, kind="stable")[:top_k]
        used = chosen_activation(activation, self.activation, self.n_labels)
        return [
            RankedDocument(
                corpus_id=int(at),
                score=float(scores[at]),
                activation=used,
                text=texts[at] if return_documents else None,
            )
            for at in best
        ]

    def _scores(
        self,
        pairs: Iterator[Pair],
        n_pairs: int | None,
        activation: Activation,
        instruction: str | None,
        settings: EncodeSettings,
    ) -> Scores:
        used = chosen_activation(activation, self.activation, self.n_labels)
        task = Task(
            model_id=self.record.id,
            max_length=self.max_length,
            read=self._reader(instruction),
            collect=collect_logits(self.n_labels),
            n_characters=_n_characters,
        )
        windows = stream(self._networks(settings), task, pairs, settings, n_items=n_pairs)
        return activate(joined(windows, self.n_labels), used)

    def _reader(self, instruction: str | None) -> Callable[[Sequence[Pair]], Reading]:
        # What is filled here raises before the first pair is read.
        told = instruction if self._template is None else None
        query_prompt = self.encoding.query_prompt.fill(self.record.id, told)
        document_prompt = self.encoding.document_prompt.fill(self.record.id, None)
        tokenizer, max_length, template = self._tokenizer(), self.max_length, self._template

        def prompted(pairs: Sequence[Pair]) -> list[Pair]:
            return [(query_prompt + query, document_prompt + text) for query, text in pairs]

        def read_plain(pairs: Sequence[Pair]) -> Reading:
            return reading(list(tokenizer.encode_pairs(prompted(pairs), max_length=max_length)))

        if template is None:
            return read_plain
        task = self.encoding.instruction if instruction is None else instruction
        suffix = template.suffix(tokenizer.ids, task)

        def read_rendered(pairs: Sequence[Pair]) -> Reading:
            texts = [template.text(pair, task) for pair in prompted(pairs)]
            found = tokenizer.encode_rendered(texts, max_length=max_length, suffix=suffix)
            return reading(list(found))

        return read_rendered

    def __repr__(self) -> str:
        """Show what decides the scores and where they are made."""
        return (
            f"CrossEncoder({self.record.id!r}, activation={self.activation!r}, "
            f"n_labels={self.n_labels}, max_length={self.max_length}, device={self.device!r}, "
            f"dtype={self.dtype!r})"
        )


def _n_characters(pair: Pair) -> int:
    return len(pair[0]) + len(pair[1])
