"""Combine what several models return into one answer.

Scores of classifiers are combined label by label: their weighted mean, the highest of them, or the
weight of the members for which the label applies. Vectors are combined by weighted mean, or put end
to end, each scaled by the root of its weight, so that the dot product of two combined vectors is
the weighted mean of the members' dot products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.deployment.document import EnsembleSpec
from holotype.encoders.running.scores import LabelScore, label_rule
from holotype.pool.errors import EnsembleError, WrongKindOfModelError
from holotype.pool.generation import Generation

_VECTORS = ("encode_query", "encode_document", "encode")
_SCORES = ("classify", "predict_scores")
_RULES = ("top_k", "threshold", "thresholds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one member returned.

    Attributes:
        name: the member.
        weight: its weight.
        value: its answer.
    """

    name: str
    weight: float
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The scores of one classifier.

    Attributes:
        labels: its labels.
        scores: ``[n_texts, n_labels]``.
        multi_label: whether several labels may apply.
        threshold: the deployment's threshold for it; None for the usual one.
        bounded: whether the scores are from 0 to 1; logits are not.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    multi_label: bool
    threshold: float | None
    bounded: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a method of an ensemble is carried out.

    Attributes:
        run: what each member does.
        combine: makes one answer of theirs.
    """

    run: Callable[[Generation], Any]
    combine: Callable[[Sequence[Part]], Any]


def plan(
    name: str,
    spec: EnsembleSpec,
    method: str,
    args: Sequence[Any],
    options: Mapping[str, Any],
) -> Plan:
    """Return how a method of an ensemble is carried out.

    Raises:
        WrongKindOfModelError: ensembles do not have the method, or not with this `combine`.
        EnsembleError: a member that failed cannot be left out of a vector.
    """
    if method in _VECTORS and spec.combine in ("mean", "concat"):
        if spec.on_failure == "drop":
            raise EnsembleError(
                name,
                "combines vectors, which are others without a member; set on_failure: fail",
            )
        single = _is_single(args, options)
        combine = _concatenated if spec.combine == "concat" else _mean_vectors

        def encode(generation: Generation) -> Any:
            _require(generation, "dense")
            return np.atleast_2d(getattr(generation.model, method)(*args, **options))

        def join(parts: Sequence[Part]) -> Any:
            joined = combine(name, parts)
            return joined[0] if single else joined

        return Plan(run=encode, combine=join)
    if method in _SCORES and spec.combine in ("mean", "max", "vote"):
        return _score_plan(name, spec, method, args, options)
    what = "classify(), predict_scores()" if spec.combine in ("max", "vote") else "encode()"
    raise WrongKindOfModelError(
        name, f"is an ensemble that combines by {spec.combine!r}: it has no {method}(), but {what}"
    )


def _is_single(args: Sequence[Any], options: Mapping[str, Any]) -> bool:
    texts = args[0] if args else options.get("texts")
    return isinstance(texts, str) or (
        isinstance(texts, tuple) and bool(texts) and isinstance(texts[0], str)
    )


def _require(generation: Generation, kind: str) -> None:
    version = generation.version
    if version.kind != kind:
        raise WrongKindOfModelError(
            version.name, f"is of the kind {version.kind!r}; this ensemble combines {kind} models"
        )


def _mean_vectors(name: str, parts: Sequence[Part]) -> NDArray[np.float32]:
    dims = {part.value.shape[1] for part in parts}
    if len(dims) != 1:
        raise EnsembleError(
            name, f"takes the mean of vectors of {sorted(dims)} dimensions; use combine: concat"
        )
    total = sum(part.weight for part in parts)
    mean = sum(part.value * np.float32(part.weight / total) for part in parts)
    return np.asarray(mean, dtype=np.float32)


def _concatenated(name: str, parts: Sequence[Part]) -> NDArray[np.float32]:
    total = sum(part.weight for part in parts)
    scaled = [part.value * np.float32((part.weight / total) ** 0.5) for part in parts]
    return np.concatenate(scaled, axis=1)


def _score_plan(
    name: str,
    spec: EnsembleSpec,
    method: str,
    args: Sequence[Any],
    options: Mapping[str, Any],
) -> Plan:
    single = _is_single(args, options)
    texts, *rest = args
    if rest:
        raise TypeError(f"{method}() takes one positional argument")
    given: Iterable[Any] = [texts] if single else list(texts)
    passed = {key: value for key, value in options.items() if key not in _RULES}
    rules = {key: options.get(key) for key in _RULES}

    def score(generation: Generation) -> Scored:
        _require(generation, "classifier")
        model = generation.model
        if not hasattr(model, "predict_scores"):
            raise EnsembleError(
                name,
                f"cannot combine {generation.version.name!r}, which finds spans and has no scores "
                "for a whole text",
            )
        return Scored(
            labels=model.labels,
            scores=model.predict_scores(given, **passed),
            multi_label=model.multi_label,
            threshold=generation.unit.threshold,
            bounded=getattr(model, "activation", None) != "identity",
        )

    def combine(parts: Sequence[Part]) -> Any:
        scored = combine_scores(name, parts, spec.combine)
        if method == "predict_scores":
            return scored.scores[0] if single else scored.scores
        rule = label_rule(
            scored.labels, multi_label=scored.multi_label, bounded=scored.bounded, **rules
        )
        found = [rule.apply(row, row) for row in scored.scores]
        return found[0] if single else found

    return Plan(run=score, combine=combine)


def combine_scores(name: str, parts: Sequence[Part], how: str) -> Scored:
    """Combine the scores of classifiers with the same labels, in whatever order they have them.

    Args:
        name: the ensemble, for messages.
        parts: at least one, whose values are `Scored`.
        how: ``"mean"``, ``"max"`` or ``"vote"``.

    Raises:
        EnsembleError: their labels differ.
    """
    first: Scored = parts[0].value
    total = sum(part.weight for part in parts)
    combined: NDArray[Any] = np.zeros_like(first.scores, dtype=np.float64)
    for part in parts:
        scored: Scored = part.value
        if sorted(scored.labels) != sorted(first.labels):
            raise EnsembleError(
                name,
                f"combines labels that differ: {parts[0].name!r} has {first.labels!r}, "
                f"{part.name!r} has {scored.labels!r}; combine models with the same labels",
            )
        if scored.multi_label != first.multi_label:
            raise EnsembleError(
                name,
                f"combines {parts[0].name!r} and {part.name!r}, of which only one gives a text "
                "several labels",
            )
        order = [scored.labels.index(label) for label in first.labels]
        values = (_votes(scored) if how == "vote" else scored.scores)[:, order]
        if how == "max":
            combined = np.maximum(combined, values) if part is not parts[0] else values
        else:
            combined = combined + values * (part.weight / total)
    return Scored(
        labels=first.labels,
        scores=combined.astype(np.float32),
        multi_label=first.multi_label,
        threshold=None,
        bounded=how == "vote" or all(part.value.bounded for part in parts),
    )


def _votes(scored: Scored) -> NDArray[np.float32]:
    """Return 1 for each label that applies by the model's own rule, else 0."""
    rule = label_rule(
        scored.labels,
        multi_label=scored.multi_label,
        top_k=None,
        threshold=scored.threshold,
        thresholds=None,
        bounded=scored.bounded,
    )
    votes = np.zeros_like(scored.scores)
    for at, row in enumerate(scored.scores):
        found: tuple[LabelScore, ...] = rule.apply(row, row)
        for one in found:
            votes[at, scored.labels.index(one.label)] = 1
    return votes
