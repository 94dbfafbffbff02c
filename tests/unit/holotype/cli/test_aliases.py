"""`holotype alias`, and the commands between folders and object stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.holotype.cli.command import Answer, headings, run
from tests.unit.holotype.publishing.store.made import make_artifact


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store: `blue` and `teal` make the same vectors, `green` makes others."""
    make_artifact(tmp_path / "blue", weights=b"blue")
    make_artifact(tmp_path / "teal", weights=b"teal")
    make_artifact(tmp_path / "green", weights=b"green", vectors="b")
    return tmp_path


def alias(store: Path, *arguments: str) -> Answer:
    return run("alias", *arguments, "--store", str(store))


def test_a_switch_and_a_rollback_say_what_the_alias_stands_for(store: Path) -> None:
    assert alias(store, "set", "production", "blue").lines[0][:2] == ["production", "blue"]
    assert alias(store, "set", "production", "teal").lines[0][:2] == ["production", "teal"]
    assert alias(store, "rollback", "production").lines[0][:2] == ["production", "blue"]


def test_other_vectors_are_refused_with_the_option_that_allows_them(store: Path) -> None:
    alias(store, "set", "production", "blue")
    refused = alias(store, "set", "production", "green")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--allow-different-vectors" in refused.stderr
    allowed = alias(store, "set", "production", "green", "--allow-different-vectors")
    assert allowed.exit_code == 0
    assert alias(store, "rollback", "production").exit_code == 1
    assert alias(store, "rollback", "production", "--allow-different-vectors").exit_code == 0


def test_changed_bytes_are_refused_unless_quick_is_asked_for(store: Path) -> None:
    weights = store / "blue/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"eulb")
    for options in ((), ("--full",)):
        refused = alias(store, "set", "production", "blue", *options)
        assert refused.exit_code == 1
        assert "changed: model.safetensors" in refused.stderr
    assert alias(store, "set", "production", "blue", "--quick").exit_code == 0


def test_the_aliases_are_listed_by_name(store: Path) -> None:
    assert alias(store, "list").stdout == ""
    alias(store, "set", "staging", "green")
    alias(store, "set", "production", "blue")
    assert [line[:2] for line in alias(store, "list").lines] == [
        ["production", "blue"],
        ["staging", "green"],
    ]
    listed = json.loads(alias(store, "list", "--json").stdout)
    assert [each["alias"] for each in listed] == ["production", "staging"]


def test_a_store_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    refused = alias(tmp_path / "nowhere", "list")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "nowhere: there is no such folder" in refused.stderr
    assert "--store FOLDER" in refused.stderr


def test_the_history_shows_the_newest_change_first(store: Path) -> None:
    alias(store, "set", "production", "blue", "--reason", "first")
    alias(store, "set", "production", "teal", "--reason", "better")
    lines = alias(store, "history", "production").lines
    assert [line[1:] for line in lines] == [["set", "teal", "better"], ["set", "blue", "first"]]
    assert headings("alias", "history", "production", "--store", str(store))[-1] == "reason"
    assert headings("alias", "list", "--store", str(store)) == ["alias", "artifact", "time"]
    values = json.loads(alias(store, "history", "production", "--json").stdout)
    assert values[0]["time"].endswith("Z")


@pytest.mark.parametrize("command", ["rollback", "history"])
def test_an_unknown_alias_is_an_error(store: Path, command: str) -> None:
    answer = alias(store, command, "production")
    assert (answer.exit_code, "no alias 'production', nor any" in answer.stderr) == (1, True)
    assert not (store / ".aliases").exists()


def test_push_and_pull_copy_an_artifact(store: Path) -> None:
    url = "memory://models/commands/blue"
    pushed = run("artifact", "push", str(store / "blue"), url)
    pulled = run("artifact", "pull", url, "--to", str(store / "copy"))
    assert pushed.exit_code == pulled.exit_code == 0
    assert pushed.lines[0][1] == pulled.lines[0][1]
    assert (store / "copy" / "model.safetensors").read_bytes().endswith(b"blue")


def test_a_pull_that_is_too_large_is_refused(store: Path) -> None:
    url = "memory://models/commands/large"
    run("artifact", "push", str(store / "blue"), url)
    answer = run("artifact", "pull", url, "--to", str(store / "copy"), "--max-bytes", "3")
    assert (answer.exit_code, "--max-bytes" in answer.stderr) == (1, True)


@pytest.mark.parametrize("url", ["local:artifacts", "hf:org/model", "s3://user:pw@bucket/x", "x"])
def test_what_is_no_object_store_is_refused(store: Path, url: str) -> None:
    answer = run("artifact", "push", str(store / "blue"), url)
    assert (answer.exit_code, "pw" in answer.stderr) == (1, False)
    assert ("copy the artifact's own" in answer.stderr) == (url == "local:artifacts")


def test_who_sets_what_is_set_already_is_told_that_nothing_was_written(store: Path) -> None:
    first = alias(store, "set", "production", "blue", "--reason", "first")
    assert first.stderr == ""
    again = alias(store, "set", "production", "blue", "--reason", "second")
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    since = first.lines[0][2]
    assert again.stderr == (
        f"nothing has changed: production has stood for blue since {since}, and the reason is not "
        "written to the history\n"
    )
    assert alias(store, "set", "production", "blue").stderr.endswith(f"since {since}\n")
    lines = alias(store, "history", "production").lines
    assert [line[1:] for line in lines] == [["set", "blue", "first"]]
