"""From a cold process to the first vector: exports without torch, against sentence-transformers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from corpus import CHECKPOINT
from holotype.encoders.config import Backend
from holotype.encoders.exports import export
from holotype.models import ALL_MINILM_L6_V2
from report import Table
from timing import processes_s

_BACKENDS: tuple[Backend, ...] = ("onnx", "openvino")


def table() -> Table:
    """Measure, and return one row for each way to the first vector."""
    peer = (
        "from sentence_transformers import SentenceTransformer; "
        f"SentenceTransformer({str(CHECKPOINT)!r}, device='cpu').encode('a short query')"
    )
    programs = {"sentence-transformers": peer, "holotype, torch": _program("torch", CHECKPOINT)}
    with tempfile.TemporaryDirectory() as folder:
        for backend in _BACKENDS:
            to = Path(folder) / backend
            export(ALL_MINILM_L6_V2, backend=backend, checkpoint=CHECKPOINT, to=to)
            programs[f"holotype, {backend}"] = _program(backend, to)
        times = processes_s(programs, rounds=5)
    rows = [
        [name, f"{seconds:.2f} s", f"{seconds / times['sentence-transformers']:.3f}"]
        for name, seconds in times.items()
    ]
    header = ["all-MiniLM-L6-v2, CPU", "time", "of sentence-transformers"]
    notes = ["Targets: at most 0.7 with torch, 0.15 with onnx."]
    return Table("From a cold process to the first vector", header, rows, notes)


def _program(backend: Backend, folder: Path) -> str:
    return (
        "from holotype import load; "
        f"load('all-minilm-l6-v2', backend={backend!r}, device='cpu', checkpoint={str(folder)!r})"
        ".encode_query('a short query')"
    )
