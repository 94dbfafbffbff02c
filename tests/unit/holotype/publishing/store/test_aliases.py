"""Aliases: switched in one step, back again, and never to something else than was meant."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from tests.unit.holotype.publishing.store.made import make_artifact

from holotype.errors import (
    AliasNotFoundError,
    ArtifactDamagedError,
    ArtifactError,
    ArtifactNotFoundError,
    DifferentVectorsError,
    ManifestError,
    MissingExtraError,
    UnsafePathError,
)
from holotype.publishing.alias_switching import rollback_alias, set_alias
from holotype.references import ModelRef
from holotype.references.aliases import alias_names, read_alias
from holotype.references.folders import find_folder


def folder_of(store: Path, alias: str = "production") -> Path:
    return find_folder(ModelRef.parse(f"local:{store}@{alias}"))


def damaged(store: Path, **values: object) -> None:
    """Change the newest change of an alias in its file."""
    path = store / ".aliases" / "production.json"
    content = json.loads(path.read_text())
    content["changes"][-1].update(values)
    path.write_text(json.dumps(content))


def test_an_alias_is_a_reference_to_the_artifact_that_it_was_set_to(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    assert folder_of(store) == store / "model-v1"
    set_alias(store, "production", "model-v2")
    assert folder_of(store) == store / "model-v2"


def test_the_history_keeps_time_and_reason(store: Path) -> None:
    set_alias(store, "production", "model-v1", reason="first")
    set_alias(store, "production", "model-v2", reason="bessere Suche: ü")
    changes = read_alias(store, "production").changes
    assert [(each.artifact, each.reason) for each in changes] == [
        ("model-v1", "first"),
        ("model-v2", "bessere Suche: ü"),
    ]
    assert all(each.time.tzinfo is not None for each in changes)


def test_setting_what_is_set_writes_nothing(store: Path) -> None:
    first = set_alias(store, "production", "model-v1")
    assert set_alias(store, "production", "model-v1", reason="again") == first


def test_each_rollback_goes_one_step_further_back(store: Path) -> None:
    make_artifact(store / "model-v3", weights=b"more")
    for name in ("model-v1", "model-v2", "model-v3"):
        set_alias(store, "production", name)
    assert rollback_alias(store, "production").current.artifact == "model-v2"
    assert rollback_alias(store, "production").current.artifact == "model-v1"
    with pytest.raises(AliasNotFoundError, match="stood for nothing before"):
        rollback_alias(store, "production")


def test_a_switch_after_a_rollback_goes_back_to_where_it_was(store: Path) -> None:
    make_artifact(store / "model-v3", weights=b"more")
    set_alias(store, "production", "model-v1")
    set_alias(store, "production", "model-v2")
    rollback_alias(store, "production")
    set_alias(store, "production", "model-v3")
    assert rollback_alias(store, "production").current.artifact == "model-v1"


def test_a_long_history_loses_its_oldest_changes_only(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holotype.publishing.alias_switching._MOST_CHANGES", 4)
    for at in range(9):
        set_alias(store, "production", f"model-v{at % 2 + 1}", reason=str(at))
    assert [each.reason for each in read_alias(store, "production").changes] == [*"5678"]
    assert rollback_alias(store, "production").current.artifact == "model-v2"


def test_other_vectors_are_refused_unless_that_is_said(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    with pytest.raises(DifferentVectorsError, match="--allow-different-vectors"):
        set_alias(store, "production", "other")
    assert folder_of(store) == store / "model-v1"
    set_alias(store, "production", "other", allow_different_vectors=True)
    assert folder_of(store) == store / "other"


def test_a_rollback_to_other_vectors_is_refused_unless_that_is_said(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    set_alias(store, "production", "other", allow_different_vectors=True)
    with pytest.raises(DifferentVectorsError):
        rollback_alias(store, "production")
    rollback_alias(store, "production", allow_different_vectors=True)
    assert folder_of(store) == store / "model-v1"


def test_vectors_are_compared_although_the_old_artifact_is_gone(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    shutil.rmtree(store / "model-v1")
    with pytest.raises(DifferentVectorsError):
        set_alias(store, "production", "other")


def test_artifacts_without_vectors_replace_each_other(store: Path) -> None:
    make_artifact(store / "labels-v1", weights=b"x", vectors=None)
    make_artifact(store / "labels-v2", weights=b"y", vectors=None)
    set_alias(store, "production", "labels-v1")
    assert set_alias(store, "production", "labels-v2").current.artifact == "labels-v2"
    with pytest.raises(DifferentVectorsError, match="no vectors in use"):
        set_alias(store, "production", "model-v1")


def test_an_artifact_with_a_shorter_file_is_never_set(store: Path) -> None:
    (store / "model-v1" / "model.safetensors").write_bytes(b"f")
    with pytest.raises(
        ArtifactDamagedError, match=r"changed: model\.safetensors \(1 bytes, expected"
    ):
        set_alias(store, "production", "model-v1")
    assert alias_names(store) == ()


def test_changed_bytes_of_the_same_size_are_never_set(store: Path) -> None:
    weights = store / "model-v1/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5] + b"First")
    with pytest.raises(ArtifactDamagedError, match=r"changed: model\.safetensors"):
        set_alias(store, "production", "model-v1")
    assert alias_names(store) == ()
    assert set_alias(store, "production", "model-v1", verify="sizes").current.artifact == "model-v1"


def test_a_rollback_to_changed_bytes_of_the_same_size_is_refused(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    set_alias(store, "production", "model-v2")
    weights = store / "model-v1/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5] + b"First")
    with pytest.raises(ArtifactDamagedError, match=r"changed: model\.safetensors"):
        rollback_alias(store, "production")
    assert read_alias(store, "production").current.artifact == "model-v2"


def test_a_folder_that_became_another_artifact_is_not_loaded(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    shutil.rmtree(store / "model-v1")
    (store / "other").rename(store / "model-v1")
    with pytest.raises(ArtifactError, match="is another artifact"):
        folder_of(store)


def test_a_rollback_to_a_folder_that_became_another_artifact_is_refused(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    set_alias(store, "production", "model-v2")
    make_artifact(store / "model-v1", weights=b"replaced")
    with pytest.raises(ArtifactError, match="is another artifact"):
        rollback_alias(store, "production")


def test_an_artifact_that_is_gone_is_not_replaced_by_another(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    shutil.rmtree(store / "model-v1")
    with pytest.raises(ArtifactNotFoundError):
        folder_of(store)


def test_an_alias_that_is_missing_is_an_error_with_those_that_exist(store: Path) -> None:
    set_alias(store, "staging", "model-v1")
    with pytest.raises(AliasNotFoundError, match="no alias 'production', only staging"):
        folder_of(store)


def test_a_missing_alias_is_told_from_a_folder_of_that_name(tmp_path: Path) -> None:
    store = tmp_path / "my models"
    make_artifact(store / "model-v1")
    folder = tmp_path / "my models@production"
    folder.mkdir()
    with pytest.raises(AliasNotFoundError) as caught:
        folder_of(store)
    assert f"ARTIFACT --store '{store}'" in str(caught.value)
    reference = str(caught.value).partition("end the reference with a slash: ")[2]
    assert find_folder(ModelRef.parse(reference)) == folder


def test_a_path_in_place_of_a_name_is_explained(store: Path) -> None:
    with pytest.raises(UnsafePathError, match="leave the store out of it"):
        set_alias(store, "production", f"{store}/model-v1")


@pytest.mark.parametrize(
    "artifact",
    [
        *("..", "../outside", "/etc", "model-v1/../../outside", ".", "", ".aliases", ".hidden"),
        *("..\\outside", "C:\\models", "C:", "con", "NUL.txt", "model-v1.", "model\0v1", "a\nb"),
        *("~", "model v1 ", "model-v1//x", "com1"),
    ],
)
def test_the_name_of_an_artifact_never_leads_out_of_its_store(store: Path, artifact: str) -> None:
    make_artifact(store.parent / "outside")
    with pytest.raises(ArtifactError):
        set_alias(store, "production", artifact)
    assert alias_names(store) == ()


@pytest.mark.parametrize(
    "alias",
    [
        *("..", "../production", "/production", "a/b", "a\\b", "", ".", ".lock", "-x", "x.", "con"),
        *("aux.x", "a b", "a\0b", "prod\n", "x" * 65, "ü", "a@b", "a:b"),
    ],
)
def test_the_name_of_an_alias_never_leads_out_of_its_folder(store: Path, alias: str) -> None:
    before = sorted(store.parent.rglob("*"))
    with pytest.raises(UnsafePathError):
        set_alias(store, alias, "model-v1")
    assert sorted(store.parent.rglob("*")) == before


@pytest.mark.parametrize("artifact", ["../outside", "/etc", ".aliases", "..", "con"])
def test_an_alias_file_of_a_stranger_never_leads_out_of_the_store(
    store: Path, artifact: str
) -> None:
    set_alias(store, "production", "model-v1")
    make_artifact(store.parent / "outside", weights=b"first")
    damaged(store, artifact=artifact)
    with pytest.raises(UnsafePathError):
        folder_of(store)


def test_an_artifact_that_is_a_link_is_refused(store: Path) -> None:
    make_artifact(store.parent / "outside")
    (store / "linked").symlink_to(store.parent / "outside")
    with pytest.raises(UnsafePathError, match="is a link"):
        set_alias(store, "production", "linked")


def test_an_artifact_that_became_a_link_is_refused(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    (store / "model-v1").rename(store.parent / "outside")
    (store / "model-v1").symlink_to(store.parent / "outside")
    with pytest.raises(UnsafePathError, match="is a link"):
        folder_of(store)


def test_an_alias_that_is_a_link_is_not_read(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    path = store / ".aliases" / "production.json"
    path.rename(store.parent / "outside.json")
    path.symlink_to(store.parent / "outside.json")
    with pytest.raises(ManifestError, match="cannot be read"):
        folder_of(store)


def test_nothing_is_written_through_a_link_in_place_of_the_aliases(store: Path) -> None:
    outside = store.parent / "outside"
    outside.mkdir()
    (store / ".aliases").symlink_to(outside)
    with pytest.raises(UnsafePathError, match="is a link"):
        set_alias(store, "production", "model-v1")
    assert list(outside.iterdir()) == []


def test_nothing_is_written_through_a_link_with_the_temporary_name(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    victim = store.parent / "victim"
    victim.write_text("precious")
    (store / ".aliases" / ".production.json.new").symlink_to(victim)
    set_alias(store, "production", "model-v2")
    assert victim.read_text() == "precious"


def test_names_that_are_one_file_on_some_systems_are_refused(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    with pytest.raises(UnsafePathError, match="is the same as 'production'"):
        set_alias(store, "Production", "model-v1")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"format": 2, "alias": "production", "changes": [{}]}',
        b'{"format": 1, "alias": "production", "changes": []}',
        b'{"format": 1, "alias": "production", "changes": [7]}',
        b'{"format": 1, "alias": "staging", "changes": [{}]}',
        b"\xff\xfe",
        b" " * 5_000_000,
    ],
)
def test_a_damaged_alias_is_an_error(store: Path, text: bytes) -> None:
    set_alias(store, "production", "model-v1")
    (store / ".aliases" / "production.json").write_bytes(text)
    with pytest.raises(ManifestError):
        folder_of(store)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("action", "execute"),
        ("artifact", ["model-v1"]),
        ("fingerprint", 7),
        ("time", "yesterday"),
        ("reason", None),
    ],
)
def test_a_damaged_change_is_an_error(store: Path, field: str, value: object) -> None:
    set_alias(store, "production", "model-v1")
    damaged(store, **{field: value})
    with pytest.raises(ManifestError):
        read_alias(store, "production")


@pytest.mark.parametrize("reason", ["two\nlines", "\x1b[31mred", "x" * 501])
def test_a_reason_is_one_short_line(store: Path, reason: str) -> None:
    with pytest.raises(ArtifactError, match="a reason is one line"):
        set_alias(store, "production", "model-v1", reason=reason)


def test_a_store_that_may_not_be_written_to_is_named(store: Path) -> None:
    (store / ".aliases").write_text("a file in its place")
    with pytest.raises(ArtifactError, match=r"\.aliases: cannot be written"):
        set_alias(store, "production", "model-v1")


def test_a_missing_extra_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[artifacts\]'"):
        set_alias(store, "production", "model-v1")


def test_following_an_alias_needs_no_extra(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_alias(store, "production", "model-v1")
    monkeypatch.setitem(sys.modules, "filelock", None)
    assert folder_of(store) == store / "model-v1"
