"""Verifying entries against a Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.checkpoints import N_PARAMETERS, dense, record
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

from holotype.errors import HubUnreachableError
from holotype.hub.client import HubClient
from holotype.hub.progress_file import ProgressFile
from holotype.hub.verifying import GONE, Report, verify_many, verify_on_hub
from holotype.records import ModelInfo


def test_a_model_is_read_at_its_pinned_commit_and_no_weights_are(
    hub: HubState, client: HubClient
) -> None:
    report = verify_on_hub(record(pooling="mean", parameters=N_PARAMETERS), client)
    assert report.is_good
    assert report.location == f"{REPOSITORY}@{REVISION}"
    outcomes = {found.field: found.outcome for found in report.findings}
    assert outcomes["revision"] == outcomes["pooling"] == outcomes["parameters"] == "agree"
    asked = hub.paths("tests/tiny")
    assert [path for path in asked if REVISION not in path] == []
    assert [each.range for each in hub.requests if "safetensors" in each.path] != [None]


def test_a_pinned_commit_that_is_gone_differs(hub: HubState, client: HubClient) -> None:
    report = verify_on_hub(record(revision="f" * 40), client)
    (found,) = report.having("differ")
    assert (found.field, found.theirs) == ("revision", GONE)
    assert "no longer has this commit" in report.notes[0]


def test_a_repository_that_is_gone_is_an_error(hub: HubState, client: HubClient) -> None:
    report = verify_on_hub(record(huggingface_id="tests/nothing"), client)
    assert report.error is not None
    assert "there is no such repository" in report.error
    assert not report.is_good


def test_an_entry_without_a_revision_says_what_to_do(hub: HubState, client: HubClient) -> None:
    report = verify_on_hub(record(revision=None), client)
    assert report.error is not None
    assert report.error.endswith("find the newest commit with: holotype refresh tiny")


def test_a_damaged_file_is_named_by_its_repository(hub: HubState, client: HubClient) -> None:
    hub.repositories[REPOSITORY][REVISION]["config.json"] = b"<html>"
    report = verify_on_hub(record(), client)
    assert report.error is not None
    assert report.error.startswith(f"{REPOSITORY}@{REVISION}/config.json: is not JSON")


def test_garbage_in_the_place_of_a_header_is_an_error(hub: HubState, client: HubClient) -> None:
    hub.repositories[REPOSITORY][REVISION]["model.safetensors"] = b"<html>garbage</html>"
    report = verify_on_hub(record(), client)
    assert report.error is not None
    assert "model.safetensors: is no whole safetensors file" in report.error


def test_a_renamed_repository_is_noted(hub: HubState, client: HubClient) -> None:
    hub.renamed["tests/old-name"] = REPOSITORY
    report = verify_on_hub(record(huggingface_id="tests/old-name"), client)
    assert report.is_good
    assert report.notes == (f"the repository has been renamed to {REPOSITORY}",)


@pytest.mark.parametrize("name", ["../config.json", "/config.json", "a/../config.json"])
def test_a_file_outside_of_the_repository_is_never_written(
    hub: HubState, client: HubClient, name: str
) -> None:
    hub.repositories[REPOSITORY][REVISION][name] = b"{}"
    assert verify_on_hub(record(), client).is_good
    assert not [path for path in hub.paths("resolve") if ".." in path or "//" in path]


def many(hub: HubState, count: int) -> list[ModelInfo]:
    for at in range(count):
        hub.repositories[f"tests/tiny-{at}"] = {REVISION: dense()}
    return [record(id=f"tiny-{at}", huggingface_id=f"tests/tiny-{at}") for at in range(count)]


def run(records: Sequence[ModelInfo], client: HubClient) -> tuple[tuple[Report, ...], list[str]]:
    finished: list[str] = []

    def done(record: ModelInfo, report: Report) -> None:
        finished.append(report.id)

    return verify_many(records, client, jobs=4, done=done), finished


def test_many_models_come_back_in_the_order_of_the_catalogue(
    hub: HubState, client: HubClient
) -> None:
    hub.fault("/tests/tiny-3/", server.NO_REPOSITORY)
    reports, finished = run(many(hub, 8), client)
    assert [report.id for report in reports] == [f"tiny-{at}" for at in range(8)]
    assert [report.id for report in reports if not report.is_good] == ["tiny-3"]
    assert sorted(finished) == [report.id for report in reports]


def test_a_hub_that_is_gone_ends_the_run(hub: HubState, client: HubClient) -> None:
    hub.fault("", server.RESET)
    with pytest.raises(HubUnreachableError):
        run(many(hub, 40), client)
    assert len({path.split("/")[4] for path in hub.paths("/api/")}) < 40


def test_what_is_done_is_kept_and_what_failed_is_not(
    hub: HubState, client: HubClient, tmp_path: Path
) -> None:
    path = tmp_path / "verified.jsonl"
    good, bad = record(), record(id="bad", revision=None)
    progress = ProgressFile(path)
    for each in (good, bad):
        progress.keep(each, verify_on_hub(each, client))
    again = ProgressFile(path)
    assert again.known(good) == verify_on_hub(good, client)
    assert again.known(bad) is None
    assert again.known(record(pooling="cls")) is None, "the entry has changed since"


def test_a_line_that_was_cut_off_is_left_out_and_spoils_no_other(
    hub: HubState, client: HubClient, tmp_path: Path
) -> None:
    path = tmp_path / "verified.jsonl"
    path.write_text('{"key": "tiny:1", "rep')
    ProgressFile(path).keep(record(), verify_on_hub(record(), client))
    assert ProgressFile(path).known(record()) is not None
