"""Whether what answers for a name can make its vectors, as far as it shows before a load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holotype.deployment.document import (
    Deployment,
    ModelSpec,
    ReferenceSource,
    SagemakerSource,
    VariantSpec,
)
from holotype.deployment.writing import source_text
from holotype.errors import HolotypeError
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef

_HAVE_VECTORS = frozenset({"dense", "colbert", "sparse", "image-text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a variant makes.

    Attributes:
        model: the repository of the model; None if only its files are known.
        type: the kind of model.
        dim: the dimensions of its vectors; None if nobody knows.
        source: how the deployment spells the source.
    """

    model: str | None
    type: str
    dim: int | None
    source: str

    def __str__(self) -> str:
        dims = "" if self.dim is None else f", {self.dim} dimensions"
        return f"{self.model or self.source} ({self.type}{dims})"

    def may_equal(self, other: _Made) -> bool:
        """Whether two may have one fingerprint; only a load tells whether they have."""
        pairs = ((self.model, other.model), (self.type, other.type), (self.dim, other.dim))
        return all(one is None or another is None or one == another for one, another in pairs)


def find_strangers(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield the name of each model of vectors that another model is to answer for, and which one.

    Such a fallback answers no call, and such a variant is not loaded. No model is loaded, and no
    network is asked: what only a load shows is not found.
    """
    for model in deployment.models:
        if model.allow_different_vectors or not model.variants:
            continue
        own = _made_by(model, model.variants[0])
        if own is None or own.type not in _HAVE_VECTORS:
            continue
        for variant in model.variants[1:]:
            yield from _compare(model, own, f"variant {variant.name!r}", model, variant)
        for name in model.fallback:
            other = deployment.find(name)
            for variant in () if other is None else other.variants:
                yield from _compare(model, own, f"fallback {name!r}", other, variant)


def _compare(
    model: ModelSpec, own: _Made, what: str, other: ModelSpec | None, variant: VariantSpec
) -> Iterator[tuple[str, str]]:
    unless = f"unless {model.name!r} says allow_different_vectors: true"
    if isinstance(variant.source, SagemakerSource):
        yield (
            model.name,
            f"its {what} is an endpoint, without a fingerprint: it cannot answer, {unless}",
        )
        return
    found = _made_by(other or model, variant)
    if found is not None and not own.may_equal(found):
        yield (
            model.name,
            f"its {what} is {found}, not {own}: with another fingerprint it cannot answer, {unless}",
        )


def _made_by(model: ModelSpec, variant: VariantSpec) -> _Made | None:
    source = variant.source
    if not isinstance(source, ReferenceSource):
        return None
    try:
        record, is_derived = _record_of(source.ref)
    # What is not on this machine, or is damaged, is told by others.
    except (HolotypeError, OSError):
        return None
    if record is None:
        return None
    return _Made(
        model=record.huggingface_id if record.is_on_hub and not is_derived else None,
        type=str(record.type),
        dim=model.dim or record.embedding_dim,
        source=source_text(source),
    )


def _record_of(ref: ModelRef) -> tuple[ModelInfo | None, bool]:
    """Return the record of a reference, and whether it is only what the files say."""
    from holotype.encoders.names import entry_of_repository
    from holotype.encoders.opening import open_reference

    if ref.scheme == "hf":
        return ref.record or entry_of_repository(ref), False
    if ref.scheme not in ("catalogue", "local"):
        return None, False
    opened = open_reference(ref, verify="sizes")
    return opened.record, opened.is_derived
