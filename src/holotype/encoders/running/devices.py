"""Rows dealt out to one model on several devices.

They are dealt out by length, so that every device gets about as much work. Results come back as
they are ready, and carry the positions of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Lock
from typing import Generic, Protocol, TypeVar

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.network import FoundT, OutputOf, Runner


def run_on(
    networks: Sequence[Runner[FoundT]], rows: Sequence[Row], batch_size: int | None
) -> Iterator[OutputOf[FoundT]]:
    """Yield batch by batch, in any order of the rows; see `Network.run`.

    Args:
        networks: one model on several devices; a network that is listed twice runs two batches at
            once.
        rows: what is run.
        batch_size: how many rows make a batch on each device.
    """
    if len(networks) == 1:
        yield from networks[0].run(rows, batch_size)
        return
    by_length = sorted(range(len(rows)), key=lambda at: -len(rows[at].ids))
    parts = [by_length[first :: len(networks)] for first in range(len(networks))]
    with ThreadPoolExecutor(len(networks), thread_name_prefix="holotype-device") as threads:
        runs = [
            (part, network.run([rows[at] for at in part], batch_size))
            for part, network in zip(parts, networks, strict=True)
            if part
        ]
        waiting = {threads.submit(next, run, None): (part, run) for part, run in runs}
        while waiting:
            for ready in wait(waiting, return_when=FIRST_COMPLETED).done:
                part, run = waiting.pop(ready)
                output = ready.result()
                if output is None:
                    continue
                # The device goes on while the caller takes what it has made.
                waiting[threads.submit(next, run, None)] = (part, run)
                positions, vectors, counted = output
                yield [part[at] for at in positions], vectors, counted


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
