"""Tests that need a GPU: they are collected everywhere, and skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.runtime.backbones import saved_when_asked
from tests.runtime.conftest import (  # noqa: F401  fixtures of tests/runtime
    bert_folder,
    colbert_record,
    dense_record,
    save_colbert,
    save_dense,
    sparse_record,
)

DEVICE = "cuda:0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU."""
    if torch.cuda.is_available():
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.skip(reason="torch finds no CUDA device here"))


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A transformer of an architecture, saved when it is first asked for."""
    return saved_when_asked(tmp_path_factory.mktemp)
