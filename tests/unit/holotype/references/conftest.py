"""An artifact of a few bytes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holotype.records import DenseModel
from holotype.references import MANIFEST_FILE, FileEntry, Manifest, ModelRef

FILES = {
    "1_Pooling/config.json": b'{"pooling_mode": "cls"}',
    "config.json": b"{}",
    "model.safetensors": b"\x00" * 5000,
}


@pytest.fixture
def manifest() -> Manifest:
    """The manifest of an artifact."""
    return Manifest(
        reference=ModelRef.parse("hf:tests/tiny@v1"),
        commit="0123456789abcdef0123456789abcdef01234567",
        record=DenseModel(
            id="tiny",
            type="dense",
            name="Tiny",
            huggingface_id="tests/tiny",
            organization="Tests",
            description="A model of the tests.",
            embedding_dim=32,
            matryoshka_dims=(16, 32),
            normalize=False,
            query_prompt="",
            languages=("en", "de"),
            provenance=(("*", "tests"),),
        ),
        files=tuple(
            FileEntry(path=path, size=len(body), sha256=hashlib.sha256(body).hexdigest())
            for path, body in FILES.items()
        ),
        fingerprint="sha256:" + "f" * 64,
        labels=("no", "yes"),
        created=datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC),
        tool="holotype 0.1.0",
    )


@pytest.fixture
def artifact(tmp_path: Path, manifest: Manifest) -> Path:
    """A folder with the files and the manifest."""
    folder = tmp_path / "artifact"
    for path, body in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    (folder / MANIFEST_FILE).write_text(manifest.to_json())
    return folder
