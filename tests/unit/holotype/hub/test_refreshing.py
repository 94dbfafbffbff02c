"""What changed upstream since the pinned revision."""

from __future__ import annotations

from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.checkpoints import as_json, dense, record
from tests.unit.holotype.hub.server import NEWER, REPOSITORY, REVISION, HubState

from holotype.hub.client import HubClient
from holotype.hub.refreshing import Change, look_upstream


def test_a_pin_at_the_newest_commit_is_current_after_one_request(
    hub: HubState, client: HubClient
) -> None:
    found = look_upstream(record(), client)
    assert found.is_current
    assert len(hub.paths(REPOSITORY)) == 1


def test_values_and_files_that_changed_are_shown(hub: HubState, client: HubClient) -> None:
    newer = dense(max_position_embeddings=128) | {"onnx/model.onnx": b""}
    newer["1_Pooling/config.json"] = as_json({"pooling_mode": "cls"})
    del newer["README.md"]
    hub.repositories[REPOSITORY][NEWER] = newer
    found = look_upstream(record(), client)
    assert (found.pinned, found.newest) == (REVISION, NEWER)
    changes = {change.field: change for change in found.changes}
    assert changes["pooling"] == Change(
        field="pooling", old="mean", new="cls", file="1_Pooling/config.json"
    )
    assert changes["license"] == Change(field="license", old="mit", new=None, file="README.md")
    assert changes["max_position_embeddings"].new == 128
    assert (found.added, found.removed) == (("onnx/model.onnx",), ("README.md",))


def test_an_entry_without_a_pin_learns_the_newest_commit(hub: HubState, client: HubClient) -> None:
    found = look_upstream(record(revision=None), client)
    assert (found.newest, found.changes, found.error) == (REVISION, (), None)


def test_a_pinned_commit_that_is_gone_is_told_with_the_newest(
    hub: HubState, client: HubClient
) -> None:
    found = look_upstream(record(revision="f" * 40), client)
    assert found.newest == REVISION
    assert found.error is not None
    assert found.error.startswith("the pinned commit is gone: ")


def test_a_gated_repository_is_an_error_of_its_own(hub: HubState, client: HubClient) -> None:
    hub.repositories[REPOSITORY][NEWER] = dense()
    hub.fault("config.json", server.GATED)
    found = look_upstream(record(), client)
    assert found.error is not None
    assert "is gated" in found.error
