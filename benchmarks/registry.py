"""The registry with 100,000 versions, and with many writers, on SQLite and on PostgreSQL.

Rows are made in bulk: to register each version would read 100,000 checkpoints. PostgreSQL is the
server that HOLOTYPE_TEST_DATABASE names, else one that is started for this, as the tests start
theirs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, make_url, select, text

from holotype.registry import Database, ModelRegistry, upgrade
from holotype.registry.searching import searchable_text
from holotype.registry.tables import model, model_kind, model_version, version_search
from report import Table

N_VERSIONS = 100_000
N_MODELS = 100
N_WRITERS = 8
N_ACTIVATIONS = 25
N_ROUNDS = 20
KIND = "text_embedding"
SEARCHED = ("v-99", "v-1", "MODEL-7/v-107", "org/model-55@0000", "nowhere", "zz", "z", "-")
"""Texts that many versions have, few, and none."""


def table(n_versions: int = N_VERSIONS) -> Table:
    """Measure both databases."""
    rows = [row for name, opened in _databases() for row in _measure(name, opened, n_versions)]
    notes = [
        "A page has 50 versions. Times are the least of 20 wall times (their median; the CPU time of "
        "this process, which is all of it for SQLite)."
    ]
    return Table("Registry", ["what", "database", "measured", "aim"], rows, notes)


def _databases() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "SQLite", _sqlite
    yield "PostgreSQL", _postgresql


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/registry.db"


@contextmanager
def _postgresql() -> Iterator[str]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.unit.holotype.registry.postgres import ADDRESS_VARIABLE, Server

    given = os.environ.get(ADDRESS_VARIABLE)
    server = None if given else Server()
    try:
        if server is not None:
            server.start()
        address = given or (server.address("postgres") if server is not None else "")
        name = f"holotype_benchmark_{os.getpid()}"
        with (
            Database(address) as main,
            main.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own,
        ):
            own.execute(text(f'CREATE DATABASE "{name}"'))
            yield make_url(address).set(database=name).render_as_string(hide_password=False)
            own.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        if server is not None:
            server.remove()


def _measure(name: str, opened: Callable[[], Any], n_versions: int) -> list[list[str]]:
    with opened() as address, Database(address) as database:
        upgrade(database)
        fill(database, n_versions)
        registry = ModelRegistry(database)
        middle = registry.list(KIND, limit=1).versions[0].id - n_versions // 2
        calls: tuple[tuple[str, Callable[[], object]], ...] = (
            ("the first page", lambda: registry.list(KIND)),
            ("a page in the middle", lambda: registry.list(KIND, before=middle)),
            *(
                (f"a page of versions with {searched!r}", _search(registry, searched))
                for searched in SEARCHED
            ),
            ("one version by its name", lambda: registry.get(KIND, "model-7/v-107")),
            ("the overview of all kinds", registry.overview),
        )
        rows = [
            [f"{what} of {n_versions:,} versions", name, _times(call), "< 50 ms"]
            for what, call in calls
        ]
        return [*rows, _writers(name, address, registry)]


def fill(database: Database, n_versions: int, *, n_models: int = N_MODELS) -> None:
    """Add a kind with versions that are nowhere, in bulk."""
    now = datetime.now(UTC)
    with database.writing() as connection:
        connection.execute(insert(model_kind).values(name=KIND, type="dense"))
        models = [{"kind": KIND, "model_id": f"model-{n}"} for n in range(n_models)]
        connection.execute(insert(model), models)
        found = connection.execute(text("SELECT model_id, id FROM model"))
        numbers = {row.model_id: row.id for row in found}
        for start in range(0, n_versions, 5_000):
            rows = [
                {
                    "model": numbers[f"model-{n % n_models}"],
                    "kind": KIND,
                    "version_id": f"v-{n}",
                    "reference": f"hf:org/model-{n % n_models}@{n:040x}",
                    "source_repo": f"org/model-{n % n_models}",
                    "checkpoint_hash": f"{n:064x}",
                    "fingerprint": f"sha256:{n % n_models:064x}",
                    "embedding_dim": 384,
                    "inference_config": {},
                    "created_at": now,
                    "created_by": "benchmark",
                }
                for n in range(start, min(start + 5_000, n_versions))
            ]
            connection.execute(insert(model_version), rows)
        added = connection.execute(
            select(model_version, model.c.model_id).join(model, model.c.id == model_version.c.model)
        )
        texts = [
            {
                "version": row.id,
                "kind": row.kind,
                "searched": searchable_text(
                    row.model_id, row.version_id, row.reference, row.source_repo
                ),
            }
            for row in added
        ]
        connection.execute(insert(version_search), texts)
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
            own.execute(text("ANALYZE"))


def _search(registry: ModelRegistry, searched: str) -> Callable[[], object]:
    return lambda: registry.list(KIND, containing=searched)


def _times(call: Callable[[], object]) -> str:
    walls: list[float] = []
    cpus: list[float] = []
    for _ in range(N_ROUNDS):
        started, began = time.perf_counter(), time.thread_time()
        call()
        cpus.append(1000 * (time.thread_time() - began))
        walls.append(1000 * (time.perf_counter() - started))
    return f"{min(walls):.1f} ms ({statistics.median(walls):.1f} ms; CPU {min(cpus):.1f} ms)"


def _writers(name: str, address: str, registry: ModelRegistry) -> list[str]:
    """Let writers activate at once, each over connections of its own; no generation may be lost."""
    go = threading.Barrier(N_WRITERS + 1)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        with Database(address) as own:
            mine = ModelRegistry(own)
            go.wait()
            try:
                for each in range(N_ACTIVATIONS):
                    version = f"model-{number}/v-{number + N_MODELS * each}"
                    mine.activate(KIND, version, actor=str(number), allow_different_vectors=True)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(N_WRITERS)]
    for thread in threads:
        thread.start()
    go.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise failures[0]
    n = N_WRITERS * N_ACTIVATIONS
    generations = [each.generation for each in registry.history(KIND, limit=1000)]
    lost = n - len(generations)
    gaps = sum(a != b for a, b in zip(generations, range(n, 0, -1), strict=False))
    what = f"{N_WRITERS} writers, {N_ACTIVATIONS} activations each"
    found = f"{seconds:.2f} s, {1000 * seconds / n:.1f} ms each, {lost} lost, {gaps} gaps"
    return [what, name, found, "0 lost, 0 gaps"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=N_VERSIONS)
    print(table(parser.parse_args().versions).markdown())
