"""Queries over one catalogue, shown on the fixture catalogue's generated module."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, get_args

import pytest
from tests.golden import small_models as small
from tests.golden.small_models import ModelType

from holotype.catalogue import Catalogue
from holotype.errors import (
    AmbiguousModelError,
    DeprecatedModelWarning,
    HolotypeError,
    InvalidArgumentError,
    ModelNotFoundError,
)
from holotype.records import ModelInfo


def ids(records: Iterable[ModelInfo]) -> list[str]:
    return [record.id for record in records]


def test_the_registry_holds_every_model_in_file_order() -> None:
    assert ids(small.MODEL_REGISTRY)[:3] == ["tiny-colbert-v1", "tiny-dense-v1.5", "tiny-dense-v2"]
    assert len(small.MODEL_REGISTRY) == 11


def test_get_model_returns_the_constant_itself() -> None:
    assert small.get_model("tiny-dense-v1.5") is small.TINY_DENSE_V1_5
    assert small.get_model("tiny-colbert-v1") is small.TINY_COLBERT_V1


def test_a_catalogue_holds_its_records_and_no_others_of_their_ids() -> None:
    record = small.TINY_DENSE_V2
    assert small.CATALOGUE.holds(record)
    assert not small.CATALOGUE.holds(replace(record, name="another"))
    assert not small.CATALOGUE.holds(replace(record, id="another"))


def test_get_model_suggests_the_nearest_ids() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        small.get_model("tiny-dens-v2")  # type: ignore[call-overload]
    assert caught.value.suggestions[0] == "tiny-dense-v2"
    assert "did you mean 'tiny-dense-v2'" in str(caught.value)


@pytest.mark.parametrize("name", ["tiny-dense", "Tiny-Dense-V1.5", "TINY-DENSE"])
def test_get_model_takes_an_alias_and_any_letter_case(name: Any) -> None:
    assert small.get_model(name) is small.TINY_DENSE_V1_5


@pytest.mark.parametrize("name", ["acme/tiny-sparse", "Acme/Tiny-Sparse"])
def test_both_lookups_take_a_hugging_face_id_in_any_letter_case(name: Any) -> None:
    assert small.get_model(name) is small.TINY_SPARSE
    assert small.find_model(name) is small.TINY_SPARSE


@pytest.mark.parametrize("look_up", [small.get_model, small.find_model])
def test_a_hugging_face_id_with_several_entries_names_them(look_up: Any) -> None:
    with pytest.raises(AmbiguousModelError, match="'tiny-dense-v2', 'tiny-dense-v2-sparse'"):
        look_up("acme/tiny-dense-v2")


def test_a_hugging_face_id_that_is_misspelt_gets_the_nearest_ones() -> None:
    with pytest.raises(ModelNotFoundError, match="did you mean 'acme/tiny-sparse'"):
        small.get_model("acme/tiny-spars")  # type: ignore[call-overload]


@pytest.mark.parametrize("id", [None, 3, ["tiny-dense-v2"]])
def test_an_id_that_is_no_text_is_refused(id: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="expected a text such as 'bge-m3'"):
        small.get_model(id)


def test_a_name_like_no_other_gets_the_way_to_the_list() -> None:
    with pytest.raises(ModelNotFoundError, match=r"list_model_ids\(\) gives all ids"):
        small.get_model("zzzzzz")  # type: ignore[call-overload]


def test_find_model_takes_ids_and_aliases_in_any_case() -> None:
    assert small.find_model("tiny-dense-v1.5") is small.TINY_DENSE_V1_5
    assert small.find_model("Tiny-Dense") is small.TINY_DENSE_V1_5
    assert small.find_model("nothing") is None


def test_a_deprecated_model_is_found_with_a_warning_at_the_caller() -> None:
    with pytest.warns(DeprecatedModelWarning, match="'2d-dense' is deprecated") as caught:
        assert small.get_model("2d-dense") is small.M_2D_DENSE
    assert caught[0].filename == __file__
    with pytest.warns(DeprecatedModelWarning):
        small.find_model("2d-dense")
    with pytest.warns(DeprecatedModelWarning):
        small.get_model_by_hf_id("other-lab/2d_dense")


def test_a_deprecated_model_is_in_no_list() -> None:
    assert "2d-dense" not in ids(small.models_by_type(ModelType.DENSE))
    assert "2d-dense" not in ids(small.models_by_organization("Other Lab"))
    assert "2d-dense" not in ids(small.models_by_max_embedding_dim(10_000))
    assert "2d-dense" not in small.list_model_ids()


def test_a_superseded_model_is_listed_and_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert small.get_model("tiny-dense-v1.5").superseded_by == "tiny-dense-v2"
    assert "tiny-dense-v1.5" in small.list_model_ids()


def test_a_repository_with_one_entry_is_found_in_any_case() -> None:
    assert small.get_model_by_hf_id("Acme/Tiny-Sparse") is small.TINY_SPARSE


def test_a_repository_with_several_modes_needs_the_type() -> None:
    with pytest.raises(AmbiguousModelError) as caught:
        small.get_model_by_hf_id("acme/tiny-dense-v2")
    assert caught.value.ids == ("tiny-dense-v2", "tiny-dense-v2-sparse")
    assert "'tiny-dense-v2', 'tiny-dense-v2-sparse'" in str(caught.value)
    found = small.get_model_by_hf_id("acme/tiny-dense-v2", ModelType.SPARSE)
    assert found is small.TINY_DENSE_V2_SPARSE


def test_an_unknown_repository_is_an_error_with_suggestions() -> None:
    with pytest.raises(ModelNotFoundError, match="Hugging Face id 'acme/tiny-spars'") as caught:
        small.get_model_by_hf_id("acme/tiny-spars")
    assert caught.value.suggestions[0] == "acme/tiny-sparse"


def test_a_repository_without_that_kind_names_the_entries_it_has() -> None:
    with pytest.raises(ModelNotFoundError, match="type colbert") as caught:
        small.get_model_by_hf_id("acme/tiny-sparse", ModelType.COLBERT)
    assert caught.value.suggestions == ("tiny-sparse",)


def test_models_by_type_keeps_file_order() -> None:
    assert ids(small.models_by_type(ModelType.SPARSE)) == ["tiny-sparse", "tiny-dense-v2-sparse"]
    assert ids(small.models_by_type(ModelType.IMAGE_TEXT)) == ["tiny-clip"]
    assert ids(small.models_by_type(ModelType.CAPTIONER)) == ["tiny-captioner"]


def test_models_by_organization_ignores_case() -> None:
    assert ids(small.models_by_organization("other lab"))[0] == "tiny-reranker"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("zh", ["tiny-colbert-v1", "tiny-dense-v2-sparse"]),
        ("zh-Hans", ["tiny-colbert-v1", "tiny-dense-v2-sparse"]),
        ("ZH-hans", ["tiny-colbert-v1", "tiny-dense-v2-sparse"]),
        ("zh-Hant", []),
        ("pt", ["tiny-dense-v2-sparse"]),
        ("Portuguese", ["tiny-dense-v2-sparse"]),
        ("tlh", []),
    ],
)
def test_a_language_finds_itself_and_what_refines_it(tag: str, expected: list[str]) -> None:
    assert ids(small.models_by_language(tag)) == expected


any_type: Any = small
"""The fixture, asked what type checkers would refuse."""


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: any_type.models_by_language("germna"), r"did you mean 'de' \(german\)"),
        (lambda: any_type.models_by_language(["de"]), "write language='de'"),
        (lambda: any_type.models_by_type("densee"), "did you mean 'dense'"),
        (lambda: any_type.models_by_type(None), "type=None is not text"),
        (lambda: any_type.models_by_organization("akme"), "did you mean 'Acme'"),
        (lambda: any_type.models_by_max_embedding_dim("wide"), "max_dim='wide' is not a number"),
        (lambda: any_type.models_by_max_embedding_dim(-1), "max_dim=-1 is not a number from 0"),
        (
            lambda: any_type.get_model_by_hf_id("acme/tiny-sparse", "sprase"),
            "did you mean 'sparse'",
        ),
        (
            lambda: any_type.list_model_ids("tiny-dense"),
            r"pattern='tiny-dense' .* write 'tiny-dense\*'",
        ),
        (lambda: any_type.list_model_ids("reranker"), r"write '\*reranker\*'"),
        (lambda: any_type.list_model_ids("tiny-clap"), "did you mean 'tiny-clip'"),
        (lambda: any_type.list_model_ids(None), "pattern=None is not text"),
    ],
)
def test_a_question_that_no_model_could_answer_is_an_error_with_a_suggestion(
    ask: Callable[[], object], message: str
) -> None:
    with pytest.raises(HolotypeError, match=message):
        ask()


def test_what_is_surely_meant_is_understood() -> None:
    assert any_type.models_by_type("IMAGE_TEXT") == any_type.models_by_type(
        small.ModelType.IMAGE_TEXT
    )
    assert any_type.models_by_type("classifier") == any_type.models_by_type(
        small.ModelType.CLASSIFIER
    )
    assert any_type.models_by_max_embedding_dim("1k") == any_type.models_by_max_embedding_dim(1000)
    assert any_type.list_model_ids("TINY-dense-V2") == ("tiny-dense-v2",)
    assert any_type.list_model_ids("2d-dense") == ()


def test_a_kind_that_only_other_catalogues_have_has_no_models() -> None:
    assert Catalogue[str]([any_type.TINY_SPARSE]).models_by_type("colbert") == ()


def test_the_widest_vector_counts_and_the_narrowest_comes_first() -> None:
    assert ids(small.models_by_max_embedding_dim(512)) == ["tiny-colbert-v1", "tiny-clip"]
    assert small.models_by_max_embedding_dim(127) == ()


def test_a_matryoshka_model_counts_by_its_smallest_size_only_when_asked() -> None:
    narrow = ["tiny-colbert-v1", "tiny-clip"]
    assert ids(small.models_by_max_embedding_dim(64, truncated=True)) == narrow
    assert ids(small.models_by_max_embedding_dim(256, truncated=True)) == [
        *narrow,
        "tiny-dense-v2",
    ]


def test_models_with_matryoshka_are_those_with_several_sizes() -> None:
    expected = ["tiny-colbert-v1", "tiny-dense-v2", "tiny-clip"]
    assert ids(small.models_with_matryoshka()) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("tiny-dense-*", ("tiny-dense-v1.5", "tiny-dense-v2", "tiny-dense-v2-sparse")),
        ("*sparse", ("tiny-dense-v2-sparse", "tiny-sparse")),
        ("tiny-clip", ("tiny-clip",)),
        ("tiny-c[lo]*", ("tiny-clip", "tiny-colbert-v1")),
        ("nothing*", ()),
    ],
)
def test_ids_are_listed_by_shell_pattern(pattern: str, expected: tuple[str, ...]) -> None:
    assert small.list_model_ids(pattern) == expected


def test_ids_are_in_natural_order() -> None:
    base = small.TINY_SPARSE
    catalogue = Catalogue[str]([replace(base, id=f"m-v{n}") for n in (10, 9, 1)])
    assert catalogue.list_model_ids("m-v*") == ("m-v1", "m-v9", "m-v10")


def test_the_id_types_hold_every_id() -> None:
    assert set(get_args(small.ModelId)) == {record.id for record in small.MODEL_REGISTRY}
    assert get_args(small.SparseModelId) == ("tiny-sparse", "tiny-dense-v2-sparse")


def test_the_sources_that_the_records_name_exist() -> None:
    named = {
        source.partition(":")[0]
        for record in small.MODEL_REGISTRY
        for _, source in record.provenance
    }
    assert named <= set(small.SOURCES)


def test_no_index_exists_before_it_is_asked_for() -> None:
    catalogue: Catalogue[str] = Catalogue(small.MODEL_REGISTRY)
    assert list(vars(catalogue)) == ["records"]
    catalogue.models_by_type("dense")
    assert set(vars(catalogue)) == {"records", "listed", "_by_type"}
