"""Artifacts of a few bytes that can be planned, as all that a registry takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.unit.holotype.hub.checkpoints import as_json, dense, saved

from holotype.publishing import create_artifact


def make_artifact(folder: Path, *, pooling: str = "mean", licence: str = "the licence") -> None:
    """Make an artifact of the model `tiny`.

    Args:
        folder: where.
        pooling: what decides the vectors.
        licence: what decides the digest, and no vector.
    """
    files = dense() | {
        "1_Pooling/config.json": as_json({"pooling_mode": pooling}),
        "LICENSE": licence.encode(),
    }
    with tempfile.TemporaryDirectory() as made:
        saved(Path(made) / "tiny", files)
        create_artifact(f"local:{made}/tiny", folder)
