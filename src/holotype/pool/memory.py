"""What a device has, and who has reserved it.

A container's limit is that of its cgroup, in version 1 or 2 of the interface; whatever lies above
what the machine has is no limit. A `Ledger` counts what models take. It, and not the size of the
process, decides what fits: freed memory does not always return to the system at once.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holotype.errors import MissingExtraError
from holotype.glibc import give_back_freed

CGROUP_ROOT = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")

# Version 1 says "none" by the largest multiple of a page below 2^63.
_NO_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """The memory of a device at one moment, in bytes.

    Attributes:
        device: the device.
        total_bytes: what this process may use at most: what the device has, or a cgroup's limit.
        available_bytes: what it could get now, without what other processes hold.
        own_bytes: what this process holds there.
    """

    device: str
    total_bytes: int
    available_bytes: int
    own_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupMemory:
    """The memory that a cgroup leaves to its processes, in bytes.

    Attributes:
        limit_bytes: the lowest limit of the group and of those that it lies in.
        left_bytes: what is left of it; file pages that the kernel can drop count as left.
    """

    limit_bytes: int
    left_bytes: int


def read_memory(device: str) -> DeviceMemory:
    """Measure the memory of a device, such as ``"cpu"`` or ``"cuda:0"``.

    Raises:
        MissingExtraError: psutil is not installed.
        ValueError: torch does not see the device.
    """
    return _cuda_memory(device) if device.startswith("cuda") else _system_memory(device)


def _system_memory(device: str) -> DeviceMemory:
    psutil = _psutil()
    system = psutil.virtual_memory()
    total, available = int(system.total), int(system.available)
    group = cgroup_memory()
    if group is not None and group.limit_bytes < total:
        total, available = group.limit_bytes, min(available, group.left_bytes)
    return DeviceMemory(
        device=device,
        total_bytes=total,
        available_bytes=available,
        own_bytes=int(psutil.Process().memory_info().rss),
    )


def _psutil() -> Any:
    try:
        # By name: it is part of an extra.
        return importlib.import_module("psutil")
    except ModuleNotFoundError:
        raise MissingExtraError("pool", "psutil", "a pool") from None


def _cuda_memory(device: str) -> DeviceMemory:
    # By name: type checkers that read holotype must not follow torch.
    cuda: Any = importlib.import_module("torch").cuda
    if not cuda.is_available():
        raise ValueError(f"there is no device {device!r} here: torch sees no CUDA")
    free, total = cuda.mem_get_info(device)
    reserved, allocated = cuda.memory_reserved(device), cuda.memory_allocated(device)
    return DeviceMemory(
        device=device,
        total_bytes=int(total),
        # What torch has reserved and does not use serves the next model.
        available_bytes=int(free + reserved - allocated),
        own_bytes=int(allocated),
    )


def cgroup_memory(root: Path = CGROUP_ROOT, own: Path = OWN_CGROUPS) -> CgroupMemory | None:
    """Return what the cgroups of this process leave to it; None where they set no limit.

    Args:
        root: where the interface is mounted.
        own: the file that names the groups of this process.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found: list[CgroupMemory] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            found += _each_level(root, path, _VERSION_2)
        elif "memory" in controllers.split(","):
            found += _each_level(root / "memory", path, _VERSION_1)
    if not found:
        return None
    return CgroupMemory(
        limit_bytes=min(group.limit_bytes for group in found),
        left_bytes=min(group.left_bytes for group in found),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interface:
    limits: tuple[str, ...]
    used: str
    droppable: str


_VERSION_2 = _Interface(
    limits=("memory.max", "memory.high"), used="memory.current", droppable="inactive_file"
)
_VERSION_1 = _Interface(
    limits=("memory.limit_in_bytes",), used="memory.usage_in_bytes", droppable="total_inactive_file"
)


def _each_level(root: Path, path: str, files: _Interface) -> Iterator[CgroupMemory]:
    """Yield the limits of a group and of those that it lies in.

    In a container, the path is the machine's, and what is mounted is the container's own group.
    """
    folder = root / path.lstrip("/")
    for level in (folder, *folder.parents):
        limits = [limit for name in files.limits if (limit := _number(level / name)) is not None]
        used = _number(level / files.used)
        if limits and used is not None and min(limits) < _NO_LIMIT:
            dropped = _fields(level / "memory.stat").get(files.droppable, 0)
            left = min(limits) - max(0, used - dropped)
            yield CgroupMemory(limit_bytes=min(limits), left_bytes=max(0, left))
        if level == root:
            return


def _number(path: Path) -> int | None:
    """Return the number in a file; None where there is none, or the word ``max``."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _fields(path: Path) -> Mapping[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(" ") for line in lines)
    return {name: int(value) for name, _, value in pairs if value.isdigit()}


def trim(device: str, *, collect: bool = True) -> None:
    """Return freed memory to the system, or the device.

    Python's own allocator and that of C keep what has been freed; so does torch on a GPU.

    Args:
        device: the device.
        collect: whether to look for cycles of objects first, which takes a quarter of a second
            once torch is imported.
    """
    if collect:
        gc.collect()
    torch: Any = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    give_back_freed()


class Ledger:
    """The bytes of one device that loaded and loading models hold.

    Not safe between threads by itself: whoever uses it holds the pool's lock.

    Attributes:
        device: the device.
        budget_bytes: how much models may take on it together.
        unreturned_bytes: what unloaded models did not give back, as measured; it counts as used.
    """

    def __init__(self, device: str, budget_bytes: int) -> None:
        """Start with nothing reserved."""
        self.device = device
        self.budget_bytes = budget_bytes
        self.unreturned_bytes = 0
        self._held: dict[Hashable, int] = {}

    @property
    def held_bytes(self) -> int:
        """What all models hold together."""
        return sum(self._held.values())

    @property
    def free_bytes(self) -> int:
        """What is left of the budget; negative after the budget was lowered."""
        return self.budget_bytes - self.held_bytes - self.unreturned_bytes

    def bytes_of(self, holder: Hashable) -> int:
        """Return what one of them holds; 0 for a stranger."""
        return self._held.get(holder, 0)

    def holders(self) -> tuple[tuple[Hashable, int], ...]:
        """Return who holds how much."""
        return tuple(self._held.items())

    def reserve(self, holder: Hashable, n_bytes: int) -> None:
        """Write down what a model takes, or takes now.

        Raises:
            ValueError: the number is negative.
        """
        if n_bytes < 0:
            raise ValueError(f"cannot reserve {n_bytes} bytes")
        self._held[holder] = n_bytes

    def hand_over(self, holder: Hashable, to: Hashable, n_bytes: int) -> None:
        """Write a reservation down under another name, with what was measured."""
        del self._held[holder]
        self._held[to] = n_bytes

    def release(self, holder: Hashable) -> int:
        """Strike out what a model held, and return it; 0 if it holds nothing."""
        return self._held.pop(holder, 0)

    def note_return(
        self, *, expected_bytes: int, returned_bytes: int, unexplained_bytes: int
    ) -> int:
        """Write down how much of an unloaded model came back.

        Other threads take and give memory meanwhile, so that a measurement alone may be off in
        either direction: what is missing never exceeds what the process holds beyond its start
        and its models.

        Args:
            expected_bytes: what the model held.
            returned_bytes: by how much the process became smaller.
            unexplained_bytes: what the process holds now beyond its start and its models.

        Returns:
            How many bytes of this model did not come back.
        """
        missing = expected_bytes - returned_bytes
        self.unreturned_bytes = max(
            0, min(self.unreturned_bytes + missing, max(0, unexplained_bytes))
        )
        return max(0, missing)
