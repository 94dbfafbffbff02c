"""Ids become Python names by one total rule."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype_codegen.naming import class_stem, constant_name, enum_member_name, is_kebab_case

KEBAB_IDS = st.from_regex(r"[a-z0-9]+([-.][a-z0-9]+)*", fullmatch=True)


@pytest.mark.parametrize(
    ("model_id", "constant"),
    [
        ("bge-m3", "BGE_M3"),
        ("bge-base-en-v1.5", "BGE_BASE_EN_V1_5"),
        ("2d-matryoshka", "M_2D_MATRYOSHKA"),
        ("x", "X"),
        ("none", "NONE"),
    ],
)
def test_a_constant_is_the_id_in_screaming_snake_case(model_id: str, constant: str) -> None:
    assert constant_name(model_id) == constant


@given(KEBAB_IDS)
def test_every_kebab_case_id_has_a_valid_constant(model_id: str) -> None:
    constant = constant_name(model_id)
    assert constant.isidentifier()
    assert constant.upper() == constant
    assert not keyword.iskeyword(constant)
    assert not constant.startswith("_")


@given(KEBAB_IDS)
def test_every_kebab_case_kind_has_a_member_and_a_class_stem(kind: str) -> None:
    assert enum_member_name(kind).isidentifier()
    assert class_stem(kind).isidentifier()


def test_an_enum_member_and_a_class_stem_follow_the_kind() -> None:
    assert enum_member_name("cross-encoder") == "CROSS_ENCODER"
    assert class_stem("cross-encoder") == "CrossEncoder"


@given(KEBAB_IDS)
def test_ids_made_of_lower_case_letters_digits_and_single_separators_are_kebab_case(
    model_id: str,
) -> None:
    assert is_kebab_case(model_id)


@pytest.mark.parametrize(
    "text", ["", "BGE", "a--b", "-a", "a-", "a.", "a_b", "a b", "é", "a\n", "a/b"]
)
def test_other_text_is_not_kebab_case(text: str) -> None:
    assert not is_kebab_case(text)
