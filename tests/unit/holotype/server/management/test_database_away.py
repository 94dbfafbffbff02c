"""The database stops and starts again, on a real PostgreSQL of the test's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.holotype.registry.postgres import Server
from tests.unit.holotype.server.management.conftest import KIND, Site, open_site

from holotype.registry import Database, upgrade

MODELS = f"/models/{KIND}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def away(server: Server, models: Path, tmp_path: Path) -> Iterator[Site]:
    address = server.address("postgres")
    with Database(address) as database:
        upgrade(database)
    with open_site(address, models, tmp_path) as made:
        yield made


def test_models_are_served_and_switches_refused_until_the_database_is_back(
    away: Site, server: Server
) -> None:
    away.switch("v1")
    server.stop()
    refused = [
        away.post(f"{MODELS}/switch/v2", key="deploy-1"),
        away.post(f"{MODELS}/rollback"),
        away.running.client.get(f"/api{MODELS}/history"),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert away.served() == "v1"
    assert away.get("/pool")["models"][0]["state"] == "ready"
    for _ in range(3000):
        found = away.get("/server")["database"]
        if not found["ok"]:
            break
        time.sleep(0.02)
    assert "does not answer" in found["problem"]
    server.start()
    job = away.wait(away.post(f"{MODELS}/switch/v2", key="deploy-1"))
    assert (job["state"], job["result"]["generation"]) == ("succeeded", 2)
    assert away.served() == "v2"
