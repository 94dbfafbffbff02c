"""Which devices torch has here, and which of them a model goes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from holotype.errors import DeviceMemoryError, InvalidArgumentError


def processor_has(instructions: str) -> bool:
    """Return whether torch knows that the processor has instructions, such as ``avx512_vnni``."""
    # Before torch 2.10 there is no public way to know.
    capabilities: Any = getattr(torch.cpu, "get_capabilities", dict)
    return bool(capabilities().get(instructions))


def resolve_device(name: str | None) -> torch.device:
    """Return a device by name; for None CUDA, then MPS, then the CPU.

    Raises:
        InvalidArgumentError: there is no such device; the error names those that there are.
    """
    if name is not None:
        return require_device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def require_device(name: str) -> torch.device:
    """Return a device, unless torch does not know it or this machine does not have it.

    torch's own messages name every part of it that lacks the device, over many lines.

    Raises:
        InvalidArgumentError: there is no such device; the error names those that there are.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InvalidArgumentError(
            f"there is no device {name!r} here; pass {' or '.join(map(repr, _devices()))}, or None"
        ) from error
    return device


def _devices() -> list[str]:
    """Return the devices that models run on here."""
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


@contextmanager
def memory_errors(device: torch.device) -> Iterator[None]:
    """Say in one line where a GPU's memory ends; torch's own message is about its settings.

    Raises:
        DeviceMemoryError: the memory of a GPU ends.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        free, total = torch.cuda.mem_get_info(device)
        raise DeviceMemoryError(str(device), free, total) from error
