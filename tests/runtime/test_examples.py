"""The example of semantic search runs, and finds what it should."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import warm_process

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("_warm_process")
def test_semantic_search_ranks_the_right_document_first() -> None:
    run = warm_process.run([str(ROOT / "examples/registry_similarity.py")], ROOT)
    assert run.returncode == 0, run.stderr
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
