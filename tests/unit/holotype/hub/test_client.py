"""What the client makes of every fault of a Hub, and the words in which it says so."""

from __future__ import annotations

import huggingface_hub.constants
import pytest
from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.checkpoints import safetensors
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

from holotype.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    HubUnreachableError,
    RevisionGoneError,
)
from holotype.hub.client import HubClient, Repository

FILE = f"{REPOSITORY}@{REVISION}/config.json"


def repository(client: HubClient) -> Repository:
    return client.repository(REPOSITORY, REVISION)


def config(client: HubClient) -> bytes:
    return client.file(repository(client), "config.json")


def test_a_repository_has_a_commit_and_sizes(hub: HubState, client: HubClient) -> None:
    found = client.repository(REPOSITORY, None)
    assert (found.id, found.commit) == (REPOSITORY, REVISION)
    assert found.sizes["tokenizer.json"] == 2
    assert found.changed is not None
    assert found.changed.startswith("2026-01-02")


def test_of_weights_only_the_first_bytes_are_asked_for(hub: HubState, client: HubClient) -> None:
    header = client.header(repository(client), "model.safetensors")
    assert header["embeddings.word_embeddings.weight"].shape == (100, 32)
    asked = [each for each in hub.requests if each.path.endswith(".safetensors")]
    assert [each.range for each in asked] == ["bytes=0-99999"]


def test_a_long_header_takes_a_second_request(hub: HubState, client: HubClient) -> None:
    tensors = {f"layers.{at}.weight": ("F32", [2, 2]) for at in range(2_000)}
    body = safetensors(tensors)
    hub.repositories[REPOSITORY][REVISION]["model.safetensors"] = body
    assert len(client.header(repository(client), "model.safetensors")) == 2_000
    assert len(hub.paths("model.safetensors")) == 2


def test_weights_from_a_server_without_ranges_are_left_alone(
    hub: HubState, client: HubClient
) -> None:
    hub.fault("model.safetensors", server.NO_RANGES)
    with pytest.raises(CheckpointError, match="whole files only, and weights are never fetched"):
        client.header(repository(client), "model.safetensors")


def test_a_missing_repository_is_told_from_a_missing_commit(
    hub: HubState, client: HubClient
) -> None:
    with pytest.raises(CheckpointNotFoundError) as nowhere:
        client.repository("tests/nothing", REVISION)
    assert str(nowhere.value) == (
        f"tests/nothing@{REVISION}: there is no such repository, or it is private; check the "
        "name, or set HF_TOKEN"
    )
    with pytest.raises(RevisionGoneError) as gone:
        client.repository(REPOSITORY, "f" * 40)
    assert str(gone.value) == (
        f"{REPOSITORY}@{'f' * 40}: the repository has no such commit any more; see what it has "
        "now with: holotype refresh"
    )


def test_a_missing_file_is_named(hub: HubState, client: HubClient) -> None:
    hub.fault("config.json", server.NO_FILE)
    with pytest.raises(CheckpointNotFoundError) as caught:
        config(client)
    assert str(caught.value) == f"{FILE}: there is no such file at this commit"


@pytest.mark.parametrize(("answer", "status"), [(server.GATED, 401), (server.FORBIDDEN, 403)])
def test_a_gated_repository_says_where_to_ask_for_access(
    hub: HubState,
    client: HubClient,
    waits: list[float],
    answer: tuple[int, dict[str, str]],
    status: int,
) -> None:
    hub.fault("config.json", answer)
    with pytest.raises(CheckpointNotFoundError) as caught:
        config(client)
    assert str(caught.value) == (
        f"{FILE}: is gated: the Hub answers {status}. Ask for access on "
        f"{hub.endpoint}/{REPOSITORY}, and set HF_TOKEN or run: hf auth login"
    )
    assert waits == [], "asking again would not help"


def test_a_refused_token_is_named(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.BAD_TOKEN)
    with pytest.raises(CheckpointNotFoundError, match="refuses the token; check HF_TOKEN"):
        repository(client)


def test_too_many_requests_wait_as_long_as_the_hub_says(
    hub: HubState, client: HubClient, waits: list[float]
) -> None:
    hub.fault("config.json", server.TOO_MANY, times=2)
    assert b"BertModel" in config(client)
    assert waits == [7.0, 7.0]


