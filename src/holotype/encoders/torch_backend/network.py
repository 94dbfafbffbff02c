"""Networks on torch."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import RowT
from holotype.encoders.running.network import FoundT, FoundT_co, OutputOf, RowT_contra
from holotype.encoders.torch_backend.devices import memory_errors
from holotype.encoders.torch_backend.freed_memory import FREED_MEMORY
from holotype.errors import ClosedEncoderError


class TorchModel(Protocol[RowT_contra, FoundT_co]):
    """What a `TorchNetwork` runs; see `Network` for its parts."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        ...

    def run(
        self, rows: Sequence[RowT_contra], batch_size: int | None
    ) -> Iterator[tuple[list[int], FoundT_co, NDArray[np.bool_]]]:
        """Yield batch by batch; see `Network.run`."""
        ...


class TorchNetwork(Generic[RowT, FoundT]):
    """A `Network` that holds a model until it is closed."""

    def __init__(self, model: TorchModel[RowT, FoundT]) -> None:
        """Hold the only reference to a model."""
        self._model: TorchModel[RowT, FoundT] | None = model
        self._device = model.device

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._device)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._require_model().memory_bytes

    def run(self, rows: Sequence[RowT], batch_size: int | None) -> Iterator[OutputOf[FoundT]]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        # A run that began before the network was closed ends with the model that it holds here.
        model = self._require_model()
        with FREED_MEMORY.running(), memory_errors(self._device):
            yield from model.run(rows, batch_size)

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        self._model = None
        release_memory(self._device)

    def _require_model(self) -> TorchModel[RowT, FoundT]:
        if self._model is None:
            raise ClosedEncoderError
        return self._model


def release_memory(device: torch.device) -> None:
    """Return to a device the memory of what nothing refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
