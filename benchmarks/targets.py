"""The targets for speed and memory, each as a ratio to a peer in one run, with a verdict.

A case that cannot be measured on this machine says why; none is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from report import Table

NOT_MEASURABLE = "not on this machine: "


class CannotMeasureError(Exception):
    """This machine, or what is installed on it, cannot show a figure; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured.

    Attributes:
        n_documents: how many documents a transformer encodes.
        n_many: how many it encodes where its memory is watched.
        n_rounds: how often each library has its turn.
        n_static: how many texts a table of token vectors encodes.
        n_calls: how many calls of different lengths the memory is watched over.
        n_processes: how often a cold process is started.
        long: how many tokens the long texts of large architectures have.
        long_of: the architectures that read one.
        long_dtypes: the types in which they, and texts of 512 tokens, are measured.
    """

    n_documents: int
    n_many: int
    n_rounds: int
    n_static: int
    n_calls: int
    n_processes: int
    long: int
    long_of: tuple[str, ...]
    long_dtypes: tuple[str, ...]


QUICK = Sizes(
    n_documents=24,
    n_many=400,
    n_rounds=3,
    n_static=10_000,
    n_calls=48,
    n_processes=1,
    long=8192,
    long_of=("ModernBERT-base",),
    long_dtypes=("float32",),
)
FULL = Sizes(
    n_documents=400,
    n_many=10_000,
    n_rounds=5,
    n_static=100_000,
    n_calls=5000,
    n_processes=5,
    long=8192,
    long_of=("ModernBERT-base", "XLM-R large", "Qwen3-0.6B"),
    long_dtypes=("float32", "bfloat16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One line of the table.

    Attributes:
        work: what is done.
        peer: what it is compared with, or the unit of the figure.
        bound: the figure that is aimed at.
        at_least: whether the figure should be at least that; else it should be at most that.
    """

    work: str
    peer: str
    bound: float
    at_least: bool = True

    def verdict(self, found: float, best: float | None = None) -> str:
        """Return whether a figure meets the target, and, if not, the best that it could be."""
        if (found >= self.bound) == self.at_least or found == self.bound:
            return "met"
        return "missed" if best is None else f"missed, at best {best:.2f} here"


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure, and the best that it could be on this machine.

    For a transformer, linear maps alone take time then, at the rate of the bare product; for a cold
    process, imports alone, or what a user would write by hand.
    """

    figure: float
    best: float


Figure: TypeAlias = float | Bounded | CannotMeasureError
"""What was found, or why nothing could be."""


@dataclass(frozen=True, slots=True)
class Case:
    """Targets that are measured together.

    Attributes:
        targets: the lines of the table.
        measure: returns a figure for each target, in their order; raises `CannotMeasureError`
            where none of them can be measured.
    """

    targets: Sequence[Target]
    measure: Callable[[Sizes], Sequence[Figure]]


def table(sizes: Sizes, cases: Sequence[Case], report: Callable[[str], None]) -> Table:
    """Measure all cases.

    Args:
        sizes: how much is measured.
        cases: what is measured.
        report: is told of each case before it runs, and of what it found.
    """
    rows = []
    for case in cases:
        report(case.targets[0].work)
        started = time.perf_counter()
        try:
            figures = case.measure(sizes)
        except CannotMeasureError as error:
            figures = [error] * len(case.targets)
        found = [_row(*both) for both in zip(case.targets, figures, strict=True)]
        report(f"    {time.perf_counter() - started:.0f} s")
        for row in found:
            report("    " + ", ".join(cell for cell in row if cell))
        rows += found
    header = ["work", "compared with", "found", "target", "verdict"]
    return Table("Targets for speed and memory", header, rows, [_sizes_note(sizes)])


def _row(target: Target, figure: Figure) -> list[str]:
    bound = f"{'≥' if target.at_least else '≤'} {target.bound:g}"
    if isinstance(figure, CannotMeasureError):
        return [target.work, target.peer, "", bound, f"{NOT_MEASURABLE}{figure}"]
    best = figure.best if isinstance(figure, Bounded) else None
    found = figure.figure if isinstance(figure, Bounded) else figure
    return [target.work, target.peer, f"{found:.2f}", bound, target.verdict(found, best)]


def _sizes_note(sizes: Sizes) -> str:
    return (
        f"CPU time with one thread, medians of {sizes.n_rounds} turns, unless a line says otherwise; "
        f"{sizes.n_documents} documents of 5 to 256 tokens, {sizes.n_static:,} texts for static "
        f"models, {sizes.n_calls:,} calls for growth, and texts of {sizes.long:,} tokens where they are "
        "long. 'At best' is the peer's time by that of the model's linear maps alone, if they ran at the "
        "rate of one large product, which took turns with both; of a cold process, what `import torch` "
        "takes, or ONNX Runtime and tokenizers without holotype."
    )
