"""Notices that a deployment has changed, and reads it again.

Three things make a watch look again: the folder changes, time passes, or somebody asks (a signal, a
command). Whether anything is new is decided by the digest of the texts alone.
"""

from __future__ import annotations

import importlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from holotype.catalogue import Catalogue
from holotype.deployment.last_good import LastGood
from holotype.deployment.snapshots import DeploymentSource, Snapshot
from holotype.deployment.sources import Loaded, keep_in, take
from holotype.errors import HolotypeError, MissingExtraError

_LOG = logging.getLogger(__name__)

SETTLE_S = 0.2
"""For how long nothing must happen in the folder before the file is read."""
POLL_S = 60.0
"""How often to look although nothing was noticed: stores, and file systems that tell nothing."""
LONGEST_SETTLE_S = 10.0
"""When to read although the folder never rests."""

_RETRY_S = 1.0
"""How often to try to watch a folder that is gone, or that the system does not let watch."""
_STEP_MS = 50
_NOTICE_MS = 500
"""How often to see whether another folder has taken the name of the one that is watched."""

Reason: TypeAlias = Literal["changed", "poll", "asked"]
OnChange: TypeAlias = Callable[[Loaded], None]
OnFailure: TypeAlias = Callable[[Exception], None]


class Watch:
    """Looks at a source whenever it may have changed, on a thread of its own.

    `on_change` is called with every deployment that is new and good, one after the other; changes
    during a call are one change, the newest. `on_failure` is called when the source fails, when
    what it has is wrong, and when `on_change` raises; what runs goes on, and the next change is
    another attempt. A failure is told once, not at every poll.
    """

    def __init__(
        self,
        source: DeploymentSource,
        on_change: OnChange,
        on_failure: OnFailure,
        *,
        on_same: Callable[[], None] | None = None,
        current: str | None = None,
        last_good: LastGood | None = None,
        catalogue: Catalogue[Any] | None = None,
        settle_s: float = SETTLE_S,
        poll_s: float = POLL_S,
    ) -> None:
        """Prepare a watch; `start` begins it, and so does a ``with`` statement.

        Args:
            source: what to look at; see `open_source`.
            on_change: takes a new deployment.
            on_failure: takes what went wrong.
            on_same: is called when somebody has asked, and the text is the one that runs: what it
                names, such as an alias or a folder, may have changed.
            current: the digest of what runs already; None reads and reports at the start.
            last_good: where to keep good copies from a store.
            catalogue: see `read_documents`.
            settle_s: how long the folder must rest before it is read, in seconds.
            poll_s: how often to look although nothing was noticed, in seconds.
        """
        self._source = source
        self._on_change = on_change
        self._on_failure = on_failure
        self._on_same = on_same
        self._seen = current
        self._failed: str | None = None
        self._last_good = keep_in(source, last_good)
        self._catalogue = catalogue
        self._settle_s = settle_s
        self._poll_s = poll_s
        # Its `put` may be called by a signal handler that interrupts another `put`.
        self._asked: queue.SimpleQueue[Reason | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.last_success_at: float | None = None
        """When the source was last read without a failure, in seconds since 1970."""

    def start(self) -> Self:
        """Begin to watch.

        Raises:
            MissingExtraError: watchfiles is not installed.
        """
        folder = self._source.folder
        if folder is not None:
            self._start_thread(self._watch_folder, _watchfiles(), folder)
        if self._seen is None:
            self.look_again()
        self._start_thread(self._run)
        return self

    def _start_thread(self, run: Callable[..., None], *arguments: Any) -> None:
        name = f"holotype-watch-{len(self._threads)}"
        thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def look_again(self) -> None:
        """Look now; what has failed is tried again, and `on_same` is told where nothing is new.

        It returns at once, also in signal handlers.
        """
        self._asked.put("asked")

    def stop(self) -> None:
        """End the watch, after the running call of `on_change` if there is one."""
        self._stopping.set()
        self._asked.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._threads.clear()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            reason = self._next_reason()
            if reason is None:
                return
            try:
                self._look(is_asked=reason == "asked")
            except Exception:
                # The thread must survive what callers' functions raise, or nobody looks again.
                _LOG.exception("%s: the watch goes on after an error", self._source.location)

    def _next_reason(self) -> Reason | None:
        """Return why to look, once the source is at rest; None to stop."""
        try:
            reason = self._asked.get(timeout=self._poll_s)
        except queue.Empty:
            return "poll"
        until = time.monotonic() + LONGEST_SETTLE_S
        while reason is not None and time.monotonic() < until:
            try:
                further = self._asked.get(timeout=self._settle_s if reason == "changed" else 0)
            except queue.Empty:
                break
            reason = further if further is None or reason != "asked" else "asked"
        return reason

    def _look(self, *, is_asked: bool) -> None:
        try:
            found = self._source.fetch()
        except HolotypeError as error:
            self._fail(f"{type(error).__name__} {error}", error)
            return
        if found.digest == self._seen:
            self._failed, self.last_success_at = None, time.time()
            if is_asked:
                self._tell_same()
        elif found.digest != self._failed or is_asked:
            self._take(found)

    def _tell_same(self) -> None:
        if self._on_same is None:
            return
        try:
            self._on_same()
        except Exception as error:
            self._fail(f"{type(error).__name__} {error}", error)
            self._failed = None

    def _take(self, found: Snapshot) -> None:
        try:
            loaded = take(self._source.location, found, self._last_good, self._catalogue)
            self._on_change(loaded)
        except Exception as error:
            self._failed = None
            self._fail(found.digest, error)
            return
        self._seen, self._failed = found.digest, None
        self.last_success_at = loaded.fetched_at

    def _fail(self, what: str, error: Exception) -> None:
        """Tell of a failure, unless it is the one that was told last."""
        if what == self._failed:
            return
        self._failed = what
        _LOG.warning("%s: what runs goes on: %s", self._source.location, error)
        self._on_failure(error)

    def _watch_folder(self, watchfiles: Any, folder: Path) -> None:
        told = ""
        while not self._stopping.is_set():
            try:
                self._follow(watchfiles, folder)
                told = ""
            except (OSError, RuntimeError) as error:
                if told != str(error):
                    told = str(error)
                    _LOG.warning("%s: cannot be watched, only polled: %s", folder, error)
                self._stopping.wait(_RETRY_S)

    def _follow(self, watchfiles: Any, folder: Path) -> None:
        """Ask for every change of a folder, until another one has its name or the watch ends.

        The first look is for what changed before the folder was watched.
        """
        identity = _identity(folder)
        changes = watchfiles.watch(
            folder,
            watch_filter=None,
            recursive=False,
            debounce=100,
            step=_STEP_MS,
            rust_timeout=_NOTICE_MS,
            yield_on_timeout=True,
            stop_event=self._stopping,
            raise_interrupt=False,
        )
        is_first = True
        for found in changes:
            if found or is_first:
                self._asked.put("changed")
            is_first = False
            if _identity(folder) != identity:
                return


def _identity(folder: Path) -> tuple[int, int]:
    """Return what tells a folder from another one that takes its name.

    Raises:
        OSError: there is none.
    """
    status = folder.stat()
    return status.st_dev, status.st_ino


def _watchfiles() -> Any:
    try:
        return importlib.import_module("watchfiles")
    except ModuleNotFoundError:
        raise MissingExtraError("pool", "watchfiles", "watching a deployment") from None


def look_again_on_hangup(watch: Watch) -> Callable[[], None]:
    """Let SIGHUP make a watch look again; return a function that restores what was before.

    Call both on the main thread. Another handler of the signal is called, too.

    Raises:
        ValueError: this is not the main thread, or the system has no SIGHUP.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None:
        raise ValueError("this system has no SIGHUP; call look_again()")
    before = signal.getsignal(hangup)

    def handle(number: int, frame: Any) -> None:
        watch.look_again()
        if callable(before):
            before(number, frame)

    signal.signal(hangup, handle)

    def restore() -> None:
        signal.signal(hangup, before if before is not None else signal.SIG_DFL)

    return restore
