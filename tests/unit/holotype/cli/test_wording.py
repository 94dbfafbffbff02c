"""Values in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden import small_models as small

from holotype.cli.wording import (
    dimensions,
    exact,
    group_thousands,
    languages,
    readable,
    score,
    short_count,
)
from holotype.sizes import parse_count


@pytest.mark.parametrize(
    ("number", "short"),
    [
        (7, "7"),
        (999, "999"),
        (4_386, "4.4K"),
        (999_600, "1.0M"),
        (4_386_049, "4.4M"),
        (9_960_000, "10M"),
        (22_713_216, "23M"),
        (109_482_240, "109M"),
        (999_400_000, "999M"),
        (999_700_000, "1.0B"),
        (7_568_000_000, "7.6B"),
        (70_553_706_496, "71B"),
    ],
)
def test_a_count_is_shortened_to_its_first_digits(number: int, short: str) -> None:
    assert short_count(number) == short


@given(st.integers(min_value=1, max_value=999_000_000_000))
def test_a_shortened_count_is_near_the_number_and_can_be_read_again(number: int) -> None:
    assert parse_count(short_count(number)) == pytest.approx(number, rel=0.06)


def test_thousands_are_set_apart_from_ten_thousand_on() -> None:
    assert (group_thousands(8192), group_thousands(32768)) == ("8192", "32,768")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("license", None, "-"),
        ("languages", (), "-"),
        ("skiplist", (), ""),
        ("skiplist", (".", ","), ".,,"),
        ("normalize", False, "no"),
        ("query_prompt", "", ""),
        ("query_prompt", "a\tb\nc\\d\x1b", r"a\tb\nc\\d\u001b"),
        ("parameters", 109482240, "109482240"),
    ],
)
def test_exact_values_stay_on_one_line_and_lose_nothing(
    name: str, value: object, text: str
) -> None:
    assert exact(name, value) == text


@given(st.text())
def test_no_text_breaks_a_line_or_a_column(text: str) -> None:
    shown = exact("description", text)
    assert len(shown.splitlines()) <= 1
    assert "\t" not in shown


def test_variants_are_told_by_what_is_known_of_them() -> None:
    value = small.TINY_DENSE_V2.variants
    assert exact("variants", value) == "int8 int8 onnx/model_quantized.onnx"


def test_prompts_and_markers_are_quoted_for_people_since_spaces_count() -> None:
    assert readable("query_prompt", "query: ") == '"query: "'
    assert readable("query_marker", "[Q] ") == '"[Q] "'
    assert readable("document_prompt", "") == "none"
    assert readable("skiplist", ()) == "none"


def test_dimensions_show_the_range_of_a_matryoshka_model() -> None:
    assert dimensions(small.TINY_DENSE_V2) == "256–768"
    assert dimensions(small.TINY_DENSE_V1_5) == "768"
    assert dimensions(small.TINY_RERANKER) == "-"


def test_many_languages_are_counted_and_few_are_named() -> None:
    assert languages(small.TINY_DENSE_V2) == "25 languages"
    assert languages(small.TINY_COLBERT_V1) == "en, zh-Hans"
    assert languages(small.M_2D_DENSE) == "-"


def test_scores_are_fractions_as_in_filters() -> None:
    assert score(0.53276) == "0.533"
    assert score(None) == "-"
