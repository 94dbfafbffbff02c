"""Classifiers: a score for each of a model's labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeAlias, Unpack, overload

from holotype.encoders.arguments import ATTRIBUTE_EQUIVALENTS, CLASSIFIER_EQUIVALENTS
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import Build
from holotype.encoders.inputs.items import (
    check_pair,
    check_text,
    count_items,
    each_text,
    require_several,
)
from holotype.encoders.inputs.lengths import Lengths, lengths_of
from holotype.encoders.inputs.pairs import TextOrPair as TextOrPair
from holotype.encoders.inputs.pairs import TextOrPairReader
from holotype.encoders.kinds.plan import ClassifierPlan
from holotype.encoders.options import EncodeOptions, EncodeSettings, settings_of
from holotype.encoders.running.network import Towers
from holotype.encoders.running.scores import (
    Activation,
    LabelScore,
    Scores,
    activate,
    candidate_labels,
    candidate_logits,
    choose_activation,
    hypotheses,
    inference_labels,
    label_rule,
    rule_for_all,
)
from holotype.encoders.scoring_encoder import ScoringEncoder
from holotype.records import ClassifierModel

Labels: TypeAlias = tuple[LabelScore, ...]


class Classifier(ScoringEncoder[ClassifierModel]):
    """Scores the labels of texts, or of pairs of texts, as the model's authors do.

    Safe to share between threads.

    Attributes:
        encoding: labels, activation and the other settings from the record and the checkpoint.
    """

    _equivalents: ClassVar[Mapping[str, str]] = {**ATTRIBUTE_EQUIVALENTS, **CLASSIFIER_EQUIVALENTS}

    def __init__(
        self,
        config: ModelConfig[ClassifierModel],
        plan: ClassifierPlan,
        towers: Towers,
        build: Build,
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Raises:
            ValueError: the model's maximum length leaves no room for two texts.
        """
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

    # Strings and pairs are also iterables of strings; the first overload that matches is right.
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

        A single-label model returns the best of the labels that reach their thresholds. A
        multi-label model returns every label that does; its default threshold is 0.5.

        Args:
            texts: one text or several; a tuple of two strings is one pair, so pass several texts
                as a list.
            top_k: the maximum number of labels to return, from 1 on, the best ones whatever their
                scores.
            threshold: the lowest score at which a label applies, from 0 to 1; of a model whose
                scores are logits, any number.
            thresholds: the lowest scores for individual labels, by name; others use `threshold`.
            options: see `EncodeOptions`. An input longer than `max_length` is truncated; of a
                pair, the longer text.

        Returns:
            Labels and scores for one text, a list of these for several.

        Raises:
            TextOverflowError: a text is too long and `on_overflow` is ``"error"``.
            ValueError: `thresholds` names a label that the model lacks.
            InvalidArgumentError: `top_k` is not positive, or no score can reach a threshold.
        """
        rule = label_rule(
            self.labels,
            multi_label=self.multi_label,
            top_k=top_k,
            threshold=threshold,
            thresholds=thresholds,
            bounded=self.activation != "identity",
        )
        logits = self._logits_of(texts, settings_of(**options))
        scores = activate(logits, self.activation)
        found = [rule.apply(*row) for row in zip(scores, logits, strict=True)]
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
            activation: the scale of the scores: ``"logits"`` (or ``"identity"``), ``"sigmoid"``
                or ``"softmax"`` over the labels; ``"record"`` uses the model's own `activation`.
            options: see `classify`.

        Returns:
            float32 ``[n_labels]`` for one text, ``[n_texts, n_labels]`` for several, in the order
            of `labels`.

        Raises:
            TextOverflowError: a text is too long and `on_overflow` is ``"error"``.
            ValueError: the activation is unknown.
        """
        chosen = choose_activation(activation, self.activation, len(self.labels))
        scores = activate(self._logits_of(texts, settings_of(**options)), chosen)
        return scores[0] if _is_single(texts) else scores

    # A string is also an iterable of strings; the first overload that matches is the right one.
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
        """Score labels of your own choice, with a model for natural language inference.

        Args:
            texts: one text or several.
            labels: the candidate labels.
            hypothesis: a sentence that holds if a label applies, with ``{}`` for the label.
            multi_label: whether several labels may apply; if not, their scores sum to 1.
            options: see `EncodeOptions`.

        Returns:
            All labels with their scores, best first, for one text; a list of these for several.

        Raises:
            TextOverflowError: a text is too long and `on_overflow` is ``"error"``.
            TypeError: a label or the hypothesis is not a string, or the labels have no order.
            ValueError: the model does not do natural language inference, or the labels are not
                distinct.
        """
        follows, contradicts = inference_labels(self.labels)
        candidates = candidate_labels(labels)
        sentences = hypotheses(hypothesis, candidates)
        given = list(each_text(texts))
        pairs = [(text, sentence) for text in given for sentence in sentences]
        all_logits = self._logits_of(pairs, settings_of(**options))
        logits, activation = candidate_logits(
            all_logits.reshape(len(given), len(sentences), len(self.labels)),
            follows,
            contradicts,
            multi_label=multi_label,
        )
        rule = rule_for_all(candidates)
        scores = activate(logits, activation)
        found = [rule.apply(*row) for row in zip(scores, logits, strict=True)]
        return found[0] if isinstance(texts, str) else found

    def measure(self, texts: Sequence[TextOrPair]) -> Lengths:
        """Return how many tokens of texts or pairs the model reads and cuts, without running it.

        Raises:
            TokenizationError: the tokenizer fails at a text.
        """
        tokenizer = self._towers.document.tokenizer
        reader = TextOrPairReader(tokenizer=tokenizer, max_length=self.max_length)
        return lengths_of(reader, list(_each_input(texts)))

    def _logits_of(
        self, texts: TextOrPair | Iterable[TextOrPair], settings: EncodeSettings
    ) -> Scores:
        tokenizer = self._towers.document.tokenizer
        return self._logits(
            _each_input(texts),
            TextOrPairReader(tokenizer=tokenizer, max_length=self.max_length),
            settings,
            n_labels=len(self.labels),
            n_items=1 if _is_single(texts) else count_items(texts),
        )

    def __repr__(self) -> str:
        """Show the settings that determine the scores, and the device."""
        return (
            f"Classifier({self.record.id!r}, labels={self.labels!r}, "
            f"multi_label={self.multi_label}, activation={self.activation!r}, "
            f"max_length={self.max_length}, device={self.device!r}, dtype={self.dtype!r})"
        )


def _is_single(texts: object) -> bool:
    if isinstance(texts, tuple) and texts and isinstance(texts[0], str):
        return True
    return isinstance(texts, str)


def _each_input(texts: TextOrPair | Iterable[TextOrPair]) -> Iterator[TextOrPair]:
    several: Iterable[object] = (
        [texts]
        if _is_single(texts)
        else require_several(texts, "texts", one="a str, a pair of texts")
    )
    return (
        check_pair(text, index) if isinstance(text, (tuple, list)) else check_text(text, index)
        for index, text in enumerate(several)
    )
