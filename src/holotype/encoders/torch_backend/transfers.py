"""Arrays on their way to a device and back, beside what else the device and the program do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.running.network import OutputOf

Fetched: TypeAlias = Callable[[], NDArray[np.float32]]
"""Waits until the values are there, and returns them."""
Started: TypeAlias = OutputOf[Fetched]
"""What becomes of a batch that a device may still be working on; see `Output`."""


def send(values: NDArray[Any], device: torch.device) -> Tensor:
    """Copy an array to a device; a GPU copies it when it gets there, and the program goes on."""
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    # Memory is pinned by the current device, which starts up for that, if it has not.
    with torch.cuda.device(device):
        return tensor.pin_memory().to(device, non_blocking=True)


def fetch(values: Tensor) -> Fetched:
    """Begin to copy a tensor from its device: float32."""
    if values.device.type != "cuda":
        found: NDArray[np.float32] = values.cpu().numpy()
        return lambda: found
    with torch.cuda.device(values.device):
        host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        host.copy_(values, non_blocking=True)
        copied = torch.cuda.current_stream().record_event()

    def wait() -> NDArray[np.float32]:
        copied.synchronize()
        array: NDArray[np.float32] = host.numpy()
        return array

    return wait