def test_too_many_requests_for_too_long_are_an_error(
    hub: HubState, client: HubClient, waits: list[float]
) -> None:
    hub.fault("config.json", server.TOO_MANY)
    with pytest.raises(CheckpointError) as caught:
        config(client)
    assert str(caught.value) == (
        f"{FILE}: the Hub asks for fewer requests (429); wait some minutes, use fewer --jobs, and "
        "go on with --resume FILE"
    )
    assert len(hub.paths("config.json")) == 4
    assert waits == [7.0, 7.0, 7.0]


def test_a_server_error_is_passed_over(hub: HubState, client: HubClient) -> None:
    hub.fault("config.json", server.BROKEN, times=3)
    assert b"BertModel" in config(client)


def test_a_server_error_that_stays_is_told(hub: HubState, client: HubClient) -> None:
    hub.fault("config.json", server.BROKEN)
    with pytest.raises(CheckpointError) as caught:
        config(client)
    assert str(caught.value) == (f"{FILE}: the Hub answers 500; try again later with --resume FILE")


@pytest.mark.parametrize("fault", [server.RESET, server.TRUNCATED])
def test_a_broken_connection_is_passed_over(
    hub: HubState, client: HubClient, fault: tuple[int, dict[str, str]]
) -> None:
    hub.fault("config.json", fault, times=2)
    assert b"BertModel" in config(client)


@pytest.mark.parametrize(
    ("fault", "reason"), [(server.RESET, "reset"), (server.TRUNCATED, "without sending complete")]
)
def test_a_connection_that_always_breaks_is_told(
    hub: HubState, client: HubClient, fault: tuple[int, dict[str, str]], reason: str
) -> None:
    hub.fault("config.json", fault)
    with pytest.raises(HubUnreachableError) as caught:
        config(client)
    message = str(caught.value)
    assert message.startswith(f"{FILE}: {hub.endpoint} cannot be reached (")
    assert reason in message
    assert message.endswith(
        "check the connection and HF_ENDPOINT, or pass --from FOLDER with a copy of the repository"
    )


def test_a_file_of_another_size_than_listed_is_not_taken(hub: HubState, client: HubClient) -> None:
    found = repository(client)
    hub.repositories[REPOSITORY][REVISION]["config.json"] = b"{}"
    with pytest.raises(HubUnreachableError, match=r"2 of \d+ bytes came"):
        client.file(found, "config.json")


def test_garbage_in_the_place_of_a_description_is_told(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.GARBAGE)
    with pytest.raises(CheckpointError) as caught:
        repository(client)
    message = str(caught.value)
    assert "answers with something that is no description of a repository" in message
    assert message.endswith("try again later, or check HF_ENDPOINT")


def test_a_redirect_is_followed_and_the_new_name_known(hub: HubState, client: HubClient) -> None:
    hub.renamed["tests/old-name"] = REPOSITORY
    assert client.repository("tests/old-name", REVISION).id == REPOSITORY
    files = Repository(id="tests/old-name", commit=REVISION, sizes={}, changed=None)
    assert b"BertModel" in client.file(files, "config.json")


def test_offline_says_what_to_do(
    hub: HubState, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachableError) as caught:
        repository(client)
    assert str(caught.value) == (
        f"{REPOSITORY}@{REVISION}: cannot be read, since HF_HUB_OFFLINE is set; unset it, or pass "
        "--from FOLDER with a copy of the repository"
    )
    assert hub.requests == []


def test_the_token_of_the_environment_is_sent(
    hub: HubState, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
    config(client)
    assert {each.token for each in hub.requests} == {"Bearer hf_of_the_test"}


def test_a_file_that_is_too_large_is_not_fetched(hub: HubState, client: HubClient) -> None:
    large = Repository(id=REPOSITORY, commit=REVISION, sizes={"config.json": 10**9}, changed=None)
    with pytest.raises(CheckpointError, match="has 1000000000 bytes, too many"):
        client.file(large, "config.json")
    assert hub.requests == []


def test_a_name_that_is_none_is_refused(hub: HubState, client: HubClient) -> None:
    with pytest.raises(CheckpointNotFoundError, match="is no name of a repository"):
        client.repository("a/b/c", None)
