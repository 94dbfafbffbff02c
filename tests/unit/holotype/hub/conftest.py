"""A Hub with one model, and whom to ask about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from tests.unit.holotype.hub.checkpoints import dense
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState, serving

from holotype.hub.client import HubClient
from holotype.hub.retries import Patience


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubState]:
    """A Hub with one dense model, which huggingface_hub takes for the real one; an empty cache."""
    with serving({REPOSITORY: {REVISION: dense()}}) as state:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", state.endpoint)
        template = state.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr("holotype.hub.retries._FIRST_WAIT_S", 0.0)
        yield state


@pytest.fixture
def waits() -> list[float]:
    """How long the client waited, in seconds; the clock goes on by as much."""
    return []


@pytest.fixture
def client(hub: HubState, waits: list[float]) -> HubClient:
    """Asks the Hub of the test, and waits without waiting."""
    return HubClient(Patience(wait=waits.append, clock=lambda: sum(waits)), timeout_s=5)
