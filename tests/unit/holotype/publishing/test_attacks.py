"""Attacks on whoever makes or opens an artifact; each must fail, and leave nothing behind."""

from __future__ import annotations

import json
import math
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from tests.unit.holotype.hub.checkpoints import as_json, bert, bert_tensors, dense, saved
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

from holotype.errors import CheckpointError, HolotypeError, UnsafeCheckpointError
from holotype.publishing import CreationOptions, create_artifact, open_artifact
from holotype.references import (
    MANIFEST_FILE,
    ArtifactDamagedError,
    ArtifactError,
    UnsafePathError,
    read_manifest,
)

OWN_CODE = {"auto_map": {"AutoModel": "modeling.Evil"}}


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        """Name the folder."""
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Say what makes the folder."""
        return os.mkdir, (str(self.path),)


def make(folder: Path, target: Path, **options: Any) -> None:
    create_artifact(f"local:{folder}", target, CreationOptions(**options))


@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("name", ["tokenizer.json", "1_Pooling"])
def test_a_link_out_of_a_folder_is_not_followed(
    checkpoint: Path, tmp_path: Path, name: str, link: bool
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "config.json").write_text('{"key": "secret"}')
    victim = checkpoint / name
    if name == "1_Pooling":
        (victim / "config.json").unlink()
        (victim / "config.json").symlink_to(secret / "config.json")
    else:
        victim.unlink()
        victim.symlink_to(secret / "config.json")
    with pytest.raises(UnsafePathError, match="is a link that leads out of the folder"):
        make(checkpoint, tmp_path / "artifact", link=link)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "secret"]


def test_a_folder_that_is_a_link_is_not_entered(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "1_Pooling").rename(tmp_path / "elsewhere")
    (checkpoint / "1_Pooling").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HolotypeError):
        make(checkpoint, tmp_path / "artifact")
    assert not (tmp_path / "artifact").exists()


def test_a_link_within_the_folder_becomes_a_file(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "tokenizer.json").rename(checkpoint / "other.bin")
    (checkpoint / "tokenizer.json").symlink_to("other.bin")
    make(checkpoint, tmp_path / "artifact")
    assert not (tmp_path / "artifact/tokenizer.json").is_symlink()
    assert open_artifact(tmp_path / "artifact", verify="full")


@pytest.mark.parametrize("path", ["../outside", "/etc", "1_Pooling/../../outside"])
def test_modules_outside_of_the_folder_are_refused(
    checkpoint: Path, tmp_path: Path, path: str
) -> None:
    modules = json.loads((checkpoint / "modules.json").read_text())
    modules[1]["path"] = path
    (checkpoint / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnsafeCheckpointError, match="points outside of the checkpoint"):
        make(checkpoint, tmp_path / "artifact")


def test_pickled_weights_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    files = dense() | {"pytorch_model.bin": b"pickle"}
    del files["model.safetensors"]
    saved(tmp_path / "checkpoint", files)
    with pytest.raises(UnsafeCheckpointError, match=r"--convert-pickles \(convert_pickles=True\)"):
        make(tmp_path / "checkpoint", tmp_path / "artifact")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_pickled_weights_of_a_repository_are_not_even_fetched(
    hub: HubState, tmp_path: Path
) -> None:
    del hub.repositories[REPOSITORY][REVISION]["model.safetensors"]
    with pytest.raises(UnsafeCheckpointError, match="only pickled weights"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert not hub.paths(".bin")


def test_a_pickle_that_runs_code_is_not_unpickled(tmp_path: Path) -> None:
    files = dense() | {"pytorch_model.bin": pickle.dumps(Bomb(tmp_path / "exploded"), protocol=2)}
    del files["model.safetensors"]
    saved(tmp_path / "checkpoint", files)
    with pytest.raises(UnsafeCheckpointError, match="would make more than tensors"):
        make(tmp_path / "checkpoint", tmp_path / "artifact", convert_pickles=True)
    torch.save({"weight": Bomb(tmp_path / "exploded")}, tmp_path / "checkpoint/pytorch_model.bin")
    with pytest.raises(UnsafeCheckpointError, match="would make more than tensors"):
        make(tmp_path / "checkpoint", tmp_path / "artifact", convert_pickles=True)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_pickled_weights_that_hold_no_tensors_are_refused(tmp_path: Path) -> None:
    files = dense()
    del files["model.safetensors"]
    saved(tmp_path / "checkpoint", {**files, "pytorch_model.bin": b"cut"})
    with pytest.raises(CheckpointError):
        make(tmp_path / "checkpoint", tmp_path / "artifact", convert_pickles=True)
    torch.save([1, 2], tmp_path / "checkpoint/pytorch_model.bin")
    with pytest.raises(CheckpointError, match="something else than tensors"):
        make(tmp_path / "checkpoint", tmp_path / "artifact", convert_pickles=True)


def test_pickled_weights_become_safetensors_where_that_is_asked_for(tmp_path: Path) -> None:
    files = dense()
    del files["model.safetensors"]
    saved(tmp_path / "checkpoint", files)
    tensors = {
        name: torch.arange(float(math.prod(shape))).reshape(shape)
        for name, (_, shape) in bert_tensors().items()
    }
    tensors["pooler.dense.weight"] = tensors["encoder.layer.0.attention.self.query.weight"]
    tensors["encoder.layer.0.output.dense.weight"] = torch.ones(64, 32).T
    torch.save(tensors, tmp_path / "checkpoint/pytorch_model.bin")
    make(tmp_path / "checkpoint", tmp_path / "artifact", convert_pickles=True)
    manifest = open_artifact(tmp_path / "artifact", verify="full")
    names = {file.path for file in manifest.files}
    assert "model.safetensors" in names
    assert not [name for name in names if name.endswith(".bin")]
    with safe_open(tmp_path / "artifact/model.safetensors", framework="pt") as kept:
        for name, tensor in tensors.items():
            assert torch.equal(kept.get_tensor(name), tensor)


def test_code_of_a_model_is_refused_with_the_way_to_allow_it(tmp_path: Path) -> None:
    saved(tmp_path / "checkpoint", dense(**OWN_CODE) | {"modeling.py": b"raise SystemExit"})
    with pytest.raises(UnsafeCheckpointError, match="trust_remote_code=True"):
        make(tmp_path / "checkpoint", tmp_path / "artifact")
    make(tmp_path / "checkpoint", tmp_path / "artifact", trust_remote_code=True)
    assert (tmp_path / "artifact/modeling.py").is_file()


def test_code_of_another_repository_is_refused_even_where_code_is_trusted(tmp_path: Path) -> None:
    config = {"auto_map": {"AutoModel": "other/repository--modeling.Evil"}}
    saved(tmp_path / "checkpoint", dense(**config))
    with pytest.raises(UnsafeCheckpointError, match="code of another repository"):
        make(tmp_path / "checkpoint", tmp_path / "artifact", trust_remote_code=True)


def test_modules_that_are_code_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    modules = json.loads((checkpoint / "modules.json").read_text())
    modules[1]["type"] = "modeling.Evil"
    (checkpoint / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnsafeCheckpointError, match="code of the checkpoint itself"):
        make(checkpoint, tmp_path / "artifact", trust_remote_code=True)


@pytest.mark.parametrize(
    "name", ["adapter_config.json", "modeling.py", "config_sentence_transformers.json"]
)
def test_a_file_that_is_slipped_into_an_artifact_is_noticed(
    checkpoint: Path, tmp_path: Path, name: str
) -> None:
    make(checkpoint, tmp_path / "artifact")
    (tmp_path / "artifact" / name).write_text("{}")
    with pytest.raises(ArtifactDamagedError, match=f"extra: {name}"):
        open_artifact(tmp_path / "artifact")


def test_a_file_that_is_changed_for_a_link_is_noticed(checkpoint: Path, tmp_path: Path) -> None:
    make(checkpoint, tmp_path / "artifact")
    config = tmp_path / "artifact/config.json"
    config.rename(tmp_path / "same")
    config.symlink_to(tmp_path / "same")
    with pytest.raises(ArtifactDamagedError, match=r"not a file: config\.json \(a symbolic link\)"):
        open_artifact(tmp_path / "artifact")


def test_a_stranger_who_replaces_the_manifest_gains_no_path_outside(
    checkpoint: Path, tmp_path: Path
) -> None:
    make(checkpoint, tmp_path / "artifact")
    (tmp_path / "outside.json").write_text("{}")
    values = json.loads((tmp_path / "artifact" / MANIFEST_FILE).read_text())
    values["files"][0]["path"] = "../outside.json"
    (tmp_path / "artifact" / MANIFEST_FILE).write_text(json.dumps(values))
    for read in (open_artifact, read_manifest):
        with pytest.raises(UnsafePathError):
            read(tmp_path / "artifact")
    with pytest.raises(UnsafePathError):
        create_artifact(f"local:{tmp_path}/artifact", tmp_path / "copy")


def test_a_staging_folder_that_is_a_link_is_not_used(checkpoint: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("mine")
    (tmp_path / ".artifact.partial").symlink_to(victim)
    with pytest.raises(ArtifactError, match="is a link; remove it"):
        make(checkpoint, tmp_path / "artifact")
    assert (victim / "precious").read_text() == "mine"


def test_a_token_is_in_no_manifest_and_in_no_error(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "hf_" + "s3cr3t" * 6
    monkeypatch.setenv("HF_TOKEN", token)
    manifest = create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert [request.token for request in hub.requests if request.token] != []
    assert token not in manifest.to_json()
    hub.fault("/api/", (401, {"X-Error-Message": f"bad token {token}"}))
    with pytest.raises(HolotypeError) as caught:
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "other")
    assert token not in str(caught.value)


def test_a_deep_or_huge_settings_file_is_refused_and_does_not_crash(
    checkpoint: Path, tmp_path: Path
) -> None:
    (checkpoint / "config.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError):
        make(checkpoint, tmp_path / "artifact")


def test_a_header_that_claims_more_than_there_is_is_refused(
    checkpoint: Path, tmp_path: Path
) -> None:
    (checkpoint / "model.safetensors").write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError):
        make(checkpoint, tmp_path / "artifact")


def test_an_entry_that_claims_to_need_no_code_runs_none(tmp_path: Path) -> None:
    """Such a claim only means that transformers' own class is taken."""
    saved(tmp_path / "checkpoint", bert(**OWN_CODE) | {"modules.json": dense()["modules.json"]})
    pooling = {"1_Pooling/config.json": as_json({"pooling_mode": "mean"})}
    saved(tmp_path / "checkpoint", pooling | {"modeling.py": b"raise SystemExit"})
    make(tmp_path / "checkpoint", tmp_path / "artifact", trust_remote_code=True)
    manifest = read_manifest(tmp_path / "artifact")
    claim = replace(manifest, record=replace(manifest.record, requires_remote_code=False))
    (tmp_path / "artifact" / MANIFEST_FILE).write_text(claim.to_json())
    assert open_artifact(tmp_path / "artifact").record.requires_remote_code is False
