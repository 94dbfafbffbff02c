"""What is said, once for every call, when texts are too long."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from holotype.encoders.options import OnOverflow
from holotype.errors import TextOverflowError, TextOverflowWarning

_PACKAGE = str(Path(__file__).parents[2]) + os.sep


class Overflow:
    """Counts, over all windows of a call, what was cut."""

    def __init__(self, on_overflow: OnOverflow, *, model_id: str, max_length: int | None) -> None:
        """Begin a call.

        Args:
            on_overflow: what the caller wants.
            model_id: the model, for the message.
            max_length: the longest text in tokens; None where nothing is cut.
        """
        self._on_overflow = on_overflow
        self._model_id = model_id
        self._max_length = max_length
        self._n_texts = 0
        self._n_cut_texts = 0
        self._n_cut_tokens = 0

    def add(self, n_cut: Sequence[int]) -> None:
        """Count a window, before the model reads it.

        Args:
            n_cut: how many tokens each of its texts loses.

        Raises:
            TextOverflowError: texts are too long, and that is an error; it tells of this window.
        """
        cut = [index for index, count in enumerate(n_cut) if count]
        n_tokens = sum(n_cut)
        if cut and self._on_overflow == "error" and self._max_length is not None:
            raise TextOverflowError(
                self._model_id, len(cut), n_tokens, self._max_length, self._n_texts + cut[0]
            )
        self._n_texts += len(n_cut)
        self._n_cut_texts += len(cut)
        self._n_cut_tokens += n_tokens

    def report(self) -> None:
        """Warn at the caller's line, where that is wanted and something was cut."""
        if not self._n_cut_texts or self._on_overflow != "warn":
            return
        warnings.warn(
            f"{self._n_cut_texts} of {self._n_texts} texts are longer than the "
            f"{self._max_length} tokens that {self._model_id!r} reads; {self._n_cut_tokens} tokens "
            'were cut. Split long texts, or pass on_overflow="truncate" to cut without a word, '
            '"error" to refuse',
            TextOverflowWarning,
            stacklevel=_frames_to_caller(),
        )


def _frames_to_caller() -> int:
    """Count the frames from `report` to the first that is not of this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
