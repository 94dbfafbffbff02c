"""Follows which versions are active, so that who asks never waits for the database."""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Self, TypeAlias

import psycopg

from holotype.errors import InvalidArgumentError
from holotype.registry.database import Database
from holotype.registry.errors import DatabaseUnavailableError
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.versions import Activation

OnChange: TypeAlias = Callable[[Activation], None]
"""Is called with each new activation of a kind; it runs on the service's thread."""

CHANNEL = "holotype"
"""Where PostgreSQL tells of activations."""

_POLL_S: Mapping[str, float] = {"sqlite": 1.0, "postgresql": 30.0}
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0

_log = logging.getLogger(__name__)


class ModelConfigService:
    """Knows the active version of each kind, and follows changes on a thread of its own.

    PostgreSQL tells of a change at once. What it told may be lost with a connection, so the
    database is also asked after each new connection and every `poll_s`. SQLite is only asked.

    While the database is away, the last known versions stay, `problem` says why, and the service
    tries again until it is back. A context manager that starts and closes the service.
    """

    def __init__(self, registry: ModelRegistry, *, poll_s: float | None = None) -> None:
        """Make a service, which does not run yet.

        Args:
            registry: the registry to follow.
            poll_s: how often to ask the database, in seconds; None means every second for SQLite,
                and every 30 seconds for PostgreSQL.

        Raises:
            InvalidArgumentError: `poll_s` is not above 0.
        """
        if poll_s is not None and not 0 < poll_s < float("inf"):
            raise InvalidArgumentError(f"poll_s is {poll_s!r}; expected seconds above 0")
        self._registry = registry
        self._poll_s = _POLL_S[registry.database.dialect] if poll_s is None else poll_s
        self._known: Mapping[str, Activation] = MappingProxyType({})
        self._told: Mapping[str, int] = {}
        self._n_learned = 0
        self._read_at = float("-inf")
        self._problem: str | None = None
        self._changed = threading.Condition()
        self._subscribers: tuple[OnChange, ...] = ()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def start(self) -> Self:
        """Read the database once, then follow it.

        Raises:
            DatabaseUnavailableError: the database does not answer; the service does not run.
        """
        self._read()
        sleeper, _ = self._sockets = socket.socketpair()
        self._thread = threading.Thread(
            target=self._run, args=(sleeper,), name="holotype-registry", daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop following; the last known versions stay. Closing twice is harmless."""
        self._stopping.set()
        sockets, self._sockets = self._sockets, None
        if sockets is None or self._thread is None:
            return
        sockets[1].send(b"x")
        self._thread.join()
        for each in sockets:
            each.close()

    def active(self, kind: str) -> Activation | None:
        """Return the last known activation of a kind, with its version; None if there is none.

        Never waits, and never asks the database.
        """
        return self._known.get(kind)

    @property
    def all_active(self) -> Mapping[str, Activation]:
        """The last known activations by kind; a mapping that does not change."""
        return self._known

    @property
    def problem(self) -> str | None:
        """Why the database does not answer; None while it does."""
        return self._problem

    @property
    def age_s(self) -> float:
        """How long ago the database was last read, in seconds; infinite before the first time."""
        return time.monotonic() - self._read_at

    def subscribe(self, on_change: OnChange) -> Callable[[], None]:
        """Call a function with each new activation from now on.

        An error that it raises is logged, and the service goes on.

        Returns:
            A function that ends the subscription.
        """
        with self._changed:
            self._subscribers = (*self._subscribers, on_change)

        def unsubscribe() -> None:
            with self._changed:
                self._subscribers = tuple(
                    each for each in self._subscribers if each is not on_change
                )

        return unsubscribe

    def look(self) -> None:
        """Read the database now, on the thread of the service; `wait` tells when it has."""
        sockets = self._sockets
        if sockets is not None:
            sockets[1].send(b"l")

    def learn(self, activation: Activation) -> None:
        """Know an activation that this process has just recorded, before it is read.

        Subscribers are told of it when it is. They may keep the thread of the service busy for as
        long as a model takes to load, and nobody may take the version before for the active one
        meanwhile.
        """
        with self._changed:
            known = self._known.get(activation.kind)
            if known is not None and known.generation >= activation.generation:
                return
            self._n_learned += 1
            self._known = MappingProxyType({**self._known, activation.kind: activation})
            self._changed.notify_all()

    def wait(self, kind: str, generation: int, *, timeout_s: float) -> bool:
        """Wait until a kind is known to be at a generation or a later one.

        Returns:
            Whether it is; False after `timeout_s` seconds.
        """

        def arrived() -> bool:
            found = self._known.get(kind)
            return found is not None and found.generation >= generation

        with self._changed:
            return self._changed.wait_for(arrived, timeout_s)

    def __enter__(self) -> Self:
        """Start the service."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Close the service."""
        self.close()

    def _run(self, sleeper: socket.socket) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            try:
                with _listening(self._registry.database) as connection:
                    while not self._stopping.is_set():
                        # After the connection listens: what changed before it did is read here.
                        self._read()
                        wait_s = _FIRST_WAIT_S
                        self._sleep(sleeper, connection)
            except DatabaseUnavailableError as error:
                if self._problem is None:
                    _log.warning("%s", error)
                self._problem = str(error)
                self._stopping.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _sleep(self, sleeper: socket.socket, connection: psycopg.Connection | None) -> None:
        """Sleep until the service closes, the database tells something, or it is time to ask."""
        if connection is None:
            _read_all(sleeper, select.select([sleeper], [], [], self._poll_s)[0])
            return
        watched: list[Any] = [sleeper, connection]
        try:
            _read_all(sleeper, select.select(watched, [], [], self._poll_s)[0])
            for _ in connection.notifies(timeout=0):
                pass
        except psycopg.Error as error:
            raise self._registry.database.unavailable(error) from error

    def _read(self) -> None:
        n_learned = self._n_learned
        found = dict(self._registry.all_active())
        new = [each for kind, each in found.items() if self._told.get(kind) != each.generation]
        self._told = {kind: each.generation for kind, each in found.items()}
        with self._changed:
            if n_learned != self._n_learned:
                # Something was recorded, perhaps after it was read here.
                for kind, each in self._known.items():
                    if kind not in found or found[kind].generation < each.generation:
                        found[kind] = each
            self._known = MappingProxyType(found)
            self._read_at = time.monotonic()
            self._problem = None
            subscribers = self._subscribers
            self._changed.notify_all()
        for each in new:
            for on_change in subscribers:
                try:
                    on_change(each)
                except Exception:
                    _log.exception("a subscriber fails at generation %s", each.generation)


def _read_all(sleeper: socket.socket, ready: Sequence[object]) -> None:
    """Read what woke the service up, so that it can sleep again."""
    if sleeper in ready:
        sleeper.recv(4096)


@contextmanager
def _listening(database: Database) -> Iterator[psycopg.Connection | None]:
    if database.dialect == "sqlite":
        yield None
        return
    connection = database.listen(CHANNEL)
    try:
        yield connection
    finally:
        connection.close()
