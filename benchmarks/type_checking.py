"""What catalogues of 1,000 and 5,000 models cost mypy, over users' programs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

from report import Table
from synthetic import package

SIZES = (1_000, 5_000)
LONGEST_S = 120

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

NARROWING = """\
from holotype import ModelId, get_model

def narrowed(x: ModelId) -> object:
    if x == "bge-m3":
        return get_model(x)
    return None
"""

MATCHING = """\
from holotype import ModelId, get_model

def matched(x: ModelId) -> object:
    match x:
        case "bge-m3":
            return get_model(x)
        case "splade-v3":
            return get_model(x)
        case _:
            return None
"""

THE_REST = """\
from holotype import ModelId, get_model

def rest(x: ModelId) -> object:
    if x == "bge-m3":
        return None
    return get_model(x)
"""

PROGRAMS = {
    "an empty program": "",
    "a program over the catalogue": PROGRAM,
    "an id that equals one": NARROWING,
    "a match of two ids": MATCHING,
    "an id that does not equal one": THE_REST,
}


def table() -> Table:
    """Measure, and return one row for each program."""
    rows = [[name] for name in PROGRAMS]
    for n_models in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _install(folder / "environment", n_models)
            for row, text in zip(rows, PROGRAMS.values(), strict=True):
                (folder / "program.py").write_text(text, encoding="utf-8")
                row += [_mypy_s(folder, row[0]), _mypy_s(folder, row[0])]
    notes = [
        "`mypy --strict`, seconds of processor time, holotype installed with its encoders' "
        "dependencies. Target: under 4 s cold at 5,000 models. docs/decisions/0023 says why an id that "
        "does not equal one misses it."
    ]
    heads = [f"{n:,} models, {how}" for n in SIZES for how in ("cold", "warm")]
    return Table("Type checking", ["", *heads], rows, notes)


def _install(environment: Path, n_models: int) -> None:
    """Make an environment with the package, and with what this one has besides."""
    venv.create(environment, with_pip=False)
    (site,) = (environment / "lib").glob("python*/site-packages")
    package(site, n_models)
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")


def _mypy_s(folder: Path, cache: str) -> str:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "program.py"]
    command += ["--cache-dir", str(folder / cache.replace(" ", "-"))]
    command += ["--python-executable", str(folder / "environment" / "bin" / "python")]
    # mypy asks that interpreter for its path, on which PYTHONPATH would put another holotype first.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=LONGEST_S,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return f"more than {LONGEST_S} s"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.1f} s"
