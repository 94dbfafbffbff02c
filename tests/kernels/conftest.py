"""The kernels, which are installed beside the environment of the tests, so that others run without."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runtime.conftest import minilm_folder, minilm_reference

from holotype.encoders.inputs.rows import Row
from holotype.encoders.kernels import kernels as find_kernels
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend.attention import TokenBatch

__all__ = ["batch_of", "kernels", "minilm_folder", "minilm_reference", "rows_of"]

INSTALLED = Path(
    os.environ.get("HOLOTYPE_TESTED_KERNELS", Path(__file__).parents[2] / ".venv-kernels")
)


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
    find_kernels.cache_clear()
    yield importlib.import_module("holotype_kernels")
    find_kernels.cache_clear()
    sys.modules.pop("holotype_kernels", None)


def rows_of(lengths: Sequence[int], *, all_attended: bool = True) -> list[Row]:
    generator = np.random.default_rng(sum(lengths))
    found = []
    for n_tokens in lengths:
        ids = generator.integers(4, 15, n_tokens).tolist()
        attended = [
            all_attended or at == 0 or bool(generator.random() < 0.6) for at in range(n_tokens)
        ]
        found.append(Row(ids, [0] * n_tokens, attended, [True] * n_tokens))
    return found


def batch_of(rows: Sequence[Row], pieces: tuple[int, ...] = (), kernels: Any = None) -> TokenBatch:
    (batch,) = pack(rows, max_rows=None, max_tokens=2048, pad_id=1)
    return TokenBatch.place(
        batch, torch.device("cpu"), with_types=True, pieces=pieces, kernels=kernels
    )
