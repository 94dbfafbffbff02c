"""Texts of 512 tokens, which have no padding to save: every shape, and what bounds it.

python benchmarks/long_texts.py [SHAPE ...]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

import machine
import shapes
from report import Table
from timing import in_turns, times_faster

_N_TOKENS = 512
_N_TEXTS = 2
_N_ROUNDS = 5
# ModernBERT has two local layers after each global one.
_N_LAYERS = 3
_PRODUCTS = ("mkldnn::_linear_pointwise", "aten::addmm", "aten::mm")


def table(names: Sequence[str]) -> Table:
    """Measure the shapes of these names with one thread, by CPU time: a row for each type."""
    rows = []
    texts = [shapes.text(_N_TOKENS - 2, at) for at in range(_N_TEXTS)]
    for name in names:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            width = shapes.save(shapes.SHAPES[name], folder, _N_TOKENS, _N_LAYERS)
            for dtype in ("float32", "bfloat16"):
                ours = shapes.load_ours(folder, width, "cpu", dtype)
                theirs = shapes.load_theirs(folder, "cpu", dtype)
                rows.append([name, dtype, *_compare(theirs, ours, texts)])
    header = [
        f"{_N_TEXTS} texts of {_N_TOKENS} tokens, {_N_LAYERS} layers",
        *("type", "sentence-transformers", "holotype", "times faster"),
        *("products in holotype's time", "times faster if all else took no time"),
    ]
    return Table("Texts of one length", header, rows)


def _compare(theirs: object, ours: object, texts: Sequence[str]) -> list[str]:
    functions: dict[str, Callable[[], object]] = {
        name: lambda model=model: model.encode(texts)  # type: ignore[misc]
        for name, model in (("theirs", theirs), ("ours", ours))
    }
    times = in_turns(functions, _N_ROUNDS, clock=time.process_time)
    share = _share_of_products(functions["ours"])
    their_time, our_time = (statistics.median(times[name]) for name in ("theirs", "ours"))
    ratio = times_faster(times["theirs"], times["ours"])
    return [
        f"{their_time * 1000:.0f} ms",
        f"{our_time * 1000:.0f} ms",
        f"{ratio:.2f}",
        f"{share:.0%}",
        f"{ratio / share:.2f}",
    ]


def _share_of_products(function: Callable[[], object]) -> float:
    with profile(activities=[ProfilerActivity.CPU]) as found:
        function()
    times: dict[str, float] = {
        event.key: event.self_cpu_time_total for event in found.key_averages()
    }
    return sum(times.get(name, 0.0) for name in _PRODUCTS) / sum(times.values())


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{machine.description()}\n\n{table(sys.argv[1:] or list(shapes.SHAPES)).markdown()}")
