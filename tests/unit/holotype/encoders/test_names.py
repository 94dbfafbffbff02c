"""What a name means: an entry, a reference or a folder, and never two of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.golden import small_models as small

from holotype.catalogue import Catalogue
from holotype.encoders.names import as_reference, completed, described_in, resolve
from holotype.encoders.opening import known_record
from holotype.errors import (
    AmbiguousModelError,
    AmbiguousNameError,
    ArtifactError,
    InvalidArgumentError,
    InvalidReferenceError,
    ModelNotFoundError,
)
from holotype.models import BGE_M3, CATALOGUE
from holotype.references.ref import ModelRef


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


@pytest.mark.parametrize("name", ["tiny-dense-v1.5", "TINY-DENSE", "acme/Tiny-Sparse"])
def test_names_of_a_catalogue_mean_its_entries(name: str) -> None:
    found = resolve(name, small.CATALOGUE)
    assert found in (small.TINY_DENSE_V1_5, small.TINY_SPARSE)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("hf:org/model@v1", "hf:org/model@v1"),
        ("s3://bucket/model", "s3://bucket/model"),
        ("./mine", "local:mine"),
        ("../mine", "local:../mine"),
        ("/srv/mine", "local:/srv/mine"),
        ("~/mine", "local:~/mine"),
        ("./store@production", "local:store@production"),
        (".", "local:."),
    ],
)
def test_references_and_paths_need_not_exist_to_be_meant(name: str, reference: str) -> None:
    assert str(resolve(name)) == reference


@pytest.mark.parametrize("name", ["mine", "models/mine", "a/b/mine", "v1@2", "~mine"])
def test_a_folder_that_is_there_is_meant(name: str, here: Path) -> None:
    model_in(here / name)
    found = resolve(name)
    assert isinstance(found, ModelRef)
    assert found.path.absolute() == here / name


def test_an_entry_with_a_models_folder_of_its_name_is_refused(here: Path) -> None:
    model_in(here / "bge-m3")
    with pytest.raises(AmbiguousNameError) as caught:
        resolve("bge-m3")
    assert caught.value.spellings == ("catalogue:bge-m3", "local:bge-m3")
    assert resolve("bge-m3", checkpoint="elsewhere") is BGE_M3
    assert str(resolve("catalogue:bge-m3")) == "catalogue:bge-m3"


def test_a_repository_with_several_entries_and_a_folder_names_all(here: Path) -> None:
    model_in(here / "BAAI" / "bge-m3")
    with pytest.raises(AmbiguousNameError) as caught:
        resolve("BAAI/bge-m3")
    assert set(caught.value.spellings) == {
        *("catalogue:bge-m3", "catalogue:bge-m3-sparse", "catalogue:bge-m3-colbert"),
        "local:BAAI/bge-m3",
    }


def test_a_folder_without_a_model_hides_no_entry(here: Path) -> None:
    (here / "bge-m3").mkdir()
    assert resolve("bge-m3") is BGE_M3


def test_a_name_for_nothing_tells_what_to_write() -> None:
    with pytest.raises(ModelNotFoundError, match="did you mean 'bge-m3'"):
        resolve("bge-m33")
    with pytest.raises(ModelNotFoundError, match="write 'hf:org/model' for the repository"):
        resolve("org/model")
    with pytest.raises(ModelNotFoundError, match=r"write load\('local:/srv/mine'\)"):
        resolve("mine", checkpoint="/srv/mine")
    with pytest.raises(InvalidReferenceError, match="did you mean 'hf:org/model'"):
        resolve("huggingface:org/model")


@pytest.mark.parametrize("name", ["x" * 5000, "", "a\0b"])
def test_a_name_that_no_file_system_has_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFoundError):
        resolve(name)


def test_every_name_has_a_reference(here: Path) -> None:
    assert str(as_reference("BGE-M3")) == "catalogue:bge-m3"
    assert str(as_reference(BGE_M3)) == "catalogue:bge-m3"
    assert str(as_reference(Path("models/mine"))) == "local:models/mine"
    ref = ModelRef.parse("hf:org/model")
    assert as_reference(ref) is ref
    with pytest.raises(AmbiguousModelError):
        as_reference("BAAI/bge-m3")


@pytest.mark.parametrize("model", [None, 3, b"bge-m3"])
def test_what_is_no_name_is_refused(model: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="expected a record, an id, a reference"):
        as_reference(model)


def test_a_record_of_another_catalogue_goes_with_its_reference() -> None:
    ref = as_reference(small.TINY_DENSE_V2)
    assert ref.record is small.TINY_DENSE_V2
    assert str(ref) == "catalogue:tiny-dense-v2"
    assert pickle.loads(pickle.dumps(ref)) == ref
    assert as_reference("tiny-dense-v2", small.CATALOGUE) == ref
    assert as_reference("catalogue:tiny-dense-v2", small.CATALOGUE) == ref
    changed = as_reference(replace(BGE_M3, query_prompt="find: "))
    assert changed.record is not None, "it only has the id of an entry of holotype's own"
    assert changed != as_reference(BGE_M3)


def test_what_a_catalogue_lacks_is_looked_up_in_holotypes_own() -> None:
    for name in ("bge-m3", "catalogue:bge-m3", f"hf:{BGE_M3.huggingface_id}"):
        assert as_reference(name, small.CATALOGUE).record is None
    with pytest.raises(ModelNotFoundError, match="tiny-dense-v2"):
        as_reference("tiny-dense-v22", small.CATALOGUE)
    assert completed(None) is completed(CATALOGUE) is CATALOGUE


def test_a_repository_is_described_by_the_entry_of_the_catalogue() -> None:
    only = small.TINY_RERANKER
    ref = as_reference(f"hf:{only.huggingface_id}", small.CATALOGUE)
    assert ref.record is only
    assert known_record(ref, "a" * 40) == replace(only, revision="a" * 40)


def test_a_repository_of_several_entries_of_a_catalogue_is_refused() -> None:
    twice: Catalogue[str] = Catalogue(
        (small.TINY_RERANKER, replace(small.TINY_RERANKER, id="second"))
    )
    ref = ModelRef.parse(f"hf:{small.TINY_RERANKER.huggingface_id}")
    with pytest.raises(ArtifactError, match="name catalogue:tiny-reranker or catalogue:second"):
        described_in(ref, twice)
