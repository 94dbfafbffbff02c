"""Weights of an artifact that changed and kept their size are refused, whatever loads them."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime.bge_m3 import COLBERT, DENSE, save_bge_m3
from tests.runtime.server_process import local, running_server, write_deployment
from tests.unit.holotype.registry.loadable import make_dense

from holotype.adapters.identity import load_again
from holotype.deployment.document import ReferenceSource
from holotype.encoders import load, load_from_env, load_modes
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.exports import export
from holotype.errors import ArtifactDamagedError, InvalidArgumentError
from holotype.pool import ModelLoadError, Pool, Sizes
from holotype.publishing import create_artifact, set_alias
from holotype.publishing.locking import lock_model
from holotype.references import MANIFEST_FILE, FileEntry, read_manifest
from holotype.references.hashing import hash_file
from holotype.references.lock_file import LockFile
from holotype.references.ref import ModelRef
from holotype.registry import Database, ModelRegistry, fetch_version, load_version, upgrade

REFUSED = r"changed: model\.safetensors \(sha256"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one artifact, to which an alias points."""
    make_dense(tmp_path / "store" / "v1")
    set_alias(tmp_path / "store", "production", "v1")
    return tmp_path / "store"


@pytest.fixture
def artifact(store: Path) -> Path:
    return store / "v1"


def retrain(artifact: Path) -> None:
    """Change one byte of the weights; the size and the time of modification stay."""
    weights = artifact / "model.safetensors"
    body = bytearray(weights.read_bytes())
    body[-1] ^= 1
    status = weights.stat()
    weights.write_bytes(body)
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))


@contextmanager
def refused(
    error: type[Exception] = ArtifactDamagedError,
) -> Iterator[pytest.ExceptionInfo[Exception]]:
    with pytest.raises(error, match=REFUSED) as told:
        yield told


def write_lock(reference: str, file: Path) -> None:
    file.write_text(LockFile(models=(lock_model(ModelRef.parse(reference)),)).to_json())


