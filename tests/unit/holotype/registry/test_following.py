"""A service that knows what is active, while the database changes, goes and comes back."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from tests.unit.holotype.registry.postgres import Server

from holotype.errors import InvalidArgumentError
from holotype.registry import (
    Activation,
    Database,
    DatabaseUnavailableError,
    ModelConfigService,
    ModelRegistry,
    upgrade,
)

KIND = "text_embedding"
SOON_S = 30.0
NEVER_S = 3600.0


@pytest.fixture
def filled(registry: ModelRegistry, store: Path) -> ModelRegistry:
    """A registry with `v1`, which is active, and `v2`."""
    for name in ("v1", "v2"):
        registry.register(KIND, name, store / name, actor="alice")
    registry.activate(KIND, "v1", actor="alice")
    return registry


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL of this test alone, which runs."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_it_knows_what_is_active_and_follows_a_change(filled: ModelRegistry) -> None:
    with ModelConfigService(filled, poll_s=0.05) as service:
        known = service.active(KIND)
        assert known is not None
        assert (known.generation, known.version.version_id) == (1, "v1")
        assert service.active("titles") is None
        new = filled.activate(KIND, "v2", actor="bob")
        assert service.wait(KIND, 2, timeout_s=SOON_S)
        assert dict(service.all_active) == {KIND: new}
        assert service.problem is None
        assert service.age_s < SOON_S


def test_what_was_recorded_here_is_known_while_a_subscriber_is_busy(filled: ModelRegistry) -> None:
    busy, go, done = threading.Event(), threading.Event(), threading.Event()
    told: list[int] = []

    def on_change(activation: Activation) -> None:
        told.append(activation.generation)
        busy.set()
        go.wait(SOON_S)
        if activation.generation == 3:
            done.set()

    with ModelConfigService(filled, poll_s=0.05) as service:
        service.subscribe(on_change)
        second = filled.activate(KIND, "v2", actor="bob")
        assert busy.wait(SOON_S)
        third = filled.activate(KIND, "v1", actor="bob")
        service.learn(third)
        assert service.active(KIND) == third
        service.learn(second)
        assert service.active(KIND) == third
        assert service.wait(KIND, 3, timeout_s=0)
        go.set()
        assert done.wait(SOON_S)
        assert told == [2, 3]
        assert service.active(KIND) == third


def test_nobody_is_told_of_what_was_active_already(filled: ModelRegistry) -> None:
    told: list[int] = []
    with ModelConfigService(filled, poll_s=0.05) as service:
        service.subscribe(lambda activation: told.append(activation.generation))
        filled.activate(KIND, "v1", actor="bob")
        filled.activate(KIND, "v2", actor="bob")
        assert service.wait(KIND, 2, timeout_s=SOON_S)
        service.close()
    assert told == [2]


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_postgresql_tells_of_a_change_at_once(filled: ModelRegistry) -> None:
    with ModelConfigService(filled, poll_s=NEVER_S) as service:
        filled.activate(KIND, "v2", actor="bob")
        assert service.wait(KIND, 2, timeout_s=SOON_S)


def test_a_change_of_which_nothing_was_told_is_found_by_asking(filled: ModelRegistry) -> None:
    if filled.database.dialect == "postgresql":
        with filled.database.writing() as connection:
            connection.execute(text("DROP TRIGGER tell ON active_version"))
    with ModelConfigService(filled, poll_s=0.05) as service:
        filled.activate(KIND, "v2", actor="bob")
        assert service.wait(KIND, 2, timeout_s=SOON_S)


def test_subscribers_get_each_new_activation_and_their_errors_stop_nothing(
    filled: ModelRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    got: list[Activation] = []
    arrived = threading.Event()

    def fail(_: Activation) -> None:
        raise RuntimeError("a subscriber's own problem")

    def keep(activation: Activation) -> None:
        got.append(activation)
        arrived.set()

    with ModelConfigService(filled, poll_s=0.05) as service:
        service.subscribe(fail)
        unsubscribe = service.subscribe(keep)
        second = filled.activate(KIND, "v2", actor="bob")
        assert arrived.wait(SOON_S)
        unsubscribe()
        filled.rollback(KIND, actor="bob")
        assert service.wait(KIND, 3, timeout_s=SOON_S)
    assert got == [second]


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_a_lost_connection_is_made_again_and_nothing_is_missed(
    filled: ModelRegistry,
) -> None:
    with ModelConfigService(filled, poll_s=NEVER_S) as service:
        filled.activate(KIND, "v2", actor="bob")
        assert service.wait(KIND, 2, timeout_s=SOON_S)
        with filled.database.writing() as connection:
            cut = connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            ).all()
            assert len(cut) == 1
        filled.rollback(KIND, actor="bob")
        assert service.wait(KIND, 3, timeout_s=SOON_S)


def test_it_serves_on_while_postgresql_is_stopped_and_follows_when_it_is_back(
    server: Server, store: Path
) -> None:
    with psycopg.connect(server.address("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE models")
    with Database(server.address("models")) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        for name in ("v1", "v2"):
            registry.register(KIND, name, store / name, actor="alice")
        first = registry.activate(KIND, "v1", actor="alice")
        with ModelConfigService(registry, poll_s=0.1) as service:
            server.stop()
            with pytest.raises(DatabaseUnavailableError, match="does not answer"):
                registry.activate(KIND, "v2", actor="bob", request_id="deploy")
            with pytest.raises(DatabaseUnavailableError):
                ModelConfigService(registry).start()
            assert service.active(KIND) == first
            server.start()
            registry.activate(KIND, "v2", actor="bob", request_id="deploy")
            assert service.wait(KIND, 2, timeout_s=SOON_S)
            assert service.problem is None


def test_a_stopped_database_is_a_problem_that_passes(server: Server, store: Path) -> None:
    with Database(server.address("postgres")) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        registry.register(KIND, "v1", store / "v1", actor="alice")
        with ModelConfigService(registry, poll_s=0.05) as service:
            server.stop()
            gone = threading.Event()
            while service.problem is None:
                assert not gone.wait(0.01)
            assert "does not answer" in service.problem
            server.start()
            registry.activate(KIND, "v1", actor="alice")
            assert service.wait(KIND, 1, timeout_s=SOON_S)
            assert service.problem is None


def test_closing_is_quick_and_may_be_repeated(filled: ModelRegistry) -> None:
    service = ModelConfigService(filled, poll_s=NEVER_S).start()
    service.close()
    service.close()
    assert service.active(KIND) is not None


@pytest.mark.parametrize("poll_s", [0, -1, math.nan, math.inf])
def test_a_wrong_interval_is_refused(registry: ModelRegistry, poll_s: float) -> None:
    with pytest.raises(InvalidArgumentError, match="poll_s is"):
        ModelConfigService(registry, poll_s=poll_s)


def test_a_service_that_is_told_to_look_does_not_wait_for_its_poll(
    database: Database, store: Path
) -> None:
    registry = ModelRegistry(database)
    registry.register(KIND, "v1", store / "v1", actor="alice")
    with ModelConfigService(registry, poll_s=3600) as service:
        registry.activate(KIND, "v1", actor="alice")
        for _ in range(3):
            service.look()
        assert service.wait(KIND, 1, timeout_s=30)
    service.look()
