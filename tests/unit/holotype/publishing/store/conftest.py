"""A store with three artifacts, and object stores to send them to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.holotype.publishing.store.made import make_artifact
from tests.unit.holotype.publishing.store.object_stores import gcs_server, s3_server


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store: `model-v1` and `model-v2` make the same vectors, `other` makes others."""
    folder = tmp_path / "artifacts"
    make_artifact(folder / "model-v1", weights=b"first")
    make_artifact(folder / "model-v2", weights=b"second")
    make_artifact(folder / "other", weights=b"third", vectors="b")
    return folder


@pytest.fixture(scope="module", params=["memory", "s3", "gs"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a team keeps its models: in this process, or on a real server on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "memory":
            yield "memory://models/team"
        elif request.param == "s3":
            with s3_server(patch) as url:
                yield url.rpartition("/")[0]
        else:
            with gcs_server(patch) as url:
                yield url.rpartition("/")[0]


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """A prefix with nothing in it."""
    return f"{server}/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
