"""What both packages must know, which may never import each other, is the same in both."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from holotype import catalogue, naming
from holotype_codegen import naming as generator_naming

NAMES = st.text(alphabet=st.sampled_from("aZ09.-_ éİ²"), max_size=12) | st.text(max_size=20)


@given(NAMES)
@example("9" * 5_000)
@example("v007")
@example("²")
def test_both_packages_sort_names_in_the_same_natural_order(name: str) -> None:
    assert catalogue.natural_key(name) == generator_naming.natural_key(name)


@given(st.integers(0), st.integers(0))
def test_the_natural_order_of_numbers_is_theirs(one: int, other: int) -> None:
    keys = [catalogue.natural_key(f"v{number}") for number in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)


def test_names_with_numbers_of_any_length_have_an_order() -> None:
    names = ["v1" + "0" * 5_000, "v10", "v2", "v"]
    assert sorted(names, key=catalogue.natural_key) == ["v", "v2", "v10", names[0]]


@given(NAMES)
@example("a..b")
@example("a.-b")
@example("...")
def test_both_packages_make_the_same_kebab_case(name: str) -> None:
    made = naming.kebab_case(name)
    assert made == generator_naming.kebab_case(name)
    assert made == "" or naming.is_kebab_case(made)


@given(NAMES | st.from_regex(r"[a-z0-9]+([-.][a-z0-9]+)*", fullmatch=True))
def test_both_packages_call_the_same_names_kebab_case(name: str) -> None:
    known = naming.is_kebab_case(name)
    assert known == generator_naming.is_kebab_case(name)
    assert not known or naming.kebab_case(name) == name
