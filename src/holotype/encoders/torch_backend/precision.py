"""The type of weights and arithmetic: what a name means on a device, and which one is the fastest."""

from __future__ import annotations

from functools import cache, partial
from time import perf_counter

import torch

from holotype.encoders.torch_backend.devices import processor_has
from holotype.encoders.torch_backend.linear_map import linear_map
from holotype.encoders.torch_backend.row_counts import multiplies_by_tiles

# Of a product of this size, which takes some microseconds, oneDNN makes one piece: with several
# threads, whoever else is busy on the machine would decide. It fits the cache of any core.
_N_TOKENS, _IN_DIM, _OUT_DIM = 16, 1024, 64
_N_TURNS = 40


def resolve_dtype(name: str) -> torch.dtype:
    """Return the torch type of a name that `ModelConfig` allows.

    Of int8 it is that of all but the maps of the layers.
    """
    return {
        "float32": torch.float32,
        "int8": torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }[name]


def settle_dtype(name: str, device: torch.device) -> str:
    """Return a data type by name; for "auto" the fastest whose loss is small on this device.

    That is bfloat16 where the hardware multiplies it faster than float32, and float32 elsewhere.
    """
    if name != "auto":
        return name
    return "bfloat16" if favours_bfloat16(device) else "float32"


def favours_bfloat16(device: torch.device) -> bool:
    """Return whether a device is known to multiply bfloat16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    return multiplies_by_tiles() or (processor_has("avx512_bf16") and _is_measured_faster())


@cache
def _is_measured_faster() -> bool:
    """Measure whether this processor's vectors multiply bfloat16 faster than float32.

    AVX512-BF16 does not say so: AMD's processors take half as long as for float32, and Intel's,
    where a virtual machine hides AMX, 1.6 times as long.
    """
    maps = {}
    for dtype in (torch.float32, torch.bfloat16):
        # A program may have set another default, and measure its GPU.
        ones = partial(torch.ones, dtype=dtype, device="cpu")
        maps[dtype] = linear_map(ones(_OUT_DIM, _IN_DIM), None), ones(_N_TOKENS, _IN_DIM)
    least_s = dict.fromkeys(maps, float("inf"))
    with torch.inference_mode():
        for _ in range(_N_TURNS):
            for dtype, (made, vectors) in maps.items():
                began = perf_counter()
                made(vectors)
                least_s[dtype] = min(least_s[dtype], perf_counter() - began)
    return least_s[torch.bfloat16] < least_s[torch.float32]
