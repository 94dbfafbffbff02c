"""Run one model on several devices.

Each device gets rows of all lengths, so that the work is about equal. Results come back as they are
ready, with the positions of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Lock
from typing import Generic, Protocol, TypeVar

from holotype.encoders.inputs.rows import RowT
from holotype.encoders.running.network import FoundT, OutputOf, Runner


def run_on(
    networks: Sequence[Runner[RowT, FoundT]], rows: Sequence[RowT], batch_size: int | None
) -> Iterator[OutputOf[FoundT]]:
    """Yield the output of each batch, in any order; see `Network.run`.

    Args:
        networks: one model on several devices; a network listed twice runs two batches at once.
        rows: the rows to run.
        batch_size: how many rows make a batch on each device.
    """
    if len(networks) == 1:
        yield from networks[0].run(rows, batch_size)
        return
    by_length = sorted(range(len(rows)), key=lambda at: -rows[at].n_tokens)
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
                # The device works on its next batch while the caller handles this one.
                waiting[threads.submit(next, run, None)] = (part, run)
                positions, vectors, counted = output
                yield [part[at] for at in positions], vectors, counted


class Loaded(Protocol):
    """A loaded model."""

    @property
    def memory_bytes(self) -> int:
        """The size of the weights in bytes."""
        ...

    def close(self) -> None:
        """Release the weights."""
        ...


LoadedT = TypeVar("LoadedT", bound=Loaded)


class Replicas(Generic[LoadedT]):
    """A loaded model on further devices, each loaded on first use and kept."""

    def __init__(self, device: str, load_on: Callable[[str], LoadedT]) -> None:
        """Start with no replicas.

        Args:
            device: the device of the model itself.
            load_on: loads the model on another device.
        """
        self._device = device
        self._load_on = load_on
        self._loaded: dict[str, LoadedT] = {}
        self._lock = Lock()

    @property
    def memory_bytes(self) -> int:
        """The size of all replicas' weights in bytes."""
        return sum(loaded.memory_bytes for loaded in tuple(self._loaded.values()))

    def on(self, device: str) -> LoadedT | None:
        """Return the replica on a device; None if the model itself is on it."""
        name = _add_index(device)
        if name == _add_index(self._device):
            return None
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load_on(device)
            return self._loaded[name]

    def close(self) -> None:
        """Release the weights of all replicas."""
        with self._lock:
            while self._loaded:
                self._loaded.popitem()[1].close()


def _add_index(device: str) -> str:
    """Return the name of a device with its index, which torch omits for the first."""
    return f"{device}:0" if device in ("cuda", "mps") else device
