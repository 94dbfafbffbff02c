"""Libraries without what they print, where the user cannot act on it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import huggingface_hub.utils as hub
import transformers


class _Bars:
    """The progress bars of transformers, which it shows or hides for the whole process."""

    def __init__(self) -> None:
        # transformers does not say what its functions return.
        self._bars: Any = transformers.logging
        self._lock = threading.Lock()
        self._n_hiding = 0
        self._shown = self._shown_by_hub = True

    def hide(self) -> None:
        """Hide the bars until `show_again` has been called as often."""
        with self._lock:
            if not self._n_hiding:
                self._shown = self._bars.is_progress_bar_enabled()
                self._shown_by_hub = not hub.are_progress_bars_disabled()
                self._bars.disable_progress_bar()
                self._show_hub()
            self._n_hiding += 1

    def show_again(self) -> None:
        """Leave the bars as they were found."""
        with self._lock:
            self._n_hiding -= 1
            if not self._n_hiding and self._shown:
                self._bars.enable_progress_bar()
                if not self._shown_by_hub:
                    hub.disable_progress_bars()

    def _show_hub(self) -> None:
        # Downloads are worth a bar; transformers hides both.
        if self._shown_by_hub:
            hub.enable_progress_bars()


_BARS = _Bars()


class _OtherThreads(logging.Filter):
    """Lets through what other threads say."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown: not one that this thread made."""
        return record.thread != self._thread


@contextmanager
def without_messages(*names: str) -> Generator[None]:
    """Hide the bars of transformers, and what this thread logs; afterwards all is as it was.

    Args:
        names: the loggers.
    """
    others = _OtherThreads()
    with ExitStack() as stack:
        _BARS.hide()
        stack.callback(_BARS.show_again)
        for logger in map(logging.getLogger, names):
            logger.addFilter(others)
            stack.callback(logger.removeFilter, others)
        yield
