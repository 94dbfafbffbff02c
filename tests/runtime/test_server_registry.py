"""A server whose models follow a registry, also while its database is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from sentence_transformers.sentence_transformer.modules import Pooling
from sqlalchemy import text
from tests.runtime.conftest import HIDDEN_DIM
from tests.runtime.parity import Save
from tests.runtime.server_process import RunningServer, running_server, write_deployment
from tests.unit.holotype.registry.postgres import Server

from holotype.publishing import create_artifact
from holotype.registry import Database, DatabaseUnavailableError, ModelRegistry, upgrade
from holotype.registry.keys import ApiKeys
from holotype.server import ServerSettings, ServerState

KIND = "text_embedding"


@pytest.fixture
def artifacts(save_dense: Save, tmp_path: Path) -> tuple[Path, Path]:
    """Two models that make other vectors."""
    made = []
    for pooling in ("mean", "cls"):
        folder = save_dense(Pooling(HIDDEN_DIM, pooling))
        create_artifact(f"local:{folder}", tmp_path / pooling)
        made.append(tmp_path / pooling)
    return made[0], made[1]


@pytest.fixture
def deployment(tmp_path: Path) -> str:
    models = {"search": f"{{source: 'registry:{KIND}', preload: true}}"}
    return str(write_deployment(tmp_path, models))


def register(registry: ModelRegistry, artifacts: tuple[Path, Path]) -> None:
    for name, folder in zip(("v1", "v2"), artifacts, strict=True):
        registry.register(KIND, name, folder, actor="tests", model_id="tiny")


def version(server: RunningServer) -> str:
    response = server.post("/v1/embeddings", {"model": "search", "input": "a text"})
    assert response.status_code == 200, response.text
    return response.headers["x-holotype-version"]


def wait_for(server: RunningServer, expected: str) -> None:
    for _ in range(600):
        if version(server) == expected:
            return
        Event().wait(0.05)
    raise AssertionError(f"{expected} does not serve")


def test_a_switch_in_the_registry_is_followed_without_a_failed_request(
    artifacts: tuple[Path, Path], deployment: str, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path}/registry.db"
    with Database(address) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        register(registry, artifacts)
        registry.activate(KIND, "v1", actor="tests")
        with (
            running_server(
                deployment=deployment, database=address, state_file=tmp_path / "state.json"
            ) as server,
            ThreadPoolExecutor(4) as threads,
        ):
            assert version(server) == "tiny/v1"
            done = Event()

            def call() -> set[str]:
                seen = set()
                with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
                    while not done.is_set():
                        response = client.post("/embed", json={"inputs": "a text"})
                        assert response.status_code == 200, response.text
                        seen.add(
                            response.headers["x-holotype-version"]
                            + response.headers["x-holotype-fingerprint"]
                        )
                return seen

            running = [threads.submit(call) for _ in range(4)]
            registry.activate(KIND, "v2", actor="tests", allow_different_vectors=True)
            wait_for(server, "tiny/v2")
            registry.rollback(KIND, actor="tests", allow_different_vectors=True)
            wait_for(server, "tiny/v1")
            done.set()
            assert len(set().union(*(each.result() for each in running))) == 2


def test_a_kind_that_nothing_is_active_of_is_unavailable_until_something_is(
    artifacts: tuple[Path, Path], deployment: str, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path}/registry.db"
    with Database(address) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        register(registry, artifacts)
        state = ServerState.open(
            ServerSettings(
                deployment=deployment, database=address, state_file=tmp_path / "state.json"
            )
        )
        state.close()
        models = {"search": f"{{source: 'registry:{KIND}'}}"}
        cold = str(write_deployment(tmp_path, models))
        with running_server(
            deployment=cold, database=address, state_file=tmp_path / "state.json"
        ) as server:
            refused = server.post("/v1/embeddings", {"model": "search", "input": "x"})
            assert "no version of 'text_embedding' is active" in refused.text
            assert refused.status_code in (424, 503)
            registry.activate(KIND, "v1", actor="tests")
            for _ in range(600):
                answer = server.post("/v1/embeddings", {"model": "search", "input": "x"})
                if answer.status_code == 200:
                    break
                Event().wait(0.05)
            assert answer.headers["x-holotype-version"] == "tiny/v1"


@pytest.fixture
def postgresql() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_server_refuses_tables_of_another_version_and_says_the_command(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/registry.db"
    change = "UPDATE registry_schema SET version_num = '0001'"
    with Database(address) as database:
        upgrade(database)
        with database.writing() as connection:
            connection.execute(text(change))
    command = [sys.executable, "-m", "holotype", "serve", "--port", "0", "--database", address]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert refused.returncode == 1
    assert "run: holotype db upgrade" in refused.stderr
    with Database(address) as database, database.reading() as connection:
        found = connection.execute(text("SELECT version_num FROM registry_schema")).scalar()
    assert found == "0001", "only the command changes tables"


def test_a_server_lives_without_its_database_and_starts_without_it(
    postgresql: Server, artifacts: tuple[Path, Path], deployment: str, tmp_path: Path
) -> None:
    address = postgresql.address("postgres")
    state_file = tmp_path / "state.json"
    settings: dict[str, Any] = {
        "deployment": deployment,
        "database": address,
        "state_file": state_file,
    }
    with Database(address) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        register(registry, artifacts)
        registry.activate(KIND, "v1", actor="tests")
        key, _ = ApiKeys(database).create("tests", ["infer"], actor="tests")
    headers = {"authorization": f"Bearer {key}"}
    with running_server(**settings) as server:
        server.client.headers.update(headers)
        assert version(server) == "tiny/v1"
        postgresql.stop()
        # It serves on, and knows its keys.
        for _ in range(20):
            assert version(server) == "tiny/v1"
            Event().wait(0.1)
        assert server.client.get("/ready").status_code == 200
    with pytest.raises(DatabaseUnavailableError):
        ServerState.open(ServerSettings(**settings, require_database=True))
    with running_server(**settings) as server:
        wrong = {"authorization": "Bearer holotype_wrong"}
        assert server.client.get("/v1/models", headers=wrong).status_code in (401, 503)
        server.client.headers.update(headers)
        assert version(server) == "tiny/v1"
        postgresql.start()
        with Database(address) as database:
            registry = ModelRegistry(database)
            registry.activate(KIND, "v2", actor="tests", allow_different_vectors=True)
        wait_for(server, "tiny/v2")
