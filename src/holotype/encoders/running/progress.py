"""Show the progress of a call on stderr."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holotype.errors import MissingExtraError

# Calls that take less than this show no progress.
_LONG_S = 2.0


class Progress:
    """A line with the texts done, texts and tokens per second, and the time left."""

    def __init__(self, bar: Any) -> None:
        """Wrap a tqdm bar; None shows nothing."""
        self._bar = bar
        self._began = time.perf_counter()
        self._n_tokens = 0

    def advance(self, n_texts: int, n_tokens: int) -> None:
        """Add texts and tokens that are done."""
        if self._bar is None:
            return
        self._n_tokens += n_tokens
        elapsed = max(time.perf_counter() - self._began, 1e-9)
        self._bar.set_postfix_str(f"{self._n_tokens / elapsed:,.0f} tokens/s", refresh=False)
        self._bar.update(n_texts)


@contextmanager
def show_progress(
    wanted: bool | None, *, what: str, total: int | None, unit: str = "texts"
) -> Iterator[Progress]:
    """Show a line on stderr while a call runs.

    Args:
        wanted: True shows it at once, False never; None shows it after two seconds if stderr is a
            terminal.
        what: the label of the line.
        total: the number of items; None if unknown, which leaves out the time left.
        unit: what an item is.

    Raises:
        MissingExtraError: `wanted` is True and tqdm is not installed.
    """
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if wanted is False or (wanted is None and not is_terminal):
        yield Progress(None)
        return
    try:
        tqdm: Any = importlib.import_module("tqdm").tqdm
    except ModuleNotFoundError as error:
        if wanted:
            raise MissingExtraError("encoders", "tqdm", "progress=True") from error
        yield Progress(None)
        return
    # Without this, tqdm starts a monitor thread that outlives the call.
    bar_class: Any = type("Bar", (tqdm,), {"monitor_interval": 0})
    delay = 0.0 if wanted else _LONG_S
    with bar_class(total=total, desc=what, unit=f" {unit}", delay=delay, file=sys.stderr) as bar:
        yield Progress(bar)
