"""Cross-encoders read a query and a document together, and score the pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Unpack, overload

import numpy as np

from holotype.encoders.arguments import as_count
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, shown_prompts
from holotype.encoders.inputs.items import Pair, count_items, each_pair, is_pair, several_texts
from holotype.encoders.inputs.lengths import Lengths, lengths_of
from holotype.encoders.inputs.pairs import PairReader, TemplateReader
from holotype.encoders.kinds.plan import CrossEncoderPlan
from holotype.encoders.options import EncodeOptions, settings_of
from holotype.encoders.running.network import Towers
from holotype.encoders.running.scores import Activation, Scores, activate, choose_activation
from holotype.encoders.scoring_encoder import ScoringEncoder
from holotype.records import CrossEncoderModel, ScoreActivation

LIST_OF_ONE = "; pass a list of one pair to get them as an array"
RANK_BY_ONE = ", by which documents cannot be ranked; choose one of those that predict() returns"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedDocument:
    """A document and its score for a query.

    Attributes:
        corpus_id: its position in the documents passed to `rank`.
        score: its score; higher is better.
        activation: the function applied to the logit: ``identity`` leaves it as is.
        text: the document, if the call asked for it.
    """

    corpus_id: int
    score: float
    activation: ScoreActivation
    text: str | None = None


class CrossEncoder(ScoringEncoder[CrossEncoderModel]):
    """Scores pairs of a query and a document, as the model's authors do.

    Safe to share between threads.

    Attributes:
        encoding: activation, prompts and the other settings from the record and the checkpoint.
    """

    def __init__(
        self,
        config: ModelConfig[CrossEncoderModel],
        plan: CrossEncoderPlan,
        towers: Towers,
        build: Build,
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Raises:
            ValueError: the model's maximum length leaves no room for two texts.
        """
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._template = towers.template

    @property
    def n_labels(self) -> int:
        """The number of scores for each pair; rerankers have one."""
        return self.encoding.n_labels

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
            activation: the scale of the scores: ``"logits"`` (or ``"identity"``), ``"sigmoid"``
                or ``"softmax"`` over the labels; ``"record"`` uses the model's own `activation`.
            instruction: a description of the task, for models that take one.
            options: see `EncodeOptions`. A pair longer than `max_length` is truncated in its
                longer text.

        Returns:
            A float for one pair; float32 ``[n_pairs]`` for several, or ``[n_pairs, n_labels]``
            if the model has several labels.

        Raises:
            InstructionError: the model requires an instruction, or takes none.
            TextOverflowError: a pair is too long and `on_overflow` is ``"error"``.
            ValueError: the activation is unknown, or the model has several labels and got a single
                pair, whose scores are not one float; pass a list of one pair.
        """
        single = is_pair(pairs)
        if single:
            require_one_score(self.record.id, self.n_labels, LIST_OF_ONE)
        chosen = choose_activation(activation, self.activation, self.n_labels)
        logits = self._logits(
            each_pair(pairs),
            self._reader(instruction),
            settings_of(**options),
            n_labels=self.n_labels,
            n_items=1 if single else count_items(pairs),
        )
        scores = activate(logits, chosen)
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
            top_k: how many to return, from 1 on; None returns all.
            return_documents: whether results include the texts of the documents.
            activation: see `predict`.
            instruction: see `predict`.
            options: see `predict`.

        Returns:
            The documents sorted by logit; ties keep their input order.

        Raises:
            ValueError: the model has several scores for a pair.
            InvalidArgumentError: `top_k` is not positive.
            InstructionError: the model requires an instruction, or takes none.
            TextOverflowError: a pair is too long and `on_overflow` is ``"error"``.
        """
        require_one_score(self.record.id, self.n_labels, RANK_BY_ONE)
        top_k = as_count("top_k", top_k)
        texts = several_texts(documents, "documents")
        chosen = choose_activation(activation, self.activation, self.n_labels)
        logits = self._logits(
            each_pair((query, text) for text in texts),
            self._reader(instruction),
            settings_of(**options),
            n_labels=1,
            n_items=len(texts),
        )
        return rank_by_logits(
            logits, texts, activation=chosen, top_k=top_k, return_documents=return_documents
        )

    def measure(self, pairs: Sequence[Pair], *, instruction: str | None = None) -> Lengths:
        """Return how many tokens of pairs the model reads and cuts, without running it.

        Raises:
            InstructionError: the model requires an instruction, or takes none.
            TokenizationError: the tokenizer fails at a text.
        """
        return lengths_of(self._reader(instruction), list(each_pair(pairs)))

    def _reader(self, instruction: str | None) -> PairReader | TemplateReader:
        # A template takes the instruction itself; otherwise the query prompt must.
        template = self._template
        pairs = PairReader(
            tokenizer=self._towers.document.tokenizer,
            max_length=self.max_length,
            query_prompt=self.encoding.query_prompt.fill(
                self._name, instruction if template is None else None
            ),
            document_prompt=self.encoding.document_prompt.fill(self._name, None),
        )
        if template is None:
            return pairs
        task = self.encoding.instruction if instruction is None else instruction
        suffix = template.suffix(pairs.tokenizer.ids, task)
        return TemplateReader(pairs=pairs, template=template, instruction=task, suffix=suffix)

    def __repr__(self) -> str:
        """Show the settings that determine the scores, and the device."""
        prompts = shown_prompts(self.encoding.query_prompt, self.encoding.document_prompt)
        if self.encoding.instruction is not None:
            prompts += f", instruction={self.encoding.instruction!r}"
        return (
            f"CrossEncoder({self.record.id!r}, activation={self.activation!r}, "
            f"n_labels={self.n_labels}, {prompts}, "
            f"max_length={self.max_length}, device={self.device!r}, dtype={self.dtype!r})"
        )


def require_one_score(name: str, n_scores: int, advice: str) -> None:
    """Refuse a model with several scores where one is needed.

    Args:
        name: the model, for the message.
        n_scores: how many it gives.
        advice: what to do instead: `LIST_OF_ONE` or `RANK_BY_ONE`.

    Raises:
        ValueError: it gives several.
    """
    if n_scores != 1:
        raise ValueError(f"{name!r} gives {n_scores} scores for a pair{advice}")


def rank_by_logits(
    logits: Scores,
    texts: Sequence[str],
    *,
    activation: ScoreActivation,
    top_k: int | None,
    return_documents: bool,
) -> list[RankedDocument]:
    """Sort documents by their logits, best first; ties keep their input order.

    Args:
        logits: one for each document: ``[n_documents, 1]``.
        texts: the documents.
        activation: what turns the logits into scores.
        top_k: how many to return; None returns all.
        return_documents: whether results include the texts of the documents.
    """
    # Sort by logit: different logits can have equal scores, because the sigmoid saturates.
    best: list[int] = np.argsort(-logits[:, 0], kind="stable")[:top_k].tolist()
    scores = activate(logits, activation)[:, 0]
    return [
        RankedDocument(
            corpus_id=at,
            score=float(scores[at]),
            activation=activation,
            text=texts[at] if return_documents else None,
        )
        for at in best
    ]
