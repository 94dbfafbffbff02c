"""What a run was measured on: figures mean nothing without it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    *("torch", "transformers", "sentence-transformers", "onnxruntime", "openvino", "fastembed"),
    *("mteb", "model2vec", "maxsim-cpu"),
)


def description() -> str:
    """Return the processor, how busy it is, and the versions of the peers that are installed."""
    versions = [f"{name} {found}" for name in _PACKAGES if (found := _version(name))]
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's name; Linux alone says it in a file."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def is_amd() -> bool:
    """Return whether AMD made the processor."""
    return _processor().startswith("AMD")


def has_amx() -> bool:
    """Return whether the processor multiplies bfloat16 by tiles."""
    return _can("amx_bf16")


def has_avx512_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 without tiles."""
    return _can("avx512_bf16")


def has_avx512_vnni() -> bool:
    """Return whether the processor multiplies bytes by AVX-512."""
    return _can("avx512_vnni")


def _can(instructions: str) -> bool:
    import torch

    return bool(torch.cpu.get_capabilities().get(instructions))


def n_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0))
