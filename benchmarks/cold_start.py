"""From a cold process to the first vector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import static_models
from corpus import CHECKPOINT, QUERY
from holotype.encoders.exports import export
from holotype.models import ALL_MINILM_L6_V2
from report import Table
from timing import processes_s

PROGRAMS = {
    "holotype": (
        "import holotype; from holotype.models import ALL_MINILM_L6_V2 as model; "
        f"holotype.load(model, checkpoint={str(CHECKPOINT)!r}).encode_query({QUERY!r})"
    ),
    "sentence-transformers": (
        "from sentence_transformers import SentenceTransformer; "
        f"SentenceTransformer({str(CHECKPOINT)!r}).encode_query({QUERY!r})"
    ),
    "import torch": "import torch",
}


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the time of sentence-transformers.

    Attributes:
        torch: of holotype on torch.
        onnx: of holotype on ONNX Runtime.
        static: of holotype with a table of token vectors.
        bare_torch: of ``import torch`` alone.
        bare_onnx: of the same graph with ONNX Runtime, NumPy and tokenizers alone.
    """

    torch: float
    onnx: float
    static: float
    bare_torch: float
    bare_onnx: float


def shares(n_rounds: int) -> Shares:
    """Measure whole processes."""
    with TemporaryDirectory(prefix="holotype-bench-") as temporary:
        onnx, static = Path(temporary) / "onnx", Path(temporary) / "static"
        export(ALL_MINILM_L6_V2, backend="onnx", checkpoint=CHECKPOINT, to=onnx)
        static_models.save(static)
        programs = {
            **PROGRAMS,
            "onnx": (
                "import holotype; from holotype.models import ALL_MINILM_L6_V2 as model; "
                f"holotype.load(model, backend='onnx', checkpoint={str(onnx)!r})"
                f".encode_query({QUERY!r})"
            ),
            "static": (
                "import holotype; from holotype.records import DenseModel; "
                "model = DenseModel(id='s', type='dense', name='S', huggingface_id='s/s', "
                "organization='S', description='S', embedding_dim=256, architecture_type='static'); "
                f"holotype.load(model, checkpoint={str(static)!r}).encode_query({QUERY!r})"
            ),
            "bare onnx": _by_hand(onnx),
        }
        times = processes_s(programs, rounds=n_rounds, warm_up=n_rounds > 1)
    names = ("holotype", "onnx", "static", "import torch", "bare onnx")
    return Shares(*(times[name] / times["sentence-transformers"] for name in names))


def _by_hand(folder: Path) -> str:
    """Return a program that runs an exported graph without holotype."""
    return f"""
import numpy, onnxruntime, tokenizers
encoding = tokenizers.Tokenizer.from_file({str(folder / "tokenizer.json")!r}).encode({QUERY!r})
session = onnxruntime.InferenceSession({str(folder / "onnx" / "model.onnx")!r})
given = {{"input_ids": encoding.ids, "attention_mask": encoding.attention_mask}}
names = [one.name for one in session.get_inputs()]
inputs = {{name: numpy.array([given.get(name, encoding.type_ids)]) for name in names}}
vector = session.run(None, inputs)[0][0].mean(axis=0)
vector /= numpy.linalg.norm(vector)
"""


def table() -> Table:
    """Measure whole processes."""
    times = processes_s(PROGRAMS, rounds=5)
    rows = [
        [name, f"{seconds:.2f} s", f"{seconds / times['sentence-transformers']:.2f}"]
        for name, seconds in times.items()
    ]
    header = ["all-MiniLM-L6-v2", "time", "share of sentence-transformers"]
    return Table("From a cold process to the first vector", header, rows)
