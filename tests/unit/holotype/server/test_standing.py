"""A server sets aside what its libraries have made, before any model is there."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.runtime.server_process import write_deployment

from holotype.deployment.document import Deployment
from holotype.server import ServerSettings, ServerState
from holotype.server.serving import GracefulServer, serve
from holotype.server.standing import set_aside


class Loaded:
    """An encoder that says when it is loaded."""

    dim = 2
    told: ClassVar[list[str]] = []

    def __init__(self) -> None:
        """Say so."""
        self.told.append("loaded")

    def encode(self, sentences: list[str]) -> Any:
        return np.ones((len(sentences), 2), dtype=np.float32)


class Circle:
    """Something that only the garbage collector frees."""

    def __init__(self) -> None:
        """Refer to itself."""
        self.itself = self


@pytest.fixture(autouse=True)
def _nothing_of_a_test_stays_aside() -> Iterator[None]:
    """Show the collector what the run itself has set aside, and set it aside again afterwards."""
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def test_what_there_is_is_set_aside_and_what_comes_is_collected() -> None:
    set_aside(Deployment())
    n_aside, n_left = gc.get_freeze_count(), len(gc.get_objects())
    assert n_aside > 50_000 and n_left < n_aside / 50
    circle = Circle()
    gone = weakref.ref(circle)
    del circle
    gc.collect()
    assert gone() is None


def test_a_server_does_so_before_the_first_model(tmp_path: Path) -> None:
    Loaded.told.clear()
    name = f"{__name__}:Loaded"
    models = {"own": f"{{source: {{type: custom, factory: '{name}'}}, preload: true}}"}
    settings = ServerSettings(deployment=str(write_deployment(tmp_path, models)), allow=(name,))
    state = ServerState.open(
        settings, before_models=lambda found: Loaded.told.append(found.models[0].name)
    )
    try:
        state.pool.wait_until_ready()
    finally:
        state.close()
    assert Loaded.told == ["own", "loaded"]


def test_the_command_does_so(monkeypatch: pytest.MonkeyPatch) -> None:
    aside: list[int] = []
    turns_s: list[float] = []
    kept_s: list[float] = []

    def run(server: GracefulServer) -> None:
        aside.append(gc.get_freeze_count())
        turns_s.append(sys.getswitchinterval())
        kept_s.append(server.config.timeout_keep_alive)
        server._state.close()

    monkeypatch.setattr(GracefulServer, "run", run)
    usual_s = sys.getswitchinterval()
    try:
        serve(ServerSettings(port=0))
    finally:
        sys.setswitchinterval(usual_s)
    assert aside[0] > 50_000
    # Models that serve get their turn while another one is loaded.
    assert turns_s[0] < usual_s / 5
    # Clients and load balancers close idle connections first, the latter after a minute.
    assert kept_s[0] > 60
