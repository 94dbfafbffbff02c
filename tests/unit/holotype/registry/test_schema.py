"""The tables: made, checked, and the same as queries expect."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from holotype.registry import (
    Database,
    DatabaseUnavailableError,
    ModelRegistry,
    SchemaVersionError,
    check,
    upgrade,
)
from holotype.registry.schema import SCHEMA, VERSION_TABLE, _let_readers_go_on
from holotype.registry.tables import metadata


def test_an_upgrade_makes_the_tables_once(empty_address: str) -> None:
    with Database(empty_address) as database:
        assert upgrade(database) == (None, SCHEMA)
        check(database)
        assert upgrade(database) == (SCHEMA, SCHEMA)


def test_without_tables_the_error_says_the_command(empty_address: str) -> None:
    with Database(empty_address) as database:
        with pytest.raises(SchemaVersionError, match="holotype db upgrade --database ") as caught:
            ModelRegistry(database)
        assert (caught.value.found, caught.value.expected) == (None, SCHEMA)


def test_a_check_of_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/none.db") as database, pytest.raises(SchemaVersionError):
        check(database)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_no_umask")
def test_only_its_owner_may_write_the_file_of_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    with Database(f"sqlite:///{file}") as database:
        upgrade(database)
    assert file.stat().st_mode & 0o777 == 0o644


def test_tables_of_another_version_are_refused(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE registry_schema SET version_num = '0000'"))
    with pytest.raises(SchemaVersionError, match="run: holotype db upgrade"):
        check(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE registry_schema SET version_num = '9999'"))
    for refuse in (check, upgrade):
        with pytest.raises(SchemaVersionError, match="a newer holotype made"):
            refuse(database)


def test_the_version_in_the_code_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "holotype.registry:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_the_migrations_make_the_tables_that_queries_expect(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "version_table": VERSION_TABLE,
                # An index of what a function makes of a column has no columns to compare.
                "include_name": lambda name, *_: (
                    name not in {VERSION_TABLE, "version_search_parts"}
                ),
            },
        )
        found = compare_metadata(context, metadata)
    # SQLite has no identities; older versions of alembic expect some.
    differing = [each for each in found if "modify_default" not in str(each)]
    assert (found if database.dialect == "postgresql" else differing) == []


def test_several_upgrades_at_once_take_turns(empty_address: str) -> None:
    found: list[tuple[str | None, str]] = []
    go = threading.Barrier(6)

    def run() -> None:
        with Database(empty_address) as database:
            go.wait()
            found.append(upgrade(database))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(before or "" for before, _ in found) == ["", *[SCHEMA] * 5]


def test_an_upgrade_that_fails_leaves_nothing_behind(
    empty_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database(empty_address) as database:
        monkeypatch.setattr("holotype.registry.schema.SCHEMA", "no-such-version")
        with pytest.raises(Exception, match="no-such-version"):
            upgrade(database)
        monkeypatch.undo()
        with pytest.raises(SchemaVersionError, match="has no tables"):
            check(database)


def test_sqlite_reads_while_somebody_writes(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        upgrade(database)
        with database.writing():
            assert ModelRegistry(database).all_active() == {}
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.fixture
def read_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Database, sqlite3.Connection]]:
    """A file of SQLite that has no write-ahead log, and a connection that reads it."""
    monkeypatch.setattr("holotype.registry.database._SQLITE_PATIENCE_S", 0.01)
    file = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
    file.execute("CREATE TABLE other (x)")
    file.execute("BEGIN")
    file.execute("SELECT * FROM other").fetchall()
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        yield database, file
    file.close()


def test_the_log_of_sqlite_waits_for_who_reads(
    read_by_another: tuple[Database, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, file = read_by_another
    waits: list[float] = []

    def finish_reading(seconds: float) -> None:
        waits.append(seconds)
        file.execute("COMMIT")

    monkeypatch.setattr("holotype.registry.schema.time.sleep", finish_reading)
    _let_readers_go_on(database)
    assert len(waits) == 1
    file.execute("SELECT * FROM other").fetchall()
    assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_log_of_sqlite_does_not_wait_for_ever(
    read_by_another: tuple[Database, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holotype.registry.schema._PATIENCE_S", -1.0)
    with pytest.raises(DatabaseUnavailableError, match="database is locked"):
        _let_readers_go_on(read_by_another[0])


def full(database: Database) -> None:
    """Give SQLite no room: a file of one page has the error of a full disk for the next one."""

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    event.listen(database.engine, "connect", limit)


def test_an_upgrade_without_room_says_so_and_leaves_no_file(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        full(database)
        with pytest.raises(DatabaseUnavailableError) as caught:
            upgrade(database)
    assert str(caught.value) == (
        f"sqlite:///{tmp_path}/registry.db: cannot be written: database or disk is full; make room "
        "on its disk, and try again"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_stays_if_an_upgrade_has_no_room(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    file.touch()
    with Database(f"sqlite:///{file}") as database:
        full(database)
        with pytest.raises(DatabaseUnavailableError, match="make room"):
            upgrade(database)
    assert list(tmp_path.iterdir()) == [file]


def test_a_damaged_file_is_not_called_a_database_that_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"no database" * 100)
    with (
        Database(f"sqlite:///{tmp_path}/registry.db") as database,
        pytest.raises(DatabaseUnavailableError, match="see that its file and folder can be read"),
    ):
        upgrade(database)


@pytest.mark.parametrize(("free", "words"), [(16_384, "cannot be written"), (1 << 30, "see that")])
def test_the_index_of_the_log_that_has_no_room_is_told_as_a_full_disk(
    free: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/registry.db")
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    assert words in str(database.unavailable(error))


def test_a_full_disk_of_postgresql_is_named_too() -> None:
    with Database("postgresql://nobody@localhost/none") as database:
        found = database.unavailable(psycopg.errors.DiskFull("could not extend file"))
        assert "cannot be written: could not extend file; make room on its disk" in str(found)
        away = database.unavailable(psycopg.OperationalError("connection refused"))
        assert "connection refused; see that the database runs" in str(away)
