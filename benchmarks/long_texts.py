"""Texts of one length, which have no padding to save: every shape, and how far it could go.

python benchmarks/long_texts.py [--tokens COUNT] [--texts COUNT] [--rounds COUNT] [SHAPE ...]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

import kernels
import machine
import shapes
from peak import flops_of_maps, large_product
from report import Table
from timing import in_turns, times_faster

DTYPES = ("float32", "bfloat16")
_N_PRODUCTS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """A shape beside sentence-transformers in the same type, by CPU time.

    Attributes:
        theirs_s: the time of sentence-transformers, in seconds.
        ours: how many times faster holotype is.
        by_kernels: the same with the kernels; None where they are not installed.
        most: the same of a model whose linear maps alone took time, at the rate of one large
            product that took turns with the models.
    """

    theirs_s: float
    ours: float
    by_kernels: float | None
    most: float


def compare(name: str, dtype: str, n_tokens: int, n_texts: int, n_rounds: int) -> Comparison:
    """Measure a shape with few layers in the present number of threads.

    Args:
        name: the shape.
        dtype: the type of both.
        n_tokens: the tokens of a text.
        n_texts: how many texts there are.
        n_rounds: how often each has its turn, after a short text.
    """
    # Two special tokens are in each.
    texts = [shapes.text(n_tokens - 2, number) for number in range(n_texts)]
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as place:
        folder = Path(place)
        width = shapes.save_short(name, folder, n_tokens)
        models = {"theirs": shapes.load_theirs(folder, "cpu", dtype)}
        for way in ("ours", "kernels")[: 1 + kernels.are_installed()]:
            with kernels.found() if way == "kernels" else nullcontext():
                models[way] = shapes.load_ours(folder, width, "cpu", dtype)
    product, flops = large_product("cpu", dtype)
    for model in models.values():
        model.encode(shapes.text(64, 1))
    times = in_turns(
        {
            **{way: partial(model.encode, texts) for way, model in models.items()},
            "product": lambda: [product() for _ in range(_N_PRODUCTS)],
        },
        n_rounds,
        warm_up=False,
        clock=time.process_time,
    )
    rate = flops * _N_PRODUCTS / min(times["product"])
    bare_s = flops_of_maps(models["theirs"], n_tokens * n_texts) / rate
    theirs = times["theirs"]
    return Comparison(
        theirs_s=statistics.median(theirs),
        ours=times_faster(theirs, times["ours"]),
        by_kernels=times_faster(theirs, times["kernels"]) if "kernels" in times else None,
        most=statistics.median(theirs) / bare_s,
    )


def table(names: Sequence[str], n_tokens: int, n_texts: int, n_rounds: int) -> Table:
    """Measure shapes with one thread: a row for each type."""
    rows = []
    for name in names:
        for dtype in DTYPES:
            found = compare(name, dtype, n_tokens, n_texts, n_rounds)
            by_kernels = "" if found.by_kernels is None else f"{found.by_kernels:.2f}"
            cells = [
                f"{found.theirs_s:.2f} s",
                f"{found.ours:.2f}",
                by_kernels,
                f"{found.most:.2f}",
            ]
            rows.append([name, dtype, *cells])
            print(", ".join(rows[-1]), file=sys.stderr, flush=True)
    header = [
        f"{n_texts} texts of {n_tokens:,} tokens, CPU time of one thread",
        *("type", "sentence-transformers", "times faster", "with the kernels"),
        "if linear maps alone took time, at the rate of one large product",
    ]
    return Table("Texts of one length", header, rows)


def main() -> None:
    """Measure the shapes that are named, or all of them."""
    parser = argparse.ArgumentParser(description="Measure texts of one length.")
    parser.add_argument("names", nargs="*", metavar="SHAPE", help=f"of {', '.join(shapes.SHAPES)}")
    parser.add_argument("--tokens", type=int, default=512, help="of a text")
    parser.add_argument("--texts", type=int, default=2, help="how many there are")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each library")
    given: Any = parser.parse_args()
    unknown = sorted(set(given.names) - set(shapes.SHAPES))
    if unknown:
        parser.error(f"no shape {', '.join(unknown)}; there are {', '.join(shapes.SHAPES)}")
    torch.set_num_threads(1)
    names = given.names or list(shapes.SHAPES)
    found = table(names, given.tokens, given.texts, given.rounds)
    print(f"{machine.description()}\n\n{found.markdown()}")


if __name__ == "__main__":
    main()
