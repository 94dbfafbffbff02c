"""The parity matrix: what the tests of parity measured, a line for each sort of checkpoint.

Nothing here imports torch: the process that prints the table runs no test when pytest runs on
several processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

PROPERTY = "parity"
"""The property of a test's report that holds what was measured."""
_COLUMNS = ("kind", "architecture", "format", "reference", "options", "vectors", "cosine", "scores")

Rows: TypeAlias = list[dict[str, Any]]
_open: list[Rows] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is compared with what.

    Attributes:
        kind: the kind of model.
        architecture: the model type of its transformer.
        format: who wrote the checkpoint.
        reference: the library that is compared with.
    """

    kind: str
    architecture: str
    format: str
    reference: str = "sentence-transformers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """How far results are from the reference's; None where there are no such results.

    Differences are absolute, in shares of the reference's largest number where that is above 1.

    Attributes:
        vectors: the largest difference between vectors.
        cosine: the lowest cosine of a vector and its reference.
        scores: the largest difference between scores, or weights of words.
    """

    vectors: float | None = None
    cosine: float | None = None
    scores: float | None = None


@contextmanager
def recording() -> Iterator[Rows]:
    """Collect what is measured meanwhile; the list fills as it goes."""
    rows: Rows = []
    _open.append(rows)
    try:
        yield rows
    finally:
        _open.pop()


def record(subject: Subject, measurement: Measurement) -> None:
    """Keep a measurement of the test that runs."""
    _open[-1].append(asdict(subject) | asdict(measurement))


def lines(tests: Iterable[tuple[str, bool, Rows]], *, each_option: bool = False) -> list[str]:
    """Return the matrix as lines of text.

    Args:
        tests: the name, the success and the measurements of every test.
        each_option: whether every test has a line of its own, and not every sort of checkpoint.
    """
    groups: dict[tuple[str, ...], list[tuple[str, bool, dict[str, Any]]]] = {}
    for name, passed, rows in tests:
        for row in rows:
            key = tuple(row[column] for column in _COLUMNS[:4])
            groups.setdefault((*key, name) if each_option else key, []).append((name, passed, row))
    table: list[tuple[str, ...]] = [(*_COLUMNS, "")]
    for key in sorted(groups):
        found = groups[key]
        names = {name for name, _, _ in found}
        worst = _worst([row for _, _, row in found])
        passed = all(passed for _, passed, _ in found)
        option = key[4] if each_option else str(len(names))
        table.append((*key[:4], option, *worst, "pass" if passed else "FAIL"))
    return _aligned(table)


def _worst(rows: Sequence[dict[str, Any]]) -> tuple[str, str, str]:
    def known(column: str) -> list[float]:
        return [row[column] for row in rows if row[column] is not None]

    vectors, cosines, scores = known("vectors"), known("cosine"), known("scores")
    return (
        f"{max(vectors):.1e}" if vectors else "-",
        f"1 - {max(0.0, 1 - min(cosines)):.0e}" if cosines else "-",
        f"{max(scores):.1e}" if scores else "-",
    )


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
