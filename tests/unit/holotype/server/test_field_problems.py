"""What is wrong with the fields of a body, one sentence for each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from holotype.server.field_problems import field_problems
from holotype.server.inference.bodies import (
    CaptionsBody,
    EmbedAllBody,
    EmbeddingsBody,
    PredictBody,
    RerankBody,
)


def told(kind: type[BaseModel], **body: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate_json(json.dumps(body))
    return [(each.field, each.message) for each in field_problems(caught.value.errors())]


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        (["a", 3], "input[1]", "found a number, expected a text"),
        (["a", None], "input[1]", "found null, expected a text"),
        ([[1, "x"]], "input[0][1]", "found a text, expected the integer of a token"),
        ([1, "a"], "input[1]", "found a text, expected the integer of a token"),
        (
            [{"txt": "a"}],
            "input[0]",
            "found an object with txt, expected an object with text or an object with image",
        ),
        (
            [{"text": "a", "image": "b"}],
            "input[0]",
            "found an object that also has image, expected an object with text or an object with "
            "image",
        ),
        (
            3,
            "input",
            "found a number, expected a text, a list of texts, a list of token ids, a list of lists "
            "of token ids or a list of objects with text or image",
        ),
    ],
)
def test_an_input_of_many_shapes_has_one_sentence(given: Any, field: str, message: str) -> None:
    assert told(EmbeddingsBody, model="m", input=given) == [(field, message)]


def test_other_fields_of_several_shapes_have_one_sentence_each() -> None:
    assert told(CaptionsBody, input=[3]) == [
        ("input[0]", "found a number, expected a text or an object with image")
    ]
    assert told(PredictBody, inputs=[["a"], 3]) == [
        ("inputs[1]", "found a number, expected a list")
    ]
    assert told(EmbedAllBody, inputs=[{"image": True}]) == [
        ("inputs[0].image", "found true or false, expected a text")
    ]
    assert told(RerankBody, query=1, documents=["a", 4]) == [
        ("query", "Input should be a valid string"),
        ("documents[1]", "found a number, expected a text or an object"),
    ]


def test_fields_of_one_shape_are_told_as_they_are() -> None:
    assert told(EmbeddingsBody, input=3, nope=1)[0] == ("model", "Field required")
    assert told(EmbeddingsBody, model="m", input="x", nope=1) == [
        ("nope", "Extra inputs are not permitted")
    ]
