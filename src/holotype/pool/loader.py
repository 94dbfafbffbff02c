"""The thread that loads and closes the models of one device, one after the other.

A job that cannot be done yet, for want of memory, stays in the queue and lets others pass. It is
tried again whenever something changes, the oldest of the most urgent first.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from threading import Condition, Lock, Thread, current_thread

from holotype.encoders.running.forks import refuse_fork
from holotype.pool.events import LOG

CLOSING, REQUESTED, SWAP, PRELOAD, CHORE = range(5)
"""How urgent jobs are: closing gives memory back, and whoever waits comes before who does not."""

_ORDER = count()


@dataclass(frozen=True, slots=True)
class Later:
    """A job cannot be done yet.

    Attributes:
        at_s: when to try again although nothing has changed; None for not before a change.
    """

    at_s: float | None


class Job(ABC):
    """Something to do on the thread of a device."""

    def __init__(self, priority: int) -> None:
        """Come after the earlier ones of the same priority."""
        self.priority = priority
        self.order = next(_ORDER)

    @abstractmethod
    def attempt(self) -> Later | None:
        """Do it, or say when to try again; never raise."""

    @abstractmethod
    def abandon(self, error: Exception) -> None:
        """Learn that it will not be done."""


class Loader:
    """A device's thread and its queue."""

    def __init__(self, device: str, clock: Callable[[], float]) -> None:
        """Start the thread with the first job."""
        self.device = device
        self._clock = clock
        self._changed = Condition(Lock())
        self._jobs: list[Job] = []
        self._dirty = False
        self._next_at_s: float | None = None
        self._stopped = False
        self._attempted: Job | None = None
        self._thread: Thread | None = None
        self._is_running = False
        self._process_id: int | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a copy, in a fork, of a loader whose thread has stayed where it was."""
        return self._process_id not in (None, os.getpid())

    def require_thread(self, name: str) -> None:
        """Refuse what only the thread could do, for a model, where it cannot be.

        Raises:
            ForkedEncoderError: the process was forked from the one that has the thread.
        """
        if self._process_id is not None:
            refuse_fork(name, self._process_id, in_pool=True)

    def submit(self, job: Job) -> None:
        """Queue a job; see `require_thread`."""
        with self._changed:
            self._jobs.append(job)
            self._wake()
            if not self._is_running:
                name = f"holotype-loader-{self.device}"
                self._thread = Thread(target=self._run, name=name, daemon=True)
                self._is_running = True
                self._process_id = os.getpid()
                self._thread.start()

    def wake(self) -> None:
        """Try waiting jobs again, since something has changed."""
        with self._changed:
            self._wake()

    def _wake(self) -> None:
        self._dirty = True
        self._changed.notify_all()

    def withdraw(self, job: Job) -> bool:
        """Take a job out of the queue that is not being tried; return whether it was there."""
        with self._changed:
            if job is self._attempted or job not in self._jobs:
                return False
            self._jobs.remove(job)
            return True

    def stop(self, error: Exception) -> None:
        """Abandon what is queued, and end the thread once all is closed that is to be closed.

        Args:
            error: the reason, for those who wait for what is abandoned.
        """
        with self._changed:
            self._stopped = True
            stays = (self._attempted,)
            abandoned = [job for job in self._jobs if job.priority != CLOSING and job not in stays]
            self._jobs = [job for job in self._jobs if job not in abandoned]
            self._wake()
        for job in abandoned:
            job.abandon(error)

    def join(self, timeout_s: float | None) -> bool:
        """Wait for the thread to end; return whether it has."""
        thread = self._thread
        if thread is None or thread is current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while (jobs := self._wait()) is not None:
            next_at_s: float | None = None
            for job in jobs:
                with self._changed:
                    if job not in self._jobs:
                        continue
                    self._attempted = job
                later = self._attempt(job)
                with self._changed:
                    self._attempted = None
                    if later is None or (self._stopped and job.priority == CHORE):
                        self._jobs.remove(job)
                        # What it has changed may make a more urgent one possible.
                        self._wake()
                        break
                if later.at_s is not None:
                    next_at_s = later.at_s if next_at_s is None else min(next_at_s, later.at_s)
            with self._changed:
                self._next_at_s = next_at_s

    def _wait(self) -> list[Job] | None:
        """Return the jobs by urgency as soon as they are to be tried; None at the end."""
        with self._changed:
            while not self._dirty:
                timeout_s = None
                if self._next_at_s is not None:
                    timeout_s = self._next_at_s - self._clock()
                    if timeout_s <= 0:
                        break
                self._changed.wait(timeout_s)
            self._dirty = False
            if self._stopped and not self._jobs:
                # What is submitted from now on starts a thread of its own.
                self._is_running = False
                return None
            return sorted(self._jobs, key=lambda job: (job.priority, job.order))

    def _attempt(self, job: Job) -> Later | None:
        try:
            return job.attempt()
        except Exception as error:
            # The thread outlives any mistake: whoever waits learns of it, and others are served.
            LOG.exception("a job of the loader of %s failed", self.device)
            job.abandon(error)
            return None
