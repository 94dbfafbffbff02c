"""Which calls can run together, and what becomes of their results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from holotype.pool.generation import Facts
from holotype.pool.together import Together, plan_together

FACTS = Facts(
    kind="cross-encoder",
    architecture="bert",
    labels=(),
    dim=None,
    max_length=512,
    fingerprint=None,
    activation="sigmoid",
)


def plan(method: str, *args: Any, **options: Any) -> Together | None:
    return plan_together("m", method, args, options)


def known(method: str, *args: Any, **options: Any) -> Together:
    together = plan(method, *args, **options)
    assert together is not None
    return together


def test_texts_run_together_and_queries_come_first() -> None:
    found = known("encode_query", ["a", "b"], instruction=None, batch_size=3)
    assert (found.method, found.items, found.is_urgent) == ("encode_query", ["a", "b"], True)
    assert found.options == {"instruction": None, "batch_size": 3}
    assert found.finish("value", None) == "value"
    single = known("encode_document", "a")
    assert (single.items, single.is_urgent) == (["a"], False)
    assert single.finish(["value"], None) == "value"


@pytest.mark.parametrize("method", ["encode_image", "caption"])
def test_pictures_run_together_in_every_form(method: str) -> None:
    array = np.zeros((4, 4, 3), dtype=np.uint8)
    several: list[Any] = ["a.png", Path("b.png"), b"bytes", array, Image.new("RGB", (4, 4))]
    found = known(method, several, batch_size=3)
    assert (found.method, found.items, found.is_urgent) == (method, several, False)
    assert (found.options, found.tokens_each) == ({"batch_size": 3}, 256)
    assert found.finish("value", None) == "value"
    for one in several:
        single = known(method, one)
        assert single.items == [one]
        assert single.finish(["value"], None) == "value"


@pytest.mark.parametrize("pictures", [[], [b"", 5], 5, np.zeros((2, 4, 4, 3), dtype=np.uint8)])
def test_what_is_no_list_of_pictures_runs_alone(pictures: Any) -> None:
    assert plan("encode_image", pictures) is None


def test_a_classifier_takes_pairs_as_tuples_beside_texts() -> None:
    assert known("classify", [("a", "b"), "c"], top_k=1).items == [("a", "b"), "c"]
    pair = known("predict_scores", ("a", "b"))
    assert pair.items == [("a", "b")]
    assert pair.finish(["value"], None) == "value"


def test_pairs_run_together_whether_they_are_tuples_or_lists() -> None:
    assert known("predict", [["a", "b"], ("c", "d")]).items == [("a", "b"), ("c", "d")]
    one = known("predict", ("a", "b"))
    score = one.finish(np.array([0.5], dtype=np.float32), FACTS)
    assert (one.items, score, type(score)) == ([("a", "b")], 0.5, float)
    with pytest.raises(ValueError, match="gives 3 scores for a pair; pass a list of one pair"):
        one.finish(np.zeros((1, 3), dtype=np.float32), FACTS)


def test_documents_are_ranked_by_the_logits_of_their_pairs() -> None:
    found = known("rank", "q", ["a", "b", "c"], top_k=2, return_documents=True, on_overflow="error")
    assert (found.method, found.items) == ("predict", [("q", "a"), ("q", "b"), ("q", "c")])
    assert found.options == {"on_overflow": "error", "activation": "logits"}
    # The sigmoid of both is 1 in float32; the higher logit comes first.
    ranked = found.finish(np.array([50, -1, 60], dtype=np.float32), FACTS)
    assert [(one.corpus_id, one.text, one.activation) for one in ranked] == [
        (2, "c", "sigmoid"),
        (0, "a", "sigmoid"),
    ]
    raw = known("rank", "q", ["a", "b"], activation="logits")
    assert [one.score for one in raw.finish(np.array([1, 2], dtype=np.float32), FACTS)] == [2, 1]
    with pytest.raises(ValueError, match="gives 3 scores for a pair, by which documents cannot"):
        raw.finish(np.zeros((2, 3), dtype=np.float32), FACTS)


@pytest.mark.parametrize(
    ("method", "args", "options"),
    [
        ("encode_query", [["a"]], {"devices": ["cpu"]}),
        ("encode", [["a"], "b"], {}),
        ("encode", [("a", "b")], {}),
        ("similarity", [["a"]], {}),
        ("classify", [["a", 5]], {}),
        ("classify", [[]], {}),
        ("classify", [None], {}),
        ("classify", [[("a", "b", "c")]], {}),
        ("predict", ["a"], {}),
        ("predict", [[("a",)]], {}),
        ("rank", [["a"]], {}),
        ("rank", ["a", []], {}),
        ("rank", ["a", "b"], {}),
        ("rank", ["a", ["b"]], {"top_k": -1}),
        ("rank", ["a", ["b"]], {"activation": "wrong"}),
    ],
)
def test_what_else_there_is_runs_alone_and_the_model_judges_it(
    method: str, args: list[Any], options: dict[str, Any]
) -> None:
    assert plan(method, *args, **options) is None
