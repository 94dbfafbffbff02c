"""What the client makes of every fault of a Hub, and the words in which it says so."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import tracemalloc
import zlib
from pathlib import Path

import huggingface_hub.constants
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.checkpoints import TOKENIZER, safetensors
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

from holotype.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    HubUnreachableError,
    RevisionGoneError,
)
from holotype.hub.answers import Repository, parse_repository
from holotype.hub.client import HubClient
from holotype.hub.retries import Patience

FILE = f"{REPOSITORY}@{REVISION}/config.json"


def repository(client: HubClient) -> Repository:
    return client.repository(REPOSITORY, REVISION)


def config(client: HubClient) -> bytes:
    return client.file(repository(client), "config.json")


def test_a_repository_has_a_commit_and_sizes(hub: HubState, client: HubClient) -> None:
    found = client.repository(REPOSITORY, None)
    assert (found.id, found.commit) == (REPOSITORY, REVISION)
    assert found.sizes["tokenizer.json"] == len(TOKENIZER)
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
        f"{REPOSITORY}@{'f' * 40}: the repository no longer has this commit; see its newest "
        "one with: holotype refresh"
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
        f"{FILE}: the Hub answers {status}. The repository is gated: accept the conditions on "
        f"{hub.endpoint}/{REPOSITORY}, and set HF_TOKEN or run: hf auth login"
    )
    assert waits == [], "asking again would not help"


def test_a_refusal_is_told_in_the_hubs_own_words_and_not_called_gated(
    hub: HubState, client: HubClient
) -> None:
    hub.fault("config.json", (403, {}), body=b'{"error": "no right to read"}')
    with pytest.raises(CheckpointNotFoundError) as caught:
        config(client)
    assert str(caught.value) == (
        f"{FILE}: the Hub answers 403: no right to read; ask for access on "
        f"{hub.endpoint}/{REPOSITORY}, or set another HF_TOKEN"
    )


def test_a_refused_token_is_named(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.BAD_TOKEN)
    with pytest.raises(CheckpointNotFoundError, match="rejects the token; check HF_TOKEN"):
        repository(client)


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no text", "a folder"])
def test_a_token_that_cannot_be_read_is_told_as_such(
    client: HubClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "token"
    file.mkdir() if content is None else file.write_bytes(content)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(file))
    with pytest.raises(CheckpointError, match=r"the token cannot be read .* set HF_TOKEN, or name"):
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
        f"{FILE}: the Hub asks for fewer requests (429); wait some minutes"
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
    assert str(caught.value) == (f"{FILE}: the Hub answers 500; try again later")


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
        "check the connection and HF_ENDPOINT, or name a folder with a copy of the repository "
        "(verify and add: with --from FOLDER)"
    )


def test_a_file_of_another_size_than_listed_is_not_taken(hub: HubState, client: HubClient) -> None:
    found = repository(client)
    hub.repositories[REPOSITORY][REVISION]["config.json"] = b"{}"
    with pytest.raises(HubUnreachableError, match=r"2 of \d+ bytes arrived"):
        client.file(found, "config.json")


def test_garbage_in_the_place_of_a_description_is_told(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.GARBAGE)
    with pytest.raises(CheckpointError) as caught:
        repository(client)
    message = str(caught.value)
    assert "did not answer with the description of a repository" in message
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
        f"{REPOSITORY}@{REVISION}: cannot be read, since HF_HUB_OFFLINE is set; unset it, or name "
        "a folder with a copy of the repository (verify and add: with --from FOLDER)"
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
    with pytest.raises(CheckpointNotFoundError, match="is not the name of a repository"):
        client.repository("a/b/c", None)


@pytest.fixture
def hurried(hub: HubState) -> HubClient:
    """Asks the Hub of the test, and gives up a second later."""
    return HubClient(Patience(wait=lambda _: None), timeout_s=30, deadline_s=1.0)


def test_an_answer_that_unpacks_without_end_is_cut_off(hub: HubState, client: HubClient) -> None:
    found = repository(client)
    hub.fault("/api/", server.BOMB)
    hub.fault("config.json", server.BOMB)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="sent more than the expected 64000000 bytes"):
        repository(client)
    with pytest.raises(CheckpointError, match=r"sent more than the expected \d+ bytes"):
        client.file(found, "config.json")
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_an_answer_that_is_packed_unasked_is_unpacked(
    hub: HubState, client: HubClient, packing: str
) -> None:
    body = hub.repositories[REPOSITORY][REVISION]["config.json"]
    packed = gzip.compress(body) if packing == "gzip" else zlib.compress(body)
    hub.fault("config.json", (200, {"Content-Encoding": packing}), body=packed)
    assert config(client) == body


@pytest.mark.parametrize(
    ("packing", "told"),
    [
        ("br", "compressed its answer as 'br', although the request forbids that"),
        ("gzip", "be decompressed"),
    ],
)
def test_an_answer_that_cannot_be_unpacked_is_told(
    hub: HubState, client: HubClient, packing: str, told: str
) -> None:
    hub.fault("config.json", (200, {"Content-Encoding": packing}), body=b"neither")
    with pytest.raises(CheckpointError, match=told):
        config(client)


def test_an_answer_without_end_is_cut_off(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.NEVER_ENDING)
    with pytest.raises(CheckpointError, match="sent more than the expected 64000000 bytes"):
        repository(client)


def test_the_body_of_an_error_is_not_read_to_its_end(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.ENDLESS_ERROR)
    with pytest.raises(CheckpointError, match="the Hub answers 500"):
        repository(client)


def test_the_body_of_a_redirect_is_not_read(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", server.ENDLESS_REDIRECT, times=1)
    assert repository(client).commit == REVISION


def test_redirects_in_a_circle_end(hub: HubState, client: HubClient) -> None:
    hub.fault("/api/", (302, {"Location": f"/api/models/{REPOSITORY}"}))
    with pytest.raises(CheckpointError, match="redirected more than 10 times"):
        repository(client)


@pytest.mark.parametrize("drips", [server.DRIPPING, server.DRIPPING_HEAD])
def test_an_answer_that_drips_past_the_deadline_is_given_up(
    hub: HubState, hurried: HubClient, drips: tuple[int, dict[str, str]]
) -> None:
    hub.fault("/api/", drips)
    begun = time.monotonic()
    with pytest.raises(CheckpointError, match="takes too long to send its answer"):
        repository(hurried)
    assert time.monotonic() - begun < 20
    assert len(hub.paths("/api/")) == 1, "it is not asked again"


def test_an_error_whose_body_is_other_json_is_still_an_error_of_its_status(
    hub: HubState, client: HubClient
) -> None:
    for body in (b"[1]", b'{"error": {"a": 1}}', b'{"errors": 5}', b"[" * 60_000, b"null"):
        hub.faults.clear()
        hub.fault("/api/", (503, {"Content-Type": "application/json"}), body=body)
        with pytest.raises(CheckpointError, match="the Hub answers 503"):
            repository(client)


def described(hub: HubState, **values: object) -> bytes:
    """What the Hub says of the repository, with other values."""
    file = {"rfilename": "config.json", "size": 2, "blobId": "0" * 40}
    info = {"id": REPOSITORY, "sha": REVISION, "siblings": [file]}
    return json.dumps(info | values).encode()


FILE_VALUES: list[dict[str, object]] = [
    {"rfilename": name} for name in ("a\0b", "a\ud800b", "", None, 5, ["a"])
]
FILE_VALUES += [{"size": size} for size in ("2", -1, 2.5, True, [2])]
FILE_VALUES += [{"blobId": 5}, {"blobId": "../../x"}, {"lfs": [1]}, {"lfs": {"sha256": "zz"}}]
VALUES: list[dict[str, object]] = [
    {"siblings": [{"rfilename": "config.json", "size": 2} | values]} for values in FILE_VALUES
]
VALUES += [{"siblings": 5}, {"siblings": {"a": 1}}, {"siblings": ["config.json"]}]
VALUES += [{"sha": sha} for sha in (None, 5, ["a"], "main", "../..", REVISION + "0")]
VALUES += [{"id": id} for id in (None, 5, "../../../etc", "a/b/c", ["a"])]
VALUES += [{"lastModified": when} for when in (5, "yesterday", ["2026"])]


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_values_of_another_type_than_the_hubs_are_refused(
    hub: HubState, client: HubClient, values: dict[str, object]
) -> None:
    hub.fault("/api/", (200, {}), body=described(hub, **values))
    with pytest.raises(CheckpointError, match="the description of a repository"):
        client.repository(REPOSITORY, None)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"9" * 10_000, b"[]", b"null", b"\xff", b""])
def test_a_description_that_is_no_object_is_refused(
    hub: HubState, client: HubClient, body: bytes
) -> None:
    hub.fault("/api/", (200, {}), body=body)
    with pytest.raises(CheckpointError, match="the description of a repository"):
        repository(client)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(("sha", "id", "siblings", "rfilename", "size", "lfs", "blobId")),
                inner,
            )
        ),
    )
)
def test_any_json_is_a_repository_or_an_error(values: object) -> None:
    with contextlib.suppress(ValueError):
        assert parse_repository(json.dumps(values).encode(), None).commit


def test_a_mirror_that_answers_with_another_commit_is_refused(
    hub: HubState, client: HubClient
) -> None:
    hub.fault("/api/", (200, {}), body=described(hub, sha=server.NEWER))
    with pytest.raises(CheckpointError) as caught:
        repository(client)
    assert f"it describes commit {server.NEWER} instead of {REVISION}" in str(caught.value)
    assert client.repository(REPOSITORY, "main").commit == server.NEWER


def test_a_count_of_requests_with_thousands_of_digits_is_ignored(
    hub: HubState, client: HubClient
) -> None:
    stated = {"RateLimit": f'"api";r=0;t={"9" * 5_000}'}
    hub.fault("/api/", (429, stated), times=1)
    assert repository(client).commit == REVISION
    assert len(hub.paths("/api/")) == 2
