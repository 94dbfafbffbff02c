"""A loaded model once more, on further devices of the machine."""

from __future__ import annotations

import dataclasses
from threading import Lock
from typing import TYPE_CHECKING, Any

from holotype.encoders.config import ModelConfig

if TYPE_CHECKING:
    from holotype.encoders.encoder import Encoder


class Replicas:
    """A loaded model on further devices; each is loaded when it is first named, and kept."""

    def __init__(self, config: ModelConfig[Any]) -> None:
        """Take the config of the model, with the device that it is on."""
        self._config = config
        self._encoders: dict[str, Encoder[Any]] = {}
        self._lock = Lock()

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of all of them take."""
        return sum(encoder.memory_bytes for encoder in tuple(self._encoders.values()))

    def on(self, device: str) -> Encoder[Any] | None:
        """Return the replica on a device; None where the model itself is on it."""
        name = _numbered(device)
        if name == _numbered(str(self._config.device)):
            return None
        with self._lock:
            if name not in self._encoders:
                # What loads an encoder knows all kinds of them, and so this one.
                from holotype.encoders._load import load

                self._encoders[name] = load(dataclasses.replace(self._config, device=device))
            return self._encoders[name]

    def close(self) -> None:
        """Let go of the weights of all of them."""
        with self._lock:
            while self._encoders:
                self._encoders.popitem()[1].close()


def _numbered(device: str) -> str:
    return f"{device}:0" if device in ("cuda", "mps") else device
