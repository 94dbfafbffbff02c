"""A bar that shows bytes, for people at a terminal; nothing where stderr is a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bytes_progress(what: str, n_bytes: int) -> Iterator[Callable[[int], None] | None]:
    """Show how many bytes have passed; yields what is told of more, from any thread.

    Args:
        what: the name of what is going on.
        n_bytes: how many bytes there are in all.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=n_bytes)
        yield lambda more: bar.update(task, advance=more)
