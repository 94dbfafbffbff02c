"""An empty registry, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from tests.unit.holotype.registry.postgres import ADDRESS_VARIABLE, Server
from tests.unit.holotype.registry.stored import make_artifact

from holotype.registry import Database, ModelRegistry, upgrade

_numbers = itertools.count()
_TEMPLATE = f"holotype_template_{os.getpid()}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """The addresses of the databases of a PostgreSQL that runs."""
    given = os.environ.get(ADDRESS_VARIABLE)
    if given:
        url = make_url(given)
        yield lambda name: url.set(database=name).render_as_string(hide_password=False)
        return
    server = Server()
    try:
        server.start()
        yield server.address
    finally:
        server.remove()


@pytest.fixture(scope="session")
def template(postgresql: Callable[[str], str]) -> Iterator[str]:
    """The name of a database with the tables."""
    _execute(postgresql, f'CREATE DATABASE "{_TEMPLATE}"')
    with Database(postgresql(_TEMPLATE)) as database:
        upgrade(database)
    yield _TEMPLATE
    _execute(postgresql, f'DROP DATABASE "{_TEMPLATE}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    yield from _address(request, tmp_path, "template1")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the tables."""
    if request.param == "sqlite":
        for made in _address(request, tmp_path, ""):
            with Database(made) as database:
                upgrade(database)
            yield made
    else:
        yield from _address(request, tmp_path, request.getfixturevalue("template"))


def _address(request: pytest.FixtureRequest, folder: Path, template: str) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/registry.db"
        return
    address_of = request.getfixturevalue("postgresql")
    name = f"holotype_test_{os.getpid()}_{next(_numbers)}"
    _execute(address_of, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield address_of(name)
    _execute(address_of, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(address_of: Callable[[str], str], statement: str) -> None:
    with psycopg.connect(address_of("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """A database with the tables."""
    with Database(address) as database:
        yield database


@pytest.fixture
def registry(database: Database) -> ModelRegistry:
    """A registry without versions."""
    return ModelRegistry(database)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `store` is a copy of."""
    folder = tmp_path_factory.mktemp("artifacts")
    for name in ("v1", "v2", "v3"):
        make_artifact(folder / name, licence=name)
    make_artifact(folder / "other", pooling="cls")
    return folder


@pytest.fixture
def store(artifacts: Path, tmp_path: Path) -> Path:
    """A store: `v1`, `v2` and `v3` make the same vectors, `other` makes others."""
    return Path(shutil.copytree(artifacts, tmp_path / "artifacts"))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `loadable` is a copy of."""
    from tests.unit.holotype.registry import loadable

    folder = tmp_path_factory.mktemp("models")
    for name in ("v1", "v2", "v3"):
        loadable.make_dense(folder / name, licence=name)
    loadable.make_dense(folder / "other", seed=8)
    loadable.make_dense(folder / "wide", dim=32)
    return folder


@pytest.fixture
def loadable(models: Path, tmp_path: Path) -> Path:
    """Artifacts that load: `v1`, `v2` and `v3` make the same vectors, `other` and `wide` do not."""
    folder = tmp_path / "loadable"
    for name in ("v1", "v2", "v3", "other", "wide"):
        shutil.copytree(models / name, folder / name)
    return folder
