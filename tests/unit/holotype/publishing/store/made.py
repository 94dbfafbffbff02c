"""Artifacts of a few bytes: tables of token vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.holotype.hub.checkpoints import model2vec

from holotype.records import DenseModel
from holotype.references import FileEntry, Manifest, ModelRef

FILES = model2vec() | {"1_Pooling/config.json": b"{}"}


def fingerprint(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def weights_of(label: bytes) -> bytes:
    """Return the weights of an artifact, which a label in their values tells from others."""
    plain = FILES["model.safetensors"]
    n_left = -len(label) % 4
    return plain[: len(plain) - len(label) - n_left] + b"\0" * n_left + label


def make_artifact(
    folder: Path,
    files: Mapping[str, bytes] = FILES,
    *,
    vectors: str | None = "a",
    weights: bytes | None = None,
) -> Manifest:
    """Write an artifact.

    Args:
        folder: where.
        files: what it holds.
        vectors: artifacts of the same make the same vectors; None makes none.
        weights: what is appended to its weights, which tells it from others.
    """
    contents = dict(files)
    if weights is not None:
        contents["model.safetensors"] = weights_of(weights)
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    manifest = Manifest(
        reference=ModelRef.parse("hf:tests/tiny@v1"),
        commit="1" * 40,
        record=DenseModel(
            id="tiny",
            type="dense",
            name="Tiny",
            huggingface_id="tests/tiny",
            organization="Tests",
            description="A model of the tests.",
            embedding_dim=8,
        ),
        files=tuple(
            FileEntry(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for path, content in sorted(contents.items())
        ),
        fingerprint=None if vectors is None else fingerprint(vectors),
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        tool="tests",
    )
    (folder / "artifact.json").write_text(manifest.to_json(), encoding="utf-8")
    return manifest
