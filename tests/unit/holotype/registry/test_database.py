"""Addresses of databases, and what errors say of them."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import text

from holotype.registry import (
    Database,
    DatabaseAddressError,
    DatabaseUnavailableError,
    ModelRegistry,
    RequestReusedError,
    SchemaVersionError,
    StaleGenerationError,
    VersionNotFoundError,
    upgrade,
)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("", "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"),
        ("registry.db", "for a file, write sqlite:///registry.db"),
        ("sqlite://", "write sqlite:///FILE"),
        ("sqlite:///:memory:", "is a database in memory"),
        ("mysql://host/models", "is a database of the kind 'mysql'"),
    ],
)
def test_an_address_that_is_none_is_one_line(address: str, problem: str) -> None:
    with pytest.raises(DatabaseAddressError, match=problem) as caught:
        Database(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://tests:secret@localhost:1/models",
        "postgresql://tests@localhost:1/models?password=secret",
        "mysql://tests:secret@localhost/models",
        "tests:secret@localhost",
    ],
)
def test_passwords_are_never_shown(address: str) -> None:
    try:
        with Database(address) as database:
            assert "secret" not in repr(database)
            with pytest.raises(DatabaseUnavailableError) as caught:
                ModelRegistry(database)
            shown = str(caught.value)
    except DatabaseAddressError as error:
        shown = str(error)
    assert "localhost" in shown or "the address" in shown
    assert "secret" not in shown


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        Database(f"sqlite:///{tmp_path}/none/registry.db") as database,
        pytest.raises(DatabaseAddressError, match="there is no folder"),
    ):
        upgrade(database)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_text("something else, which is long enough " * 50)
    with (
        Database(f"sqlite:///{tmp_path}/registry.db") as database,
        pytest.raises(DatabaseUnavailableError, match="file is not a database") as caught,
    ):
        ModelRegistry(database)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_moved_is_not_written_and_none_is_made_in_its_place(
    tmp_path: Path, store: Path
) -> None:
    file, moved = tmp_path / "registry.db", tmp_path / "moved.db"
    with Database(f"sqlite:///{file}") as database:
        upgrade(database)
        registry = ModelRegistry(database)
        for name in ("v1", "v2"):
            registry.register("text_embedding", name, store / name, actor="alice")
        file.rename(moved)
        with pytest.raises(DatabaseUnavailableError, match="see that its file"):
            registry.activate("text_embedding", "v1", actor="alice")
        with pytest.raises(DatabaseUnavailableError, match="see that its file"):
            registry.active("text_embedding")
        assert not file.exists()
        moved.rename(file)
        assert registry.active("text_embedding") is None
        assert registry.activate("text_embedding", "v1", actor="alice").generation == 1


def test_a_file_that_a_backup_has_replaced_is_read(tmp_path: Path) -> None:
    file, backup = tmp_path / "registry.db", tmp_path / "backup.db"
    with Database(f"sqlite:///{backup}") as database:
        upgrade(database)
        with database.writing() as connection:
            connection.execute(text("INSERT INTO model_kind VALUES ('titles', 'dense')"))
    with Database(f"sqlite:///{file}") as database:
        upgrade(database)
        database.close()
        with database.reading() as connection:
            assert connection.execute(text("SELECT * FROM model_kind")).all() == []
        backup.replace(file)
        with database.reading() as connection:
            assert connection.execute(text("SELECT name FROM model_kind")).all() == [("titles",)]


def test_a_file_to_which_its_link_leads_since_is_read(tmp_path: Path) -> None:
    files = [tmp_path / "one.db", tmp_path / "other.db"]
    for file in files:
        with Database(f"sqlite:///{file}") as database:
            upgrade(database)
            with database.writing() as connection:
                connection.execute(text(f"INSERT INTO model_kind VALUES ('{file.stem}', 'dense')"))
    link = tmp_path / "current.db"
    with Database(f"sqlite:///{link}") as database:
        for file in files:
            link.unlink(missing_ok=True)
            link.symlink_to(file)
            with database.reading() as connection:
                found = connection.execute(text("SELECT name FROM model_kind")).all()
            assert found == [(file.stem,)]


def test_a_file_whose_folder_has_become_a_file_is_a_database_that_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with Database(f"sqlite:///{folder / 'registry.db'}") as database:
        upgrade(database)
        folder.rename(tmp_path / "moved")
        folder.touch()
        with (
            pytest.raises(DatabaseUnavailableError, match="see that its file"),
            database.reading(),
        ):
            pass


def test_a_transaction_that_fails_writes_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.writing() as connection:
        connection.execute(text("INSERT INTO model_kind VALUES ('titles', 'dense')"))
        raise RuntimeError
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM model_kind")).scalar() == 0


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_a_user_without_rights_is_told_so_in_one_line(database: Database) -> None:
    role = f"reader_{os.getpid()}"
    with database.writing() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    try:
        address = database.url.set(username=role, drivername="postgresql")
        with (
            Database(address.render_as_string(hide_password=False)) as other,
            pytest.raises(DatabaseUnavailableError, match="refuses: permission denied") as caught,
            other.writing() as connection,
        ):
            connection.execute(text("INSERT INTO model_kind VALUES ('titles', 'dense')"))
        assert "\n" not in str(caught.value)
    finally:
        with database.writing() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


@pytest.mark.parametrize(
    "error",
    [
        SchemaVersionError("db", None, "0001", "has no tables"),
        VersionNotFoundError("db", "has no version 'v1'", ["v2"]),
        StaleGenerationError("db", 1, 2, "bob"),
        RequestReusedError("db", "again"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_another_process(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_without_its_packages_the_error_says_the_command() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import holotype\n"
        "try:\n    import holotype.registry\n"
        "except holotype.MissingExtraError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'holotype[registry]'" in run.stdout


def in_a_fork(action: Callable[[], bool]) -> Callable[[], bool]:
    """Begin something in a fork; what is returned waits for it, and says what it returned."""
    process = os.fork()
    if process == 0:
        signal.alarm(60)
        done = False
        try:
            done = action()
        finally:
            os._exit(0 if done else 1)
    return lambda: os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_makes_connections_of_its_own(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'registry.db'}") as database:
        upgrade(database)
        with database.reading() as connection:
            connection.execute(text("SELECT 1"))
        (kept,) = database.engine.pool._pool.queue  # type: ignore[attr-defined]

        def another() -> bool:
            with database.reading() as connection:
                return connection.connection.dbapi_connection is not kept.dbapi_connection

        assert in_a_fork(another)()
        with database.reading() as connection:
            assert connection.connection.dbapi_connection is kept.dbapi_connection


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_that_cannot_write_says_so(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'registry.db'}") as database:
        upgrade(database)
        begun, over = Event(), Event()

        def write() -> None:
            with database.writing():
                begun.set()
                over.wait(60)

        def refused() -> bool:
            with (
                pytest.raises(DatabaseUnavailableError, match="forked while a thread wrote to it"),
                database.writing(),
            ):
                pass
            with database.reading() as connection:
                return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)

        thread = Thread(target=write)
        thread.start()
        assert begun.wait(60)
        refused_in_fork = in_a_fork(refused)
        over.set()
        thread.join()
        assert refused_in_fork()

        def write_later() -> bool:
            with database.writing() as connection:
                return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)

        assert in_a_fork(write_later)()
