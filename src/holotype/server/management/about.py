"""The server itself: its version, its address, its database, and what it runs on."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from holotype.server.management.answers import Answer
from holotype.server.management.background import Management
from holotype.server.management.parameters import Manager, Reader

router = APIRouter(tags=["server"])


class DatabaseBody(Answer):
    """The database of the registry."""

    kind: Literal["sqlite", "postgresql"]
    """What it is."""
    location: str
    """Where it is, without a password."""
    ok: bool
    """Whether it answers."""
    problem: str | None
    """Why it does not answer; null if it does."""
    last_contact_at: datetime | None
    """When it answered last, in UTC; null if it never has."""


class ServerBody(Answer):
    """The server."""

    version: str
    """The version of holotype."""
    started_at: datetime
    """When it started, in UTC."""
    address: str
    """Where it listens."""
    deployment: str | None = Field(
        description="Where the deployment is read from; null for a server that was given none."
    )
    database: DatabaseBody | None
    """The database of the registry; null for a server without one."""
    python: str
    """The version of Python."""
    device: str
    """The devices that models run on."""
    n_threads: int
    """How many threads a model uses."""


@router.get("/server")
def get_server(manager: Manager, _: Reader) -> ServerBody:
    """Return what the server is, and whether its database answers."""
    state = manager.state
    devices = state.pool.status().devices
    return ServerBody(
        version=version("holotype"),
        started_at=state.started_at,
        address=f"http://{state.settings.host}:{state.settings.port}",
        deployment=state.settings.deployment,
        database=_database(manager),
        python=platform.python_version(),
        device=", ".join(each.name for each in devices) or "cpu",
        n_threads=_n_threads(),
    )


def _database(manager: Management) -> DatabaseBody | None:
    state = manager.state
    if state.settings.database is None:
        return None
    from holotype.registry import Database

    with Database(state.settings.database) as named:
        kind, location = named.dialect, named.location
    if state.config is None:
        return DatabaseBody(
            kind=kind,
            location=location,
            ok=False,
            problem="it has not answered since the server started",
            last_contact_at=None,
        )
    problem, age_s = state.config.problem, state.config.age_s
    return DatabaseBody(
        kind=kind,
        location=location,
        ok=problem is None,
        problem=problem,
        last_contact_at=None
        if age_s == float("inf")
        else datetime.now(UTC) - timedelta(seconds=age_s),
    )


def _n_threads() -> int:
    """Return how many threads a model uses."""
    torch: Any = sys.modules.get("torch")
    return int(torch.get_num_threads()) if torch is not None else os.cpu_count() or 1
