"""The example of semantic search runs, and finds what it should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_semantic_search_ranks_the_right_document_first() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(
        [sys.executable, str(ROOT / "examples/registry_similarity.py")],
        env=environment | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    title, model, _, *rest = run.stdout.splitlines()
    assert title.startswith("all-MiniLM-L6-v2, apache-2.0, from ")
    assert model.startswith("DenseEncoder('all-minilm-l6-v2', dim=384, pooling='mean'")
    best = {rest[at]: rest[at + 1].rpartition("  ")[2] for at in range(0, len(rest) - 1, 5)}
    assert best == {
        "How do I stop bread from going stale?": (
            "Keep a loaf wrapped in a cloth, and freeze the slices that you will not eat today."
        ),
        "What helps against a headache?": "Aspirin and ibuprofen ease mild pain.",
        "How hot is the surface of the sun?": (
            "The outer layer of our star is at about 5,500 degrees Celsius."
        ),
    }
