"""MaxSim against maxsim-cpu."""

from __future__ import annotations

import importlib
import time

import numpy as np

from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import maxsim
from targets import CannotMeasureError
from timing import in_turns, times_faster

_N_DOCUMENTS = 10_000
_DIM = 128


def ratio(n_queries: int, n_rounds: int) -> float:
    """Return how many times faster holotype scores queries of 32 tokens, one thread each.

    Raises:
        CannotMeasureError: maxsim-cpu is not installed.
    """
    try:
        peer = importlib.import_module("maxsim_cpu")
    except ImportError as error:
        raise CannotMeasureError(f"no maxsim-cpu ({error})") from None
    generator = np.random.default_rng(0)
    n_documents = _N_DOCUMENTS if n_queries == 1 else _N_DOCUMENTS // 10
    lengths = generator.integers(30, 301, n_documents)
    documents = Ragged(_vectors(generator, int(lengths.sum())), np.cumsum([0, *lengths]))
    queries = Ragged(_vectors(generator, 32 * n_queries), np.arange(n_queries + 1) * 32)
    arrays = list(documents)
    times = in_turns(
        {
            "theirs": lambda: [peer.maxsim_scores_variable(query, arrays) for query in queries],
            "ours": lambda: maxsim(queries, documents),
        },
        n_rounds,
        clock=time.process_time,
    )
    return times_faster(times["theirs"], times["ours"])


def _vectors(generator: np.random.Generator, count: int) -> np.ndarray:
    found = generator.standard_normal((count, _DIM), dtype=np.float32)
    unit: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit
