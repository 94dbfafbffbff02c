"""What the generator costs: validating and rendering, from 100 to 10,000 models."""

from __future__ import annotations

import json
import time

from holotype_codegen.render import Origin, render
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems
from report import Table
from synthetic import catalogue

SIZES = (100, 1_000, 10_000)


def table() -> Table:
    """Measure, and return one row for each size."""
    _once(json.dumps(catalogue(10)).encode())
    rows = []
    for n_models in SIZES:
        data = json.dumps(catalogue(n_models), indent=2, ensure_ascii=False).encode()
        rounds = [_once(data) for _ in range(max(1, 500 // n_models))]
        validate_s, render_s = (min(times) for times in zip(*rounds, strict=True))
        total_s = validate_s + render_s
        rows.append(
            [
                f"{n_models:,}",
                f"{validate_s * 1000:.0f} ms",
                f"{render_s * 1000:.0f} ms",
                f"{total_s * 1000:.0f} ms",
                f"{total_s / n_models * 1e6:.0f} µs",
            ]
        )
    header = ["models", "read and validate", "render", "together", "per model"]
    notes = ["Target: 100 models under 100 ms after imports, and linear."]
    return Table("Validate and render", header, rows, notes)


def _once(data: bytes) -> tuple[float, float]:
    started = time.perf_counter()
    source = parse_source(data)
    problems = find_problems(source)
    validated = time.perf_counter()
    if problems:
        raise SystemExit("\n".join(str(problem) for problem in problems[:5]))
    render(source.value, Origin(file="models.json", digest=source.sha256, command="benchmarks"))
    return validated - started, time.perf_counter() - validated
