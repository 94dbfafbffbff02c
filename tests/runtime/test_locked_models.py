"""A lock file: exact files, refused where anything differs, and proven to need no network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.holotype.cli.command import Answer, run

from holotype import load
from holotype.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactNotFoundError,
    LockFileError,
    LockMismatchError,
    NotLockedError,
)
from holotype.publishing.alias_switching import set_alias
from holotype.publishing.contents import CreationOptions
from holotype.publishing.creating import create_artifact
from holotype.publishing.pushing import push_artifact
from holotype.references import ModelRef, read_manifest
from holotype.references.lock_file import LockedModel, LockFile, locked_folder, read_lock

OBJECTS = "memory://models/locked/minilm"


@pytest.fixture(scope="module")
def artifact(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real MiniLM as an artifact."""
    folder = tmp_path_factory.mktemp("store") / "model-v1"
    options = CreationOptions(entry="all-minilm-l6-v2")
    create_artifact(ModelRef(scheme="local", location=str(minilm_folder)), folder, options)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HOLOTYPE_LOCK", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def store(artifact: Path, tmp_path: Path) -> Iterator[Path]:
    """A store whose production is MiniLM; it is also in an object store."""
    shutil.copytree(artifact, tmp_path / "artifacts" / "model-v1")
    set_alias(tmp_path / "artifacts", "production", "model-v1")
    push_artifact(artifact, ModelRef.parse(OBJECTS))
    yield tmp_path / "artifacts"


@pytest.fixture
def production(store: Path) -> str:
    return f"local:{store}@production"


@pytest.fixture
def lock(production: str, tmp_path: Path) -> Path:
    """A lock of the alias and of the object store."""
    path = tmp_path / "holotype.lock"
    assert locked("artifact", "lock", production, OBJECTS, lock=path).exit_code == 0
    return path


def locked(*arguments: str, lock: Path) -> Answer:
    return run(*arguments, "--lock", str(lock), catalogue="holotype.models")


def test_a_lock_names_the_digest_of_every_file(lock: Path, production: str) -> None:
    model = read_lock(lock).find(ModelRef.parse(production))
    assert model is not None
    assert model.fingerprint is not None
    names = [file.path for file in model.files]
    assert "model.safetensors" in names
    assert all(len(file.sha256) == 64 for file in model.files)


def test_a_locked_model_loads(lock: Path, production: str) -> None:
    assert load(ModelRef.parse(production), lock=lock).config.dim == 384
    assert load(ModelRef.parse(OBJECTS), lock=lock, verify="full").config.dim == 384


