"""Run the benchmarks and print their tables; docs/performance.md holds such a run.

python benchmarks/run.py [NAME ...]
"""

from __future__ import annotations

import platform
import sys

import aliases
import artifacts
import backends
import cold_start
import encoding
import generation
import heads
import importing
import lookups
import scoring
import type_checking

BENCHMARKS = {
    "importing": importing.table,
    "lookups": lookups.table,
    "generation": generation.table,
    "type_checking": type_checking.table,
    "documents": encoding.bulk_table,
    "query": encoding.query_table,
    "colbert": encoding.colbert_table,
    "sparse": heads.sparse_table,
    "cross_encoder": heads.cross_encoder_table,
    "maxsim": scoring.table,
    "cold_start": cold_start.table,
    "backends": backends.table,
    "artifacts": artifacts.table,
    "aliases": aliases.table,
}


def main() -> None:
    """Run the benchmarks that are named, or all of them."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    for name in names:
        print(BENCHMARKS[name]().markdown(), flush=True)


if __name__ == "__main__":
    main()
