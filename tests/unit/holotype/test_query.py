"""`select` combines criteria; shown on the fixture catalogue and on holotype's own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.golden import small_models as small

from holotype import MODEL_REGISTRY, ModelType, select


def ids(**criteria: Any) -> list[str]:
    return [record.id for record in select(among=small.MODEL_REGISTRY, **criteria)]


LISTED = [record.id for record in small.MODEL_REGISTRY if not record.deprecated]


def test_without_criteria_every_model_that_is_not_deprecated_is_selected() -> None:
    assert ids() == LISTED


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"type": small.ModelType.COLBERT}, ["tiny-colbert-v1"]),
        ({"type": ModelType.CROSS_ENCODER}, ["tiny-reranker"]),
        ({"organization": "OTHER LAB", "type": "classifier"}, ["tiny-sentiment"]),
        ({"language": "zh"}, ["tiny-colbert-v1", "tiny-dense-v2-sparse"]),
        ({"modality": "image"}, ["tiny-clip", "tiny-captioner"]),
        ({"modality": "image", "type": "image-text"}, ["tiny-clip"]),
        ({"modality": "image", "type": "CAPTIONER"}, ["tiny-captioner"]),
        ({"license": "MIT"}, ["tiny-dense-v2"]),
        ({"license": ["mit", "cc-by-nc-sa-4.0"]}, ["tiny-dense-v2", "tiny-sparse"]),
        ({"min_embedding_dim": 1000}, ["tiny-sparse", "tiny-dense-v2-sparse"]),
        ({"max_embedding_dim": 512}, ["tiny-colbert-v1", "tiny-clip"]),
        ({"max_truncated_dim": 256}, ["tiny-colbert-v1", "tiny-dense-v2", "tiny-clip"]),
        ({"max_truncated_dim": 63}, []),
        ({"matryoshka": True}, ["tiny-colbert-v1", "tiny-dense-v2", "tiny-clip"]),
        ({"matryoshka": False, "type": "dense"}, ["tiny-dense-v1.5"]),
        ({"matryoshka": False, "type": "captioner"}, ["tiny-captioner"]),
        ({"matryoshka": False, "type": "image-text"}, []),
        ({"min_context_length": 8192}, ["tiny-reranker"]),
        ({"max_parameters": 2_000_000}, ["tiny-colbert-v1", "tiny-dense-v1.5"]),
        ({"min_parameters": 60_000_000}, ["tiny-sparse"]),
        ({"min_beir_avg": 0.5}, ["tiny-colbert-v1", "tiny-dense-v2"]),
        ({"min_ms_marco_mrr10": 0.4}, ["tiny-colbert-v1"]),
        ({"min_beir_avg": 0.5, "matryoshka": True, "license": "mit"}, ["tiny-dense-v2"]),
        ({"language": "en", "min_beir_avg": 0.99}, []),
    ],
)
def test_every_criterion_must_hold(criteria: dict[str, Any], expected: list[str]) -> None:
    assert ids(**criteria) == expected


def test_models_that_need_remote_code_can_be_left_out() -> None:
    assert "tiny-reranker" in ids()
    assert ids(allow_remote_code=False) == ["tiny-colbert-v1"]


def test_models_behind_terms_of_access_can_be_left_out_or_asked_for() -> None:
    assert ids(gated=False) == ["tiny-colbert-v1"]
    assert ids(gated=True) == ["tiny-reranker"]


def test_models_can_be_chosen_by_whether_they_may_be_used_commercially() -> None:
    assert ids(commercial_use=False) == ["tiny-sparse"]
    assert "2d-dense" not in ids(commercial_use=True)


def test_models_that_may_need_remote_code_are_allowed_by_default() -> None:
    assert ids(allow_remote_code=True) == ids()


def test_an_unknown_value_satisfies_no_bound() -> None:
    assert "tiny-sparse" not in ids(min_beir_avg=0.0)


def test_sorting_puts_unknown_values_last_in_either_direction() -> None:
    smallest = ids(sort_by="beir_avg")
    largest = ids(sort_by="beir_avg", descending=True)
    assert smallest[:3] == ["tiny-dense-v1.5", "tiny-colbert-v1", "tiny-dense-v2"]
    assert largest[:3] == ["tiny-dense-v2", "tiny-colbert-v1", "tiny-dense-v1.5"]
    assert smallest[3:] == largest[3:]
    assert sorted(smallest) == sorted(LISTED)


def test_a_criterion_that_is_none_is_not_asked() -> None:
    assert ids(language=None, min_beir_avg=None) == LISTED


def test_a_misspelt_criterion_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match="no criterion 'max_embeding_dim'; did you mean 'max_emb"):
        ids(max_embeding_dim=3)


def test_a_score_in_points_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"min_beir_avg=60 is not a fraction.*write 0\.6"):
        ids(min_beir_avg=60)


def test_an_unknown_sort_key_is_an_error_that_lists_the_keys() -> None:
    with pytest.raises(
        ValueError, match="sort_by='speed' is no field to sort by; expected one of id, name"
    ):
        ids(sort_by="speed")


@pytest.mark.parametrize(
    "language",
    ["de", "DE", "German", "deutsch", "deu", "de-DE", "de_AT", " german ", "Austrian German"],
)
def test_a_language_is_understood_however_it_is_named(language: str) -> None:
    assert select(language=language) == select(language="de") != ()


@pytest.mark.parametrize("language", ["pt-BR", "Portuguese-BR", "pt-Latn-BR"])
def test_a_region_that_no_model_names_does_not_count(language: str) -> None:
    assert select(language=language) == select(language="pt") != ()


def test_a_script_that_models_name_does_count() -> None:
    assert select(language="chinese-Hant") == select(language="zh-Hant")
    assert 0 < len(select(language="zh-Hant")) < len(select(language="zh"))


def test_a_language_that_no_model_was_made_for_has_no_models() -> None:
    assert select(language="tlh") == ()


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"language": "germna"}, r"is no language that is known; did you mean 'de' \(german\)\?"),
        ({"language": "xx"}, "is no language that is known"),
        ({"language": "x"}, "is no language that is known; .*write a BCP 47 tag"),
        ({"type": "densee"}, "type='densee' is unknown; did you mean 'dense'"),
        ({"type": "reranker"}, "did you mean 'cross-encoder'"),
        ({"license": "apache2"}, "is not a licence that is known; did you mean 'apache-2.0'"),
        (
            {"license": "gpl-3.0-onyl"},
            "is not a licence that is known; did you mean 'gpl-3.0-only'",
        ),
        ({"license": ["mit", "mti"]}, "license='mti' is not a licence"),
        ({"license": "mit, isc"}, r"is several licences; write license=\['mit', 'isc'\]"),
        ({"license": "(MIT OR isc)"}, r"is several licences; write license=\['MIT', 'isc'\]"),
        ({"organization": "akme"}, "has no model in the catalogue; did you mean 'Acme'"),
        ({"organization": "nobody"}, "organization='nobody' has no model in the catalogue"),
        ({"max_parameters": "many"}, "'many' is not a number; write 8k, 500M"),
        ({"max_parameters": "500MB"}, "is a number of bytes; write 8k, 500M"),
        ({"max_memory": "500 potatoes"}, "is not a number of bytes; write 500MB"),
        ({"max_embedding_dim": -1}, "max_embedding_dim=-1 is not a number from 0 upwards"),
        ({"max_parameters": float("nan")}, "is not a number from 0 upwards"),
        ({"max_parameters": float("inf")}, "is above"),
        ({"min_parameters": 10**400}, "is above"),
        ({"min_parameters": "9" * 5000}, "is above"),
        ({"min_parameters": Decimal("sNaN")}, "is not a number"),
        ({"min_beir_avg": -1}, "is not a fraction from 0 to 1$"),
        ({"min_parameters": "2B", "max_parameters": "1B"}, "is above max_parameters=1000000000"),
        ({"descending": True}, "needs sort_by"),
        ({"modality": "images"}, "did you mean 'image'"),
        ({"modality": "txt"}, "modality='txt' is unknown; did you mean 'text'"),
    ],
)
def test_a_word_that_nothing_could_have_is_an_error_with_a_suggestion(
    criteria: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ids(**criteria)


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"matryoshka": "yes"}, "matryoshka='yes' is not True or False; write matryoshka=True"),
        ({"matryoshka": 0}, "matryoshka=0 is not True or False; write matryoshka=False"),
        ({"allow_remote_code": 0}, "allow_remote_code=0 is not True or False"),
        ({"language": ["de"]}, r"language=\['de'\] is not text; write language='de'$"),
        ({"language": {"de", "en"}}, "is not text; ask for one at a time: language='de'"),
        ({"language": 7}, "language=7 is not text$"),
        ({"type": ("dense",)}, "write type='dense'"),
        ({"min_parameters": [1]}, r"min_parameters=\[1\] is not a number"),
        ({"min_beir_avg": "0.5"}, "min_beir_avg='0.5' is not a number from 0 to 1"),
        ({"sort_by": "id", "descending": "no"}, "descending='no' is not True or False"),
        ({"max_embedding_dim": True}, "max_embedding_dim=True is not a number"),
        ({"license": 3}, "license=3 is not a licence id, or several of them"),
        ({"license": ["mit", None]}, "is not a licence id, or several of them"),
    ],
)
def test_a_value_of_another_type_is_an_error(criteria: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ids(**criteria)


@pytest.mark.parametrize("among", ["models", 3, [small.TINY_SPARSE.id]])
def test_what_is_no_record_is_not_chosen_from(among: Any) -> None:
    with pytest.raises(TypeError, match="write among=MODEL_REGISTRY"):
        select(among=among)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"type": "CROSS_ENCODER"}, {"type": "cross-encoder"}),
        ({"type": "CrossEncoder"}, {"type": "cross-encoder"}),
        ({"organization": "otherlab"}, {"organization": "Other Lab"}),
        ({"license": "MIT License"}, {"license": "mit"}),
        ({"license": "Apache License, Version 2.0"}, {"license": "apache-2.0"}),
        ({"license": {"Apache 2.0"}}, {"license": "apache-2.0"}),
        ({"license": "CC BY-NC-SA 4.0"}, {"license": "cc-by-nc-sa-4.0"}),
        ({"min_context_length": "8k"}, {"min_context_length": 8000}),
        ({"max_parameters": "2M"}, {"max_parameters": 2_000_000}),
        ({"max_parameters": np.int64(2_000_000)}, {"max_parameters": 2_000_000}),
        ({"min_beir_avg": np.float32(0.5)}, {"min_beir_avg": 0.5}),
        ({"max_memory": "8MB"}, {"max_parameters": 2_000_000}),
        ({"max_memory": "8MiB"}, {"max_parameters": 2 * 2**20}),
        ({"max_memory": 8_000_000}, {"max_parameters": 2_000_000}),
    ],
)
def test_what_is_surely_meant_is_understood(said: dict[str, Any], meant: dict[str, Any]) -> None:
    assert ids(**said) == ids(**meant) != []


def test_an_unknown_number_of_parameters_fits_no_memory() -> None:
    unknown = [record for record in MODEL_REGISTRY if record.weights_bytes is None]
    assert unknown
    assert not set(unknown) & set(select(max_memory="1TB"))


def test_a_licence_that_no_model_has_has_no_models() -> None:
    assert ids(license="GPL-3.0-only") == []
    assert ids(license=["mit", "ISC"]) == ids(license="mit")


@pytest.mark.parametrize(
    ("licence", "wanted", "is_found"),
    [
        ("(MIT OR Apache-2.0)", "mit", True),
        ("(MIT OR Apache-2.0)", "isc", False),
        ("MIT OR Apache-2.0", "mit or apache-2.0", True),
        ("MIT AND Apache-2.0", "mit", False),
        ("MIT AND Apache-2.0", ["Apache 2.0", "MIT"], True),
        ("Apache-2.0 WITH LLVM-exception", "apache-2.0", True),
        ("Apache-2.0 WITH LLVM-exception", "mit", False),
        ("GPL-2.0+ OR gemma", "gpl-2.0", True),
        ("other", "mit", False),
        (None, "mit", False),
    ],
)
def test_an_expression_is_met_by_licences_that_are_enough_for_it(
    licence: str | None, wanted: str | list[str], is_found: bool
) -> None:
    record = replace(small.TINY_DENSE_V2, license=licence)
    assert select(among=[record], license=wanted) == ((record,) if is_found else ())


def test_an_account_on_the_hub_is_told_the_name_of_its_organization() -> None:
    with pytest.raises(ValueError, match="did you mean"):
        select(organization="intfloat")


def test_a_script_that_no_model_reads_has_no_models() -> None:
    assert ids(language="zh-Hant") == ids(language="Traditional Chinese") == []


def test_a_kind_of_a_catalogue_of_ones_own_is_known() -> None:
    (speech,) = select(type=small.TINY_SPEECH.type, among=small.MODEL_REGISTRY)
    assert speech is small.TINY_SPEECH
    untyped: Any = speech.type
    with pytest.raises(ValueError, match=f"type='{speech.type}' is unknown"):
        select(type=untyped)


def test_two_catalogues_mix_in_one_query() -> None:
    both = (*MODEL_REGISTRY, *small.MODEL_REGISTRY)
    found = select(type=ModelType.COLBERT, among=both)
    assert {"tiny-colbert-v1", "jina-colbert-v2"} <= {record.id for record in found}


def test_holotypes_own_catalogue_is_the_default() -> None:
    found = select(type=ModelType.DENSE, language="de", license="apache-2.0")
    assert found
    assert all(record in MODEL_REGISTRY and record.type == "dense" for record in found)