def test_the_lock_of_the_environment_counts(
    lock: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_LOCK", str(lock))
    with pytest.raises(
        NotLockedError, match="does not name it; add it with: holotype artifact lock local:"
    ):
        load(ModelRef.parse(f"local:{store}/model-v1"))


def test_ids_and_records_are_refused_under_a_lock(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_LOCK", str(lock))
    with pytest.raises(NotLockedError, match="load 'catalogue:all-minilm-l6-v2'"):
        load("all-minilm-l6-v2")


def test_an_alias_that_was_switched_is_refused_under_the_lock(
    lock: Path, production: str, store: Path
) -> None:
    shutil.copytree(store / "model-v1", store / "model-v2")
    changed(store / "model-v2")
    set_alias(store, "production", "model-v2")
    with pytest.raises(LockMismatchError, match="manifest: sha256:"):
        load(ModelRef.parse(production), lock=lock)
    answer = locked("artifact", "lock", "--check", lock=lock)
    assert (answer.exit_code, "manifest: sha256:" in answer.stderr) == (1, True)


def changed(folder: Path) -> None:
    """Make another artifact of a folder, which is sound in itself."""
    manifest = replace(read_manifest(folder), commit="2" * 40)
    (folder / "artifact.json").write_text(manifest.to_json(), encoding="utf-8")


def test_bytes_that_differ_are_refused(lock: Path, production: str, store: Path) -> None:
    config = store / "model-v1" / "config.json"
    config.write_bytes(config.read_bytes().replace(b"gelu", b"relu"))
    with pytest.raises(ArtifactDamagedError, match=r"changed: config\.json"):
        load(ModelRef.parse(production), lock=lock, verify="full")
    assert locked("download", lock=lock).exit_code == 1
    assert locked("artifact", "lock", "--check", lock=lock).exit_code == 1


def test_loading_under_a_lock_fetches_nothing(lock: Path, cache: Path) -> None:
    shutil.rmtree(cache)
    with pytest.raises(ArtifactNotFoundError, match="run: holotype download --lock"):
        load(ModelRef.parse(OBJECTS), lock=lock)
    assert not cache.exists()


def test_download_fetches_what_is_missing(lock: Path, cache: Path) -> None:
    shutil.rmtree(cache)
    answer = locked("download", lock=lock)
    assert answer.exit_code == 0, answer.stderr
    assert load(ModelRef.parse(OBJECTS), lock=lock).config.dim == 384


def test_download_refuses_an_object_store_that_has_another_artifact(
    lock: Path, artifact: Path, tmp_path: Path, cache: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(artifact, other)
    changed(other)
    ref = ModelRef.parse("memory://models/locked/other")
    push_artifact(other, ref)
    text = json.loads(lock.read_text())
    text["models"] = [each for each in text["models"] if each["reference"] == OBJECTS]
    text["models"][0]["reference"] = str(ref)
    lock.write_text(json.dumps(text))
    shutil.rmtree(cache)
    answer = locked("download", lock=lock)
    assert (answer.exit_code, "commit: 222222" in answer.stderr) == (1, True)
    assert not cache.exists()


def test_check_agrees_with_what_was_just_locked_and_locking_again_changes_nothing(
    lock: Path,
) -> None:
    before = lock.read_bytes()
    assert locked("artifact", "lock", "--check", lock=lock).exit_code == 0
    assert locked("artifact", "lock", lock=lock).exit_code == 0
    assert lock.read_bytes() == before


def test_every_locked_model_loads_with_the_network_denied(lock: Path, production: str) -> None:
    answer = locked("download", "--offline", lock=lock)
    assert answer.exit_code == 0, answer.stdout + answer.stderr
    assert answer.lines == [[production, "loads"], [OBJECTS, "loads"]]
    assert answer.stderr == f"{lock}: 2 models, loaded with the network denied\n"


def test_a_model_that_is_not_there_fails_the_proof(lock: Path, cache: Path) -> None:
    shutil.rmtree(cache)
    answer = locked("download", "--offline", lock=lock)
    assert answer.exit_code == 1
    assert f"{OBJECTS}\tArtifactNotFoundError" in answer.stdout


def test_a_lock_that_is_missing_is_an_error_of_one_line(tmp_path: Path) -> None:
    answer = locked("download", "--offline", lock=tmp_path / "none.lock")
    assert answer.exit_code == 1
    assert answer.stderr.startswith("error: ")
    assert "none.lock: cannot be read" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_the_network_is_really_denied() -> None:
    code = """
from holotype.publishing.offline import NetworkDeniedError, deny_network
import socket, urllib.request
deny_network()
for use in (
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    lambda: urllib.request.urlopen("http://127.0.0.1:9"),
):
    try:
        use()
    except NetworkDeniedError:
        print("denied")
"""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["denied"] * 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2, "models": []}',
        '{"format": 1}',
        '{"format": 1, "models": [{}]}',
        '{"format": 1, "models": 7}',
    ],
)
def test_a_damaged_lock_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "holotype.lock").write_text(text)
    with pytest.raises(LockFileError):
        read_lock(tmp_path / "holotype.lock")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", "org/model"),
        ("reference", "s3://user:secret@bucket/prefix"),
        ("digest", None),
        ("digest", "sha256:../../etc"),
        ("commit", "main"),
        ("fingerprint", 7),
        ("files", []),
        ("files", [{"path": "../x", "size": 1, "sha256": "0" * 64}]),
    ],
)
def test_a_lock_file_of_a_stranger_is_not_trusted(lock: Path, field: str, value: object) -> None:
    values = json.loads(lock.read_text())
    values["models"][0][field] = value
    lock.write_text(json.dumps(values))
    with pytest.raises(ArtifactError) as caught:
        read_lock(lock)
    assert "secret" not in str(caught.value)


def test_a_missing_lock_file_is_an_error_and_never_ignored(
    production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_LOCK", str(tmp_path / "no.lock"))
    with pytest.raises(LockFileError, match="artifact lock REF"):
        load(ModelRef.parse(production))


def test_a_reference_is_in_a_lock_file_once(lock: Path) -> None:
    model = read_lock(lock).models[0]
    assert isinstance(model, LockedModel)
    lock.write_text(LockFile(models=(model, model)).to_json())
    with pytest.raises(LockFileError, match="names a reference twice"):
        locked_folder(model.reference, lock)
