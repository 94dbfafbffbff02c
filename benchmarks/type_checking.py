"""What a catalogue of 1,000 models costs mypy, over a user's program."""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _install(folder / "environment")
        (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
        (folder / "empty.py").write_text("", encoding="utf-8")
        bare_s = _mypy_s(folder, "empty.py", "bare")
        cold_s = statistics.median(_mypy_s(folder, "program.py", f"cold{n}") for n in range(3))
        warm_s = _mypy_s(folder, "program.py", "cold0")
    rows = [
        ["an empty program, cold", f"{bare_s:.1f} s"],
        ["a program over the catalogue, cold", f"{cold_s:.1f} s"],
        ["the same, warm", f"{warm_s:.1f} s"],
    ]
    notes = [
        f"`mypy --strict`, {N_MODELS:,} models, holotype installed with its encoders' "
        "dependencies. Target: under 4 s cold."
    ]
    return Table("Type checking", ["", "time"], rows, notes)


def _install(environment: Path) -> None:
    """Make an environment with the package, and with what this one has besides."""
    venv.create(environment, with_pip=False)
    (site,) = (environment / "lib").glob("python*/site-packages")
    package(site, N_MODELS)
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")


def _mypy_s(folder: Path, program: str, cache: str) -> float:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", program]
    command += ["--cache-dir", str(folder / cache)]
    command += ["--python-executable", str(folder / "environment" / "bin" / "python")]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return time.perf_counter() - started
