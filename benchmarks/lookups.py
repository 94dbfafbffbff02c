"""What one question costs in a running process, at several sizes of the catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from report import Table
from synthetic import package

SIZES = (100, 1_000, 10_000)

PROGRAM = """
import json, sys
sys.path.insert(0, {benchmarks!r})
import holotype
from holotype import ModelType
from timing import call_s
few = holotype.MODEL_REGISTRY[0].organization
questions = {{
    "get_model(id)": lambda: holotype.get_model("bge-m3"),
    "find_model(alias)": lambda: holotype.find_model("colbertv2.0"),
    "get_model_by_hf_id(id, type)": lambda: holotype.get_model_by_hf_id("BAAI/bge-m3", ModelType.DENSE),
    "models_by_type(COLBERT)": lambda: holotype.models_by_type(ModelType.COLBERT),
    "models_by_language('de')": lambda: holotype.models_by_language("de"),
    "models_with_matryoshka()": lambda: holotype.models_with_matryoshka(),
    "list_model_ids('bge-m3*')": lambda: holotype.list_model_ids("bge-m3*"),
}}
print(json.dumps({{name: call_s(question) for name, question in questions.items()}}))
"""


def table() -> Table:
    """Measure, and return one row for each question, one column for each size."""
    columns = [_times_s(n_models) for n_models in SIZES]
    rows = [
        [f"`{question}`", *(f"{column[question] * 1e9:.0f} ns" for column in columns)]
        for question in columns[0]
    ]
    header = ["", *(f"{n_models:,} models" for n_models in SIZES)]
    notes = ["Target: `get_model` under 1,000 ns, and no growth with the catalogue."]
    return Table("One question in a running process", header, rows, notes)


def _times_s(n_models: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        package(Path(folder), n_models)
        code = PROGRAM.format(benchmarks=str(Path(__file__).parent))
        result = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=True,
        )
    times: dict[str, float] = json.loads(result.stdout)
    return times
