"""Classifiers: a score for each of a model's labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, Unpack, cast, overload

from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.items import Pair, check_text, checked_pair, each_text
from holotype.encoders.inputs.rows import Reading
from holotype.encoders.inputs.tokenizer import TokenizedText
from holotype.encoders.kinds.plan import ClassifierPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, settings_of
from holotype.encoders.running.network import Towers
from holotype.encoders.running.pipeline import Task, stream
from holotype.encoders.running.scores import (
    Activation,
    LabelScore,
    Scores,
    activate,
    all_labels,
    candidate_scores,
    chosen_activation,
    collect_logits,
    count_inputs,
    hypotheses,
    inference_labels,
    joined,
    label_rule,
    reading,
)
from holotype.errors import TokenizationError
from holotype.records import ClassifierModel, ScoreActivation

TextOrPair: TypeAlias = str | Pair
"""What is classified: a text, or a tuple of two, such as a premise and a hypothesis."""

Labels: TypeAlias = tuple[LabelScore, ...]


class Classifier(Encoder[ClassifierModel]):
    """Scores the labels of texts, or of pairs of texts, as the model's authors do.

    Safe to share between threads.

    Attributes:
        encoding: labels, activation and whatever else the record and the checkpoint agreed on.
    """

    def __init__(
        self,
        config: ModelConfig[ClassifierModel],
        plan: ClassifierPlan,
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

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels, in the order of the scores."""
        return self.encoding.labels

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels at once, or none."""
        return self.encoding.multi_label

    @property
    def activation(self) -> ScoreActivation:
        """What turns logits into scores, unless a call says otherwise."""
        return self.encoding.activation

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None where nothing limits it."""
        return self.encoding.max_length

    # A string and a pair are iterables of strings, too; the first overload that fits is meant.
    @overload
    def classify(  # type: ignore[overload-overlap]
        self,
        texts: TextOrPair,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Labels: ...
    @overload
    def classify(
        self,
        texts: Iterable[TextOrPair],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> list[Labels]: ...
    def classify(
        self,
        texts: TextOrPair | Iterable[TextOrPair],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Labels | list[Labels]:
        """Return the labels that apply to texts, with their scores, best first.

        Where a text has one label, that is the best of those that reach their thresholds. Where
        it may have several, each applies from a score of 0.5 on.

        Args:
            texts: one text or several; a tuple of two strings is one pair, so that several texts
                are passed as a list.
            top_k: how many labels to return at most, the best of them whatever their scores.
            threshold: the least score with which a label applies.
            thresholds: the least scores of single labels, by name; others keep `threshold`.
            options: see `EncodeOptions`. What is longer than `max_length` is cut, of a pair the
                longer text.

        Returns:
            Labels and scores for one text, a list of these for several.

        Raises:
            TextOverflowError: a text is too long, and that is an error.
            ValueError: a threshold is for a label that the model lacks.
        """
        rule = label_rule(
            self.labels,
            multi_label=self.multi_label,
            top_k=top_k,
            threshold=threshold,
            thresholds=thresholds,
        )
        scores = self._scores(texts, "record", settings_of(**options))
        found = [rule.apply(row) for row in scores]
        return found[0] if _is_single(texts) else found

    def predict_scores(
        self,
        texts: TextOrPair | Iterable[TextOrPair],
        *,
        activation: Activation = "record",
        **options: Unpack[EncodeOptions],
    ) -> Scores:
        """Score every label for texts.

        Args:
            texts: see `classify`.
            activation: what the scores are: ``"logits"`` (or ``"identity"``), ``"sigmoid"`` or
                ``"softmax"`` over the labels; ``"record"`` takes the model's own `activation`.
            options: see `classify`.

        Returns:
            float32 ``[n_labels]`` for one text, ``[n_texts, n_labels]`` for several, in the order
            of `labels`.

        Raises:
            TextOverflowError: a text is too long, and that is an error.
            ValueError: there is no such activation.
        """
        scores = self._scores(texts, activation, settings_of(**options))
        return scores[0] if _is_single(texts) else scores

    # A string is an iterable of strings, too; the first overload that fits is meant.
    @overload
    def classify_zero_shot(  # type: ignore[overload-overlap]
        self,
        texts: str,
        labels: Sequence[str],
        *,
        hypothesis: str = "This example is {}.",
        multi_label: bool = False,
        **options: Unpack[EncodeOptions],
    ) -> Labels: ...
    @overload
    def classify_zero_shot(
        self,
        texts: Iterable[str],
        labels: Sequence[str],
        *,
        hypothesis: str = "This example is {}.",
        multi_label: bool = False,
        **options: Unpack[EncodeOptions],
    ) -> list[Labels]: ...
    def classify_zero_shot(
        self,
        texts: str | Iterable[str],
        labels: Sequence[str],
        *,
        hypothesis: str = "This example is {}.",
        multi_label: bool = False,
        **options: Unpack[EncodeOptions],
    ) -> Labels | list[Labels]:
        """Score labels of the caller's own, by a model of natural language inference.

        Args:
            texts: one text or several.
            labels: what the texts may be about.
            hypothesis: the sentence that is true of a text with a label, with ``{}`` for the label.
            multi_label: whether a text may have several of the labels; else their scores sum to 1.
            options: see `EncodeOptions`.

        Returns:
            All labels with their scores, best first, for one text; a list of these for several.

        Raises:
            TextOverflowError: a text is too long, and that is an error.
            ValueError: the model is none of natural language inference, or the labels are no
                different ones.
        """
        follows, contradicts = inference_labels(self.labels)
        sentences = hypotheses(hypothesis, labels)
        given = list(each_text(texts))
        pairs = [(text, sentence) for text in given for sentence in sentences]
        logits = self._scores(pairs, "logits", settings_of(**options))
        scores = candidate_scores(
            logits.reshape(len(given), len(sentences), len(self.labels)),
            follows,
            contradicts,
            multi_label=multi_label,
        )
        rule = all_labels(labels)
        found = [rule.apply(row) for row in scores]
        return found[0] if isinstance(texts, str) else found

    def _scores(
        self,
        texts: TextOrPair | Iterable[TextOrPair],
        activation: Activation,
        settings: EncodeSettings,
    ) -> Scores:
        n_labels = len(self.labels)
        used = chosen_activation(activation, self.activation, n_labels)
        task = Task(
            model_id=self.record.id,
            max_length=self.max_length,
            read=self._read,
            collect=collect_logits(n_labels),
            n_characters=_n_characters,
        )
        n_items = 1 if _is_single(texts) else count_inputs(texts)
        windows = stream(self._networks(settings), task, _each(texts), settings, n_items=n_items)
        return activate(joined(windows, n_labels), used)

    def _read(self, inputs: Sequence[TextOrPair]) -> Reading:
        tokenizer, max_length = self._tokenizer(), self.max_length
        texts = _placed(
            tokenizer.encode(
                [found for found in inputs if isinstance(found, str)], max_length=max_length
            ),
            [at for at, found in enumerate(inputs) if isinstance(found, str)],
        )
        pairs = _placed(
            tokenizer.encode_pairs(
                [found for found in inputs if not isinstance(found, str)], max_length=max_length
            ),
            [at for at, found in enumerate(inputs) if not isinstance(found, str)],
        )
        found: list[TokenizedText] = [
            next(texts if isinstance(given, str) else pairs) for given in inputs
        ]
        return reading(found)

    def __repr__(self) -> str:
        """Show what decides the scores and where they are made."""
        return (
            f"Classifier({self.record.id!r}, labels={self.labels!r}, "
            f"multi_label={self.multi_label}, activation={self.activation!r}, "
            f"max_length={self.max_length}, device={self.device!r}, dtype={self.dtype!r})"
        )


def _is_single(texts: object) -> bool:
    if isinstance(texts, tuple) and texts and isinstance(texts[0], str):
        return True
    return isinstance(texts, str)


def _placed(texts: Iterator[TokenizedText], positions: Sequence[int]) -> Iterator[TokenizedText]:
    """Yield tokens; an error tells the position of its text among all that were passed."""
    try:
        yield from texts
    except TokenizationError as error:
        raise error.at(positions[error.index]) from error


def _each(texts: TextOrPair | Iterable[TextOrPair]) -> Iterator[TextOrPair]:
    several = [texts] if _is_single(texts) else texts
    for index, text in enumerate(cast(Iterable[TextOrPair], several)):
        if isinstance(text, (tuple, list)):
            yield checked_pair(text, index)
        else:
            check_text(text, f"the text at index {index}")
            yield text


def _n_characters(given: TextOrPair) -> int:
    return len(given) if isinstance(given, str) else len(given[0]) + len(given[1])
