"""What linear maps cost, and how fast this machine can be with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from timing import in_turns

# Tokens, and the two sizes of MiniLM's largest map; on a GPU, where that is over at once, more.
_SHAPES = {"cpu": (4096, 384, 1536), "cuda": (32_768, 4096, 4096)}
_N_LAYERS, _HIDDEN, _INNER = 6, 384, 1536


def flops_a_token() -> int:
    """Return the operations of all linear maps of MiniLM for a token; attention has others."""
    return _N_LAYERS * 2 * (4 * _HIDDEN * _HIDDEN + 2 * _HIDDEN * _INNER)


def flops_of_maps(network: Any, n_tokens: int) -> int:
    """Return the operations of the linear maps that a network of torch runs for so many tokens."""
    from torch import nn

    maps = (module for module in network.modules() if isinstance(module, nn.Linear))
    return 2 * n_tokens * sum(each.weight.numel() for each in maps)


def large_product(device: str, dtype: str) -> tuple[Callable[[], None], int]:
    """Return what runs one large product, and its operations."""
    import torch

    from holotype.encoders.torch_backend.linear_map import linear_map

    n_tokens, inner, outer = _SHAPES[torch.device(device).type]
    kind = getattr(torch, dtype)
    vectors = torch.randn(n_tokens, inner, device=device).to(kind)
    mapped = linear_map(torch.randn(outer, inner, device=device).to(kind), None)

    def product() -> None:
        with torch.inference_mode():
            mapped(vectors)
        if vectors.is_cuda:
            torch.cuda.synchronize(vectors.device)

    return product, 2 * n_tokens * inner * outer


@cache
def peak_flops(device: str, dtype: str, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the operations a second that a device reaches in one large product: its best of 40."""
    product, flops = large_product(device, dtype)
    return flops / min(in_turns({"product": product}, 40, clock=clock)["product"])


def peaks_note(device: str, peaks: dict[str, float]) -> str:
    """Return a sentence on what was taken for the peak."""
    import torch

    shape = " x ".join(f"{size:,}" for size in _SHAPES[torch.device(device).type])
    found = ", ".join(f"{name} {value / 1e9:,.0f}" for name, value in peaks.items())
    return f"Peak of the best product of {shape} on {device}, in GFLOP/s: {found}."
