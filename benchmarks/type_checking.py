"""What a catalogue of 1,000 models costs mypy, over a user's program."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import Table
from synthetic import package

N_MODELS = 1_000

PROGRAM = """\
from holotype import ModelType, get_model, models_by_type, select
from holotype.models import BGE_M3, JINA_COLBERT_V2

print(get_model("bge-m3").embedding_dim, get_model("jina-colbert-v2").matryoshka_dims)
print(BGE_M3.pooling, JINA_COLBERT_V2.query_length)
for model in select(type=ModelType.DENSE, language="de"):
    print(model.id, model.pooling)
for colbert in models_by_type(ModelType.COLBERT):
    print(colbert.id, colbert.query_length)
"""


def table() -> Table:
    """Measure, and return one row without and one row with a warm cache."""
    with tempfile.TemporaryDirectory() as folder:
        package(Path(folder), N_MODELS)
        program = Path(folder) / "program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        empty = Path(folder) / "empty.py"
        empty.write_text("", encoding="utf-8")
        bare_s = _mypy_s(empty, "bare")
        cold_s, warm_s = _mypy_s(program, "cache"), _mypy_s(program, "cache")
    rows = [
        ["an empty program, cold", f"{bare_s:.1f} s"],
        ["a program over the catalogue, cold", f"{cold_s:.1f} s"],
        ["the same, warm", f"{warm_s:.1f} s"],
    ]
    notes = [f"`mypy --strict`, {N_MODELS:,} models. Target: under 4 s cold."]
    return Table("Type checking", ["", "time"], rows, notes)


def _mypy_s(program: Path, cache: str) -> float:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", ""]
    command += ["--cache-dir", str(program.parent / cache), program.name]
    environment = {**os.environ, "MYPYPATH": str(program.parent)}
    started = time.perf_counter()
    subprocess.run(
        command, cwd=program.parent, env=environment, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - started
