"""Which devices torch has here."""

from __future__ import annotations

import torch

from holotype.errors import InvalidArgumentError


def require_device(name: str | None) -> None:
    """Refuse a device that torch does not know, or that this machine does not have.

    torch's own messages name every part of it that lacks the device, over many lines.

    Raises:
        InvalidArgumentError: there is no such device; the error names those that there are.
    """
    if name is None:
        return
    try:
        torch.empty(0, device=torch.device(name))
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InvalidArgumentError(
            f"there is no device {name!r} here; pass {' or '.join(map(repr, _devices()))}, or None"
        ) from error


def _devices() -> list[str]:
    """Return the devices that models run on here."""
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]
