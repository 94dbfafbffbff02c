"""What callers hold of the models that return scores: cross-encoders and classifiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Unpack, overload

from holotype.encoders.classifier import Classifier, Labels, TextOrPair
from holotype.encoders.cross_encoder import CrossEncoder, RankedDocument
from holotype.encoders.inputs.items import Pair
from holotype.encoders.options import EncodeOptions
from holotype.encoders.running.scores import Activation, Scores
from holotype.pool.handles import Handle, kept


class CrossEncoderHandle(Handle[CrossEncoder]):
    """A cross-encoder; see `CrossEncoder`."""

    kind = "cross-encoder"

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
        """Score pairs; see `CrossEncoder.predict`.

        Raises:
            PoolError: the model cannot be loaded or called.
            HolotypeError: see `CrossEncoder.predict`.
        """
        found: float | Scores = self.call(
            "predict", kept(pairs), activation=activation, instruction=instruction, **options
        ).value
        return found

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
        """Sort documents; see `CrossEncoder.rank`, and `predict` for errors."""
        found: list[RankedDocument] = self.call(
            "rank",
            query,
            kept(documents),
            top_k=top_k,
            return_documents=return_documents,
            activation=activation,
            instruction=instruction,
            **options,
        ).value
        return found


class ClassifierHandle(Handle[Classifier]):
    """A classifier, a builtin one, or an ensemble of classifiers; see `Classifier`."""

    kind = "classifier"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels, in the order of the scores."""
        return self._facts.labels

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
        """Return the labels that apply; see `Classifier.classify`.

        Where the call names neither `top_k` nor `threshold`, the deployment's threshold counts.

        Raises:
            PoolError: the model cannot be loaded or called.
            HolotypeError: see `Classifier.classify`.
        """
        found: Labels | list[Labels] = self.call(
            "classify",
            kept(texts),
            top_k=top_k,
            threshold=threshold,
            thresholds=thresholds,
            **options,
        ).value
        return found

    def predict_scores(
        self, texts: TextOrPair | Iterable[TextOrPair], **options: Unpack[EncodeOptions]
    ) -> Scores:
        """Score every label; see `Classifier.predict_scores`, and `classify` for errors."""
        found: Scores = self.call("predict_scores", kept(texts), **options).value
        return found

    def classify_zero_shot(
        self,
        texts: str | Iterable[str],
        labels: Sequence[str],
        *,
        hypothesis: str = "This example is {}.",
        multi_label: bool = False,
        **options: Unpack[EncodeOptions],
    ) -> Labels | list[Labels]:
        """Score labels of your own choice; see `Classifier.classify_zero_shot`."""
        found: Labels | list[Labels] = self.call(
            "classify_zero_shot",
            kept(texts),
            labels,
            hypothesis=hypothesis,
            multi_label=multi_label,
            **options,
        ).value
        return found
