"""What the generator costs: validating and rendering models.json, and 100 to 10,000 models."""

from __future__ import annotations

import json
import time

from holotype_codegen.render import Origin, render
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems
from report import Table
from synthetic import ROOT, catalogue

SIZES = (100, 1_000, 10_000)
N_ROUNDS = 5


def table() -> Table:
    """Measure, and return a row for each size, and for the catalogue as it is."""
    _once(_made(10))
    real = (ROOT / "models.json").read_bytes()
    rows = [_row("models.json", real, len(json.loads(real)["models"]), N_ROUNDS)]
    for n_models in SIZES:
        n_rounds = max(1, N_ROUNDS * 100 // n_models)
        rows.append(_row(f"{n_models:,}", _made(n_models), n_models, n_rounds))
    header = ["models", "read and validate", "render", "together", "per model"]
    notes = [
        "Processor time, minima. Targets: 100 models under 100 ms after imports, models.json under "
        "1.2 s, and linear."
    ]
    return Table("Validate and render", header, rows, notes)


def _made(n_models: int) -> bytes:
    return json.dumps(catalogue(n_models), indent=2, ensure_ascii=False).encode()


def _row(name: str, data: bytes, n_models: int, n_rounds: int) -> list[str]:
    rounds = [_once(data) for _ in range(n_rounds)]
    validate_s, render_s = (min(times) for times in zip(*rounds, strict=True))
    total_s = validate_s + render_s
    return [
        name,
        f"{validate_s * 1000:.0f} ms",
        f"{render_s * 1000:.0f} ms",
        f"{total_s * 1000:.0f} ms",
        f"{total_s / n_models * 1e6:.0f} µs",
    ]


def _once(data: bytes) -> tuple[float, float]:
    started = time.process_time()
    source = parse_source(data)
    problems = find_problems(source)
    validated = time.process_time()
    if problems:
        raise SystemExit("\n".join(str(problem) for problem in problems[:5]))
    origin = Origin(file="models.json", digest=source.sha256, command="benchmarks")
    render(source.value, origin)
    return validated - started, time.process_time() - validated
