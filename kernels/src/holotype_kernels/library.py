"""The compiled library, the instructions of the processor, and the threads of the process."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

InstructionSet: TypeAlias = Literal["avx2", "avx512", "avx512_bf16"]
INSTRUCTION_SETS: tuple[InstructionSet, ...] = ("avx2", "avx512", "avx512_bf16")
"""All that the library is compiled for, in the order of its own numbers."""


class OpenMp(ctypes.Structure):
    """Functions of OpenMP."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("parallel", "barrier", "thread", "count"))


@cache
def library() -> ctypes.CDLL:
    """Load the library, whose calls let other threads of Python run.

    Raises:
        OSError: it is missing or damaged.
    """
    found = ctypes.CDLL(str(Path(__file__).parent / "kernels.so"))
    found.holotype_supports.argtypes = [ctypes.c_int]
    return found


@cache
def openmp() -> OpenMp | None:
    """Return the functions of the OpenMP that the process has loaded; None if it has none."""
    process = ctypes.CDLL(None)
    names = ("GOMP_parallel", "GOMP_barrier", "omp_get_thread_num", "omp_get_num_threads")
    functions = [getattr(process, name, None) for name in names]
    addresses = [ctypes.cast(one, ctypes.c_void_p).value for one in functions if one is not None]
    return OpenMp(*addresses) if len(addresses) == len(names) else None


def threads(n_threads: int) -> OpenMp | None:
    """Return what shares work among so many threads; None for one, and where there is no OpenMP.

    Raises:
        ValueError: it is no number of threads.
    """
    if n_threads < 1:
        raise ValueError(f"expected one thread or more, not {n_threads}")
    return openmp() if n_threads > 1 else None


@cache
def instruction_sets() -> tuple[InstructionSet, ...]:
    """Return the sets of instructions that the processor has, of those that kernels are made for.

    Numbers are float32 for ``"avx2"`` and ``"avx512"``, and bfloat16 for ``"avx512_bf16"``.
    """
    supports = library().holotype_supports
    return tuple(name for number, name in enumerate(INSTRUCTION_SETS) if supports(number))


def require_instructions(name: InstructionSet) -> None:
    """Check that the processor has a set of instructions.

    Raises:
        OSError: it has not.
    """
    known = instruction_sets()
    if name not in known:
        raise OSError(f"this processor has {', '.join(known) or 'no AVX2'}, and {name} is needed")
