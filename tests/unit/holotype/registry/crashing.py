"""Kills what changes a registry at each of its statements, and says what is left each time.

python crashing.py FILE ACTION: for n from 1 on, a process of its own changes a copy of a registry on
SQLite and kills itself by SIGKILL before its n-th statement, or before it commits, until one comes to
its end. Writes a line for each: the version of the tables, the active version and its generation.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

from sqlalchemy import event

from holotype.registry import Database, ModelRegistry, upgrade

KIND = "text_embedding"


def main(file: Path, action: str) -> None:
    """Write what each run left."""
    copy = file.with_name("copy.db")
    for point in itertools.count(1):
        for left in file.parent.glob("copy.db*"):
            left.unlink()
        shutil.copyfile(file, copy)
        finished = _killed_at(point, copy, action) == 0
        sys.stdout.write(f"{_state(copy)}\n")
        # Nothing that was left is in the way of the next.
        with Database(f"sqlite:///{copy}") as database:
            upgrade(database)
            if action != "upgrade":
                ModelRegistry(database).activate(KIND, "v1", actor="next")
        if finished:
            return


def _killed_at(point: int, file: Path, action: str) -> int:
    child = os.fork()
    if child == 0:
        statements = itertools.count(1)

        def count(*_: object) -> None:
            if next(statements) == point:
                os.kill(os.getpid(), signal.SIGKILL)

        with Database(f"sqlite:///{file}") as database:
            for name in ("before_cursor_execute", "commit"):
                event.listen(database.engine, name, count)
            _change(database, action)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status


def _change(database: Database, action: str) -> None:
    if action == "upgrade":
        upgrade(database)
    elif action == "activate":
        ModelRegistry(database).activate(KIND, "v2", actor="somebody")
    else:
        ModelRegistry(database).rollback(KIND, actor="somebody")


def _state(file: Path) -> str:
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (tables,) = connection.execute("SELECT version_num FROM registry_schema").fetchone()
        active = connection.execute(
            "SELECT v.version_id, a.generation FROM active_version a JOIN model_version v "
            "ON v.id = a.version"
        ).fetchone()
    finally:
        connection.close()
    return f"{tables} {active}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
