"""Databases that released versions made are upgraded with all that they hold.

`tests/fixtures/registry` has a dump of each released version of the tables, on both databases, with
two versions, three activations and a measurement; from 0002 on also a check and two keys. SQLite's are what `sqlite3 FILE .dump` prints,
PostgreSQL's what `pg_dump --inserts --no-owner` does, without comments and commands of psql.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from holotype.registry import (
    ApiKeys,
    Database,
    ModelRegistry,
    PerformanceTracker,
    check,
    upgrade,
)
from holotype.registry.checks import last_checks
from holotype.registry.schema import SCHEMA

DUMPS = Path(__file__).parents[3] / "fixtures" / "registry"
RELEASED = sorted({path.name.partition(".")[0] for path in DUMPS.glob("*.sql")})


def restore(address: str, schema: str) -> None:
    with Database(address) as database:
        dump = (DUMPS / f"{schema}.{database.dialect}.sql").read_text(encoding="utf-8")
        if database.file is not None:
            with closing(sqlite3.connect(database.file)) as file:
                file.executescript(dump)
        else:
            url = database.url.set(drivername="postgresql")
            with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
                connection.execute(dump.encode())


@pytest.mark.parametrize("schema", RELEASED)
def test_a_released_database_is_upgraded_with_all_that_it_holds(
    empty_address: str, schema: str
) -> None:
    restore(empty_address, schema)
    with Database(empty_address) as database:
        assert upgrade(database) == (schema, SCHEMA)
        check(database)
        registry = ModelRegistry(database)
        assert [each.version_id for each in registry.list().versions] == ["v2", "v1"]
        history = registry.history("text_embedding")
        assert [(each.action, each.actor, each.reason) for each in history] == [
            ("rollback", "carol", "slow"),
            ("activate", "bob", "it's better"),
            ("activate", "alice", "the first"),
        ]
        active = registry.active("text_embedding")
        assert active is not None
        assert (active.version.version_id, active.returns_to) == ("v1", None)
        (run,) = PerformanceTracker(registry).runs("text_embedding")
        assert [each.interval for each in run.measurements] == [(0.7, 0.8)]
        again = registry.activate("text_embedding", "v2", actor="dave")
        assert again.generation == 4
        keys, checks = ApiKeys(database), last_checks(database, [active.version.id])
        if schema == "0001":
            assert (keys.list(), checks) == ((), {})
            keys.create("search", ["infer"], actor="alice")
            return
        assert [(each.name, each.revoked_by) for each in keys.list()] == [
            ("guest", "bob"),
            ("search", None),
        ]
        problems = checks[active.version.id].problems
        assert [each.message for each in problems] == ["it's NaN"]


def test_every_version_of_the_tables_has_its_dumps() -> None:
    config = Config()
    config.set_main_option("script_location", "holotype.registry:migrations")
    versions = sorted(
        each.revision for each in ScriptDirectory.from_config(config).walk_revisions()
    )
    assert versions == RELEASED
    assert len(list(DUMPS.glob("*.sql"))) == 2 * len(versions)
