"""The database: SQLite in one file, or PostgreSQL; transactions that read, and that write."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self
from weakref import WeakSet

import psycopg
from psycopg import sql
from sqlalchemy import URL, Connection, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from holotype.registry.errors import DatabaseAddressError, DatabaseUnavailableError

_POSTGRESQL: Mapping[str, Any] = {
    "application_name": "holotype",
    "connect_timeout": 5,
    # A server that is gone without a word is noticed within these times.
    "keepalives_idle": 30,
    "tcp_user_timeout": 15_000,
}
_SQLITE_PATIENCE_S = 30
"""How long a writer waits for another one; a write takes milliseconds."""
_OF_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_LEAST_FREE = 64 << 10
"""What SQLite takes in bytes for a small write: the index of its log grows by 32 KiB."""
_SECRETS = ("password", "sslpassword", "passfile")
_WRITES = "holotype_writes"
_FILE = "holotype_file"
_LOCKS = 0x686F6C6F
"""The space of PostgreSQL's advisory locks: "holo"."""
_EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"


_opened: WeakSet[Database] = WeakSet()
_turns: dict[Path, Lock] = {}
_turns_lock = Lock()
_locked_by_fork: frozenset[Path] = frozenset()


class Database:
    """A database by its address. Connections are made when they are needed.

    A context manager that closes them on exit; safe to share between threads.

    Attributes:
        location: the address without its password.
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, address: str) -> None:
        """Parse an address, such as ``sqlite:///registry.db`` or ``postgresql://host/models``.

        Raises:
            DatabaseAddressError: it is none, or names another kind of database.
        """
        url = _parse(address)
        self.url = url
        self.dialect: Literal["sqlite", "postgresql"] = (
            "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
        )
        self.location = _without_secrets(url.set(drivername=self.dialect))
        arguments = {"timeout": _SQLITE_PATIENCE_S} if self.dialect == "sqlite" else _POSTGRESQL
        self.engine = create_engine(url, connect_args=dict(arguments), pool_pre_ping=True)
        _opened.add(self)
        if self.dialect == "sqlite":
            event.listen(self.engine, "do_connect", _open_sqlite)
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "checkout", _require_same_file)
            event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None for PostgreSQL."""
        return Path(str(self.url.database)) if self.dialect == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a transaction that only reads.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        with self._unavailable(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a transaction that writes: all of it, or nothing if the block raises.

        On SQLite, writers take turns from its beginning.

        Raises:
            DatabaseUnavailableError: the database does not answer, or is SQLite, and the process was
                forked while another one wrote.
        """
        turn = nullcontext() if self.file is None else self._turn_at(self.file)
        with turn, self._unavailable(), self.engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def _turn_at(self, file: Path) -> Lock:
        if file.absolute() in _locked_by_fork:
            raise DatabaseUnavailableError(
                self.location,
                "cannot be written by this process, which was forked while a thread wrote to it: "
                "SQLite holds the lock of that write here for good; fork while nothing writes, or "
                "start the process anew (multiprocessing's method spawn)",
            )
        return _turn_of(file)

    def take_turn(self, connection: Connection, kind: str) -> None:
        """Wait for other transactions that write to a kind; SQLite has done so at the beginning.

        A lock of a row would need the right to change it, which nobody else needs.
        """
        if self.dialect == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(:space, hashtext(:kind))")
            connection.execute(lock, {"space": _LOCKS, "kind": kind})

    def unavailable(self, error: Exception) -> DatabaseUnavailableError:
        """Return the error that says why the database cannot be used, and what it said."""
        lines = str(error).strip().splitlines()
        said = lines[0] if lines else type(error).__name__
        if _is_full(error) or self._has_no_room(error):
            return DatabaseUnavailableError(
                self.location, f"cannot be written: {said}; make room on its disk, and try again"
            )
        see = (
            "the database runs and that the address is right"
            if self.file is None
            else "its file and folder can be read and written, and that no other program locks it"
        )
        return DatabaseUnavailableError(
            self.location, f"does not answer: {said}; see that {see}, and try again"
        )

    def _has_no_room(self, error: Exception) -> bool:
        """Whether SQLite failed to read or write where its disk is full.

        It also says so of the index of its write-ahead log, which readers make, too.
        """
        if self.file is None or not _is_of_disk(error):
            return False
        try:
            return shutil.disk_usage(self.file.absolute().parent).free < _LEAST_FREE
        except OSError:
            return False

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            said = error.orig if isinstance(error.orig, Exception) else error
            if isinstance(said, psycopg.errors.InsufficientPrivilege):
                raise DatabaseUnavailableError(
                    self.location,
                    f"refuses: {str(said).splitlines()[0]}; give its user the rights to read and "
                    "write the registry's tables",
                ) from error
            # SQLite says of a damaged file that it is an error, and not which.
            if isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError:
                raise self.unavailable(said) from error
            raise

    def listen(self, channel: str) -> psycopg.Connection:
        """Return a connection of its own that hears what PostgreSQL tells on a channel.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            connection = psycopg.connect(address, autocommit=True, **_POSTGRESQL)
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        except psycopg.Error as error:
            raise self.unavailable(error) from error
        return connection

    def close(self) -> None:
        """Close all connections; closing twice is harmless."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        """Return the database."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.close()

    def __repr__(self) -> str:
        """Show the address without its password."""
        return f"Database({self.location!r})"


def _is_full(error: Exception) -> bool:
    if isinstance(error, psycopg.errors.DiskFull):
        return True
    # Errors of the module itself, such as a wrong argument, have no code.
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.Error) and code == sqlite3.SQLITE_FULL


