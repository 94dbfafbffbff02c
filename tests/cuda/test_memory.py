"""What models take on a GPU, and that all of it comes back."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cuda.comparing import MANY
from tests.cuda.conftest import DEVICE
from tests.runtime.parity import DenseRecord, Vectors, assert_same

from holotype.deployment.document import (
    InferenceSettings,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
    ReferenceSource,
    VariantSpec,
)
from holotype.encoders import load
from holotype.encoders.dense import DenseEncoder
from holotype.errors import ClosedEncoderError, DeviceMemoryError, InvalidArgumentError
from holotype.pool import ModelLoadError, Pool, PoolBuilder, Sizes
from holotype.references.ref import ModelRef

MB = 2**20
TEXTS = ["what is late interaction?", "the query and the document " * 9, "x"]


@pytest.fixture
def folder(backbone: Callable[[str], Path]) -> Path:
    return backbone("bert")


@pytest.fixture
def expected(folder: Path, dense_record: DenseRecord) -> Vectors:
    with load(dense_record(pooling="mean"), checkpoint=folder, device="cpu") as encoder:
        return encoder.encode(TEXTS, on_overflow="truncate")


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Let torch take no more than so many bytes above what it takes now, until the test ends."""
    total = torch.cuda.get_device_properties(DEVICE).total_memory

    def limit(n_bytes: int) -> None:
        gc.collect()
        torch.cuda.empty_cache()
        share = (torch.cuda.memory_reserved(DEVICE) + n_bytes) / total
        torch.cuda.set_per_process_memory_fraction(share, DEVICE)

    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0, DEVICE)


def allocated() -> int:
    """Return what tensors take; the workspaces of products, one for each thread, are none."""
    gc.collect()
    torch.cuda.synchronize(DEVICE)
    private: Any = torch._C
    private._cuda_clearCublasWorkspaces()
    return torch.cuda.memory_allocated(DEVICE)


def test_closing_gives_back_what_loading_and_encoding_took(
    folder: Path, dense_record: DenseRecord
) -> None:
    before = allocated()
    encoder = load(dense_record(pooling="mean"), checkpoint=folder, device=DEVICE)
    loaded = allocated()
    assert loaded - before >= encoder.memory_bytes > 0
    encoder.encode(MANY, on_overflow="truncate")
    assert allocated() == loaded
    encoder.close()
    assert allocated() == before
    with pytest.raises(ClosedEncoderError):
        encoder.encode(TEXTS)


def test_calls_of_many_lengths_leave_nothing(folder: Path, dense_record: DenseRecord) -> None:
    chosen = random.Random(3)
    with load(dense_record(pooling="mean"), checkpoint=folder, device=DEVICE) as encoder:
        encoder.encode(MANY, on_overflow="truncate")
        before = allocated()
        for _ in range(200):
            texts = ["word " * chosen.randint(0, 15) for _ in range(chosen.randint(1, 40))]
            encoder.encode(texts, on_overflow="truncate")
        assert allocated() == before


@pytest.mark.parametrize("devices", [[DEVICE], [DEVICE, "cpu"], ["cuda", "cpu", DEVICE]])
def test_devices_share_the_texts_of_a_call(
    devices: list[str], folder: Path, dense_record: DenseRecord
) -> None:
    before = allocated()
    with load(dense_record(pooling="mean"), checkpoint=folder, device="cpu") as encoder:
        exact = encoder.encode(MANY, on_overflow="truncate")
        alone = encoder.memory_bytes
        found = encoder.encode(MANY, devices=devices, on_overflow="truncate", batch_size=2)
        assert_same(found, exact)
        assert allocated() > before
        # One replica for the GPU, however often and by whatever name it is listed.
        assert encoder.memory_bytes == 2 * alone
    assert allocated() == before


def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    folder: Path, dense_record: DenseRecord
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"no device 'cuda:99' here; pass 'cuda:0' or"):
        load(dense_record(pooling="mean"), checkpoint=folder, device="cuda:99")


def test_the_gpu_is_the_device_where_none_is_named(folder: Path, dense_record: DenseRecord) -> None:
    with load(dense_record(pooling="mean"), checkpoint=folder, dtype="auto") as encoder:
        halves = torch.cuda.get_device_capability() >= (8, 0)
        assert encoder.device.startswith("cuda")
        assert encoder.dtype == ("bfloat16" if halves else "float32")


