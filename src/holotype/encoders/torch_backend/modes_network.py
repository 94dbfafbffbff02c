"""A transformer on torch with a head for each mode."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from holotype.encoders.running.modes import Mode, ModeOutput, ModesRow
from holotype.encoders.running.packing import PackedBatch
from holotype.encoders.torch_backend.devices import memory_errors
from holotype.encoders.torch_backend.freed_memory import FREED_MEMORY
from holotype.encoders.torch_backend.network import release_memory
from holotype.encoders.torch_backend.transformer import Head, Transformer
from holotype.errors import ClosedEncoderError


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
        transformer, heads = self._require_parts()
        return transformer.memory_bytes + sum(head.memory_bytes for head in heads.values())

    def run(self, rows: Sequence[ModesRow], batch_size: int | None) -> Iterator[ModeOutput]:
        """Yield batch by batch, longest rows first; see `ModesNetwork.run`."""
        # A run that began before the network was closed ends with the parts that it holds here.
        transformer, heads = self._require_parts()
        with FREED_MEMORY.running(), memory_errors(self._device):
            for batch in transformer.batches([row.row for row in rows], batch_size):
                vectors = transformer.token_vectors(batch)
                for mode, head in heads.items():
                    counting = _count(batch, rows, mode)
                    for positions, found, counted in head.outputs(vectors, counting):
                        yield positions, (mode, found()), counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None
        release_memory(self._device)

    def _require_parts(self) -> tuple[Transformer, Mapping[Mode, Head]]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts


def _count(batch: PackedBatch, rows: Sequence[ModesRow], mode: Mode) -> PackedBatch:
    """Return a batch in which the tokens count that count in a mode."""
    counted = batch.counted.copy()
    lengths = batch.lengths
    starts = np.cumsum(lengths) - lengths
    for index, start in zip(batch.indices, starts.tolist(), strict=True):
        row = rows[index]
        counted[start : start + row.n_tokens] = row.counted[mode]
    return dataclasses.replace(batch, counted=counted)
