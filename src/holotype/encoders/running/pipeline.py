"""Turn items into results, window by window, in bounded memory.

Items are split into windows of bounded size. While the model runs one window, a second thread
tokenizes the next; tokenizers and torch both release the GIL. The caller's iterator is advanced
only on the caller's thread, at most two windows ahead of the results.
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
from typing import Any, Generic, TypeVar

from holotype.encoders.inputs.rows import Reader, Reading, RowT
from holotype.encoders.options import EncodeSettings, OnOverflow
from holotype.encoders.running.collecting import Collector
from holotype.encoders.running.devices import run_on
from holotype.encoders.running.network import FoundT, Runner
from holotype.encoders.running.progress import Progress, show_progress
from holotype.errors import (
    ClosedEncoderError,
    ImageError,
    NotFiniteError,
    TextOverflowError,
    TextOverflowWarning,
    TokenizationError,
)

_PACKAGE = str(Path(__file__).parents[2]) + os.sep


class Overflow:
    """Counts the texts and tokens that were truncated in all windows of a call."""

    def __init__(self, on_overflow: OnOverflow, *, model_id: str, max_length: int | None) -> None:
        """Start counting for a call.

        Args:
            on_overflow: what to do about texts that are too long; see `EncodeOptions`.
            model_id: the model, for messages.
            max_length: the longest text in tokens; None for no limit.
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
            TextOverflowError: texts are too long and that is an error; it covers this window only.
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
        """Warn at the caller's line if texts were truncated and the call asks for warnings."""
        if not self._n_cut_texts or self._on_overflow != "warn":
            return
        warnings.warn(
            f"{self._n_cut_texts} of {self._n_texts} text{'s' * (self._n_texts != 1)} "
            f"{'is' if self._n_cut_texts == 1 else 'are'} longer than the {self._max_length} "
            f"tokens that {self._model_id!r} reads; {self._n_cut_tokens} "
            f"{'token was' if self._n_cut_tokens == 1 else 'tokens were'} cut. Split "
            'long texts, or pass on_overflow="truncate" to cut without a word, "error" to refuse',
            TextOverflowWarning,
            stacklevel=_frames_to_caller(),
        )


