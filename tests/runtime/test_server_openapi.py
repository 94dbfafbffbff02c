"""The description of the API is right: what it allows is answered, and answers are as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.runtime.server_process import RunningServer, local, running_server, write_deployment

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


POSTED = (
    *("/v1/embeddings", "/v1/rerank", "/classify", "/embed", "/embed_sparse", "/embed_all"),
    *("/predict", "/similarity", "/tokenize", "/v1/captions"),
)


@pytest.fixture(scope="module")
def running(
    minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    deployment = write_deployment(
        tmp_path_factory.mktemp("openapi"),
        {
            "default": local(minilm_folder, "preload: true"),
            "pii": "{source: {type: builtin, name: pii}}",
        },
    )
    with running_server(deployment=str(deployment), max_texts=8) as server:
        yield server


@pytest.fixture(scope="module")
def api(running: RunningServer) -> Any:
    return schemathesis.openapi.from_url(f"{running.url}/openapi.json")


@pytest.mark.parametrize("path", POSTED)
def test_what_the_description_allows_is_answered_as_it_says(api: Any, path: str) -> None:
    @given(case=api[path]["POST"].as_strategy())
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    check()


@pytest.mark.parametrize("path", ["/health", "/ready", "/v1/models", "/v1/models/{name}", "/info"])
def test_what_can_be_read_is_as_the_description_says(api: Any, path: str) -> None:
    @given(case=api[path]["GET"].as_strategy())
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    check()


def test_the_description_has_every_route_that_clients_know(running: RunningServer) -> None:
    paths = set(running.client.get("/openapi.json").json()["paths"])
    assert paths >= {
        *("/v1/embeddings", "/embeddings", "/v1/models", "/v1/models/{name}"),
        *("/v1/rerank", "/rerank", "/v2/rerank", "/classify", "/v1/classify"),
        *("/embed", "/embed_sparse", "/embed_all", "/predict", "/similarity", "/tokenize"),
        *("/info", "/health", "/ready", "/v1/captions"),
    }
    assert "/metrics" not in paths


def test_the_description_says_which_routes_need_a_key(running: RunningServer) -> None:
    described = running.client.get("/openapi.json").json()
    (name, scheme) = described["components"]["securitySchemes"].popitem()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    open_to_all = {
        path
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if operation.get("security") != [{name: []}]
    }
    assert open_to_all == {"/health", "/ready"}
    assert "Management" in described["info"]["description"]


def test_the_description_says_what_each_field_is(running: RunningServer) -> None:
    described = running.client.get("/openapi.json").json()
    schemas = {
        name: schema
        for name, schema in described["components"]["schemas"].items()
        # These two are FastAPI's; no answer of the server is one.
        if name not in ("HTTPValidationError", "ValidationError")
    }
    bodies = {
        path: methods["post"]["requestBody"]
        for path, methods in described["paths"].items()
        if path in POSTED
    }
    assert len(schemas) > 40 and len(bodies) == len(POSTED)
    fields = [*_fields(schemas, ""), *_fields(bodies, "")]
    assert [name for name, field in fields if not field.get("description")] == []


def _fields(schema: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the properties of a schema and of those inside, with their places."""
    if isinstance(schema, list):
        for each in schema:
            yield from _fields(each, place)
    elif isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from ((f"{place}/{name}", field) for name, field in properties.items())
        for name, each in schema.items():
            yield from _fields(each, f"{place}/{name}")
