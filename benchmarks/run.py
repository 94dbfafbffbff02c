"""Run the benchmarks and print their tables; docs/performance.md holds such a run.

python benchmarks/run.py [--quick] [--device DEVICE] [--documents COUNT] [NAME ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import aliases
import artifacts
import backends
import breakdown
import captions
import cold_start
import encoding
import generation
import growth
import heads
import images
import importing
import late_interaction
import lookups
import machine
import page
import pool
import registry
import scoring
import server
import switching
import target_cases
import targets
import type_checking
from report import Table

# What runs on a device; all else is the CPU's.
ON_DEVICES: dict[str, Callable[[str, int], Table]] = {
    "documents": encoding.bulk_table,
    "query": lambda device, _: encoding.query_table(device),
    "colbert": lambda device, n_documents: late_interaction.table(device, n_documents // 4),
    "sparse": lambda device, n_documents: heads.sparse_table(device, n_documents // 4),
    "cross_encoder": lambda device, n_documents: heads.cross_encoder_table(
        device, n_documents // 4
    ),
}
BENCHMARKS: dict[str, Callable[[int], Table]] = {
    "images": lambda _: images.bulk_table(),
    "one_image": lambda _: images.one_table(),
    "captions": lambda _: captions.table(),
    "image_exports": lambda _: images.vector_exports_table(),
    "caption_exports": lambda _: captions.exports_table(),
    "importing": lambda _: importing.table(),
    "lookups": lambda _: lookups.table(),
    "generation": lambda _: generation.table(),
    "type_checking": lambda _: type_checking.table(),
    "breakdown": breakdown.table,
    "maxsim": lambda _: scoring.table(),
    "cold_start": lambda _: cold_start.table(),
    "growth": lambda _: growth.table(),
    "backends": lambda _: backends.table(),
    "artifacts": lambda _: artifacts.table(),
    "aliases": lambda _: aliases.table(),
    "pool": lambda _: pool.table(),
    "registry": lambda _: registry.table(),
    "page": lambda _: page.table(),
    "server": lambda _: server.own_cost_table(),
    "servers": lambda _: server.peers_table(),
    "switching": lambda _: switching.table(),
    "targets": lambda _: targets_table(targets.FULL),
}


def targets_table(sizes: targets.Sizes) -> Table:
    """Measure every target, with one thread."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return targets.table(
            sizes, target_cases.CASES, lambda line: print(line, file=sys.stderr, flush=True)
        )
    finally:
        torch.set_num_threads(n_threads)


def main() -> None:
    """Run the benchmarks that are named, or all of them."""
    names = [*BENCHMARKS, *ON_DEVICES]
    parser = argparse.ArgumentParser(description="Run the benchmarks and print their tables.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--device", help="where models run; the CPU and, where there is one, CUDA")
    parser.add_argument("--documents", type=int, default=2000, help="how many are encoded")
    parser.add_argument("--quick", action="store_true", help="the targets alone, in short")
    found = parser.parse_args()
    unknown = sorted(set(found.names) - set(names))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}")
    print(f"{machine.description()}\n", flush=True)
    if found.quick:
        print(targets_table(targets.QUICK).markdown(), flush=True)
        return
    for name in found.names or names:
        if name in BENCHMARKS:
            print(BENCHMARKS[name](found.documents).markdown(), flush=True)
            continue
        for device in [found.device] if found.device else _devices():
            print(ON_DEVICES[name](device, found.documents).markdown(), flush=True)


def _devices() -> list[str]:
    import torch

    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


if __name__ == "__main__":
    main()
