"""Generations, and the leases that keep them open.

A generation is one loaded model. It goes one way, from ready to draining to closed: nothing is
called that is closed, nothing is closed that is called, and what has been retired never comes back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar

from holotype.errors import ClosedEncoderError
from holotype.records import ScoreActivation

ModelT_co = TypeVar("ModelT_co", covariant=True)
State: TypeAlias = Literal["ready", "draining", "closed"]
ModelKind: TypeAlias = Literal[
    "dense", "colbert", "sparse", "cross-encoder", "classifier", "image-text", "captioner"
]

HAVE_VECTORS: frozenset[ModelKind] = frozenset({"dense", "colbert", "sparse", "image-text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Which model gave an answer.

    Attributes:
        name: the name that it was called by.
        variant: the variant.
        number: 1 for the first model that was loaded as this variant, and one more for each after.
        reference: where it comes from.
        kind: its kind.
        fingerprint: the digest of what decides its vectors; None if the model has none.
        device: where it runs.
        copy: the number of the copy of the variant, from 1.
    """

    name: str
    variant: str
    number: int
    reference: str
    kind: ModelKind
    fingerprint: str | None
    device: str
    copy: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a loaded model says of itself.

    Attributes:
        kind: its kind.
        architecture: the family of its network, such as ``bert``; None if it does not say.
        labels: the labels of a classifier.
        dim: the size of its vectors; None if it does not say, or has none.
        max_length: the number of tokens that it reads; None if it does not say.
        fingerprint: see `Version`.
        activation: what turns its logits into scores; None if it does not say, or has none.
    """

    kind: ModelKind
    architecture: str | None
    labels: tuple[str, ...]
    dim: int | None
    max_length: int | None
    fingerprint: str | None
    activation: ScoreActivation | None = None


class Generation:
    """One loaded model. All but the constant attributes is guarded by the pool's lock.

    Attributes:
        version: which model it is.
        facts: what it says of itself.
        unit: how it was loaded.
        memory_bytes: what it holds on its device, as measured.
        loaded_at_s: when it was loaded, on the pool's clock.
        used_at_s: when a lease of a caller last ended, on the same clock.
        n_leases: how many calls hold it.
        state: how far it has come.
        closed: set once its memory is free.
    """

    __slots__ = (
        "closed",
        "facts",
        "labels_of_metrics",
        "loaded_at_s",
        "memory_bytes",
        "model",
        "n_leases",
        "slot",
        "state",
        "unit",
        "used_at_s",
        "version",
    )

    def __init__(
        self,
        *,
        version: Version,
        facts: Facts,
        model: Any,
        unit: Any,
        slot: Any,
        memory_bytes: int,
        now_s: float,
    ) -> None:
        """Take charge of a model that is ready to be called."""
        self.version = version
        self.facts = facts
        self.unit = unit
        self.model = model
        self.slot = slot
        self.memory_bytes = memory_bytes
        self.loaded_at_s = now_s
        self.used_at_s = now_s
        self.n_leases = 0
        self.state: State = "ready"
        self.closed = Event()
        self.labels_of_metrics = (version.name, version.variant)

    def __repr__(self) -> str:
        """Show what it is and how far it has come."""
        version = self.version
        return (
            f"Generation({version.name!r}, {version.variant!r}, {version.number}, "
            f"{self.state}, {self.n_leases} leases)"
        )


class Lease(Generic[ModelT_co]):
    """The right to call one generation, which stays open until the lease ends.

    A context manager that ends the lease on exit. End it on any thread; once is enough.
    """

    __slots__ = ("_ended", "_generation", "_home")

    def __init__(self, generation: Generation, home: Home) -> None:
        """Wrap a generation whose `n_leases` counts this lease already."""
        self._generation = generation
        self._home = home
        self._ended = False

    @property
    def model(self) -> ModelT_co:
        """The model itself. Do not keep it, and do not close it.

        Raises:
            ClosedEncoderError: the lease has ended.
        """
        if self._ended:
            raise ClosedEncoderError(self._generation.version.name)
        model: ModelT_co = self._generation.model
        return model

    @property
    def version(self) -> Version:
        """Which model it is."""
        return self._generation.version

    @property
    def generation(self) -> Generation:
        """The generation; its attributes are guarded by the pool's lock."""
        return self._generation

    def end(self, *, called: bool = True) -> None:
        """End the lease; twice is harmless.

        Args:
            called: whether the model was called; if not, it has been idle for as long as before.
        """
        home = self._home
        generation = self._generation
        with home.lock:
            if self._ended:
                return
            self._ended = True
            generation.n_leases -= 1
            if called:
                generation.used_at_s = home.clock()
            unused = generation.n_leases == 0
        if unused and (generation.state == "draining" or home.waiting):
            home.on_unused(generation)

    def __enter__(self) -> Self:
        """Return the lease."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the lease."""
        self.end()


class Home(ABC):
    """What leases need of their pool.

    Attributes:
        lock: guards generations, slots and ledgers; held for as long as it takes to change them.
        clock: seconds that only grow.
        waiting: whether a load waits for calls to end.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Use a clock."""
        self.lock = Lock()
        self.clock = clock
        self.waiting = False

    @abstractmethod
    def on_unused(self, generation: Generation) -> None:
        """Do what the end of the last lease makes possible; the lock is not held."""