def _is_of_disk(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    # The lowest byte of a code is its kind.
    return isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _OF_DISK


def _turn_of(file: Path) -> Lock:
    """Return what the threads of this process that write to a file of SQLite queue at.

    SQLite itself looks again now and then whether the file is free, so that somebody can always be
    faster; who waits here comes next.
    """
    with _turns_lock:
        return _turns.setdefault(file.absolute(), Lock())


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        # The text may hold a password.
        shown = address if "@" not in address else "the address"
        meant = f"; for a file, write sqlite:///{address}" if address and ":" not in address else ""
        raise DatabaseAddressError(
            shown, f"is no address of a database; {_EXPECTED}{meant}"
        ) from None
    name = url.get_backend_name()
    if name == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise DatabaseAddressError(
                address, "is a database in memory, which others cannot see; write sqlite:///FILE"
            )
        return url.set(drivername="sqlite+pysqlite")
    if name in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise DatabaseAddressError(
        _without_secrets(url), f"is a database of the kind {name!r}; {_EXPECTED}"
    )


def _without_secrets(url: URL) -> str:
    shown = url._replace(password=None).difference_update_query(_SECRETS)
    return shown.render_as_string(hide_password=False)


def _open_sqlite(
    _: object, record: ConnectionPoolEntry, arguments: list[Any], options: dict[str, Any]
) -> Any:
    """Open a file that is there: one that SQLite makes anew ends the write-ahead log of a lost one."""
    (name,) = arguments
    file = Path(name).absolute()
    record.info[_FILE] = file, _identity(file)
    return sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, **options)


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Transactions are begun below; the driver would begin them too late, and none for DDL.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


def _require_same_file(_: object, record: ConnectionPoolEntry, __: object) -> None:
    """Open the file anew where another one has its name, or none.

    A connection stays with the file that it opened: it would read and write one that was moved,
    deleted or replaced by a backup.
    """
    file, identity = record.info[_FILE]
    if _identity(file) != identity:
        raise DisconnectionError(f"{file} was moved, deleted or replaced")


def _identity(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name; None if none can be reached by it."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _leave_connections() -> None:
    """Make new connections in a fork: two processes would mix what they say on the same one.

    SQLite itself has noted in memory which locks the process holds, and a fork copies the notes.
    """
    global _locked_by_fork, _turns_lock
    _turns_lock = Lock()
    _locked_by_fork |= {file for file, turn in _turns.items() if turn.locked()}
    for database in tuple(_opened):
        database.engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_connections)
