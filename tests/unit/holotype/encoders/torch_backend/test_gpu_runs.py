"""What a GPU does beside the program, shown without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.torch_backend.devices import memory_errors
from holotype.encoders.torch_backend.linear_map import linear_map
from holotype.encoders.torch_backend.transfers import Started
from holotype.encoders.torch_backend.transformer import HeadedTransformer
from holotype.encoders.torch_backend.word_heads import LanguageModelHead
from holotype.errors import DeviceMemoryError


class Recorded:
    """A transformer and a head that note what is done in which order."""

    tokenizer: Any = None
    dtype = torch.float32
    memory_bytes = 0

    def __init__(self, device: str) -> None:
        """Say where it pretends to be."""
        self.device = torch.device(device)
        self.done: list[str] = []

    def batches(self, rows: Any, batch_size: int | None) -> Iterator[Any]:
        yield from rows

    def token_vectors(self, batch: Any) -> Tensor:
        self.done.append(f"start {batch}")
        return torch.zeros(1)

    def outputs(self, vectors: Tensor, batch: Any) -> Iterator[Started]:
        for part in "ab":

            def wait(name: str = f"{batch}{part}") -> NDArray[np.float32]:
                self.done.append(f"read {name}")
                return np.zeros(1, dtype=np.float32)

            yield [ord(batch)], wait, np.ones(1, dtype=np.bool_)


def run_on(device: str, rows: Any) -> list[str]:
    both = Recorded(device)
    found = list(HeadedTransformer(both, both).run(rows, None))
    assert [positions for positions, _, _ in found] == [[ord(row)] for row in rows for _ in "ab"]
    return both.done


def test_a_gpu_has_its_next_batch_before_the_last_one_is_read() -> None:
    assert run_on("cuda:0", "xyz") == [
        *("start x", "start y", "read xa", "read xb", "start z"),
        *("read ya", "read yb", "read za", "read zb"),
    ]


def test_a_cpu_reads_each_part_when_it_is_ready() -> None:
    assert run_on("cpu", "xy") == [
        *("start x", "read xa", "read xb", "start y", "read ya", "read yb"),
    ]


def test_nothing_to_run_is_nothing_to_read() -> None:
    assert run_on("cuda:0", "") == []


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=30),
    at_once=st.integers(1, 60),
    summed=st.booleans(),
    doubled=st.booleans(),
)
def test_words_weigh_the_same_in_few_calls(
    lengths: list[int], at_once: int, summed: bool, doubled: bool
) -> None:
    torch.manual_seed(0)
    head = LanguageModelHead(
        transform=None,
        decoder=linear_map(torch.randn(11, 6), torch.randn(11)),
        dim=11,
        doubled=doubled,
        summed=summed,
        memory_bytes=0,
    )
    states, ids = torch.randn(sum(lengths), 6), torch.zeros(sum(lengths), dtype=torch.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("holotype.encoders.torch_backend.word_heads._TOKENS_ON_GPU", at_once)
        found = head._weigh_at_once(states, lengths)
    torch.testing.assert_close(found, head.weigh(states, ids, lengths), rtol=1e-5, atol=1e-5)


def test_the_end_of_a_gpus_memory_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (3 * 2**29, 80 * 2**30))
    with pytest.raises(DeviceMemoryError) as caught, memory_errors(torch.device("cuda:1")):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB\n" * 9)
    assert str(caught.value) == (
        "cuda:1 ran out of memory, of which 1.5 of 80.0 GiB are free now; pass a smaller "
        "batch_size or max_length, load the model with dtype='bfloat16', or close other models"
    )
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)
    assert (caught.value.free_bytes, caught.value.total_bytes) == (3 * 2**29, 80 * 2**30)


def test_other_errors_of_a_gpu_are_left_alone() -> None:
    with (
        pytest.raises(RuntimeError, match="an illegal access"),
        memory_errors(torch.device("cpu")),
    ):
        raise RuntimeError("an illegal access")
