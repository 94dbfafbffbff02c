"""What is taken from the Hub's cache: whole snapshots, and nothing that may be a part of one."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.checkpoints import dense
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState, serving

from holotype.encoders.checkpoints.repository import (
    cached_repository,
    find_repository,
    pinned_snapshot,
)
from holotype.encoders.checkpoints.source import CHECKPOINT_FILES
from holotype.errors import CheckpointError, CheckpointNotFoundError, HubUnreachableError
from holotype.hub.retries import Patience
from holotype.records import ClassifierModel, CrossEncoderModel, DenseModel, ModelInfo

# What transformers.AutoModel and AutoTokenizer fetch.
PLAIN = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


@pytest.fixture
def waits() -> list[float]:
    """How long the Hub was waited for, in seconds."""
    return []


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, waits: list[float]) -> Iterator[HubState]:
    """A Hub with one dense model, and an empty cache."""
    with serving({REPOSITORY: {REVISION: dense()}}) as state:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", state.endpoint)
        template = state.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        patience = partial(Patience, wait=waits.append, clock=lambda: sum(waits))
        monkeypatch.setattr("holotype.hub.client.Patience", patience)
        yield state


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of a machine without a connection."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub/models--tests--tiny"


def fill(repository: Path, *names: str) -> Path:
    """Put some files of the model into a cache, and no list of all of them."""
    snapshot = repository / "snapshots" / REVISION
    for name in names:
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_bytes(dense().get(name, b"{}"))
    return snapshot


def record(**known: object) -> DenseModel[int]:
    values: dict[str, object] = {
        **{"id": "tiny", "type": "dense", "name": "Tiny", "huggingface_id": REPOSITORY},
        **{"organization": "Tests", "description": "A model of the tests.", "embedding_dim": 32},
        "revision": REVISION,
    }
    return DenseModel(**(values | known))  # type: ignore[arg-type]


def snapshot(known: ModelInfo | None = None) -> Path:
    return pinned_snapshot(REPOSITORY, REVISION, CHECKPOINT_FILES, record=known)


def test_what_another_library_fetched_is_no_whole_model(offline: Path) -> None:
    fill(offline, *PLAIN)
    with pytest.raises(CheckpointNotFoundError) as caught:
        snapshot(record(has_projection=True, projection_dims=16))
    message = str(caught.value)
    assert message.startswith(
        f"{REPOSITORY}@{REVISION}: the Hub's cache may hold a part of it only: it has no "
        "modules.json, and no list of the commit's files says whether one belongs to it, nor which "
        "layers and settings follow the transformer; the record says that a projection to 16 "
        "dimensions follows the transformer. Where there is a connection run: hf download "
        f"{REPOSITORY} --revision {REVISION} --include '*.json'"
    )
    with pytest.raises(CheckpointNotFoundError, match="no list of the commit's files"):
        find_repository(REPOSITORY, REVISION, with_code=False)
    with pytest.raises(CheckpointNotFoundError, match="no list of the commit's files"):
        snapshot(record(pooling="mean", normalize=True))
    assert cached_repository(REPOSITORY, REVISION, record()) is None


def test_a_branch_of_an_offline_cache_is_whole_or_refused(offline: Path) -> None:
    fill(offline, *PLAIN)
    (offline / "refs").mkdir()
    (offline / "refs/main").write_text(REVISION)
    with pytest.raises(CheckpointNotFoundError, match="no list of the commit's files"):
        find_repository(REPOSITORY, "main", with_code=False)


def test_a_folder_that_modules_json_names_must_be_there(offline: Path) -> None:
    fill(offline, *PLAIN, "modules.json")
    with pytest.raises(
        CheckpointNotFoundError, match=r"folder '1_Pooling' is missing, which modules\.json names"
    ):
        snapshot()
    expected = fill(offline, "1_Pooling/config.json")
    assert snapshot() == expected
    assert cached_repository(REPOSITORY, REVISION, None) == expected


def test_a_cache_that_knows_that_there_is_no_modules_json_is_believed(offline: Path) -> None:
    expected = fill(offline, *PLAIN)
    (offline / ".no_exist" / REVISION).mkdir(parents=True)
    (offline / ".no_exist" / REVISION / "modules.json").touch()
    assert snapshot() == expected


def test_a_record_that_states_all_that_modules_json_could_needs_none(offline: Path) -> None:
    expected = fill(offline, *PLAIN)
    facts = {"pooling": "mean", "normalize": True, "query_prompt": "", "document_prompt": ""}
    assert snapshot(record(has_projection=False, **facts)) == expected
    for name in facts:
        with pytest.raises(CheckpointNotFoundError):
            snapshot(record(has_projection=False, **(facts | {name: None})))


def test_heads_in_the_transformers_own_weights_need_no_modules_json(offline: Path) -> None:
    expected = fill(offline, *PLAIN)
    common = {
        **{"id": "tiny", "name": "Tiny", "huggingface_id": REPOSITORY, "organization": "Tests"},
        **{"description": "A model.", "embedding_dim": None, "revision": REVISION},
    }
    classifier = ClassifierModel(type="classifier", **common)  # type: ignore[arg-type]
    reranker = CrossEncoderModel(type="cross-encoder", **common)  # type: ignore[arg-type]
    assert snapshot(classifier) == expected
    with pytest.raises(CheckpointNotFoundError):
        snapshot(reranker)
    config = {"architectures": ["BertForSequenceClassification"]}
    (expected / "config.json").write_text(json.dumps(config))
    assert snapshot(reranker) == expected


def test_a_listed_file_that_is_missing_is_named(
    hub: HubState, monkeypatch: pytest.MonkeyPatch
) -> None:
    (snapshot() / "1_Pooling/config.json").unlink()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointNotFoundError, match=r"cannot be fetched|1_Pooling/config.json"):
        snapshot()
    assert cached_repository(REPOSITORY, REVISION, None) is None


def test_a_cache_without_a_list_is_completed_where_there_is_a_connection(
    hub: HubState, tmp_path: Path
) -> None:
    fill(tmp_path / "hub/models--tests--tiny", *PLAIN)
    assert (snapshot(record()) / "1_Pooling/config.json").is_file()


def test_a_file_that_was_cut_off_is_replaced(hub: HubState) -> None:
    path = snapshot() / "model.safetensors"
    whole = path.read_bytes()
    path.resolve().write_bytes(whole[:50])
    assert cached_repository(REPOSITORY, REVISION, None) is None
    assert (snapshot() / "model.safetensors").read_bytes() == whole


def test_a_large_file_whose_bytes_changed_is_an_error(hub: HubState) -> None:
    weights = snapshot() / "model.safetensors"
    content = bytearray(weights.read_bytes())
    # As the Hub names large files.
    blob = weights.resolve().rename(weights.resolve().with_name(sha256(content).hexdigest()))
    weights.unlink()
    weights.symlink_to(os.path.relpath(blob, weights.parent))
    assert snapshot() == weights.parent
    content[-1] ^= 1
    blob.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is damaged: its digest is .* --force-download"):
        snapshot()


def test_a_file_that_was_cut_off_is_an_error_offline_that_says_what_replaces_it(
    hub: HubState, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = snapshot() / "model.safetensors"
    size = path.stat().st_size
    path.resolve().write_bytes(b"half")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError) as caught:
        snapshot()
    message = str(caught.value)
    assert f"is damaged: it has 4 bytes, expected {size} and cannot be fetched" in message
    assert (
        f"hf download {REPOSITORY} model.safetensors --revision {REVISION} --force-download"
        in message
    )
    assert str(path.resolve()) in message


@pytest.mark.parametrize(
    ("answer", "kind", "waited", "words"),
    [
        (server.NO_REPOSITORY, CheckpointNotFoundError, 0, "no such repository, or it is private"),
        (server.RESET, HubUnreachableError, 3, ""),
        ((503, {}), CheckpointError, 3, "the Hub answers 503: back soon; try again later"),
        (
            server.TOO_MANY,
            CheckpointError,
            3,
            r"the Hub asks for fewer requests \(429: back soon\); wait some minutes",
        ),
        (
            (429, {"Retry-After": "7200"}),
            CheckpointError,
            0,
            r"the Hub asks for fewer requests \(429: back soon\); wait 7,200 seconds",
        ),
    ],
)
def test_a_hub_that_does_not_answer_as_it_should_is_waited_for_and_then_told_of(
    hub: HubState,
    waits: list[float],
    answer: tuple[int, dict[str, str]],
    kind: type[CheckpointError],
    waited: int,
    words: str,
) -> None:
    hub.fault("/api/", answer, body=b'{"error": "back soon"}')
    with pytest.raises(
        CheckpointError, match="does not say which commit this is: .*" + words
    ) as at:
        find_repository(REPOSITORY, "main", with_code=False)
    assert (type(at.value), len(waits)) == (kind, waited)
    with pytest.raises(CheckpointError, match="cannot be fetched: .*" + words) as at:
        snapshot()
    assert type(at.value) is kind


def test_a_hub_that_answers_again_is_taken_at_its_word(hub: HubState, waits: list[float]) -> None:
    hub.fault("/api/", server.TOO_MANY, times=1)
    hub.fault("/api/", (502, {}), times=1)
    assert find_repository(REPOSITORY, None, with_code=False).name == REVISION
    assert waits == [7.0, 2.0]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_cache_that_cannot_keep_the_files_is_told_as_such_and_not_as_a_hub_without_them(
    hub: HubState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), f"{tmp_path}/hub/blob")

    monkeypatch.setattr("huggingface_hub.file_download._create_symlink", fail)
    with pytest.raises(CheckpointError) as caught:
        snapshot()
    assert type(caught.value) is CheckpointError
    assert str(caught.value) == (
        f"{REPOSITORY}@{REVISION}: cannot be kept in the Hub's cache {tmp_path}/hub: "
        f"{os.strerror(number)}; make room, or name another folder, which may be written: "
        "HF_HUB_CACHE=FOLDER"
    )


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600])
def test_who_may_read_the_files_may_read_the_list_of_them(
    hub: HubState, tmp_path: Path, mode: int
) -> None:
    folder = snapshot()
    (listed,) = tmp_path.glob("hub/models--tests--tiny/trees/*.json")
    for file in folder.rglob("*.json"):
        file.resolve().chmod(mode)
    (folder / "model.safetensors").resolve().chmod(mode)
    (folder / "README.md").unlink(missing_ok=True)
    listed.chmod(0o600)
    assert snapshot() == folder
    assert stat.S_IMODE(listed.stat().st_mode) == mode


def test_a_repository_without_files_to_fetch_is_an_empty_folder(hub: HubState) -> None:
    hub.repositories[REPOSITORY] = {REVISION: {"tiny.gguf": b"GGUF"}}
    folder = find_repository(REPOSITORY, REVISION, with_code=False)
    assert folder.name == REVISION
    assert list(folder.rglob("*")) == []


def test_a_list_that_may_not_be_read_is_named(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "hub/models--tests--tiny", *PLAIN)
    listed = tmp_path / "hub/models--tests--tiny/trees" / f"{REVISION}.json"
    listed.parent.mkdir()
    listed.touch()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(os, "access", lambda path, how: path != listed)
    with pytest.raises(CheckpointError, match=rf"may not be read, .* chmod a\+r {listed}"):
        snapshot()


def test_a_branch_or_a_commit_that_there_is_not_is_told_as_such(hub: HubState) -> None:
    for revision in ("v9", "f" * 40):
        with pytest.raises(CheckpointNotFoundError) as caught:
            find_repository(REPOSITORY, revision, with_code=False)
        assert str(caught.value) == (
            f"{REPOSITORY}@{revision}: the repository has no such branch, tag or commit; see those "
            f"that it has on {hub.endpoint}/{REPOSITORY}"
        )


@pytest.mark.parametrize("answer", [server.NO_REPOSITORY, (401, {"X-Error-Code": "RepoNotFound"})])
def test_a_repository_that_there_is_not_or_that_is_private_is_told_as_such(
    answer: tuple[int, dict[str, str]], hub: HubState
) -> None:
    hub.fault("", answer)
    for revision in ("main", REVISION):
        with pytest.raises(CheckpointNotFoundError, match="no such repository, or it is private"):
            find_repository(REPOSITORY, revision, with_code=False)


@pytest.mark.parametrize("revision", [None, "main", "v1", "refs/pr/1"])
def test_a_branch_means_the_commit_that_was_last_seen_without_a_connection(
    revision: str | None, hub: HubState, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = json.dumps({"id": REPOSITORY, "sha": REVISION, "siblings": []}).encode()
    hub.fault(f"/revision/{revision}", (200, {}), times=2, body=described)
    found = find_repository(REPOSITORY, revision, with_code=False)
    assert found.name == REVISION
    assert find_repository(REPOSITORY, revision, with_code=False) == found
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert find_repository(REPOSITORY, revision, with_code=False) == found
    assert cached_repository(REPOSITORY, revision, None) == found
    assert [path.name for path in found.parents[1].glob("refs/**/.*")] == []


def test_a_cache_that_cannot_be_written_is_read_all_the_same(
    hub: HubState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("holotype.encoders.checkpoints.repository.replace_file", full)
    assert find_repository(REPOSITORY, None, with_code=False).name == REVISION


@pytest.mark.parametrize(
    ("answer", "gated"),
    [(server.GATED, None), (server.FORBIDDEN, False), ((401, {}), True), ((403, {}), True)],
)
def test_a_gated_repository_says_how_to_be_let_in(
    hub: HubState, answer: tuple[int, dict[str, str]], gated: bool | None
) -> None:
    hub.fault("", answer)
    ways: tuple[Callable[[], object], ...] = (
        lambda: snapshot(record(gated=gated)),
        lambda: find_repository(REPOSITORY, "main", with_code=False, record=record(gated=gated)),
    )
    for fetch in ways:
        with pytest.raises(CheckpointNotFoundError) as caught:
            fetch()
        message = str(caught.value)
        terms = (
            f"The repository is gated: accept the conditions on {hub.endpoint}/{REPOSITORY}, and set "
            "HF_TOKEN or run: hf auth login. "
        )
        assert message.count(terms) == message.count("is gated") == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, {}), "403 Forbidden: None. The repository is gated: accept the conditions on "),
        (server.NO_REPOSITORY, "There is no such repository, or it is private: "),
    ],
)
def test_a_refusal_from_which_huggingface_hub_raises_another_error_is_told_as_one(
    hub: HubState, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, dict[str, str]], said: str
) -> None:
    def download(*arguments: Any, **options: Any) -> Any:
        try:
            return snapshot_download(*arguments, **options)
        except HfHubHTTPError as error:
            raise LocalEntryNotFoundError("Got: an error") from error

    monkeypatch.setattr("holotype.encoders.checkpoints.repository.snapshot_download", download)
    hub.fault("", answer)
    with pytest.raises(CheckpointNotFoundError) as caught:
        snapshot(record(gated=True if answer[0] == 403 else None))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "gated"),
    [((401, {}), None), ((401, {}), False), ((403, {}), None), (server.TOO_MANY, True)],
)
def test_a_repository_is_not_called_gated_without_proof(
    hub: HubState, answer: tuple[int, dict[str, str]], gated: bool | None
) -> None:
    hub.fault("", answer)
    with pytest.raises(CheckpointError) as caught:
        snapshot(record(gated=gated))
    assert "is gated" not in str(caught.value)


@pytest.mark.parametrize("trouble", ["a connection that breaks", "offline"])
def test_load_is_not_advised_as_the_commands_are(
    hub: HubState, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    hub.fault("", server.RESET)
    if trouble == "offline":
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError) as caught:
        find_repository(REPOSITORY, "main", with_code=False)
    assert "--from" not in str(caught.value)
    assert "HF_HUB_OFFLINE" in str(caught.value)


@pytest.mark.parametrize("sha", [5, ["a"], "../../..", "main", None])
def test_a_commit_that_is_none_is_refused(hub: HubState, sha: object) -> None:
    body = json.dumps({"id": REPOSITORY, "sha": sha, "siblings": []}).encode()
    hub.fault("/api/", (200, {}), body=body)
    with pytest.raises(
        CheckpointError, match=r"which commit this is: .* did not answer with the desc"
    ):
        find_repository(REPOSITORY, "main", with_code=False)
