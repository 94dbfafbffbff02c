"""Servers whose names follow a registry, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.runtime.server_process import RunningServer, running_server, write_deployment
from tests.unit.holotype.registry.conftest import (  # noqa: F401
    models,
    postgresql,
    template,
)

from holotype.registry import Database, ModelRegistry, upgrade

KIND = "text_embedding"


@dataclass
class Site:
    """A server, its registry, and the artifacts of tiny models.

    Attributes:
        running: the server.
        registry: its registry, asked directly.
        folder: the artifacts: `v1`, `v2` and `v3` make the same vectors, `other` and `wide` do not.
    """

    running: RunningServer
    registry: ModelRegistry
    folder: Path

    def get(self, path: str, **query: Any) -> Any:
        """Return what a path answers, which must be right."""
        response = self.running.client.get(f"/api{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Send a body."""
        headers = {} if key is None else {"idempotency-key": key}
        return self.running.client.post(f"/api{path}", json=body or {}, headers=headers)

    def wait(self, response: Any) -> dict[str, Any]:
        """Return the job of an answer when it is over."""
        assert response.status_code == 202, response.text
        job: dict[str, Any] = response.json()
        for _ in range(3000):
            job = self.get(f"/jobs/{job['id']}")
            if job["finished_at"] is not None:
                return job
            time.sleep(0.02)
        raise AssertionError(f"the job is not over: {job}")

    def switch(self, version: str, **body: Any) -> dict[str, Any]:
        """Switch to a version, which must succeed, and return the activation."""
        job = self.wait(self.post(f"/models/{KIND}/switch/{version}", body))
        assert job["state"] == "succeeded", job
        result: dict[str, Any] = job["result"]
        return result

    def served(self) -> str:
        """Return the version that answers under the name `search`."""
        body = {"model": "search", "input": "a cup of tea"}
        response = self.running.client.post("/v1/embeddings", json=body)
        assert response.status_code == 200, response.text
        return str(response.headers["x-holotype-version"]).rpartition("/")[2]


@contextmanager
def open_site(address: str, artifacts: Path, folder: Path, **settings: Any) -> Iterator[Site]:
    """Run a server with versions that are registered, and none that is active."""
    store = folder / "store"
    shutil.copytree(artifacts, store, ignore=shutil.ignore_patterns("*-checkpoint"))
    with Database(address) as database:
        registry = ModelRegistry(database)
        for name in ("v1", "v2", "v3", "other", "wide"):
            registry.register(KIND, name, store / name, actor="alice")
        deployment = write_deployment(folder, {"search": f"{{source: 'registry:{KIND}'}}"})
        chosen = {"database": address, "state_file": folder / "state.json", **settings}
        with running_server(deployment=str(deployment), **chosen) as running:
            yield Site(running, registry, store)


@pytest.fixture(scope="session")
def sqlite_address(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes a file of SQLite with the tables, and returns its address."""

    def make() -> str:
        address = f"sqlite:///{tmp_path_factory.mktemp('database')}/registry.db"
        with Database(address) as database:
            upgrade(database)
        return address

    return make


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest,
    models: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A server that all tests of a module share, in any order."""
    with _site(request, models, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def new_site(
    request: pytest.FixtureRequest,
    models: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A server of one test, on which nothing has been activated."""
    with _site(request, models, tmp_path_factory.mktemp("site")) as made:
        yield made


@contextmanager
def _site(request: pytest.FixtureRequest, artifacts: Path, folder: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        make: Callable[[], str] = request.getfixturevalue("sqlite_address")
        with open_site(make(), artifacts, folder) as made:
            yield made
        return
    address_of: Callable[[str], str] = request.getfixturevalue("postgresql")
    name = f"holotype_site_{os.getpid()}_{folder.name}"
    _execute(
        address_of, f'CREATE DATABASE "{name}" TEMPLATE "{request.getfixturevalue("template")}"'
    )
    with open_site(address_of(name), artifacts, folder) as made:
        yield made
    _execute(address_of, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def own_site(
    models: Path,  # noqa: F811
    sqlite_address: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """A server of one test, which knows no sizes that other tests have measured."""
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "cache"))
    with open_site(sqlite_address(), models, tmp_path) as made:
        yield made


def _execute(address_of: Callable[[str], str], statement: str) -> None:
    with psycopg.connect(address_of("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
