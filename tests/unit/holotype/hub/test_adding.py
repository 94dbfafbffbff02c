"""Entries made of what checkpoints say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import bert, dense, saved

from holotype.errors import CatalogueFileError, UnsupportedCheckpointError
from holotype.hub.adding import make_entry, propose_id, require_new, with_entry

NEW = {"id": "new", "provenance": {"*": "hub: config.json"}}
MODELS: list[dict[str, Any]] = [
    {"id": "one", "type": "colbert", "huggingface_id": "a/one", "lineage": {"aliases": ["uno"]}},
    {"id": "two", "type": "dense", "huggingface_id": "a/two"},
    {"id": "three", "type": "sparse", "huggingface_id": "a/three", "lineage": None},
]


def catalogue(models: list[dict[str, Any]] | None = None) -> str:
    values: dict[str, Any] = {"sources": {}, "models": MODELS if models is None else models}
    return json.dumps(values, indent=2)


@pytest.mark.parametrize(
    ("repository", "taken", "expected"),
    [
        ("BAAI/bge-small-en-v1.5", {}, "bge-small-en-v1.5"),
        ("minishlab/M2V_base_output", {}, "m2v-base-output"),
        ("acme/Tiny.", {}, "tiny"),
        ("acme/one", {"one": "other/one"}, "acme-one"),
        ("acme/one", {"one": "other/one", "acme-one": "acme/old"}, "acme-one-dense"),
        ("acme/one", {"one": "Acme/One"}, "one-dense"),
        ("acme/one", {"one": "acme/one", "one-dense": "x/y"}, "acme-one"),
    ],
)
def test_an_id_is_proposed_that_nobody_has(
    repository: str, taken: dict[str, str], expected: str
) -> None:
    models = [{"id": id, "huggingface_id": name} for id, name in taken.items()]
    assert propose_id(repository, "dense", models) == expected


def test_an_entry_stands_after_the_last_of_its_kind() -> None:
    text = with_entry(catalogue(), {**NEW, "type": "dense"})
    assert [model["id"] for model in json.loads(text)["models"]] == ["one", "two", "new", "three"]
    assert "hub" in json.loads(text)["sources"]


def test_the_first_entry_of_its_kind_stands_at_the_end() -> None:
    text = with_entry(catalogue(), {**NEW, "type": "classifier"})
    assert json.loads(text)["models"][-1]["id"] == "new"


def test_an_empty_catalogue_gets_its_first_entry() -> None:
    text = with_entry(catalogue([]), {**NEW, "type": "dense"})
    assert [model["id"] for model in json.loads(text)["models"]] == ["new"]


def test_a_model_that_is_there_is_refused_and_another_kind_of_it_is_not() -> None:
    with pytest.raises(CatalogueFileError, match="A/Two as two, of the kind dense"):
        require_new(MODELS, "A/Two", "dense", None)
    require_new(MODELS, "a/two", "sparse", None)


@pytest.mark.parametrize("id", ["one", "uno"])
def test_an_id_that_is_taken_is_refused(id: str) -> None:
    with pytest.raises(CatalogueFileError, match="is taken; choose another with --id"):
        require_new(MODELS, "b/new", "dense", id)


def test_what_the_checkpoint_does_not_say_is_null(tmp_path: Path) -> None:
    files = saved(tmp_path, dense())
    entry = make_entry(files, "acme/tiny", id="tiny", kind=None, revision=None).values
    assert entry["encoding"] == {
        "pooling": "mean",
        "normalize": True,
        "similarity": None,
        "query_prompt": None,
        "document_prompt": None,
    }
    assert entry["revision"] is None
    assert entry["release_date"] is None
    assert entry["capabilities"]["languages"] == ["en"]
    assert entry["description"] == (
        "Dense embedding model with 32-dimensional vectors. A BERT network "
        "that reads up to 48 tokens."
    )


def test_every_value_names_its_file(tmp_path: Path) -> None:
    files = saved(tmp_path, dense())
    entry = make_entry(files, "acme/tiny", id="tiny", kind=None, revision="a" * 40).values
    provenance = entry["provenance"]
    assert provenance["/encoding/pooling"] == "hub: 1_Pooling/config.json"
    assert provenance["/specs/parameters"] == "hub: model.safetensors"
    assert provenance["/license"] == "hub: README.md"
    assert provenance["/revision"] == "hub"
    assert all(source.partition(":")[0] == "hub" for source in provenance.values())


def test_a_plain_transformer_says_what_is_not_known_of_it(tmp_path: Path) -> None:
    files = saved(tmp_path, bert())
    made = make_entry(files, "acme/tiny", id="tiny", kind=None, revision=None)
    assert made.values["encoding"]["pooling"] is None
    assert "how token vectors are pooled" in made.notes[0]


def test_a_kind_that_is_none_is_refused(tmp_path: Path) -> None:
    files = saved(tmp_path, bert())
    with pytest.raises(UnsupportedCheckpointError, match="'magic' is not a known kind; use one"):
        make_entry(files, "acme/tiny", id="tiny", kind="magic", revision=None)


def test_vectors_of_unknown_width_make_no_entry(tmp_path: Path) -> None:
    files = saved(tmp_path, bert(hidden_size=None))
    with pytest.raises(
        UnsupportedCheckpointError, match="vector size that an entry of the kind dense"
    ):
        make_entry(files, "acme/tiny", id="tiny", kind="dense", revision=None)


def test_an_entry_tells_its_layers_and_the_type_of_its_weights(tmp_path: Path) -> None:
    made = make_entry(saved(tmp_path, dense()), "a/new", id="new", kind=None, revision=None)
    assert (made.values["specs"]["layers"], made.values["specs"]["dtype"]) == (2, "float32")
    provenance = made.values["provenance"]
    assert provenance["/specs/layers"] == "folder: config.json"
    assert provenance["/specs/dtype"] == "folder: model.safetensors"


def test_a_folder_of_no_commit_is_a_source_of_its_own(tmp_path: Path) -> None:
    files = saved(tmp_path, dense())
    entry = make_entry(files, "acme/tiny", id="tiny", kind=None, revision=None).values
    assert {source.partition(":")[0] for source in entry["provenance"].values()} == {"folder"}
    assert entry["provenance"]["/encoding/pooling"] == "folder: 1_Pooling/config.json"
    assert set(json.loads(with_entry("", entry))["sources"]) == {"folder"}


def test_a_network_without_a_name_is_described_by_its_type(tmp_path: Path) -> None:
    files = saved(tmp_path, bert(model_type="bert-generation"))
    entry = make_entry(files, "acme/tiny", id="tiny", kind="dense", revision=None).values
    assert "A bert-generation network" in entry["description"]
