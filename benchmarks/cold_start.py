"""From a cold process to the first vector."""

from __future__ import annotations

from corpus import CHECKPOINT, QUERY
from report import Table
from timing import processes_s

PROGRAMS = {
    "holotype": (
        "import holotype; from holotype.models import ALL_MINILM_L6_V2 as model; "
        f"holotype.load(model, checkpoint={str(CHECKPOINT)!r}).encode_query({QUERY!r})"
    ),
    "sentence-transformers": (
        "from sentence_transformers import SentenceTransformer; "
        f"SentenceTransformer({str(CHECKPOINT)!r}).encode_query({QUERY!r})"
    ),
    "import torch": "import torch",
}


def table() -> Table:
    """Measure whole processes."""
    times = processes_s(PROGRAMS, rounds=5)
    rows = [
        [name, f"{seconds:.2f} s", f"{seconds / times['sentence-transformers']:.2f}"]
        for name, seconds in times.items()
    ]
    header = ["all-MiniLM-L6-v2", "time", "share of sentence-transformers"]
    return Table("From a cold process to the first vector", header, rows)
