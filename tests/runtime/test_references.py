"""Models that references name: loaded, with the fingerprints that their manifests promise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.parity import DenseRecord, Save
from tests.unit.holotype.hub.server import serving

from holotype.encoders import load, load_from_env
from holotype.errors import CheckpointError, UnsafeCheckpointError
from holotype.models import ALL_MINILM_L6_V2
from holotype.publishing import CreationOptions, create_artifact, get_model_info, open_artifact
from holotype.references import ArtifactDamagedError, Manifest, ModelRef

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "tests/tiny-dense"


@pytest.fixture(scope="module")
def minilm(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact of the real all-MiniLM-L6-v2."""
    target = tmp_path_factory.mktemp("artifacts") / "minilm-v1"
    options = CreationOptions(entry="all-minilm-l6-v2")
    create_artifact(f"local:{minilm_folder}", target, options)
    return target


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> Any:
    """A Hub with a dense model that is in no catalogue."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    with serving({NAME: {COMMIT: files}}) as state:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", state.endpoint)
        template = state.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield state


def test_an_artifact_gives_the_vectors_of_its_source(minilm: Path, minilm_folder: Path) -> None:
    source = load(ALL_MINILM_L6_V2, checkpoint=minilm_folder, device="cpu")
    encoder: Any = load(ModelRef.parse(f"local:{minilm}"), device="cpu", verify="full")
    np.testing.assert_array_equal(encoder.encode("a text"), source.encode("a text"))
    assert encoder.record == ALL_MINILM_L6_V2
    assert encoder.fingerprint == source.fingerprint == open_artifact(minilm).fingerprint
    assert encoder.compatible_with(source)


def test_device_and_type_do_not_change_a_fingerprint_and_the_size_does(
    folder: Path, dense_record: DenseRecord
) -> None:
    whole = dense_record(16, matryoshka_dims=(8, 16))
    encoder = load(whole, checkpoint=folder, device="cpu")
    halved = load(whole, checkpoint=folder, device="cpu", dtype="bfloat16")
    cut = load(whole, checkpoint=folder, device="cpu", dim=8)
    assert encoder.fingerprint == halved.fingerprint
    assert not encoder.compatible_with(cut)


@pytest.mark.parametrize("format", ["multi-vector", "pylate", "stanford"])
def test_a_manifest_promises_the_fingerprint_of_the_encoder_of_every_format(
    request: pytest.FixtureRequest, tmp_path: Path, format: str
) -> None:
    fixture = {
        "multi-vector": "save_colbert",
        "pylate": "pylate_folder",
        "stanford": "stanford_folder",
    }[format]
    save: Save = request.getfixturevalue(fixture)
    markers = {"query_prefix": "[unused0]", "document_prefix": "[unused1]"}
    saved = save(**(markers if format == "pylate" else {}))
    manifest = create_artifact(f"local:{saved}", tmp_path / "artifact")
    encoder = load(ModelRef.parse(f"local:{tmp_path}/artifact"), device="cpu")
    assert encoder.record.type == "colbert"
    assert encoder.fingerprint == manifest.fingerprint


def test_a_folder_that_is_no_artifact_is_loaded_as_its_files_say(
    folder: Path, dense_record: DenseRecord
) -> None:
    encoder: Any = load(ModelRef.parse(f"local:{folder}"), device="cpu")
    expected = load(dense_record(16), checkpoint=folder, device="cpu")
    np.testing.assert_array_equal(encoder.encode("a text"), expected.encode("a text"))


def test_a_reference_may_be_a_text_or_stand_in_the_environment(
    minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text: Any = f"local:{minilm}"
    monkeypatch.setenv("ML_MODEL_REF", text)
    assert load_from_env(device="cpu").record == load(text, device="cpu").record


def test_a_damaged_artifact_is_not_loaded(folder: Path, tmp_path: Path) -> None:
    create_artifact(f"local:{folder}", tmp_path / "artifact")
    (tmp_path / "artifact/vocab.txt").unlink(missing_ok=True)
    (tmp_path / "artifact/tokenizer.json").unlink()
    with pytest.raises(ArtifactDamagedError, match=r"missing: tokenizer\.json"):
        load(ModelRef.parse(f"local:{tmp_path}/artifact"))


def test_code_in_an_artifact_needs_trust_each_time_it_is_loaded(
    folder: Path, tmp_path: Path
) -> None:
    config = (folder / "config.json").read_text()
    own = '{"auto_map": {"AutoModel": "modeling.Model"},'
    (folder / "config.json").write_text(config.replace("{", own, 1))
    (folder / "modeling.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: ...")
    options = CreationOptions(trust_remote_code=True)
    create_artifact(f"local:{folder}", tmp_path / "artifact", options)
    with pytest.raises(UnsafeCheckpointError, match="trust_remote_code=True"):
        load(ModelRef.parse(f"local:{tmp_path}/artifact"))
    assert not (tmp_path / "ran").exists()


def test_a_repository_that_is_in_no_catalogue_is_loaded(
    hub: Any, folder: Path, tmp_path: Path
) -> None:
    encoder: Any = load(ModelRef.parse(f"hf:{NAME}"), device="cpu")
    assert encoder.record.revision == COMMIT
    assert encoder.record.huggingface_id == NAME
    assert encoder.encode("a text").shape == (16,)
    manifest = create_artifact(f"hf:{NAME}", tmp_path / "artifact")
    assert manifest.fingerprint == encoder.fingerprint


def test_a_branch_is_asked_for_and_a_commit_is_not(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(ModelRef.parse(f"hf:{NAME}"), device="cpu")
    hub.fault("/", (500, {}))
    monkeypatch.setattr("holotype.hub.retries._FIRST_WAIT_S", 0.0)
    pinned = ModelRef.parse(f"hf:{NAME}@{COMMIT}")
    assert load(pinned, device="cpu").record.revision == COMMIT
    with pytest.raises(CheckpointError, match=r"say which commit this is: .* 500"):
        load(ModelRef.parse(f"hf:{NAME}"))
    assert get_model_info(pinned).availability == "cached"


KILLED = """
import sys
from pathlib import Path
from holotype.publishing import CreationOptions, create_artifact
print("ready", flush=True)
create_artifact(sys.argv[1], Path(sys.argv[2]), CreationOptions(entry="all-minilm-l6-v2"))
"""


def test_90_megabytes_that_are_killed_while_they_are_copied_leave_nothing_or_all(
    minilm_folder: Path, minilm: Path, tmp_path: Path
) -> None:
    expected: Manifest = open_artifact(minilm)
    arguments = [sys.executable, "-c", KILLED, f"local:{minilm_folder}", str(tmp_path / "artifact")]
    for at in range(8):
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
        with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            try:
                process.wait(0.02 + at * 0.06)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        if (tmp_path / "artifact").exists():
            assert open_artifact(tmp_path / "artifact", verify="full").digest == expected.digest
            break
    else:
        create_artifact(
            f"local:{minilm_folder}",
            tmp_path / "artifact",
            CreationOptions(entry="all-minilm-l6-v2"),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_pickled_weights_that_were_converted_give_the_same_vectors(
    save_dense: Save, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    saved = save_dense(Pooling(32, "mean"), Dense(32, 16))
    expected: Any = load(ModelRef.parse(f"local:{saved}"), device="cpu")
    before = expected.encode("a text")
    for path in (saved, saved / "2_Dense"):
        torch.save(load_file(path / "model.safetensors"), path / "pytorch_model.bin")
        (path / "model.safetensors").unlink()
    options = CreationOptions(convert_pickles=True)
    create_artifact(f"local:{saved}", tmp_path / "artifact", options)
    encoder: Any = load(ModelRef.parse(f"local:{tmp_path}/artifact"), device="cpu")
    np.testing.assert_array_equal(encoder.encode("a text"), before)