def test_a_batch_that_does_not_fit_says_how_much_memory_there_is(
    folder: Path, dense_record: DenseRecord, limited: Callable[[int], None]
) -> None:
    with load(dense_record(pooling="mean"), checkpoint=folder, device=DEVICE) as encoder:
        expected = encoder.encode(TEXTS, on_overflow="truncate")
        limited(4 * MB)
        with pytest.raises(DeviceMemoryError, match=r"cuda:0 ran out of memory, .* batch_size"):
            encoder.encode(["word " * 90] * 1024, on_overflow="truncate")
        # What fits runs afterwards.
        assert_same(encoder.encode(TEXTS, on_overflow="truncate"), expected)


def source(folder: Path) -> ReferenceSource:
    return ReferenceSource(ref=ModelRef.parse(f"local:{folder}/"))


@pytest.fixture
def saved(folder: Path, dense_record: DenseRecord, save_dense: Callable[..., Path]) -> Path:
    """A model that says itself how it is run."""
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    return save_dense(Pooling(32, "mean"), transformer=Transformer(str(folder)))


def builder(folder: Path) -> PoolBuilder:
    made = Pool.builder().with_model("search", f"local:{folder}/", device=DEVICE)
    return made.remember_sizes_in(Sizes(None))


def test_the_ledger_of_a_pool_counts_the_memory_of_the_gpu(saved: Path) -> None:
    before = allocated()
    with builder(saved).build() as pool:
        pool.load("search")
        (model,), (device,) = pool.status().models, pool.status().devices
        assert device.name == DEVICE
        assert device.held_bytes >= model.memory_bytes > 0
        assert allocated() - before >= 0.9 * model.memory_bytes
        pool.unload("search")
        (device,) = pool.status().devices
        assert device.held_bytes == 0
        assert allocated() == before


def test_a_swap_on_the_gpu_leaves_one_model(saved: Path, expected: Vectors) -> None:
    before = allocated()
    with builder(saved).build() as pool:
        pool.load("search")
        one = allocated() - before
        for number in range(2, 5):
            pool.swap("search", source(saved))
            answer = pool.call("search", "encode", TEXTS, on_overflow="truncate")
            assert answer.version.number == number
            assert_same(np.asarray(answer.value), expected)
            assert allocated() - before == one
    assert allocated() == before


def test_a_swap_that_does_not_fit_keeps_the_model(
    saved: Path, limited: Callable[[int], None]
) -> None:
    settings = PoolSettings(memory=(MemoryLimit(n_bytes=1024 * MB),))
    with builder(saved).with_settings(settings).build() as pool:
        expected = pool.encoder("search").encode(TEXTS, on_overflow="truncate")
        limited(0)
        blocks: list[torch.Tensor] = []
        with pytest.raises(torch.OutOfMemoryError):
            while True:
                blocks.append(torch.empty(512, dtype=torch.uint8, device=DEVICE))
        with pytest.raises(ModelLoadError, match="cuda:0 ran out of memory"):
            pool.swap("search", source(saved))
        blocks.clear()
        found = pool.encoder("search").encode(TEXTS, on_overflow="truncate")
        assert_same(found, expected)


def test_copies_on_one_gpu_are_loaded_as_calls_need_them(saved: Path) -> None:
    inference = InferenceSettings(device="cuda")
    variant = VariantSpec(source=source(saved), inference=inference)
    made = Pool.builder().with_spec(ModelSpec(name="search", variants=(variant,), copies=2))
    with made.remember_sizes_in(Sizes(None)).build() as pool:
        encoder = pool.encoder("search")
        assert encoder.encode(TEXTS, on_overflow="truncate").shape == (3, 32)
        assert {device.name for device in pool.status().devices} == {DEVICE}


def test_an_encoder_names_its_device(folder: Path, dense_record: DenseRecord) -> None:
    encoder = load(dense_record(pooling="mean"), checkpoint=folder, device="cuda")
    assert isinstance(encoder, DenseEncoder)
    assert "cuda" in repr(encoder)
