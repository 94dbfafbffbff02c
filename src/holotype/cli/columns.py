"""The columns of `holotype list`: a table as wide as the terminal, or tab-separated lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holotype.cli.wording import (
    UNKNOWN,
    dimensions,
    exact,
    group_thousands,
    languages,
    score,
    short_count,
)
from holotype.errors import one_line
from holotype.records import ModelInfo

if TYPE_CHECKING:
    from rich.table import Table

PLAIN = (
    "id",
    "type",
    "organization",
    "huggingface_id",
    "embedding_dim",
    "matryoshka_dims",
    "context_length",
    "parameters",
    "license",
    "languages",
    "beir_avg",
    "ms_marco_mrr10",
    "matryoshka_range",
)
"""The fields of a line if stdout is not a terminal, in order; only ever extended."""

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table for people.

    Attributes:
        heading: its heading.
        text: returns the text of its cell for a record.
        rank: on a narrow terminal, the column with the highest rank is dropped first.
        numeric: whether its cells are right-aligned.
    """

    heading: str
    text: Callable[[ModelInfo], str]
    rank: int
    numeric: bool = False


def _context(record: ModelInfo) -> str:
    return UNKNOWN if record.context_length is None else group_thousands(record.context_length)


def _parameters(record: ModelInfo) -> str:
    return UNKNOWN if record.parameters is None else short_count(record.parameters)


COLUMNS = (
    Column("model", lambda record: record.id, 0),
    Column("type", lambda record: record.type, 1),
    Column("dims", dimensions, 2, numeric=True),
    Column("context", _context, 4, numeric=True),
    Column("params", _parameters, 3, numeric=True),
    Column("BEIR", lambda record: score(record.beir_avg), 6, numeric=True),
    Column("MRR@10", lambda record: score(record.ms_marco_mrr10), 9, numeric=True),
    Column("license", lambda record: record.license or UNKNOWN, 5),
    Column("languages", languages, 7),
    Column("organization", lambda record: one_line(record.organization), 8),
)
"""All columns, from left to right."""


def plain_row(record: ModelInfo) -> tuple[str, ...]:
    """Return the fields `PLAIN` of a record."""
    return tuple(exact(name, getattr(record, name)) for name in PLAIN)


def fitting(records: Sequence[ModelInfo], width: int) -> tuple[Column, ...]:
    """Return the columns that fit a terminal of `width` characters without truncating a cell.

    The first column, the ids, is always included.
    """
    from rich.cells import cell_len

    needed = {
        column.heading: max(map(cell_len, (column.heading, *map(column.text, records))))
        for column in COLUMNS
    }
    kept = sorted(COLUMNS, key=lambda column: column.rank)
    while len(kept) > 1 and sum(needed[c.heading] + _GAP for c in kept) - _GAP > width:
        kept.pop()
    return tuple(column for column in COLUMNS if column in kept)


def table(records: Sequence[ModelInfo], columns: Sequence[Column]) -> Table:
    """Return the table for people."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for column in columns:
        drawn.add_column(
            column.heading,
            justify="right" if column.numeric else "left",
            style="bold" if column.rank == 0 else None,
            overflow="fold",
            no_wrap=column.rank != 0,
        )
    for record in records:
        drawn.add_row(*(column.text(record) for column in columns))
    return drawn
