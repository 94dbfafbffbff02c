"""Whether a loaded model is what the deployment says, and may replace the one before it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from holotype.deployment.document import ArchitectureType
from holotype.errors import NotFiniteError
from holotype.pool.errors import ContradictionError, ModelLoadError
from holotype.pool.generation import HAVE_VECTORS, Facts, ModelKind
from holotype.pool.slot import Unit

_PROBE = "text"
_PICTURE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)
"""A picture that is not of one colour."""
_KINDS: Mapping[ArchitectureType, ModelKind] = {
    "sentence-transformer": "dense",
    "colbert": "colbert",
    "sparse": "sparse",
    "cross-encoder": "cross-encoder",
    "image-text": "image-text",
    "captioner": "captioner",
}
_CLASSIFICATION = "-sequence-classification"


def facts_of(model: Any, name: str) -> Facts:
    """Ask a model what it is.

    Models of holotype have a record that says their kind. Of others, what has `classify` is a
    classifier, and what has `encode` makes dense vectors.

    Raises:
        ModelLoadError: it is neither.
        CheckpointError: the files that its fingerprint is made of cannot be read any more.
    """
    record = getattr(model, "record", None)
    kind: ModelKind
    if record is not None:
        kind = cast("ModelKind", str(record.type))
    elif callable(getattr(model, "classify", None)):
        kind = "classifier"
    elif callable(getattr(model, "encode", None)):
        kind = "dense"
    else:
        raise ModelLoadError(
            name,
            f"cannot be used: {type(model).__name__} has neither encode() nor classify(); give the "
            "class one of them",
        )
    return Facts(
        kind=kind,
        architecture=None if record is None else record.architecture_type,
        labels=tuple(getattr(model, "labels", ())),
        dim=getattr(model, "dim", None),
        max_length=getattr(model, "max_length", None),
        fingerprint=getattr(model, "fingerprint", None),
        activation=None if record is None else getattr(model, "activation", None),
    )


def check_unit(name: str, unit: Unit, facts: Facts) -> None:
    """Compare a loaded model with what the deployment says.

    Raises:
        ContradictionError: they differ; the error has both values.
    """
    hint = "correct the deployment, or name another source"
    if unit.type is not None:
        _check_type(name, unit.type, facts, hint)
    if unit.n_labels is not None and unit.n_labels != len(facts.labels):
        raise ContradictionError(name, "num_labels", unit.n_labels, len(facts.labels), hint)
    if unit.labels and unit.labels != facts.labels:
        raise ContradictionError(name, "labels", unit.labels, facts.labels, hint)
    if unit.dim is not None and facts.dim is not None and unit.dim != facts.dim:
        raise ContradictionError(name, "dimensions", unit.dim, facts.dim, hint)
    if unit.fingerprint is not None and unit.fingerprint != facts.fingerprint:
        raise ContradictionError(
            name,
            "fingerprint",
            unit.fingerprint,
            facts.fingerprint,
            f"{unit.reference} was registered with the first: its files, or the way it "
            "is run, have changed",
        )
    if unit.max_length is not None and unit.max_length != facts.max_length:
        raise ContradictionError(
            name,
            "max_length",
            unit.max_length,
            facts.max_length,
            "only models of holotype can be cut; leave max_length out",
        )


def _check_type(name: str, type: ArchitectureType, facts: Facts, hint: str) -> None:
    kind = _KINDS.get(type, "classifier")
    if kind != facts.kind:
        raise ContradictionError(name, "architecture.type", type, facts.kind, hint)
    if kind == "classifier" and facts.architecture is not None:
        family = type.removesuffix(_CLASSIFICATION)
        if not facts.architecture.replace("_", "-").startswith(family):
            found = f"{facts.architecture}{_CLASSIFICATION}"
            raise ContradictionError(name, "architecture.type", type, found, hint)


def check_successor(name: str, old: Facts, new: Facts, *, allow_different_vectors: bool) -> bool:
    """Compare a model with the one that it is to replace.

    Args:
        name: the name of both.
        old: the model that serves.
        new: the model that would.
        allow_different_vectors: whether another fingerprint, or other labels, are meant.

    Returns:
        Whether something differs that was allowed to.

    Raises:
        ContradictionError: they are of different kinds, or something differs that may not.
    """
    if old.kind != new.kind:
        raise ContradictionError(
            name, "kind", old.kind, new.kind, "serve another kind under a name of its own"
        )
    if new.kind in HAVE_VECTORS:
        what: str = "fingerprint"
        values: tuple[object, object] = old.fingerprint, new.fingerprint
        hint = (
            "an index of the old vectors cannot be searched with the new ones; build it again and "
            "say so with allow_different_vectors: true"
        )
        if old.dim != new.dim and not allow_different_vectors:
            raise ContradictionError(name, "dimensions", old.dim, new.dim, hint)
        # Without a fingerprint nobody knows whether the vectors are the same.
        differs = values[0] != values[1] or values[0] is None
    else:
        what, values = "labels", (old.labels, new.labels)
        hint = "callers rely on them; if that is meant, say allow_different_vectors: true"
        differs = values[0] != values[1]
    if differs and not allow_different_vectors:
        raise ContradictionError(name, what, *values, hint)
    return differs


def run_probe(model: Any, name: str, facts: Facts) -> None:
    """Run a model once: what it returns must be finite, and of the size that it states.

    A model that reads pictures reads one, and one that reads both reads one of each. The first call
    of a model also takes longer than those that follow.

    Raises:
        NotFiniteError: it returns NaN or infinity.
        ContradictionError: its vectors have another size than it says.
        HolotypeError: whatever the model raises.
    """
    # The shortest of limits may still cut it; classes of one's own need not know the option.
    options = {} if getattr(model, "record", None) is None else {"on_overflow": "truncate"}
    if facts.kind == "cross-encoder":
        found = model.predict([(_PROBE, _PROBE)], **options)
    elif facts.kind == "classifier":
        scores = [score.score for each in model.classify([_PROBE], **options) for score in each]
        if not all(math.isfinite(score) for score in scores):
            raise NotFiniteError(name, 0, str(getattr(model, "dtype", "float32")))
        return
    elif facts.kind == "captioner":
        (caption,) = model.caption([_PICTURE], **options)
        if not math.isfinite(caption.score):
            raise NotFiniteError(name, 0, str(model.dtype))
        return
    elif facts.kind == "image-text":
        texts, pictures = model.encode([_PROBE], **options), model.encode_image([_PICTURE])
        found = np.stack([texts[0], pictures[0]])
    elif reads_pages(model):
        model.encode_query([_PROBE], **options)
        model.encode_image([_PICTURE])
        return
    else:
        found = model.encode([_PROBE], **options)
    if facts.kind in ("colbert", "sparse"):
        # Their encoders have looked at every number.
        return
    values = np.asarray(found, dtype=np.float64)
    if not np.isfinite(values).all():
        raise NotFiniteError(name, 0, str(getattr(model, "dtype", "float32")))
    if facts.kind == "dense":
        shape = (1, facts.dim if facts.dim is not None else values.shape[-1])
        if values.shape != shape:
            raise ContradictionError(
                name,
                "shape of vectors for one text",
                shape,
                values.shape,
                "encode() of a list returns one vector for each text: [n_texts, dim]",
            )


def reads_pages(model: Any) -> bool:
    """Return whether the documents of a late-interaction model are pictures."""
    encoding = getattr(model, "encoding", None)
    return getattr(encoding, "pictures", None) is not None
