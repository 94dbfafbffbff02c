"""The published JSON Schema says what the reader takes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.unit.holotype.deployment.made import FULL, deployments, one, problems_of

from holotype.deployment.document import Deployment
from holotype.deployment.schema import make_schema, read_schema
from holotype.deployment.writing import to_data

SCHEMA = json.loads(read_schema())
VALIDATOR: Any = jsonschema.Draft202012Validator(SCHEMA)


def is_valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(YAML(typ="safe", pure=True).load(text)))


def test_the_published_schema_is_what_the_reader_is_made_of() -> None:
    assert read_schema() == make_schema(), (
        "write it again: python -c 'from holotype.deployment.schema import FILE, make_schema; "
        'print(make_schema(), end="")\' > src/holotype/deployment/deployment.schema.json'
    )


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_key_is_documented() -> None:
    def undocumented(schema: Any, at: str) -> list[str]:
        found = []
        for name, each in schema.get("properties", {}).items():
            if "const" not in each and each is not False and not each.get("description"):
                found.append(f"{at}/{name}")
            found += undocumented(each, f"{at}/{name}") if isinstance(each, dict) else []
        return found

    assert undocumented(SCHEMA, "") + undocumented(SCHEMA["$defs"]["model"], "model") == []


def test_the_schema_takes_a_full_deployment() -> None:
    VALIDATOR.validate(YAML(typ="safe", pure=True).load(FULL))


@given(deployments())
def test_the_schema_takes_what_is_written(deployment: Deployment) -> None:
    VALIDATOR.validate(to_data(deployment))


@pytest.mark.parametrize(
    "model",
    [
        "source: 5",
        "source: {type: hugingface, repo: a/b}",
        "source: {type: local}",
        "source: {type: local, path: x, paht: y}",
        "source: {type: local, path: ''}",
        "preload: true",
        "source: 's3://bkt/x', ensemble: {of: [n]}",
        "source: 's3://bkt/x', preload: 'yes'",
        "source: 's3://bkt/x', dim: 0",
        "source: 's3://bkt/x', dim: 7.5",
        "source: 's3://bkt/x', memory: 0.9",
        "source: 's3://bkt/x', memory: 6G",
        "source: 's3://bkt/x', sticky: users",
        "source: 's3://bkt/x', fallback: []",
        "source: 's3://bkt/x', fallback: [a, a]",
        "source: 's3://bkt/x', token: x",
        "source: 's3://bkt/x', timeout_s: 0",
        "source: 's3://bkt/x', inference: {threshold: 50}",
        "source: 's3://bkt/x', inference: {device: gpu}",
        "source: 's3://bkt/x', architecture: {labels: [a, true]}",
        "variants: [{name: a, weight: -1, source: 's3://bkt/x'}]",
        "variants: [{name: a, weight: 1}]",
        "ensemble: {of: {}}",
        "ensemble: {of: [n]}, memory: 1GiB",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(model: str) -> None:
    assert problems_of(one(model))
    assert not is_valid(one(model))


SCALARS = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1,
        0.5,
        1.0,
        7.5,
        100,
        "",
        " ",
        "a",
        "no",
        "1",
        "80%",
        "0.9GiB",
        "30m",
        "never",
    ]
) | st.sampled_from(["cpu", "cuda:1", "1.0", "hf:a/b", "s3://bkt/x", "{}", [], {}, ["a"], {"a": 1}])


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The full deployment as data, with one value or key exchanged, removed or added."""
    data: Any = YAML(typ="safe", pure=True).load(FULL)
    at: Any = data
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        inside = at[key]
        if not isinstance(inside, dict | list) or not inside or draw(st.integers(0, 9)) == 0:
            break
        at = inside
    match draw(st.sampled_from(["exchange", "exchange", "remove", "add"])):
        case "remove":
            del at[key]
        case "add" if isinstance(at, dict):
            at[draw(st.sampled_from(["name", "type", "source", "memory", "x"]))] = draw(SCALARS)
        case _:
            at[key] = draw(SCALARS)
    return dict(data)


@given(mutated())
@settings(max_examples=settings.default.max_examples * 3 if settings.default else 300)
def test_what_the_reader_takes_the_schema_takes(data: dict[str, Any]) -> None:
    # Without its version, a document may be in an older format.
    if "version" in data and not problems_of(json.dumps(data)):
        VALIDATOR.validate(data)


@pytest.mark.parametrize(
    "pool", ["memory: 80", "memory: 0.9", "idle_after: 30", "min_resident: never", "swap: both"]
)
def test_the_schema_refuses_settings_that_the_reader_refuses(pool: str) -> None:
    text = f'version: "1.0"\npool: {{{pool}}}\nmodels: {{m: {{source: "s3://bkt/x"}}}}\n'
    assert problems_of(text)
    assert not is_valid(text)
