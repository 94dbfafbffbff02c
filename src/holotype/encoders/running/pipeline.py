"""From what a caller passes to results, window by window, in bounded memory.

What comes in is cut into windows of a bounded size. While the model runs on one, the next is
tokenised on a second thread; tokenizers and torch both release Python's lock. The caller's own
iterator is only ever pulled on the caller's thread, at most two windows ahead of the results.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.options import EncodeSettings, OnOverflow
from holotype.encoders.running.devices import run_on
from holotype.encoders.running.network import FoundT, OutputOf, Runner
from holotype.encoders.running.progress import Progress, watched
from holotype.errors import TextOverflowError, TextOverflowWarning, TokenizationError

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


ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# A window is large enough to sort its texts into batches of like lengths, and small enough for a
# second one to be ready before the first is done. Several devices share one.
_ITEMS_AT_ONCE = 1024
_CHARACTERS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOf(Generic[ItemT, FoundT, ResultT]):
    """What a kind of model does with the items of one call.

    Attributes:
        model_id: the model, for messages.
        max_length: the longest item in tokens; None where nothing is cut.
        read: turns the items of a window into rows; runs on a second thread.
        collect: turns the number of items and what the network yields into the window's result;
            runs on the caller's thread, and must exhaust what it gets.
        n_characters: how large an item is, to bound a window by.
    """

    model_id: str
    max_length: int | None
    read: Callable[[Sequence[ItemT]], Reading]
    collect: Callable[[int, Iterator[OutputOf[FoundT]]], ResultT]
    n_characters: Callable[[ItemT], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(TaskOf[ItemT, NDArray[np.float32], ResultT]):
    """What a kind of model does with the vectors that a network finds."""


def stream(
    networks: Sequence[Runner[FoundT]],
    task: TaskOf[ItemT, FoundT, ResultT],
    items: Iterable[ItemT],
    settings: EncodeSettings,
    *,
    n_items: int | None = None,
) -> Generator[ResultT, None, None]:
    """Yield the results of every window, in the order of the items.

    Closing the generator early stops the second thread before `close` returns, and reports what
    was cut until then.

    Args:
        networks: what runs; the same model on every device that is to run.
        task: what the kind of model does.
        items: what is encoded; errors of the iterator reach the caller as they are.
        settings: the options of the call.
        n_items: how many items there are, for the time left; None where nobody knows.

    Raises:
        TextOverflowError: an item is too long, and that is an error.
        TokenizationError: the tokenizer fails at an item.
    """
    overflow = Overflow(settings.on_overflow, model_id=task.model_id, max_length=task.max_length)
    failed = False
    try:
        with (
            watched(settings.progress, what=task.model_id, total=n_items) as progress,
            closing(_read_ahead(task, _windows(items, task, len(networks)))) as readings,
        ):
            for reading in readings:
                overflow.add(reading.n_cut)
                outputs = run_on(networks, reading.rows, settings.batch_size)
                counted = _counted(outputs, reading.rows, progress)
                yield task.collect(len(reading.rows), counted)
    except Exception:
        failed = True
        raise
    finally:
        if not failed:
            overflow.report()


def _counted(
    outputs: Iterator[OutputOf[FoundT]], rows: Sequence[Row], progress: Progress
) -> Iterator[OutputOf[FoundT]]:
    for output in outputs:
        yield output
        positions = output[0]
        progress.advance(len(positions), sum(len(rows[at].ids) for at in positions))


def _windows(
    items: Iterable[ItemT], task: TaskOf[ItemT, FoundT, ResultT], n_devices: int
) -> Iterator[list[ItemT]]:
    n_items, n_characters = _ITEMS_AT_ONCE * n_devices, _CHARACTERS_AT_ONCE * n_devices
    window: list[ItemT] = []
    size = 0
    for item in items:
        window.append(item)
        size += task.n_characters(item)
        if len(window) >= n_items or size >= n_characters:
            yield window
            window, size = [], 0
    if window:
        yield window


def _read_ahead(
    task: TaskOf[ItemT, FoundT, ResultT], windows: Iterator[list[ItemT]]
) -> Generator[Reading, None, None]:
    first, second = next(windows, None), next(windows, None)
    if first is None:
        return
    if second is None:
        # One window has nothing to overlap with, and a short call no time for a thread.
        yield _read(task, first, 0)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="holotype-tokenizer") as thread:
        ready, start = thread.submit(_read, task, first, 0), len(first)
        window: list[ItemT] | None = second
        while window is not None:
            following = thread.submit(_read, task, window, start)
            start += len(window)
            yield ready.result()
            ready, window = following, next(windows, None)
        yield ready.result()


def _read(task: TaskOf[ItemT, FoundT, ResultT], window: list[ItemT], start: int) -> Reading:
    try:
        return task.read(window)
    except TokenizationError as error:
        raise error.at(start + error.index) from error
