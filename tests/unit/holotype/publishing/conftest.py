"""Checkpoints of a few bytes, and a Hub that has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from tests.unit.holotype.hub.checkpoints import dense, saved
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState, serving


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A dense checkpoint, with files beside it that no artifact needs."""
    extra = {
        "onnx/model.onnx": b"onnx",
        "onnx/config.json": b"{}",
        "pytorch_model.bin": b"pickle",
        "modeling.py": b"raise SystemExit",
        "training_args.bin": b"pickle",
        "tf_model.h5": b"h5",
        ".git/config": b"secret",
        "LICENSE": b"the licence",
    }
    saved(tmp_path / "checkpoint", dense() | extra)
    return tmp_path / "checkpoint"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubState]:
    """A Hub with one dense model, and an empty cache."""
    files = dense() | {"pytorch_model.bin": b"pickle", "modeling.py": b"raise SystemExit"}
    with serving({REPOSITORY: {REVISION: files}}) as state:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", state.endpoint)
        template = state.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("holotype.hub.retries._FIRST_WAIT_S", 0.0)
        yield state
