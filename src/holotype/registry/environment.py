"""What measurements depend on besides the version and the data: machine, device, packages."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    *("holotype", "numpy", "onnxruntime", "openvino", "tokenizers", "torch", "transformers"),
)


def describe_environment(device: str) -> dict[str, Any]:
    """Return what has to be equal for two measurements to be compared.

    The data type and the library that runs a model are not in it: they belong to the version. Nor
    is the name of the machine, since containers have a new one each time.

    Args:
        device: the device of the model, as torch names it.
    """
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "n_cpus": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "device": _device(device),
        "threads": _threads(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _device(device: str) -> str:
    torch: Any = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return device
    return f"{device.partition(':')[0]} {torch.cuda.get_device_name(device)}"


def _threads() -> int | None:
    """Return how many threads torch uses; None where it does not run anything."""
    torch: Any = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
