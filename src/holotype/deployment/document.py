"""What a deployment file says: frozen records of the models to run and how to run them.

The records hold resolved values: sizes in bytes, times in seconds, defaults filled in. They compare
by value, can be pickled, and import nothing heavy. `holotype.deployment.reading` makes them from
text, and checks them; a program may also make them itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from holotype.references.ref import ModelRef
from holotype.run_options import Backend

ArchitectureType: TypeAlias = Literal[
    "bert-sequence-classification",
    "roberta-sequence-classification",
    "distilbert-sequence-classification",
    "deberta-sequence-classification",
    "xlm-roberta-sequence-classification",
    "modernbert-sequence-classification",
    "sentence-transformer",
    "colbert",
    "sparse",
    "cross-encoder",
    "image-text",
    "captioner",
]
"""What a deployment may say about the kind of a model."""

Eviction: TypeAlias = Literal["fewest", "lru"]
Swap: TypeAlias = Literal["overlap", "replace"]
Apply: TypeAlias = Literal["each", "all"]
Combine: TypeAlias = Literal["mean", "max", "vote", "concat"]
OnFailure: TypeAlias = Literal["fail", "drop"]
Sticky: TypeAlias = Literal["key", "user", "none"]

DEFAULT_VARIANT = "default"
"""The name of the only variant of a model that has a source and no variants."""

ANY_DEVICE = "*"
"""The device of a memory limit that holds for every device without a limit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """How much of a device's memory models may take: a share of it, or a number of bytes.

    Attributes:
        device: the device, such as ``"cpu"`` or ``"cuda:0"``; ``"*"`` is every device without a
            limit of its own.
        n_bytes: the limit in bytes; None if it is a share.
        share: the limit as a share of what the device has, above 0 and at most 1; None if it is in
            bytes.
    """

    device: str = ANY_DEVICE
    n_bytes: int | None = None
    share: float | None = None

    def of(self, total_bytes: int) -> int:
        """Return the limit in bytes on a device that has `total_bytes`; never more than those."""
        if self.n_bytes is not None:
            return min(self.n_bytes, total_bytes)
        return total_bytes if self.share is None else int(total_bytes * self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How the pool shares the machine between models.

    Attributes:
        memory: a limit for each device that has one; see `limit`.
        eviction: whom to unload for another model: ``"fewest"`` takes the largest first, so that
            the fewest go; ``"lru"`` takes the least recently used.
        idle_after_s: unload a model that nobody has called for so many seconds; None means never.
        min_resident_s: for how many seconds a model that has just been loaded is not unloaded for
            another one.
        swap: ``"overlap"`` loads the new model beside the old one; ``"replace"`` unloads the old
            one first, and loads it again if the new one fails.
        apply: ``"each"`` switches every model of a changed deployment on its own; ``"all"``
            switches none before all have been loaded, beside the old ones whatever `swap` says.
    """

    memory: tuple[MemoryLimit, ...] = (MemoryLimit(share=0.8),)
    eviction: Eviction = "fewest"
    idle_after_s: float | None = None
    min_resident_s: float = 60.0
    swap: Swap = "overlap"
    apply: Apply = "each"

    def limit(self, device: str) -> MemoryLimit:
        """Return the limit of a device: its own, else that of every device, else 80 %."""
        by_device = {limit.device: limit for limit in self.memory}
        return by_device.get(device) or by_device.get(ANY_DEVICE) or MemoryLimit(share=0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureSpec:
    """What the model must be; loading is refused where the checkpoint says otherwise.

    Attributes:
        type: the kind of model; None lets the checkpoint decide.
        num_labels: how many labels the classifier has; None lets the checkpoint decide.
        labels: their names, in the order of the scores; empty lets the checkpoint decide.
    """

    type: ArchitectureType | None = None
    num_labels: int | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceSettings:
    """How a model is run.

    Attributes:
        device: a device, such as ``"cpu"`` or ``"cuda:1"``; None takes the first available.
        dtype: the type of the weights and of the arithmetic; None is that of the backend.
        backend: the library that runs the model.
        threshold: the lowest score of a label that applies, from 0 to 1; None is the model's own.
        max_length: the longest text in tokens; None is the model's own.
        batch_tokens: how many tokens a batch has at most; None lets the pool decide.
        trust_remote_code: whether Python files of the checkpoint may run.
    """

    device: str | None = None
    dtype: str | None = None
    backend: Backend = "torch"
    threshold: float | None = None
    max_length: int | None = None
    batch_tokens: int | None = None
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSource:
    """A model that a reference names: a folder, a repository, an artifact, an entry.

    Attributes:
        ref: the reference; a relative folder is relative to the deployment file, and already
            joined to its folder.
    """

    ref: ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinSource:
    """A classifier that comes with holotype, such as ``pii``.

    Attributes:
        name: its name.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SagemakerSource:
    """An endpoint of SageMaker.

    Attributes:
        endpoint: its name.
        region: the region; None takes that of the environment.
    """

    endpoint: str
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSource:
    """A class of the operator's own.

    Attributes:
        factory: ``module:Class``, or the name of an entry point of the group
            ``holotype.encoders``.
        options: the arguments of the class by name, sorted by name; each is text, a number, a
            boolean or None.
    """

    factory: str
    options: tuple[tuple[str, str | int | float | bool | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySource:
    """A kind of the registry: the version that is active, now and after every switch.

    Attributes:
        kind: the kind, such as ``text_embedding``.
        version: a version to stay at, such as ``bge-m3/v1.0.0``; None follows the active one.
    """

    kind: str
    version: str | None = None

    def __str__(self) -> str:
        """Return how a deployment spells it."""
        return f"registry:{self.kind}" + (f"@{self.version}" if self.version else "")


Source: TypeAlias = (
    ReferenceSource | BuiltinSource | SagemakerSource | CustomSource | RegistrySource
)
"""Where a model comes from."""


def is_moving(source: Source) -> bool:
    """Return whether a source may stand for other weights tomorrow.

    These move: a repository without a commit, and an alias. An object store's artifact and an entry
    of the catalogue state their digest or commit, and a folder is what is in it. The registry moves
    only by a switch that it checks and keeps, so that this is no accident.
    """
    if not isinstance(source, ReferenceSource):
        return False
    ref = source.ref
    return ref.alias is not None or (ref.scheme == "hf" and not ref.is_commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSpec:
    """One of the models that answer under one name.

    Attributes:
        name: its name, unique within the model.
        weight: its share of the calls, from 0 to 1; those of all variants sum to 1.
        source: where it comes from.
        inference: how it is run: the variant's own settings, completed by the model's.
    """

    name: str = DEFAULT_VARIANT
    weight: float = 1.0
    source: Source
    inference: InferenceSettings = InferenceSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """A model of an ensemble.

    Attributes:
        name: the name of the model in the deployment.
        weight: its share of the result, from 0 to 1; those of all members sum to 1.
    """

    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleSpec:
    """A model that combines what others return.

    Attributes:
        members: the models.
        combine: ``"mean"`` (weighted), ``"max"`` and ``"vote"`` (weighted) for classifiers;
            ``"mean"`` and ``"concat"`` for dense models.
        on_failure: what becomes of a call if a member fails: it fails, or goes on without it.
    """

    members: tuple[MemberSpec, ...]
    combine: Combine = "mean"
    on_failure: OnFailure = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A name that callers use, and what answers under it: variants, or an ensemble of other names.

    Attributes:
        name: the name.
        variants: what answers, at least one; empty if the model is an ensemble.
        ensemble: the models that it combines; None if it has variants.
        architecture: what the model must be.
        inference: the settings of the model; each variant holds its own, already completed.
        dim: the size of the vectors; None is the model's own.
        fallback: the names that answer instead, in this order, if the model cannot.
        memory_bytes: how much memory a loaded copy takes; None to measure it.
        preload: whether to load it at the start, before anybody calls.
        pinned: whether it stays loaded although others need the memory, or nobody calls.
        copies: how many copies to load.
        sticky: what keeps a caller on one variant: the key of the call, its user, or nothing.
        timeout_s: how many seconds a call may take; None for no limit.
        allow_moving: whether sources may be repositories without a commit, or aliases.
        allow_different_vectors: whether variants, fallbacks and later versions may make vectors
            that an index of this model cannot be searched with.
    """

    name: str
    variants: tuple[VariantSpec, ...] = ()
    ensemble: EnsembleSpec | None = None
    architecture: ArchitectureSpec = ArchitectureSpec()
    inference: InferenceSettings = InferenceSettings()
    dim: int | None = None
    fallback: tuple[str, ...] = ()
    memory_bytes: int | None = None
    preload: bool = False
    pinned: bool = False
    copies: int = 1
    sticky: Sticky = "key"
    timeout_s: float | None = None
    allow_moving: bool = False
    allow_different_vectors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """All that a deployment says.

    Attributes:
        models: the models, in the order of the file; their names are unique.
        pool: how they share the machine.
    """

    models: tuple[ModelSpec, ...] = ()
    pool: PoolSettings = field(default_factory=PoolSettings)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, in order."""
        return tuple(model.name for model in self.models)

    def find(self, name: str) -> ModelSpec | None:
        """Return the model of this name, or None."""
        for model in self.models:
            if model.name == name:
                return model
        return None
