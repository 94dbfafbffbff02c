"""The description of the management API is right: whatever it allows is answered as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.unit.holotype.server.management.conftest import KIND, Site, open_site

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
NAMES = {"kind": KIND, "name": "search", "model_id": "tiny", "version_id": "v1", "version": "v1"}
"""What there is; the other half of the requests asks for anything."""
KEY = "a-key-of-the-operator"
ENDLESS = "/api/events"


@pytest.fixture(scope="module")
def described(
    models: Path,
    sqlite_address: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Site, Any]]:
    """A server with versions of which one is active, and what it says of itself."""
    folder = tmp_path_factory.mktemp("site")
    with (
        pytest.MonkeyPatch.context() as patch,
        # The requests make keys, and then a server asks for one.
        open_site(sqlite_address(), models, folder, api_keys=(KEY,)) as site,
    ):
        # References that somebody makes up lead nowhere.
        patch.setenv("HF_HUB_OFFLINE", "1")
        site.running.client.headers["authorization"] = f"Bearer {KEY}"
        site.switch("v1")
        yield site, schemathesis.openapi.from_url(f"{site.running.url}/openapi.json")


def _operations(api: Any) -> Iterator[tuple[str, str]]:
    for path, methods in api.raw_schema["paths"].items():
        if path.startswith("/api/") and path != ENDLESS:
            yield from ((path, method.upper()) for method in methods)


def test_what_the_description_allows_is_answered_as_it_says(described: tuple[Site, Any]) -> None:
    site, api = described
    operations = sorted(_operations(api))
    assert len(operations) >= 26
    for path, method in operations:
        _check(api[path][method], path)
    # Whatever came, the server serves what it did before.
    assert site.running.client.get("/ready").status_code == 200
    assert site.served() in {"v1", "v2", "v3"}


def _check(operation: Any, path: str) -> None:
    asked = 0

    @given(case=operation.as_strategy())
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        nonlocal asked
        asked += 1
        if asked % 2 and case.path_parameters:
            known = {name: NAMES[name] for name in case.path_parameters if name in NAMES}
            case.path_parameters = {**case.path_parameters, **known}
        answer = case.call(headers={"authorization": f"Bearer {KEY}"})
        assert answer.status_code != 401
        case.validate_response(answer, checks=CHECKS)

    check()


def test_a_body_that_no_description_allows_is_a_problem(described: tuple[Site, Any]) -> None:
    site, api = described
    client: httpx.Client = site.running.client
    for path, method in sorted(_operations(api)):
        if method != "POST":
            continue
        address = path.format(**NAMES)
        for content in (b"{", b"[" * 100_000, b'"\\ud800"', b"\xff", b"[]", b"1e999"):
            answer = client.post(
                address, content=content, headers={"content-type": "application/json"}
            )
            if "requestBody" not in api.raw_schema["paths"][path]["post"]:
                continue
            assert answer.status_code in (400, 422), (address, content, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
