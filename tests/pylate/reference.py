"""What PyLate makes of small checkpoints; runs in PyLate's own environment, not in the tests'.

    python reference.py CASES.json OUTPUT

For every case, a base or a checkpoint of another format is opened by PyLate and saved in PyLate's
own format under OUTPUT, beside the vectors and the scores that PyLate computes with it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pylate import models
from pylate.scores import colbert_scores


def main(cases_file: Path, output: Path) -> None:
    """Write a checkpoint and an archive of arrays for each case of a file."""
    torch.set_num_threads(1)
    cases = json.loads(cases_file.read_text(encoding="utf-8"))
    for name, case in cases.items():
        torch.manual_seed(5)
        model = models.ColBERT(case["base"], device="cpu", **case["options"])
        model.save(str(output / name), create_model_card=False)
        arrays = encoded(model, case["texts"], case.get("pool_factor", 1))
        np.savez(output / f"{name}.npz", **arrays)


def encoded(model: Any, texts: list[str], pool_factor: int) -> dict[str, Any]:
    """Return token vectors one after the other, their counts, and the scores of all pairs."""
    queries = model.encode(texts, is_query=True, show_progress_bar=False)
    documents = model.encode(
        texts, is_query=False, pool_factor=pool_factor, show_progress_bar=False
    )
    scores = [
        [float(colbert_scores(query[None], document[None])[0, 0]) for document in documents]
        for query in queries
    ]
    return {
        "queries": np.concatenate(list(queries)),
        "query_lengths": [len(query) for query in queries],
        "documents": np.concatenate(list(documents)),
        "document_lengths": [len(document) for document in documents],
        "scores": np.array(scores, dtype=np.float32),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
