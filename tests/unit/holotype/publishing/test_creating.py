from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from tests.unit.holotype.hub.checkpoints import (
    as_json,
    bert,
    bert_tensors,
    classifier,
    colbert_stanford,
    dense,
    modules,
    safetensors,
    saved,
)
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

from holotype.encoders.checkpoints.checkpoint import INDEX_FILE, Checkpoint
from holotype.encoders.checkpoints.routes import module_folders
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    HolotypeError,
    TensorError,
    UnsafeCheckpointError,
)
from holotype.publishing import CreationOptions, create_artifact, open_artifact
from holotype.publishing.alias_switching import set_alias
from holotype.publishing.selection import select_files
from holotype.references import (
    MANIFEST_FILE,
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    FileEntry,
    check_contents,
    read_manifest,
)
from holotype.references.aliases import alias_names
from holotype.references.hashing import OnBytes
from holotype.references.staging import stage_folder

NEEDED = [
    "1_Pooling/config.json",
    "LICENSE",
    "README.md",
    "config.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
]


def left(folder: Path) -> list[str]:
    """What lies in a folder beside the sources of a test."""
    return sorted(path.name for path in folder.iterdir() if path.name != "checkpoint")


def test_only_what_a_model_needs_is_taken(checkpoint: Path, tmp_path: Path) -> None:
    manifest = create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    assert [file.path for file in manifest.files] == NEEDED
    assert check_contents(tmp_path / "artifact", manifest) == ()
    assert read_manifest(tmp_path / "artifact") == manifest
    assert left(tmp_path) == ["artifact"]


def test_the_manifest_says_what_the_model_is(checkpoint: Path, tmp_path: Path) -> None:
    manifest = create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    assert manifest.record.type == "dense"
    assert manifest.record.embedding_dim == 32
    assert manifest.record.license == "mit"
    assert manifest.fingerprint is not None
    assert manifest.labels == ()
    assert manifest.commit is None
    assert manifest.tool.startswith("holotype")
    assert str(manifest.reference) == f"local:{checkpoint}"


def test_labels_are_kept_in_the_order_of_the_outputs(tmp_path: Path) -> None:
    saved(tmp_path / "checkpoint", classifier())
    manifest = create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert manifest.labels == ("first", "second", "last")
    assert manifest.record.type == "classifier"


def test_a_late_interaction_model_has_a_fingerprint(tmp_path: Path) -> None:
    saved(tmp_path / "checkpoint", colbert_stanford())
    manifest = create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert manifest.record.type == "colbert"
    assert manifest.fingerprint is not None


def test_the_same_model_gives_the_same_digest(checkpoint: Path, tmp_path: Path) -> None:
    first = create_artifact(f"local:{checkpoint}", tmp_path / "one")
    second = create_artifact(f"local:{checkpoint}", tmp_path / "two")
    assert first.digest == second.digest


def test_an_artifact_is_copied_with_all_that_its_manifest_says(
    checkpoint: Path, tmp_path: Path
) -> None:
    first = create_artifact(f"local:{checkpoint}", tmp_path / "one")
    second = create_artifact(f"local:{tmp_path}/one", tmp_path / "two")
    assert second == first
    assert open_artifact(tmp_path / "two", verify="full") == first


