"""ColBERT documents against PyLate and sentence-transformers, on the same checkpoint."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import holotype
from corpus import documents
from holotype.records import ColbertModel
from holotype.run_options import Precision
from pylate_process import pylate
from report import Table
from timing import in_turns, times_faster

N_DOCUMENTS = 500
N_ROUNDS = 3
_DTYPE: Precision = "float32"
_RECORD: ColbertModel[Any] = ColbertModel(
    id="minilm-colbert",
    type="colbert",
    name="MiniLM ColBERT",
    huggingface_id="benchmarks/minilm-colbert",
    organization="Benchmarks",
    description="MiniLM with a projection of random weights.",
    embedding_dim=128,
    multi_vector=True,
)


def table(device: str, n_documents: int = N_DOCUMENTS) -> Table:
    """Measure a ColBERT model that PyLate makes of MiniLM: the projection is random."""
    from sentence_transformers import MultiVectorEncoder

    texts = documents(n_documents)
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as temporary:
        folder = Path(temporary) / "checkpoint"
        with pylate(folder, texts, device) as peer:
            ours = holotype.load(_RECORD, checkpoint=folder, device=device, dtype=_DTYPE)
            theirs: Any = MultiVectorEncoder(str(folder), device=device)
            distance = _distance(ours.encode_document(texts[:20]), theirs, texts[:20])
            times = in_turns(
                {
                    "sentence-transformers": lambda: theirs.encode_document(texts),
                    "PyLate": peer.encode,
                    "holotype": lambda: ours.encode_document(texts),
                },
                N_ROUNDS,
            )
    rows = [
        [
            name,
            f"{n_documents / statistics.median(found):.0f} a second",
            f"{times_faster(times['sentence-transformers'], found):.2f}",
            f"{times_faster(found, times['holotype']):.2f}",
        ]
        for name, found in times.items()
    ]
    header = [f"{n_documents:,} ColBERT documents, {_DTYPE}, {device}", "speed", "times faster"]
    notes = [
        "Target: 1.5 times as fast as either.",
        f"Largest difference from sentence-transformers' vectors: {distance:.1e}.",
    ]
    return Table("ColBERT documents", [*header, "times holotype"], rows, notes)


def _distance(ours: Any, theirs: Any, texts: list[str]) -> float:
    pairs = zip(ours, theirs.encode_document(texts), strict=True)
    return max(float(np.abs(one - np.asarray(other)).max()) for one, other in pairs)
