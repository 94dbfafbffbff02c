"""A progress bar for bytes; shows nothing if stderr is a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bytes_progress(what: str, n_bytes: int) -> Iterator[Callable[[int], None] | None]:
    """Show the progress in bytes; yield a function that any thread can call with more.

    Args:
        what: the label of the work.
        n_bytes: the total number of bytes.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=n_bytes)
        yield lambda more: bar.update(task, advance=more)
