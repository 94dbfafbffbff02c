"""A machine and models that are small, exact and fail on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition, Event, Lock, get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.deployment.document import MemoryLimit, PoolSettings
from holotype.encoders.running.scores import LabelScore
from holotype.pool.engine import Engine
from holotype.pool.loader import CHORE, Job, Later
from holotype.pool.memory import DeviceMemory
from holotype.pool.sizes import Need, Sizes
from holotype.pool.slot import Slot, Unit

MIB = 1024 * 1024


class Machine:
    """A clock that stands still, and a memory that holds what is loaded on it."""

    def __init__(self, total_bytes: int = 1000) -> None:
        """Begin."""
        self.now_s = 100.0
        self.total_bytes = total_bytes
        self.others_bytes = 0
        self.kept_bytes = 0
        self.n_trims = 0
        self.gives_back = False
        self.alive: list[FakeModel] = []
        self.lock = Lock()

    def clock(self) -> float:
        return self.now_s

    def read_memory(self, device: str) -> DeviceMemory:
        with self.lock:
            own = 50 + self.kept_bytes + sum(model.n_bytes for model in self.alive)
        return DeviceMemory(
            device=device,
            total_bytes=self.total_bytes,
            available_bytes=self.total_bytes - own + 50 - self.others_bytes,
            own_bytes=own,
        )

    def trim(self, device: str, *, collect: bool = True) -> None:
        self.n_trims += collect
        if self.gives_back:
            self.kept_bytes = 0


class FakeModel:
    """Encodes a text to the number of its version, and notices calls after its end."""

    def __init__(
        self,
        machine: Machine,
        number: int,
        n_bytes: int,
        *,
        fingerprint: str = "same",
        labels: tuple[str, ...] | None = None,
        error: Exception | None = None,
        gate: Event | None = None,
    ) -> None:
        """Begin."""
        self.machine = machine
        self.number = number
        self.n_bytes = self.memory_bytes = n_bytes
        self.fingerprint = fingerprint
        self.is_closed = False
        self.error = error
        self.gate = gate
        self.value = float(number)
        self.n_calls = 0
        self.keeps_bytes = 0
        if labels is not None:
            self.labels = labels
            self.multi_label = True
            self.classify = self._classify
            self.predict_scores = self._predict_scores
        else:
            self.dim = 2
        with machine.lock:
            machine.alive.append(self)

    def encode(self, texts: Sequence[str], **_: Any) -> NDArray[np.float32]:
        assert not self.is_closed, "a closed model was called"
        self.n_calls += 1
        if self.error is not None:
            raise type(self.error)(*self.error.args)
        found = np.array([[self.value, len(text)] for text in texts], dtype=np.float32)
        assert not self.is_closed, "a model was closed during a call"
        return found

    def _predict_scores(self, texts: Sequence[str], **_: Any) -> NDArray[np.float32]:
        self.encode(texts)
        scores = [1 / (self.number + at) for at in range(len(self.labels))]
        return np.array([scores for _ in texts], dtype=np.float32)

    def _classify(
        self, texts: Sequence[str], threshold: float | None = None, **_: Any
    ) -> list[tuple[LabelScore, ...]]:
        least = 0.5 if threshold is None else threshold
        return [
            tuple(
                LabelScore(label=label, score=float(score))
                for label, score in zip(self.labels, row, strict=True)
                if score >= least
            )
            for row in self._predict_scores(texts)
        ]

    encode_query = encode
    encode_document = encode

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True
        with self.machine.lock:
            self.machine.alive.remove(self)
            self.machine.kept_bytes += self.keeps_bytes


class TestEngine(Engine):
    """An engine whose threads can be waited for."""

    __test__ = False

    def __init__(
        self,
        machine: Machine,
        settings: PoolSettings | None = None,
        *,
        sizes: Sizes | None = None,
    ) -> None:
        """Begin."""
        budget = MemoryLimit(n_bytes=machine.total_bytes)
        super().__init__(
            settings or PoolSettings(memory=(budget,), min_resident_s=0),
            sizes=sizes or Sizes(None),
            clock=machine.clock,
            read_memory=machine.read_memory,
            trim=machine.trim,
        )
        self.machine = machine
        self.waits = Condition()
        self.n_waiting = 0
        self.waits_for: dict[int, Any] = {}

    def _wait_for(self, job: Any, deadline_s: float | None) -> Any:
        with self.waits:
            self.n_waiting += 1
            self.waits_for[get_ident()] = job
            self.waits.notify_all()
        return super()._wait_for(job, deadline_s)

    def is_blocked(self, thread: int) -> bool:
        """Whether a caller waits for a load that is not over."""
        job = self.waits_for.get(thread)
        return job is not None and not job.future.done()

    def settle(self) -> None:
        """Return when every loader has tried all that it has."""
        for _ in range(2):
            for device in self.devices():
                sentinel = _Sentinel()
                device.loader.submit(sentinel)
                assert sentinel.reached.wait(30)

    def slot(self, name: str, n_bytes: int = 100, *, pinned: bool = False, **more: Any) -> Slot:
        """Return a slot of a model of a size; see `unit`."""
        unit = self.unit(name, n_bytes, **more)
        return Slot(name, "default", unit, pinned=pinned)

    def unit(
        self,
        name: str,
        n_bytes: int = 100,
        *,
        number: int = 1,
        device: str = "cpu",
        fails: Exception | Callable[[], None] | None = None,
        need: Need | None = None,
        allow_different_vectors: bool = False,
        backend: str | None = "torch",
        **model: Any,
    ) -> Unit:
        """Return how a fake model is loaded."""
        self.open_device(device)

        def open_model() -> FakeModel:
            if isinstance(fails, Exception):
                raise fails
            if fails is not None:
                fails()
            return FakeModel(self.machine, number, n_bytes, **model)

        return Unit(
            identity=f"{name}-{number}",
            size_key=f"{name}-{n_bytes}",
            reference=f"fake:{name}-{number}",
            device=device,
            open=open_model,
            prepare=lambda: None,
            need=lambda: need or Need(n_bytes=n_bytes, origin="declared"),
            backend=backend,
            allow_different_vectors=allow_different_vectors,
        )


class _Sentinel(Job):
    def __init__(self) -> None:
        """Begin."""
        super().__init__(CHORE + 1)
        self.reached = Event()

    def attempt(self) -> Later | None:
        self.reached.set()
        return None

    def abandon(self, error: Exception) -> None:
        self.reached.set()
