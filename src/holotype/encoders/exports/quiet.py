"""An export without the messages of the libraries that make it, which the user cannot act on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from logging import StreamHandler
from typing import Any

import huggingface_hub.utils as hub
import transformers

# It warns of operators of torchvision, whether or not the model has any.
_WARNS = "torch.onnx._internal.exporter._registration"


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
def _same_root_handlers() -> Generator[None]:
    """Take the handler away again that `logging.info` gives a root logger which has none.

    ONNX Runtime's quantisation logs that way.
    """
    root = logging.getLogger()
    had = bool(root.handlers)
    try:
        yield
    finally:
        if not had:
            for handler in [found for found in root.handlers if type(found) is StreamHandler]:
                root.removeHandler(handler)


@contextmanager
def without_noise() -> Generator[None]:
    """Hide what libraries print while a model is exported; afterwards all is as it was."""
    logger, others = logging.getLogger(_WARNS), _OtherThreads()
    logger.addFilter(others)
    _BARS.hide()
    try:
        with _same_root_handlers():
            yield
    finally:
        _BARS.show_again()
        logger.removeFilter(others)
