"""Changes of a JSON text leave every other character as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.hub import json_text

TEXT = """{
    "a": {"b" :  1,   "c": [1,2,  3]},
    "models": [
        {
            "id": "one",
            "empty": {}
        }
    ]
}
"""


def test_a_value_is_replaced_in_its_place() -> None:
    changed = json_text.replace(TEXT, ("a", "b"), 2)
    assert changed == TEXT.replace('"b" :  1', '"b" :  2')


def test_a_member_joins_a_line_of_members() -> None:
    changed = json_text.insert_member(TEXT, ("a",), "d", None)
    assert '"c": [1,2,  3], "d": null}' in changed


def test_a_member_stands_before_the_one_that_is_named() -> None:
    changed = json_text.insert_member(TEXT, ("models", 0), "new", {"x": 1}, before=("empty",))
    expected = """            "new": {
                "x": 1
            },
            "empty": {}"""
    assert expected in changed
    assert changed.replace(expected, '            "empty": {}') == TEXT


def test_an_empty_object_opens_for_its_first_member() -> None:
    changed = json_text.insert_member(TEXT, ("models", 0, "empty"), "x", 1)
    assert '            "empty": {\n                "x": 1\n            }\n' in changed


@pytest.mark.parametrize("at", [0, 1])
def test_an_item_is_indented_like_its_neighbours(at: int) -> None:
    item = {"id": "two"}
    changed = json_text.insert_item(TEXT, ("models",), at, item)
    assert json.loads(changed)["models"][at] == item
    assert '        {\n            "id": "two"\n        }' in changed


def test_line_ends_stay_what_they_are() -> None:
    text = TEXT.replace("\n", "\r\n")
    changed = json_text.insert_member(text, ("models", 0), "new", {"x": 1})
    assert "\n" not in changed.replace("\r\n", "")


def test_what_is_not_there_is_no_place() -> None:
    assert json_text.find(TEXT, ("a", "z")) is None
    with pytest.raises(KeyError):
        json_text.replace(TEXT, ("a", "z"), 1)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    entry=st.dictionaries(st.text(), _VALUES, min_size=1),
    indent=st.sampled_from([None, 1, 2, "\t"]),
    value=_VALUES,
    data=st.data(),
)
def test_any_text_changes_in_one_value_only(
    entry: dict[str, Any], indent: int | str | None, value: Any, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(entry)))
    text = json.dumps({"models": [entry]}, indent=indent)
    replaced = json_text.replace(text, ("models", 0, key), value)
    assert json.loads(replaced) == {"models": [entry | {key: value}]}
    new = data.draw(st.text().filter(lambda name: name not in entry))
    inserted = json_text.insert_member(text, ("models", 0), new, value, before=(key,))
    assert json.loads(inserted) == {"models": [entry | {new: value}]}
