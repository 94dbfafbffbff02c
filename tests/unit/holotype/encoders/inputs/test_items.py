"""What callers pass: texts and pairs; what would be read as something else is refused."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import numpy as np
import pytest

from holotype.encoders.inputs.items import count_items, each_pair, each_text, several_texts


class Frame:
    """A table as pandas has it: iterating it gives the names of its columns."""

    columns = ("text",)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the columns."""
        return iter(self.columns)


class Labels(Set[str]):
    """A set of one's own."""

    def __contains__(self, item: object) -> bool:
        """Return whether it is the only one."""
        return item == "a"

    def __iter__(self) -> Iterator[str]:
        """Yield the only one."""
        return iter("a")

    def __len__(self) -> int:
        """Return 1."""
        return 1


class OldSequence:
    """A sequence that has no `__iter__`, as some datasets."""

    def __getitem__(self, index: int) -> str:
        """Return one of two."""
        return ["a", "b"][index]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"q1": "a cat"}, r"is of type dict, which would be read as its keys; pass its values"),
        (Frame(), r"is of type Frame, which would be read as its keys; pass one column"),
        ({"a cat"}, r"is of type set, which has no order for the results; pass a list"),
        (frozenset({"a"}), r"is of type frozenset, which has no order"),
        (Labels(), r"is of type Labels, which has no order"),
        (None, r"is None; expected a (str|pair of texts), or several in a list"),
        (b"a cat", r"is of type bytes; expected a (str|pair of texts), or several"),
        (np.array("a cat"), r"is of type ndarray; expected a (str|pair of texts), or several"),
        (3, r"is of type int; expected a (str|pair of texts), or several"),
    ],
)
def test_what_holds_no_items_in_an_order_is_refused_before_anything_is_pulled(
    items: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=f"^texts {message}"):
        each_text(items)
    with pytest.raises(TypeError, match=f"^documents {message}"):
        each_text(items, "documents")
    with pytest.raises(TypeError, match=f"^pairs {message}"):
        each_pair(items)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (None, "None"),
        (b"a", "of type bytes"),
        (np.array("a"), "of type ndarray"),
        (3, "of type int"),
    ],
)
def test_an_item_that_is_no_text_is_named_by_its_index_in_one_line(wrong: Any, what: str) -> None:
    with pytest.raises(TypeError) as caught:
        list(each_text(["a", wrong]))
    assert str(caught.value) == f"the text at index 1 is {what}; expected str"


@pytest.mark.parametrize("argument", ["texts", "documents", "pictures"])
def test_the_advice_for_a_dict_names_the_argument(argument: str) -> None:
    untyped: Any = {"a": "b"}
    with pytest.raises(TypeError, match=rf"pass its values, as list\({argument}\.values\(\)\)$"):
        each_text(untyped, argument)
    with pytest.raises(TypeError, match=r"as list\(pairs\.values\(\)\)$"):
        each_pair(untyped)


def test_a_single_text_is_not_several() -> None:
    with pytest.raises(TypeError, match=r"^texts is a single text; expected several in a list$"):
        several_texts("cat")
    assert several_texts(iter(["a", "b"])) == ["a", "b"]


def test_whatever_yields_texts_in_an_order_is_read() -> None:
    several: list[Any] = [
        ["a", "b"],
        ("a", "b"),
        iter("ab"),
        np.array(["a", "b"]),
        {"a": 1, "b": 2}.keys(),
        {1: "a", 2: "b"}.values(),
        OldSequence(),
    ]
    assert [list(each_text(texts)) for texts in several] == [["a", "b"]] * len(several)
    assert list(each_text("ab")) == ["ab"]
    assert [count_items(["a", "b"]), count_items("ab"), count_items(iter("ab"))] == [2, 1, None]


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="at index 1 holds half of a surrogate pair at position 0"):
        list(each_text(["a", "\ud800"]))
