"""Classes of the operator's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holotype.pool.custom import CustomModel, find_factory
from holotype.pool.errors import PoolError

HERE = f"{__name__}:Toy"


class Toy:
    """The smallest class that can be served."""

    def __init__(self, scale: float = 1.0) -> None:
        """Begin."""
        self.scale = scale

    def encode(self, sentences: list[str]) -> list[list[float]]:
        return [[len(text) * self.scale, 1.0] for text in sentences]


def test_an_allowed_class_is_imported_by_its_name() -> None:
    assert find_factory("collections:Counter", {"collections:Counter"}, {}).__name__ == "Counter"


def test_a_class_that_the_program_passed_needs_no_permission() -> None:
    assert find_factory("toy", (), {"toy": Toy}) is Toy


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:Class", "cannot be imported: No module named 'no_such_module'"),
        ("collections:Missing", "cannot be imported: .*no attribute 'Missing'"),
        ("math:pi", "is no class, but of type float"),
        ("no-entry-point", "expected 'module:Class', or an entry point of the group"),
    ],
)
def test_what_cannot_be_imported_is_an_error_of_one_line(name: str, message: str) -> None:
    with pytest.raises(PoolError, match=message) as caught:
        find_factory(name, {name}, {})
    assert "\n" not in str(caught.value)


def test_what_is_not_allowed_is_not_even_imported() -> None:
    with pytest.raises(PoolError, match="is no class that may be run; allowed is 'a:B', 'toy'"):
        find_factory("this:s", {"a:B"}, {"toy": Toy})


def test_a_class_with_encode_alone_has_all_methods_of_a_dense_encoder() -> None:
    model = CustomModel(Toy(2.0))
    assert model.encode_query(["ab", "c"]).tolist() == [[4, 1], [2, 1]]
    assert model.encode_document("ab").tolist() == [4, 1]
    assert model.encode(["x"]).dtype == np.float32
    model.close()


def test_its_own_methods_for_queries_and_documents_are_used() -> None:
    class Two(Toy):
        def encode_query(self, sentences: list[str]) -> list[list[float]]:
            return [[0.0, 0.0] for _ in sentences]

    model = CustomModel(Two())
    assert model.encode_query("ab").tolist() == [0, 0]
    assert model.encode_document("ab").tolist() == [2, 1]


def test_options_that_the_class_does_not_take_are_refused_and_none_is_no_option() -> None:
    model = CustomModel(Toy())
    assert model.encode_query("ab", instruction=None).tolist() == [2, 1]
    with pytest.raises(TypeError, match="instruction"):
        model.encode_query("ab", instruction="find")


@pytest.mark.parametrize("found", [[1.0, 2.0], [[1.0], [2.0], [3.0]], 5.0])
def test_an_answer_of_the_wrong_shape_is_an_error_that_says_the_right_one(found: Any) -> None:
    class Wrong:
        def encode(self, sentences: list[str]) -> Any:
            return found

    with pytest.raises(RuntimeError, match=r"for 2 texts; expected \[n_texts, dim\]"):
        CustomModel(Wrong()).encode(["a", "b"])


def test_texts_are_checked_before_the_class_sees_them() -> None:
    with pytest.raises(TypeError, match="index 1"):
        CustomModel(Toy()).encode(["a", 5])  # type: ignore[list-item]


def test_options_of_batches_are_left_out_where_the_class_has_none() -> None:
    class Labelling:
        labels = ("long",)

        def encode(self, sentences: list[str], on_overflow: str = "none") -> Any:
            return [[float(len(on_overflow))] for _ in sentences]

        def classify(self, texts: list[str]) -> list[str]:
            return texts

        def predict_scores(self, texts: list[str], **options: Any) -> Any:
            return options

    model = CustomModel(Labelling())
    passed: dict[str, Any] = {"on_overflow": "error", "progress": False}
    assert model.encode("x", **passed).tolist() == [5.0]
    assert model.classify(["x"], **passed) == ["x"]
    assert model.predict_scores(["x"], **passed) == passed
