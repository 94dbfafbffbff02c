"""What proves that a folder is an entry's, and what only makes it likely."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import classifier, dense, saved, sparse

from holotype.encoders import copies
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.copies import find_original, find_resemblance
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.planning import make_plan
from holotype.records import DenseModel, ModelInfo, SparseModel

COMMIT, OTHER = "a" * 40, "b" * 40
ENTRY: DenseModel[Any] = DenseModel(
    id="tiny-entry",
    type="dense",
    name="Tiny",
    huggingface_id="Acme/Tiny-Model",
    organization="Acme",
    description="An entry.",
    embedding_dim=32,
    query_prompt="query: ",
    revision=COMMIT,
    aliases=("tiny",),
)
MODE = SparseModel(
    id="tiny-entry-sparse",
    type="sparse",
    name="Tiny",
    huggingface_id="Acme/Tiny-Model",
    organization="Acme",
    description="Its sparse mode.",
    embedding_dim=100,
    revision=COMMIT,
)


@pytest.fixture(autouse=True)
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_records", lambda: (ENTRY, MODE))


def original(folder: Path, files: Any = None) -> ModelInfo | None:
    saved(folder, files or dense())
    return find_original(Checkpoint(folder))


def noted(folder: Path, commit: str, *names: str) -> None:
    """Write what a download notes beside the files: large ones by SHA-256, others as git does."""
    for name in names or settings(folder):
        note = folder / ".cache/huggingface/download" / f"{name}.metadata"
        note.parent.mkdir(parents=True, exist_ok=True)
        content = (folder / name).read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        digest = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else git
        note.write_text(f"{commit}\n{digest}\n0\n")


def settings(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts)
    return [path.relative_to(folder).as_posix() for path in files]


def resembling(folder: Path, files: Any = None) -> str | None:
    saved(folder, files or dense())
    checkpoint = Checkpoint(folder)
    plan = make_plan(derive_record(checkpoint, name="mine"), checkpoint)
    found = find_resemblance(plan)
    return None if found is None else found.evidence


def test_a_snapshot_of_the_hubs_cache_is_the_entry_at_its_commit(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--acme--tiny-model/snapshots" / OTHER
    assert original(snapshot) == replace(ENTRY, revision=OTHER)


def test_of_several_modes_it_is_the_one_of_the_files_kind(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--Acme--Tiny-Model/snapshots" / COMMIT
    assert original(snapshot, sparse()) == MODE
    assert original(tmp_path / "models--Acme--Tiny-Model/snapshots" / OTHER, classifier()) is None


def test_a_download_at_the_pinned_commit_is_the_entry(tmp_path: Path) -> None:
    saved(tmp_path / "m", dense())
    noted(tmp_path / "m", COMMIT)
    os.utime(tmp_path / "m/config.json", (1, 1))
    (tmp_path / "m/README.md").write_text("Ours.")
    assert find_original(Checkpoint(tmp_path / "m")) is ENTRY


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "modules.json"])
def test_a_download_in_which_a_file_was_exchanged_is_not(name: str, tmp_path: Path) -> None:
    saved(tmp_path / "m", dense())
    noted(tmp_path / "m", COMMIT)
    path = tmp_path / "m" / name
    path.write_bytes(path.read_bytes() + b" ")
    os.utime(path, (1, 1))  # an older file, as `cp -p` leaves it
    assert find_original(Checkpoint(tmp_path / "m")) is None


def test_a_download_at_another_commit_or_of_some_files_is_not(tmp_path: Path) -> None:
    saved(tmp_path / "other", dense())
    noted(tmp_path / "other", OTHER)
    saved(tmp_path / "some", dense())
    noted(tmp_path / "some", COMMIT, "config.json", "model.safetensors")
    for name in ("other", "some"):
        assert find_original(Checkpoint(tmp_path / name)) is None


def test_notes_that_cannot_be_read_prove_nothing(tmp_path: Path) -> None:
    saved(tmp_path / "m", dense())
    noted(tmp_path / "m", COMMIT)
    note = tmp_path / "m/.cache/huggingface/download/model.safetensors.metadata"
    for damaged in ("", f"{COMMIT}\netag\nnoon\n", "\0"):
        note.write_text(damaged)
        assert find_original(Checkpoint(tmp_path / "m")) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"model_id": "tiny-entry", "huggingface_id": "Acme/Tiny-Model"}, ENTRY),
        ({"model_id": "tiny-entry", "huggingface_id": ""}, None),
        ({"model_id": "tiny-entry", "huggingface_id": None}, None),
        ({"model_id": "tiny-entry", "huggingface_id": "Acme/Other"}, None),
        ({"model_id": "mine", "huggingface_id": "Acme/Tiny-Model"}, None),
        ({}, None),
    ],
)
def test_an_export_is_the_entry_that_it_names(told: Any, expected: Any, tmp_path: Path) -> None:
    files = {**dense(), "holotype_export.json": json.dumps(told).encode()}
    del files["model.safetensors"]
    assert original(tmp_path / "m", files) == expected


@pytest.mark.parametrize(
    "name",
    ["Acme/Tiny-Model", "acme/tiny-model", "/home/me/Tiny-Model", "tiny-entry", "Acme__Tiny-Model"],
)
def test_a_configuration_makes_it_likely(name: str, tmp_path: Path) -> None:
    files = dense()
    config = json.loads(files["config.json"])
    files["config.json"] = json.dumps({**config, "_name_or_path": name}).encode()
    assert resembling(tmp_path / "m", files) == f"its config.json names {name!r}"


@pytest.mark.parametrize("name", ["tiny-model", "models--acme--tiny-model", "tiny", "Tiny-Entry"])
def test_the_name_of_the_folder_makes_it_likely(name: str, tmp_path: Path) -> None:
    assert resembling(tmp_path / name) == f"its folder is called {name!r}"


def test_a_card_makes_it_likely(tmp_path: Path) -> None:
    files = {**dense(), "README.md": b"Made from [acme/tiny-model](https://example.com).\n"}
    assert resembling(tmp_path / "m", files) == "its README.md names 'Acme/Tiny-Model'"


def test_a_note_of_a_download_makes_it_likely(tmp_path: Path) -> None:
    saved(tmp_path / "m", dense())
    noted(tmp_path / "m", COMMIT, "config.json", "model.safetensors")
    assert resembling(tmp_path / "m") == "it was downloaded from 'Acme/Tiny-Model'"


@pytest.mark.parametrize(
    "change", [{"hidden_dim": 48}, {"vocab_size": 7}, {"layers": 12}, {"query_prompt": ""}]
)
def test_an_entry_of_another_shape_or_without_prompts_is_nobodys_original(
    change: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(ENTRY, **change)
    monkeypatch.setattr(copies, "_records", lambda: (other,))
    assert resembling(tmp_path / "tiny-model") is None


def test_a_folder_that_states_a_prompt_has_lost_none(tmp_path: Path) -> None:
    files = dense()
    files["config_sentence_transformers.json"] = b'{"prompts": {"query": "q: "}}'
    assert resembling(tmp_path / "tiny-model", files) is None
    assert resembling(tmp_path / "tiny", dense()) is not None


def test_nothing_names_it(tmp_path: Path) -> None:
    assert resembling(tmp_path / "mine") is None


def test_weights_beside_the_manifest_of_an_export_may_be_those_of_any_model(tmp_path: Path) -> None:
    told = {"model_id": "tiny-entry", "huggingface_id": "Acme/Tiny-Model"}
    files = {**dense(), "holotype_export.json": json.dumps(told).encode()}
    assert original(tmp_path / "m", files) is None


@pytest.mark.parametrize(
    ("card", "id"),
    [
        ("---\nbase_model: Acme/Tiny-Model-v2\n---\n", "longer"),
        ("Tuned from [Acme/Tiny-Model-v2](https://huggingface.co/Acme/Tiny-Model-v2).", "longer"),
        ("Tuned from Acme/Tiny-Model. Ahead of Acme/Tiny-Model-v2.", "tiny-entry"),
        ("---\nbase_model:\n- Acme/Tiny-Model-v2\n---\nAhead of Acme/Tiny-Model.", "longer"),
        ("---\nbase_model: Acme/Another\n---\nAhead of Acme/Tiny-Model.", None),
        ("The base of Acme/Tiny-Model-finetuned and of my-acme/tiny-model.", None),
    ],
)
def test_a_card_names_a_model_by_its_whole_name(
    card: str, id: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = replace(ENTRY, id="longer", huggingface_id="Acme/Tiny-Model-v2", aliases=())
    monkeypatch.setattr(copies, "_records", lambda: (ENTRY, MODE, longer))
    saved(tmp_path / "m", {**dense(), "README.md": card.encode()})
    checkpoint = Checkpoint(tmp_path / "m")
    found = find_resemblance(make_plan(derive_record(checkpoint, name="mine"), checkpoint))
    assert (None if found is None else found.record.id) == id


def test_only_prompts_that_the_caller_has_not_settled_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(ENTRY, document_prompt="passage: ")
    monkeypatch.setattr(copies, "_records", lambda: (both,))
    saved(tmp_path / "Tiny-Model", dense())
    checkpoint = Checkpoint(tmp_path / "Tiny-Model")
    plan = make_plan(derive_record(checkpoint, name="mine"), checkpoint)
    found = find_resemblance(plan, given=["query_prompt"])
    assert found is not None
    assert found.as_options == "document_prompt='passage: '"
    assert find_resemblance(plan, given=["query_prompt", "document_prompt"]) is None
