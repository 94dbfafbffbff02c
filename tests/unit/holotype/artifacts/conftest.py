"""A store with three artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.holotype.artifacts.made import make_artifact


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store: `model-v1` and `model-v2` make the same vectors, `other` makes others."""
    folder = tmp_path / "artifacts"
    make_artifact(folder / "model-v1", weights=b"first")
    make_artifact(folder / "model-v2", weights=b"second")
    make_artifact(folder / "other", weights=b"third", vectors="b")
    return folder