def _frames_to_caller() -> int:
    """Count the frames from `report` to the first one outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# A window is large enough to form batches of texts of similar length, and small enough for the next
# one to be ready before it is done. All devices share one window.
_ITEMS_AT_ONCE = 1024
_CHARACTERS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Generic[ItemT, RowT, FoundT, ResultT]):
    """How to run the items of one call.

    Attributes:
        model_id: the model, for messages.
        dtype: the type of its arithmetic, for messages.
        reader: turns the items of a window into rows, on a second thread.
        collector: makes the collector for a window from its number of items.
        items_at_once: the most items of a window; None takes the number for texts.
        unit: what an item is, for the line that shows progress.
    """

    model_id: str
    dtype: str
    reader: Reader[ItemT, RowT]
    collector: Callable[[int], Collector[FoundT, ResultT]]
    items_at_once: int | None = None
    unit: str = "texts"


def stream(
    networks: Sequence[Runner[RowT, FoundT]],
    task: Task[ItemT, RowT, FoundT, ResultT],
    items: Iterable[ItemT],
    settings: EncodeSettings,
    *,
    n_items: int | None = None,
) -> Generator[ResultT, None, None]:
    """Yield the results of every window, in the order of the items.

    Closing the generator early stops the second thread before `close` returns, and reports the
    truncations so far.

    Args:
        networks: the same model on each device to run on.
        task: how to run the items.
        items: the items to encode; errors from the iterator reach the caller unchanged, after the
            results of the whole windows before them.
        settings: the options of the call.
        n_items: the number of items, to estimate the time left; None if unknown.

    Raises:
        TextOverflowError: an item is too long and `on_overflow` is ``"error"``.
        TokenizationError: the tokenizer fails at an item.
        ImageError: an item is a picture that cannot be read.
        NotFiniteError: the model returned NaN or infinity for an item.
    """
    max_length = task.reader.max_length
    overflow = Overflow(settings.on_overflow, model_id=task.model_id, max_length=max_length)
    n_done = 0
    failed = False
    try:
        with (
            _Naming(task.model_id),
            show_progress(
                settings.progress, what=task.model_id, unit=task.unit, total=n_items
            ) as progress,
            closing(_read_ahead(task.reader, _windows(items, task, len(networks)))) as found,
        ):
            for reading in found:
                overflow.add(reading.n_cut)
                collector = task.collector(len(reading.rows))
                _run(networks, reading.rows, settings.batch_size, collector, progress)
                wrong = collector.first_not_finite()
                if wrong is not None:
                    raise NotFiniteError(task.model_id, n_done + wrong, task.dtype)
                yield collector.result()
                n_done += len(reading.rows)
    except Exception:
        failed = True
        raise
    finally:
        if not failed:
            overflow.report()


class _Naming:
    """Names the model in what a network says that is closed during a call."""

    __slots__ = ("_model_id",)

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ClosedEncoderError) and not error.model_id:
            raise ClosedEncoderError(self._model_id) from None


def run_one(
    networks: Sequence[Runner[RowT, FoundT]],
    task: Task[ItemT, RowT, FoundT, ResultT],
    item: ItemT,
    settings: EncodeSettings,
) -> ResultT:
    """Return the result of one item, as `stream` does, without what serves many.

    Windows, a second thread and a line of progress take as long as a small model's work.

    Args:
        networks: the same model on each device; the first one runs.
        task: how to run the item.
        item: the item to encode.
        settings: the options of the call.

    Raises:
        TextOverflowError: the item is too long and `on_overflow` is ``"error"``.
        TokenizationError: the tokenizer fails at the item.
        NotFiniteError: the model returned NaN or infinity.
    """
    reading = task.reader.read([item])
    overflow = None
    if any(reading.n_cut):
        overflow = Overflow(
            settings.on_overflow, model_id=task.model_id, max_length=task.reader.max_length
        )
        overflow.add(reading.n_cut)
    collector = task.collector(1)
    with _Naming(task.model_id):
        for positions, found, counted in networks[0].run(reading.rows, settings.batch_size):
            collector.add(positions, found, counted)
    if collector.first_not_finite() is not None:
        raise NotFiniteError(task.model_id, 0, task.dtype)
    if overflow is not None:
        overflow.report()
    return collector.result()


def _run(
    networks: Sequence[Runner[RowT, FoundT]],
    rows: Sequence[RowT],
    batch_size: int | None,
    collector: Collector[FoundT, ResultT],
    progress: Progress,
) -> None:
    done: set[int] = set()
    for positions, found, counted in run_on(networks, rows, batch_size):
        collector.add(positions, found, counted)
        # A network with several heads yields each row once per head.
        new = [at for at in positions if at not in done]
        done.update(new)
        progress.advance(len(new), sum(rows[at].n_tokens for at in new))


def _windows(
    items: Iterable[ItemT], task: Task[ItemT, Any, Any, Any], n_devices: int
) -> Iterator[list[ItemT]]:
    n_items = (task.items_at_once or _ITEMS_AT_ONCE) * n_devices
    n_characters = _CHARACTERS_AT_ONCE * n_devices
    window: list[ItemT] = []
    size = 0
    for item in items:
        window.append(item)
        size += task.reader.size(item)
        if len(window) >= n_items or size >= n_characters:
            yield window
            window, size = [], 0
    if window:
        yield window


def _read_ahead(
    reader: Reader[ItemT, RowT], windows: Iterator[list[ItemT]]
) -> Generator[Reading[RowT], None, None]:
    first = next(windows, None)
    if first is None:
        return
    window, failure = _pull(windows)
    if window is None:
        # A single window has nothing to overlap with; do not start a thread for it.
        yield _read(reader, first, 0)
    else:
        with ThreadPoolExecutor(1, thread_name_prefix="holotype-tokenizer") as thread:
            ready, start = thread.submit(_read, reader, first, 0), len(first)
            while window is not None:
                following = thread.submit(_read, reader, window, start)
                start += len(window)
                yield ready.result()
                ready = following
                window, failure = _pull(windows)
            yield ready.result()
    if failure is not None:
        raise failure


def _pull(windows: Iterator[list[ItemT]]) -> tuple[list[ItemT] | None, Exception | None]:
    """Return the next window, or why there is none: windows before a failure are still encoded."""
    try:
        return next(windows, None), None
    except Exception as error:
        return None, error


def _read(reader: Reader[ItemT, RowT], window: list[ItemT], start: int) -> Reading[RowT]:
    try:
        return reader.read(window)
    except (TokenizationError, ImageError) as error:
        raise error.at(start + error.index) from error
