"""A loaded model once more, on further devices of the machine."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Loaded(Protocol):
    """A model that has been loaded."""

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take."""
        ...

    def close(self) -> None:
        """Let go of the weights."""
        ...


LoadedT = TypeVar("LoadedT", bound=Loaded)


class Replicas(Generic[LoadedT]):
    """A loaded model on further devices; each is loaded when it is first named, and kept."""

    def __init__(self, device: str, load_on: Callable[[str], LoadedT]) -> None:
        """Take the device that the model is on, and what loads it on another."""
        self._device = device
        self._load_on = load_on
        self._encoders: dict[str, LoadedT] = {}
        self._lock = Lock()

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of all of them take."""
        return sum(encoder.memory_bytes for encoder in tuple(self._encoders.values()))

    def on(self, device: str) -> LoadedT | None:
        """Return the replica on a device; None where the model itself is on it."""
        name = _numbered(device)
        if name == _numbered(self._device):
            return None
        with self._lock:
            if name not in self._encoders:
                self._encoders[name] = self._load_on(device)
            return self._encoders[name]

    def close(self) -> None:
        """Let go of the weights of all of them."""
        with self._lock:
            while self._encoders:
                self._encoders.popitem()[1].close()


def _numbered(device: str) -> str:
    return f"{device}:0" if device in ("cuda", "mps") else device
