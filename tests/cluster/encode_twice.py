"""Encode a corpus with two encoders in one pipeline on a small cluster, and report as JSON.

python encode_twice.py N_CPUS N_GPUS N_ACTORS CHECKPOINT REPORT

GPUs are told to Ray only; N_ACTORS of 0 means as many as is usual.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayTaskError

from holotype import cluster

N_DOCUMENTS = 60


def main(n_cpus: int, n_gpus: int, n_actors: int, checkpoint: str, report: Path) -> None:
    """Report whether rows were made before the result was used, and what came out."""
    started: Any = ray.init
    started(num_cpus=n_cpus, num_gpus=n_gpus, include_dashboard=False, log_to_driver=False)
    marks = report.parent / "made"
    marks.mkdir()

    def with_text(row: dict[str, Any]) -> dict[str, Any]:
        (marks / str(row["id"])).touch()
        return {"id": row["id"], "text": f"document {row['id']}"}

    options: dict[str, Any] = {
        "checkpoint": checkpoint,
        "batch_size": 20,
        "n_actors": n_actors or None,
    }
    documents = ray.data.range(N_DOCUMENTS).map(with_text)
    once = cluster.encode(documents, "all-minilm-l6-v2", **options)
    twice = cluster.encode(once, "all-minilm-l6-v2", output_column="again", side="query", **options)
    n_made = len(list(marks.iterdir()))
    rows = twice.take_all()
    widths = sorted({(len(row["embedding"]), len(row["again"])) for row in rows})
    wrong = cluster.encode(documents, "all-minilm-l6-v2", column="body", **options)
    try:
        wrong.take_all()
    except RayTaskError as error:
        told = str(error)
    else:
        told = ""
    found = {"n_made_before": n_made, "n_rows": len(rows), "widths": widths, "told": told}
    report.write_text(json.dumps(found), encoding="utf-8")
    stopped: Any = ray.shutdown
    stopped()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
