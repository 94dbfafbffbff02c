"""The version of the tables: upgrades under a lock, and the check that programs begin with."""

from __future__ import annotations

import importlib
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table, text

from holotype.registry.database import Database
from holotype.registry.errors import DatabaseAddressError, SchemaVersionError

SCHEMA = "0003"
"""The version of the tables that this holotype uses."""

VERSION_TABLE = "registry_schema"
"""Where the version is kept; other programs that use alembic can share the database."""

_PATIENCE_S = 30.0
_PAUSE_S = 0.05
_LOCK = 0x686F6C6F
"""The key of PostgreSQL's advisory lock: "holo"."""


def upgrade(database: Database) -> tuple[str | None, str]:
    """Make or upgrade the tables, in one transaction: all of it, or nothing.

    Several processes may upgrade at once; they take turns, and the later ones find nothing to do.

    Returns:
        The version before, None if there were no tables; and the version now.

    Raises:
        SchemaVersionError: a newer holotype has upgraded the database.
        DatabaseAddressError: the folder of a file is not there.
        DatabaseUnavailableError: it does not answer.
    """
    file = database.file
    if file is not None and not file.absolute().parent.is_dir():
        raise DatabaseAddressError(
            database.location, f"there is no folder {str(file.absolute().parent)!r}; make it first"
        )
    with _without_empty_file(database), database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = _found(connection)
        if before != SCHEMA:
            if before is not None and before > SCHEMA:
                raise _wrong(database, before)
            _migrate(connection)
    if file is not None:
        _let_readers_go_on(database)
    return before, SCHEMA


@contextmanager
def _without_empty_file(database: Database) -> Iterator[None]:
    """Make the file of SQLite if there is none, and leave none without tables if the block raises.

    Another process that has just opened the file gets an error of SQLite when it begins to write,
    as SQLite sees that the file has gone.
    """
    file = database.file
    if file is None or file.exists():
        yield
        return
    try:
        # As SQLite makes it: nobody else may write it, whatever the umask.
        file.touch(mode=0o644)
    except OSError as error:
        raise database.unavailable(error) from error
    try:
        yield
    except BaseException:
        if file.exists() and not file.stat().st_size:
            file.unlink()
        raise


def check(database: Database) -> None:
    """Check that the tables are those that this holotype uses; nothing is written.

    Raises:
        SchemaVersionError: they are not; the error says the command.
        DatabaseUnavailableError: the database does not answer.
    """
    found = None
    # SQLite would make the file.
    if database.file is None or database.file.is_file():
        with database.reading() as connection:
            found = _found(connection)
    if found != SCHEMA:
        raise _wrong(database, found)


def _let_readers_go_on(database: Database) -> None:
    """Switch a file of SQLite to a write-ahead log, which lets readers go on while somebody writes.

    The file keeps the setting. SQLite does not wait for others here, as it does elsewhere.
    """
    deadline = time.monotonic() + _PATIENCE_S
    connection = database.engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL").fetchone()
                return
            except sqlite3.OperationalError as error:
                if time.monotonic() > deadline:
                    raise database.unavailable(error) from error
                time.sleep(_PAUSE_S)
    finally:
        connection.close()


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(
        select(column("version_num")).select_from(table(VERSION_TABLE))
    ).scalar()


def _wrong(database: Database, found: str | None) -> SchemaVersionError:
    command = f"holotype db upgrade --database {shlex.quote(database.location)}"
    if found is None:
        problem = f"has no tables of the registry; make them with: {command}"
    elif found > SCHEMA:
        problem = (
            f"has tables of version {found}, which a newer holotype made; this one uses {SCHEMA}. "
            "Update it: pip install --upgrade holotype"
        )
    else:
        problem = f"has tables of version {found}, this holotype uses {SCHEMA}; run: {command}"
    return SchemaVersionError(database.location, found, SCHEMA, problem)


def _migrate(connection: Connection) -> None:
    # By name: it takes a tenth of a second, and only upgrades need it.
    alembic: Any = importlib.import_module("alembic.command")
    config: Any = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", "holotype.registry:migrations")
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    alembic.upgrade(config, SCHEMA)
