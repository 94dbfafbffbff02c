"""`select` combines criteria; shown on the fixture catalogue and on holotype's own."""

from __future__ import annotations

from typing import Any

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
        ({"modality": "image"}, ["tiny-clip"]),
        ({"license": "MIT"}, ["tiny-dense-v2"]),
        ({"license": ["mit", "cc-by-nc-sa-4.0"]}, ["tiny-dense-v2", "tiny-sparse"]),
        ({"min_embedding_dim": 1000}, ["tiny-sparse", "tiny-dense-v2-sparse"]),
        ({"max_embedding_dim": 512}, ["tiny-colbert-v1", "tiny-clip"]),
        ({"max_truncated_dim": 256}, ["tiny-colbert-v1", "tiny-dense-v2"]),
        ({"matryoshka": True}, ["tiny-colbert-v1", "tiny-dense-v2"]),
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
    assert "tiny-reranker" not in ids(allow_remote_code=False)
    assert ids(allow_remote_code=True) == ids()


def test_an_unknown_value_satisfies_no_bound() -> None:
    assert "tiny-sparse" not in ids(min_beir_avg=0.0)


def test_sorting_puts_unknown_values_last_in_either_direction() -> None:
    smallest = ids(sort_by="beir_avg")
    largest = ids(sort_by="beir_avg", descending=True)
    assert smallest[:3] == ["tiny-dense-v1.5", "tiny-colbert-v1", "tiny-dense-v2"]
    assert largest[:3] == ["tiny-dense-v2", "tiny-colbert-v1", "tiny-dense-v1.5"]
    assert smallest[3:] == largest[3:]


def test_a_criterion_that_is_none_is_not_asked() -> None:
    assert ids(language=None, min_beir_avg=None) == LISTED


def test_a_misspelt_criterion_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match="no criterion 'max_embeding_dim'; did you mean 'max_emb"):
        ids(max_embeding_dim=3)


def test_a_score_in_points_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"min_beir_avg=60 is no fraction.*write 0\.6"):
        ids(min_beir_avg=60)


def test_an_unknown_sort_key_is_an_error_that_lists_the_keys() -> None:
    with pytest.raises(ValueError, match="sort_by='speed'; expected one of id, name"):
        ids(sort_by="speed")


def test_two_catalogues_mix_in_one_query() -> None:
    both = (*MODEL_REGISTRY, *small.MODEL_REGISTRY)
    found = select(type=ModelType.COLBERT, among=both)
    assert {"tiny-colbert-v1", "jina-colbert-v2"} <= {record.id for record in found}


def test_holotypes_own_catalogue_is_the_default() -> None:
    found = select(type=ModelType.DENSE, language="de", license="apache-2.0")
    assert found
    assert all(record in MODEL_REGISTRY and record.type == "dense" for record in found)
