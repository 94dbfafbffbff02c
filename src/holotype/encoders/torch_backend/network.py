"""Networks on torch: one head, or a head for each mode."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch

from holotype.encoders.inputs.rows import Row
from holotype.encoders.mode_vectors import Mode
from holotype.encoders.running.modes_network import Counter, Pass
from holotype.encoders.running.network import Output
from holotype.encoders.running.packing import PackedBatch
from holotype.encoders.torch_backend.transformer import Head, Transformer
from holotype.errors import ClosedEncoderError


class TorchModel(Protocol):
    """What a `TorchNetwork` runs; see `Network` for its parts."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        ...

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch; see `Network.run`."""
        ...


class TorchNetwork:
    """A `Network` that holds a model until it is closed."""

    def __init__(self, model: TorchModel) -> None:
        """Take a model that nobody else holds."""
        self._model: TorchModel | None = model
        self._device = model.device

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._device)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._open().memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        # Whoever began before the network was closed comes to an end with what is held here.
        yield from self._open().run(rows, batch_size)

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._model = None
        give_memory_back(self._device)

    def _open(self) -> TorchModel:
        if self._model is None:
            raise ClosedEncoderError
        return self._model


def give_memory_back(device: torch.device) -> None:
    """Give a device the memory back of what nothing refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


class TorchModesNetwork:
    """A `ModesNetwork` that holds its parts until it is closed."""

    def __init__(self, transformer: Transformer, heads: Mapping[Mode, Head]) -> None:
        """Take a transformer and its heads, all on one device."""
        self._parts: tuple[Transformer, Mapping[Mode, Head]] | None = (transformer, heads)
        self._device = transformer.device

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._device)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of the transformer and of all heads take on the device."""
        transformer, heads = self._open()
        return transformer.memory_bytes + sum(head.memory_bytes for head in heads.values())

    def run(
        self, rows: Sequence[Row], batch_size: int | None, counters: Mapping[Mode, Counter]
    ) -> Iterator[Pass]:
        """Yield batch by batch, longest rows first; see `ModesNetwork.run`."""
        # Whoever began before the network was closed comes to an end with what is held here.
        transformer, heads = self._open()
        for batch in transformer.batches(rows, batch_size):
            vectors = transformer.token_vectors(batch)
            outputs: dict[Mode, Iterator[Output]] = {
                mode: head.outputs(vectors, _counted(batch, rows, counters.get(mode)))
                for mode, head in heads.items()
            }
            yield batch.indices, batch.counted_by_row(), outputs

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None
        give_memory_back(self._device)

    def _open(self) -> tuple[Transformer, Mapping[Mode, Head]]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts


def _counted(batch: PackedBatch, rows: Sequence[Row], counter: Counter | None) -> PackedBatch:
    """Return a batch in which the tokens count that count in a mode."""
    if counter is None:
        return batch
    counted = batch.counted.copy()
    lengths = batch.lengths
    starts = np.cumsum(lengths) - lengths
    for index, start in zip(batch.indices, starts.tolist(), strict=True):
        ids = rows[index].ids
        counted[start : start + len(ids)] = counter(ids)
    return dataclasses.replace(batch, counted=counted)
