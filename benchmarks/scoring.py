"""MaxSim against sentence-transformers', and against the bare matrix product."""

from __future__ import annotations

import statistics

import numpy as np

from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import maxsim
from report import Table
from timing import in_turns, times_faster

N_DOCUMENTS = 10_000
N_ROUNDS = 5


def table() -> Table:
    """Measure one query of 32 tokens against documents of 30 to 300 tokens, 128 dimensions."""
    import torch
    from sentence_transformers.util.similarity import maxsim as reference

    generator = np.random.default_rng(0)
    lengths = generator.integers(30, 301, N_DOCUMENTS)
    documents = Ragged(_vectors(generator, int(lengths.sum())), np.cumsum([0, *lengths]))
    queries = Ragged(_vectors(generator, 32), np.array([0, 32]))
    query, tokens = queries.values, documents.values.T
    tensors = [torch.from_numpy(document) for document in documents]
    times = in_turns(
        {
            "the matrix product alone": lambda: query @ tokens,
            "holotype": lambda: maxsim(queries, documents),
            "sentence-transformers": lambda: reference([torch.from_numpy(query)], tensors),
        },
        N_ROUNDS,
    )
    ours = times["holotype"]
    rows = [
        [
            name,
            f"{statistics.median(found) * 1000:.0f} ms",
            f"{times_faster(found, ours):.2f}",
        ]
        for name, found in times.items()
    ]
    header = [f"32 tokens against {N_DOCUMENTS:,} documents", "time", "times holotype"]
    return Table("MaxSim", header, rows)


def _vectors(generator: np.random.Generator, count: int) -> np.ndarray:
    found = generator.standard_normal((count, 128)).astype(np.float32)
    unit: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit
