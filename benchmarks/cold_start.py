"""From a cold process to the first vector."""

from __future__ import annotations

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


def shares(n_rounds: int) -> tuple[float, float, float]:
    """Return the share of sentence-transformers' time that torch, ONNX Runtime and a table take."""
    with TemporaryDirectory(prefix="holotype-bench-") as temporary:
        onnx, static = Path(temporary) / "onnx", Path(temporary) / "static"
        export(ALL_MINILM_L6_V2, backend="onnx", checkpoint=CHECKPOINT, to=onnx)
        static_models.save(static)
        programs = {
            **{name: PROGRAMS[name] for name in ("sentence-transformers", "holotype")},
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
        }
        times = processes_s(programs, rounds=n_rounds, warm_up=n_rounds > 1)
    whole = times["sentence-transformers"]
    return times["holotype"] / whole, times["onnx"] / whole, times["static"] / whole


def table() -> Table:
    """Measure whole processes."""
    times = processes_s(PROGRAMS, rounds=5)
    rows = [
        [name, f"{seconds:.2f} s", f"{seconds / times['sentence-transformers']:.2f}"]
        for name, seconds in times.items()
    ]
    header = ["all-MiniLM-L6-v2", "time", "share of sentence-transformers"]
    return Table("From a cold process to the first vector", header, rows)