def remember_what_was_just_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let digests be remembered of files that are new, too, as they are of older ones."""
    monkeypatch.setattr("holotype.references.hashing._TICK_NS", 0)


WAYS: dict[str, Callable[[Path], Any]] = {
    "reference": lambda store: load(f"local:{store}/v1", device="cpu"),
    "path": lambda store: load(store / "v1", device="cpu"),
    "alias": lambda store: load(f"local:{store}@production", device="cpu"),
    "checkpoint": lambda store: load(
        read_manifest(store / "v1").record, checkpoint=store / "v1", device="cpu"
    ),
    "export": lambda store: export(f"local:{store}/v1", backend="onnx", to=store.parent / "made"),
}


@pytest.mark.parametrize("way", WAYS)
def test_changed_weights_are_not_loaded(store: Path, way: str) -> None:
    retrain(store / "v1")
    with refused():
        WAYS[way](store)


def test_changed_weights_are_not_loaded_from_the_environment(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_MODEL_REF", f"local:{store}@production")
    retrain(store / "v1")
    with refused():
        load_from_env(device="cpu")


def test_changed_weights_are_not_loaded_under_a_lock(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, file = f"local:{store}@production", store.parent / "holotype.lock"
    write_lock(reference, file)
    with load(reference, lock=file, device="cpu") as encoder:
        assert encoder.fingerprint
    retrain(store / "v1")
    with refused():
        load(reference, lock=file, device="cpu")
    monkeypatch.setenv("HOLOTYPE_LOCK", str(file))
    with refused():
        load(reference, device="cpu")


def test_a_lock_does_not_go_with_a_comparison_of_sizes(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, file = f"local:{store}@production", store.parent / "holotype.lock"
    write_lock(reference, file)
    with pytest.raises(InvalidArgumentError, match=r"states the digest of each; leave verify= out"):
        load(reference, lock=file, verify="sizes")
    monkeypatch.setenv("HOLOTYPE_LOCK", str(file))
    with pytest.raises(InvalidArgumentError, match=r"states the digest of each; leave verify= out"):
        load(reference, verify="sizes")


def test_a_comparison_of_sizes_loads_them_and_their_fingerprint_is_another(
    artifact: Path,
) -> None:
    with load(artifact, device="cpu") as encoder:
        before = encoder.fingerprint
    retrain(artifact)
    with load(artifact, device="cpu", verify="sizes") as encoder:
        assert encoder.fingerprint != before
        assert not encoder.has_fingerprint(before)


def test_an_encoder_is_not_loaded_again_from_changed_weights(artifact: Path) -> None:
    with load(artifact, device="cpu") as encoder:
        assert isinstance(encoder, DenseEncoder)
        pickled = pickle.dumps(encoder)
        retrain(artifact)
        with refused():
            pickle.loads(pickled)  # made here
        # Adapters and workers of a cluster load a configuration.
        with refused():
            load(encoder.config)
        with refused():
            load_again(encoder.config)


def test_a_further_device_takes_no_changed_weights(artifact: Path) -> None:
    with load(artifact, device="cpu") as encoder:
        assert isinstance(encoder, DenseEncoder)
        expected = encoder.encode("a text")
        retrain(artifact)
        with refused():
            encoder.encode(["a text"] * 4, devices=["cpu", "cpu:0"])
        # What is in memory is what was compared.
        np.testing.assert_array_equal(encoder.encode("a text"), expected)


def test_several_modes_are_not_loaded_from_changed_weights(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    checkpoint = save_bge_m3(tmp_path / "made")
    manifest = create_artifact(f"local:{checkpoint}", tmp_path / "v1")
    # An artifact of one mode lacks what another one reads beside it.
    layer = tmp_path / "v1/colbert_linear.safetensors"
    shutil.copy(checkpoint / layer.name, layer)
    entry = FileEntry(path=layer.name, size=layer.stat().st_size, sha256=hash_file(layer))
    files = tuple(sorted((*manifest.files, entry), key=lambda file: file.path))
    (tmp_path / "v1" / MANIFEST_FILE).write_text(replace(manifest, files=files).to_json())
    with load_modes(dense=DENSE, colbert=COLBERT, checkpoint=tmp_path / "v1", device="cpu"):
        retrain(tmp_path / "v1")
    with refused():
        load_modes(dense=DENSE, colbert=COLBERT, checkpoint=tmp_path / "v1", device="cpu")


def test_weights_are_read_once_for_loads_and_fingerprints(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_what_was_just_written(monkeypatch)
    with load(artifact, device="cpu") as encoder:
        fingerprint = encoder.fingerprint

    def never(path: Path) -> str:
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr("holotype.references.hashing.hash_file", never)
    with load(artifact, device="cpu") as encoder:
        assert encoder.fingerprint == fingerprint


def test_a_pool_loads_no_changed_weights(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_what_was_just_written(monkeypatch)
    builder = Pool.builder().with_model("search", f"local:{artifact}", device="cpu")
    with builder.remember_sizes_in(Sizes(None)).build() as pool:
        search = pool.encoder("search")
        expected = search.encode_query("a text")
        retrain(artifact)
        # What is loaded goes on; what is loaded again is compared again.
        np.testing.assert_array_equal(search.encode_query("a text"), expected)
        pool.unload("search")
        with refused(ModelLoadError) as told:
            search.encode_query("a text")
        found = str(told.value).splitlines()[0]
        assert found.startswith(f"'search' could not be loaded from local:{artifact}: 1 file of")


def test_a_swap_takes_no_changed_weights(store: Path) -> None:
    make_dense(store / "v2")
    builder = Pool.builder().with_model("search", f"local:{store}/v1", device="cpu")
    with builder.remember_sizes_in(Sizes(None)).build() as pool:
        expected = pool.encoder("search").encode_query("a text")
        retrain(store / "v2")
        with refused(ModelLoadError):
            pool.swap("search", ReferenceSource(ref=ModelRef.parse(f"local:{store}/v2")))
        np.testing.assert_array_equal(pool.encoder("search").encode_query("a text"), expected)


def test_a_server_does_not_answer_with_changed_weights(artifact: Path, tmp_path: Path) -> None:
    deployment = write_deployment(tmp_path, {"search": local(artifact, "inference: {device: cpu}")})
    with running_server(deployment=str(deployment)) as server:
        asked = {"model": "search", "input": "a text"}
        answer = server.post("/v1/embeddings", asked)
        assert answer.status_code == 200
        retrain(artifact)
        server.state.pool.unload("search")
        answer = server.post("/v1/embeddings", asked)
        assert answer.status_code == 424
        assert "changed: model.safetensors" in answer.text


def test_a_version_of_a_registry_is_not_loaded_from_changed_weights(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_what_was_just_written(monkeypatch)
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        upgrade(database)
        registry = ModelRegistry(database)
        version = registry.register("text_embedding", "v1", artifact, actor="tests")
        load_version(version, device="cpu").close()
        retrain(artifact)
        with refused():
            load_version(version, device="cpu")
        with refused():
            fetch_version(version)
        with refused():
            registry.register("text_embedding", "v2", artifact, actor="tests")