def test_a_damaged_artifact_is_not_copied(checkpoint: Path, tmp_path: Path) -> None:
    create_artifact(f"local:{checkpoint}", tmp_path / "one")
    body = (tmp_path / "one/model.safetensors").read_bytes()
    (tmp_path / "one/model.safetensors").write_bytes(body[:-1] + b"x")
    with pytest.raises(ArtifactDamagedError, match=r"changed: model\.safetensors"):
        create_artifact(f"local:{tmp_path}/one", tmp_path / "two")
    assert left(tmp_path) == ["one"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_exists_is_not_overwritten(checkpoint: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "artifact"
    if kind == "link":
        target.symlink_to(tmp_path / "nowhere")
    elif kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine").write_text("mine")
    with pytest.raises(ArtifactExistsError, match=r"is there already.*, and is not overwritten"):
        create_artifact(f"local:{checkpoint}", target)
    assert left(tmp_path) == ["artifact"]


def test_an_empty_folder_becomes_the_artifact(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "artifact"
    target.mkdir(mode=0o700)
    manifest = create_artifact(f"local:{checkpoint}", target)
    assert open_artifact(target) == manifest
    assert left(tmp_path) == ["artifact"]
    assert target.stat().st_mode & 0o777 == 0o700


def test_the_current_folder_is_not_replaced(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "artifact").mkdir()
    monkeypatch.chdir(tmp_path / "artifact")
    with pytest.raises(ArtifactExistsError, match="is the current folder"):
        create_artifact(f"local:{checkpoint}", Path())
    assert left(tmp_path) == ["artifact"]


def test_what_is_put_into_an_empty_folder_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "artifact"
    target.mkdir()
    with (
        pytest.raises(ArtifactExistsError, match="has come to be meanwhile"),
        stage_folder(target) as staging,
    ):
        (staging / "made").write_text("made")
        (target / "mine").write_text("mine")
    assert (target / "mine").read_text() == "mine"


def test_files_that_are_not_needed_may_have_any_name(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "no\tpath: at all?").write_text("x")
    (checkpoint / "link").symlink_to("/etc/passwd")
    manifest = create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    assert [file.path for file in manifest.files] == NEEDED


def test_a_source_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match="no other place is tried"):
        create_artifact(f"local:{tmp_path}/nowhere", tmp_path / "artifact")
    assert left(tmp_path) == []


def test_a_record_that_contradicts_the_files_makes_no_artifact(
    checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(CatalogueMismatchError):
        create_artifact(
            f"local:{checkpoint}",
            tmp_path / "artifact",
            CreationOptions(entry="all-minilm-l6-v2"),
        )
    assert left(tmp_path) == []


def test_a_folder_without_weights_makes_no_artifact(tmp_path: Path) -> None:
    files = dense()
    del files["model.safetensors"]
    saved(tmp_path / "checkpoint", files)
    with pytest.raises(CheckpointError, match="has no weights"):
        create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert left(tmp_path) == []


def test_copies_share_nothing_with_their_source(checkpoint: Path, tmp_path: Path) -> None:
    create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    with (checkpoint / "config.json").open("ab") as file:
        file.write(b"changed")
    assert open_artifact(tmp_path / "artifact", verify="full")


def test_links_share_all_with_their_source_where_that_is_asked_for(
    checkpoint: Path, tmp_path: Path
) -> None:
    create_artifact(f"local:{checkpoint}", tmp_path / "artifact", CreationOptions(link=True))
    assert (tmp_path / "artifact/model.safetensors").samefile(checkpoint / "model.safetensors")
    assert not (tmp_path / "artifact" / MANIFEST_FILE).is_symlink()
    assert open_artifact(tmp_path / "artifact", verify="full")


def test_shards_come_with_their_index_and_whole_weights_without(tmp_path: Path) -> None:
    weights = dense()["model.safetensors"]
    shards = {
        "model-00001-of-00002.safetensors": weights,
        "model-00002-of-00002.safetensors": weights,
        "model.safetensors.index.json": json.dumps(
            {
                "weight_map": {
                    "a": "model-00001-of-00002.safetensors",
                    "b": "model-00002-of-00002.safetensors",
                }
            }
        ).encode(),
    }
    files = dense()
    saved(tmp_path / "whole", files | shards)
    del files["model.safetensors"]
    saved(tmp_path / "sharded", files | shards)
    whole = create_artifact(f"local:{tmp_path}/whole", tmp_path / "one")
    sharded = create_artifact(f"local:{tmp_path}/sharded", tmp_path / "two")
    assert not {file.path for file in whole.files} & set(shards)
    assert {file.path for file in sharded.files} >= set(shards)


def in_shards(*shards: str) -> dict[str, bytes]:
    """A dense model whose weights lie in these files, by its index."""
    files = dense()
    weights = files.pop("model.safetensors")
    index = {"weight_map": {f"tensor.{at}": shard for at, shard in enumerate(shards)}}
    return files | dict.fromkeys(shards, weights) | {INDEX_FILE: as_json(index)}


def test_shards_are_those_that_the_index_names(tmp_path: Path) -> None:
    shards = ("part-a.safetensors", "parts/b.safetensors")
    others = {"model-00001-of-00001.safetensors": b"", "other.safetensors": b""}
    saved(tmp_path / "checkpoint", in_shards(*shards))
    for name, body in others.items():
        (tmp_path / "checkpoint" / name).write_bytes(body)
    manifest = create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    taken = {file.path for file in manifest.files}
    assert taken >= {*shards, INDEX_FILE}
    assert not taken & {*others}


def test_a_single_shard_comes_with_its_index(tmp_path: Path) -> None:
    saved(tmp_path / "checkpoint", in_shards("model-00001-of-00001.safetensors"))
    manifest = create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert INDEX_FILE in {file.path for file in manifest.files}


def test_a_missing_shard_makes_no_artifact(tmp_path: Path) -> None:
    saved(tmp_path / "checkpoint", in_shards("a.safetensors", "b.safetensors"))
    (tmp_path / "checkpoint" / "b.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"the file b\.safetensors is missing"):
        create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert left(tmp_path) == []


def test_links_that_lead_to_each_other_are_named(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "model.safetensors").symlink_to("model.safetensors")
    with pytest.raises(HolotypeError, match=r"model\.safetensors"):
        create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    assert not (tmp_path / "artifact").exists()


@pytest.mark.parametrize("shard", ["../outside.safetensors", "/etc/outside.safetensors"])
def test_an_index_points_to_nothing_outside(tmp_path: Path, shard: str) -> None:
    saved(tmp_path / "checkpoint", in_shards("a.safetensors"))
    index = as_json({"weight_map": {"a": shard}})
    (tmp_path / "checkpoint" / INDEX_FILE).write_bytes(index)
    with pytest.raises(UnsafeCheckpointError, match=r"index\.json: points outside of the check"):
        create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert left(tmp_path) == []


ROUTED = {
    "modules.json": modules("sentence_transformers.models.Router"),
    "router_config.json": as_json(
        {
            "types": {
                "query_0_SparseStaticEmbedding": "sentence_transformers.SparseStaticEmbedding",
                "document_0_MLMTransformer": "sentence_transformers.MLMTransformer",
            }
        }
    ),
    "query_0_SparseStaticEmbedding/model.safetensors": b"weights",
    "document_0_MLMTransformer/config.json": b"{}",
    "document_0_MLMTransformer/onnx/model.onnx": b"onnx",
    "other/config.json": b"{}",
}


def test_the_modules_of_a_router_are_taken(tmp_path: Path) -> None:
    for name, body in ROUTED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    taken = select_files(list(ROUTED), tmp_path, location="here")
    assert set(ROUTED) - set(taken) == {
        "document_0_MLMTransformer/onnx/model.onnx",
        "other/config.json",
    }


@pytest.mark.parametrize("id", ["../outside", "/etc"])
def test_a_router_points_to_nothing_outside(tmp_path: Path, id: str) -> None:
    (tmp_path / "modules.json").write_bytes(ROUTED["modules.json"])
    (tmp_path / "router_config.json").write_bytes(as_json({"types": {id: "x"}}))
    with pytest.raises(UnsafeCheckpointError, match="points outside of the checkpoint"):
        module_folders(Checkpoint(tmp_path))


def test_two_processes_do_not_make_one_artifact(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "artifact"
    with (
        stage_folder(target) as staging,
        pytest.raises(ArtifactError, match="another process is making artifact"),
    ):
        (staging / "file").write_text("x")
        create_artifact(f"local:{checkpoint}", target)
    assert [path.name for path in target.iterdir()] == ["file"]


def test_progress_counts_what_is_copied(checkpoint: Path, tmp_path: Path) -> None:
    totals: list[int] = []
    passed: list[int] = []

    def on_total(n_bytes: int) -> OnBytes:
        totals.append(n_bytes)
        return passed.append

    manifest = create_artifact(f"local:{checkpoint}", tmp_path / "a", on_total=on_total)
    assert totals == [manifest.size]
    assert sum(passed) == manifest.size


def test_a_folder_that_cannot_be_written_is_named(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError, match="cannot be made"):
        create_artifact(f"local:{checkpoint}", tmp_path / "file" / "artifact")


def test_nothing_is_copied_to_a_disk_without_room(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> Any:
        return SimpleNamespace(free=10)

    monkeypatch.setattr("shutil.disk_usage", full)
    with pytest.raises(ArtifactError, match=r"has 10 bytes free, and the files .* take \d"):
        create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    assert left(tmp_path) == []
    create_artifact(f"local:{checkpoint}", tmp_path / "linked", CreationOptions(link=True))


TENSOR, TABLE = "encoder.layer.1.output.dense.bias", "embeddings.LayerNorm.weight"


def without_tensor(name: str) -> bytes:
    tensors = bert_tensors()
    del tensors[name]
    return safetensors(tensors)


@pytest.mark.parametrize("missing", [TENSOR, TABLE])
def test_a_transformer_that_lacks_one_tensor_becomes_no_artifact(
    checkpoint: Path, tmp_path: Path, missing: str
) -> None:
    (checkpoint / "model.safetensors").write_bytes(without_tensor(missing))
    with pytest.raises(TensorError, match=f"1 missing: {missing}"):
        create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    assert left(tmp_path) == []


def replaced_weights(folder: Path, weights: bytes) -> None:
    """Exchange the weights of an artifact, and make its manifest say so."""
    (folder / "model.safetensors").write_bytes(weights)
    digest = hashlib.sha256(weights).hexdigest()
    manifest = read_manifest(folder)
    files = tuple(
        FileEntry(path=file.path, size=len(weights), sha256=digest)
        if file.path == "model.safetensors"
        else file
        for file in manifest.files
    )
    (folder / "artifact.json").write_text(replace(manifest, files=files).to_json())


BROKEN: dict[str, tuple[bytes, Literal["sizes", "full"]]] = {
    "no tensors": (b"no weights", "sizes"),
    "a layer that lacks a tensor": (without_tensor(TENSOR), "sizes"),
    "a table that is missing": (without_tensor(TABLE), "full"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_alias_is_not_set_to_what_cannot_load(
    checkpoint: Path, tmp_path: Path, name: str
) -> None:
    weights, verify = BROKEN[name]
    store = tmp_path / "store"
    create_artifact(f"local:{checkpoint}", store / "model-v1")
    set_alias(store, "production", "model-v1", verify=verify)
    create_artifact(f"local:{checkpoint}", store / "broken")
    replaced_weights(store / "broken", weights)
    open_artifact(store / "broken", verify="full")
    with pytest.raises(CheckpointError):
        set_alias(store, "staging", "broken", verify=verify)
    assert alias_names(store) == ("production",)


DAMAGES: dict[str, dict[str, bytes]] = {
    "a damaged configuration": {"config.json": b"{"},
    "weights that are cut off": {"model.safetensors": bytes(3)},
    "no tokens": {"tokenizer.json": b"{}"},
    "a tensor that is missing": {"model.safetensors": without_tensor(TABLE)},
    "a width that no tensor has": {
        "config.json": as_json(json.loads(bert()["config.json"]) | {"hidden_size": 40})
    },
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("source", ["local", "hf"])
def test_an_error_names_the_files_of_the_user_and_not_their_copies(
    name: str, source: str, checkpoint: Path, hub: HubState, tmp_path: Path
) -> None:
    for path, body in DAMAGES[name].items():
        (checkpoint / path).write_bytes(body)
        hub.repositories[REPOSITORY][REVISION][path] = body
    where = str(checkpoint) if source == "local" else f"{REPOSITORY}@{REVISION}"
    ref = f"local:{checkpoint}" if source == "local" else f"hf:{where}"
    with pytest.raises(CheckpointError) as caught:
        create_artifact(ref, tmp_path / "artifact")
    assert where in str(caught.value)
    assert ".partial" not in str(caught.value)
