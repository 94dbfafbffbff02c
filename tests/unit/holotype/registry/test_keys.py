"""Keys: shown once, kept as digests, checked and revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from holotype.errors import InvalidArgumentError
from holotype.registry import ApiKeys, Database, KeyNotFoundError


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


def test_a_key_is_shown_once_and_kept_as_a_digest(keys: ApiKeys, database: Database) -> None:
    key, kept = keys.create("search", ["infer"], actor="alice")
    assert len(key) == len("holotype_") + 8 + 1 + 43
    assert key.startswith(f"holotype_{kept.prefix}_")
    assert (kept.name, kept.scopes, kept.created_by) == ("search", ("infer",), "alice")
    assert keys.list() == (kept,)
    with database.reading() as connection:
        stored = str(connection.execute(text("SELECT * FROM api_key")).all())
    assert key.rpartition(kept.prefix)[2].strip("_") not in stored


def test_a_key_that_works_is_recognised_and_no_other(keys: ApiKeys) -> None:
    key, kept = keys.create("search", ["infer"], actor="alice")
    assert keys.check(key) == kept
    last = "A" if key[-2] != "A" else "B"
    for wrong in (
        "",
        "holotype_",
        key[:-1],
        f"{key}a",
        f"{key}\n",
        f"{key[:-2]}{last}{key[-1]}",
        key.replace(kept.prefix, "AAAAAAAA"),
        key.upper(),
        kept.prefix,
        "\udcff",
        key.replace("h", "\uff48", 1),
    ):
        assert keys.check(wrong) is None, wrong


def test_each_scope_may_do_what_smaller_ones_may(keys: ApiKeys) -> None:
    _, infer = keys.create("a", ["infer"], actor="alice")
    _, operate = keys.create("b", ["operate"], actor="alice")
    _, admin = keys.create("c", ["admin", "infer"], actor="alice")
    assert admin.scopes == ("infer", "admin")
    scopes = ("infer", "operate", "admin")
    assert [[each.may(scope) for scope in scopes] for each in (infer, operate, admin)] == [  # type: ignore[arg-type]
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_a_key_expires(keys: ApiKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    key, kept = keys.create("guest", ["infer"], actor="alice", expires_at=moment)
    assert keys.check(key) == kept
    assert kept.works_at(moment - timedelta(seconds=1))
    assert not kept.works_at(moment)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr("holotype.registry.keys.datetime", Later)
    assert keys.check(key) is None
    assert not keys.any()


def test_a_revoked_key_works_no_longer_and_says_who_revoked_it(
    keys: ApiKeys, database: Database
) -> None:
    key, kept = keys.create("search", ["infer"], actor="alice")
    assert keys.any()
    gone = keys.revoke(kept.id, actor="bob")
    assert (gone.revoked_by, keys.check(key), keys.any()) == ("bob", None, False)
    assert keys.revoke(kept.id, actor="carol") == gone
    assert keys.list() == (gone,)
    assert ApiKeys(database).check(key) is None
    with pytest.raises(KeyNotFoundError, match="holotype keys list"):
        keys.revoke(kept.id + 1, actor="bob")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": ""}, "name is ''"),
        ({"scopes": []}, "expected one or more of infer, operate, admin"),
        ({"scopes": ["root"]}, "no scope 'root'; expected one of infer"),
        ({"expires_at": datetime(2099, 1, 1)}, "has no zone"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "is in the past"),
        ({"actor": "a\nb"}, "actor is"),
    ],
)
def test_what_is_wrong_is_named(keys: ApiKeys, arguments: dict[str, object], problem: str) -> None:
    given: dict[str, object] = {"name": "search", "scopes": ["infer"], "actor": "alice"}
    with pytest.raises(InvalidArgumentError, match=problem):
        keys.create(**{**given, **arguments})  # type: ignore[arg-type]
    assert keys.list() == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_key SET scopes = 'admin'",
        "UPDATE api_key SET expires_at = created_at",
        "UPDATE api_key SET digest = '" + "1" * 64 + "'",
        "UPDATE api_key SET revoked_at = created_at",
        "DELETE FROM api_key",
    ],
)
def test_the_database_refuses_to_change_a_key(
    keys: ApiKeys, database: Database, statement: str
) -> None:
    keys.create("search", ["infer"], actor="alice")
    with pytest.raises(DBAPIError), database.writing() as connection:
        connection.execute(text(statement))


def test_the_database_refuses_to_undo_a_revocation(keys: ApiKeys, database: Database) -> None:
    _, kept = keys.create("search", ["infer"], actor="alice")
    keys.revoke(kept.id, actor="alice")
    with pytest.raises(DBAPIError, match="never change"), database.writing() as connection:
        connection.execute(text("UPDATE api_key SET revoked_at = NULL, revoked_by = NULL"))
