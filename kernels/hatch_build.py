"""Compiles the library, by the C compiler that pip installs for the build."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The oldest glibc that pip's tag manylinux_2_17 promises.
_TARGET = "x86_64-linux-gnu.2.17"
_TAG = "py3-none-manylinux_2_17_x86_64"
_ANY = "x86_64"
_AVX2 = f"{_ANY}+avx2+fma"
_AVX512 = f"{_AVX2}+avx512f+avx512dq+avx512bw+avx512vl"
_SETS = {"avx2": _AVX2, "avx512": _AVX512, "avx512_bf16": f"{_AVX512}+avx512bf16"}
# What is compiled for each of them, and what its function is called.
_SOURCES = {"pass.c": "pass", "attention.c": "attend"}
# What is compiled once, and for which processor.
_ONCE = {"resampling.c": _AVX2, "weights.c": _ANY, "entries.c": _ANY}
_FLAGS = (
    *("-target", _TARGET, "-std=c11", "-O3", "-fPIC", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror"),
    # Sums of products round once; nothing else about the arithmetic is relaxed.
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    "-mprefer-vector-width=512",
)


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts the library beside the module that loads it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, for a wheel."""
        if self.target_name != "wheel":
            return
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise RuntimeError(
                "holotype-kernels is made for Linux on x86-64; holotype runs without it"
            )
        root = Path(self.root)
        compile_library(root / "c", root / "src" / "holotype_kernels" / "kernels.so")
        build_data["tag"] = _TAG
        build_data["pure_python"] = False


def compile_library(sources: Path, library: Path) -> None:
    """Compile what computes for each set of instructions, and link it with its entries."""
    with tempfile.TemporaryDirectory(prefix="holotype-kernels-") as folder:
        objects = []
        for name, processor in _SETS.items():
            for source, function in _SOURCES.items():
                objects.append(str(Path(folder, f"{function}_{name}.o")))
                options = (f"-mcpu={processor}", f"-DNAME={function}_{name}", "-c")
                _compile(*options, "-o", objects[-1], str(sources / source))
        for source, processor in _ONCE.items():
            objects.append(str(Path(folder, f"{source}.o")))
            _compile(f"-mcpu={processor}", "-c", "-o", objects[-1], str(sources / source))
        _compile("-shared", "-s", f"-mcpu={_ANY}", "-o", str(library), *objects, "-lm")


def _compile(*arguments: str) -> None:
    command = (sys.executable, "-m", "ziglang", "cc", *_FLAGS, *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the C compiler failed: {' '.join(command)}\n{done.stderr}")
