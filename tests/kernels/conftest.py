"""The kernels, which are installed beside the environment of the tests, so that others run without."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.conftest import minilm_folder, minilm_reference

from holotype.encoders.torch_backend import few_tokens

__all__ = ["kernels", "minilm_folder", "minilm_reference"]

INSTALLED = Path(__file__).parents[2] / ".venv-kernels"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="kernels are made for Linux on x86-64"))


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    """The module `holotype_kernels`, which holotype finds in this test."""
    assert (INSTALLED / "holotype_kernels").exists(), (
        "the kernels are missing; run: make .venv-kernels/.installed"
    )
    monkeypatch.syspath_prepend(INSTALLED)
    few_tokens.kernels.cache_clear()
    yield importlib.import_module("holotype_kernels")
    few_tokens.kernels.cache_clear()
    sys.modules.pop("holotype_kernels", None)
