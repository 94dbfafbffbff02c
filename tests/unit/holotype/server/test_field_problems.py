"""What is wrong with the fields of a body, one sentence for each."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from holotype.server.field_problems import field_problems
from holotype.server.inference.bodies import (
    CaptionsBody,
    ClassifyBody,
    EmbedAllBody,
    EmbedBody,
    EmbeddingsBody,
    PredictBody,
    RerankBody,
    SimilarityBody,
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
        ("query", "found a number, expected a text"),
        ("documents[1]", "found a number, expected a text or an object"),
    ]


@pytest.mark.parametrize("name", ["str", "TextItem", "list[str]"])
def test_a_field_of_a_client_may_be_called_like_a_shape(name: str) -> None:
    ((field, message),) = told(EmbeddingsBody, **{"model": "m", "input": "a", name: 1})
    assert field == name
    assert message.startswith("found a field that is unknown here")
    ((field, message),) = told(EmbeddingsBody, model="m", input=[{"text": "a", name: 1}])
    assert (field, message) == (
        "input[0]",
        f"found an object that also has {name}, expected an object with text or an object with "
        "image",
    )


def test_no_value_or_name_of_a_client_comes_back_at_length() -> None:
    long = "x" * 1_000_000
    bodies: list[dict[str, Any]] = [
        {"model": "m", "input": [{"text": "a", long: 1}]},
        {"model": "m", "input": [{long: 1}]},
        {"model": "m", "input": "a", long: 1},
        *({"model": "m", "input": "a", name: long} for name in ("task", "expect_fingerprint")),
        {"model": long, "input": "a"},
    ]
    for body in bodies:
        assert (
            sum(len(field) + len(message) for field, message in told(EmbeddingsBody, **body)) < 999
        )
    assert len(str(told(EmbedBody, inputs="a", prompt_name=long))) < 999


def test_an_item_of_a_list_is_one_object() -> None:
    assert told(EmbedAllBody, inputs=[{"image": "a"}, "b"]) == [
        ("inputs[1]", "found a text, expected an object with image")
    ]
    assert told(EmbedAllBody, inputs=[{"image": "a"}, {"text": "b"}]) == [
        ("inputs[1]", "found an object with text, expected an object with image")
    ]


@pytest.mark.parametrize(
    ("kind", "body", "field", "message"),
    [
        (EmbeddingsBody, {"input": "x"}, "model", "is missing, expected a text"),
        (
            EmbeddingsBody,
            {"model": "m"},
            "input",
            "is missing, expected a text, a list of texts, a list of token ids, a list of lists of "
            "token ids or a list of objects with text or image",
        ),
        (
            SimilarityBody,
            {"inputs": {"source_sentence": "x"}},
            "inputs.sentences",
            "is missing, expected a list of texts",
        ),
        (SimilarityBody, {}, "inputs", "is missing, expected an object"),
        (
            SimilarityBody,
            {"inputs": {"source_sentence": "x", "sentences": [], "foo": 1}},
            "inputs.foo",
            "found a field that is unknown here, expected one of source_sentence, sentences",
        ),
        (
            ClassifyBody,
            {"input": "x", "foo": 1},
            "foo",
            "found a field that is unknown here, expected one of model, input, raw_scores, "
            "truncate, user",
        ),
        (
            ClassifyBody,
            {"input": "x", "raw_scores": 1},
            "raw_scores",
            "found a number, expected true or false",
        ),
        (
            EmbedBody,
            {"inputs": "x", "dimensions": "8"},
            "dimensions",
            "found a text, expected a whole number",
        ),
        (
            RerankBody,
            {"query": "x", "top_n": 0},
            "top_n",
            "found 0, expected 1 or more",
        ),
        (
            ClassifyBody,
            {"model": "", "input": "x"},
            "model",
            'found "", expected a text with at least 1 character',
        ),
        (
            EmbeddingsBody,
            {"model": "m", "input": "x", "encoding_format": "hex"},
            "encoding_format",
            "found \"hex\", expected 'float' or 'base64'",
        ),
        (ClassifyBody, None, "", "found null, expected an object"),
        (ClassifyBody, [], "", "found a list, expected an object"),
    ],
)
def test_a_field_of_one_shape_says_what_was_found_and_what_was_expected(
    kind: type[BaseModel], body: Any, field: str, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate_json(json.dumps(body))
    (found,) = field_problems(caught.value.errors(), kind)
    assert (found.field, found.message) == (field, message)


@pytest.mark.parametrize(
    "kind", [CaptionsBody, ClassifyBody, EmbedAllBody, EmbedBody, EmbeddingsBody, PredictBody]
)
def test_no_shape_of_the_server_speaks_as_pydantic_does(kind: type[BaseModel]) -> None:
    given: list[Any] = [None, [], {}, {"nope": 1}]
    values: list[Any] = [{}, 1.5, "", [{}], [[{}]]]
    for value in values:
        given += [{"model": "m", name: value} for name in kind.model_fields]
    n_told = 0
    for body in given:
        try:
            kind.model_validate_json(json.dumps(body))
        except ValidationError as error:
            for one in field_problems(error.errors(), kind):
                n_told += 1
                assert "expected" in one.message, one
                for words in ("Input should", "Field required", "Extra inputs", "list[", "union"):
                    assert words not in one.message, one
    assert n_told > len(given)


class Lenient(BaseModel):
    """A body, or parameters of a path, whose texts are read as values."""

    kind: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    flag: bool = False
    count: Annotated[int, Field(gt=1, le=9)] = 2
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kind", "A b", 'found "A b", expected a text that matches ^[a-z]+$'),
        ("flag", "perhaps", 'found "perhaps", expected true or false'),
        ("flag", "\ud800", 'found "\\ud800", expected a text without halves of surrogate pairs'),
        ("count", "few", 'found "few", expected a whole number'),
        ("count", 2.5, "found 2.5, expected a whole number"),
        ("count", 1, "found 1, expected more than 1"),
        ("count", 10, "found 10, expected 9 or less"),
        ("share", "half", 'found "half", expected a number'),
        ("share", -1, "found -1, expected 0 or more"),
        ("share", 1, "found 1, expected less than 1"),
    ],
)
def test_a_value_that_is_read_from_a_text_is_told_in_the_same_words(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Lenient.model_validate({name: value})
    (found,) = field_problems(caught.value.errors(), Lenient)
    assert (found.field, found.message) == (name, message)


def test_half_a_surrogate_pair_is_told_as_an_escape() -> None:
    error = {"type": "literal_error", "msg": "Input should be 'a'", "input": "\ud800"}
    (found,) = field_problems([{**error, "loc": ("x\ud800",)}])
    assert (found.field, found.message) == ("x\\ud800", "found \"\\ud800\", expected 'a'")


def test_what_only_pydantic_knows_is_told_without_the_shape() -> None:
    assert told(EmbeddingsBody, input="x", nope=1) == [
        ("model", "is missing, expected a value"),
        ("nope", "found a field that is unknown here"),
    ]
