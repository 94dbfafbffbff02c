"""`holotype keys`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.holotype.cli.command import headings, run

from holotype.registry import ApiKeys, Database


@pytest.fixture(autouse=True)
def _tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOLOTYPE_DATABASE", raising=False)
    assert run("db", "upgrade").exit_code == 0


def test_without_keys_the_list_says_how_one_is_made() -> None:
    answer = run("keys", "list")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "there are no keys; make one with: holotype keys create NAME" in answer.stderr


def test_a_key_is_made_printed_once_and_revoked() -> None:
    made = run("keys", "create", "search", "--actor", "alice")
    assert made.exit_code == 0
    key = made.stdout.strip()
    with Database("sqlite:///registry.db") as database:
        found = ApiKeys(database).check(key)
    assert found is not None
    assert (found.name, found.scopes, found.created_by) == ("search", ("infer",), "alice")
    listed = run("keys", "list")
    assert key not in listed.stdout
    assert listed.lines[0][:4] == ["1", "search", found.prefix, "infer"]
    assert listed.lines[0][5:] == ["-"]
    assert run("keys", "revoke", "1").lines[0][6] == "revoked"
    assert headings("keys", "list")[-1] == "state"
    with Database("sqlite:///registry.db") as database:
        assert ApiKeys(database).check(key) is None


def test_scopes_and_the_end_are_listed_as_json() -> None:
    run("keys", "create", "alice", "--scope", "operate", "--scope", "infer", "--expires-in", "90")
    (found,) = json.loads(run("keys", "list", "--json").stdout)
    assert (found["name"], found["scopes"]) == ("alice", ["infer", "operate"])
    assert found["expires_at"] > found["created_at"]
    assert "digest" not in found


def test_what_is_wrong_is_one_line() -> None:
    for arguments, problem in (
        (
            ("create", "x", "--scope", "oprate"),
            "there is no scope 'oprate'; did you mean 'operate'? expected one of infer, operate",
        ),
        (("revoke", "7"), "has no key 7; list them with: holotype keys list"),
        (("list", "--database", "sqlite:///none.db"), "holotype db upgrade"),
    ):
        answer = run("keys", *arguments)
        assert answer.exit_code == 1
        assert problem in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
