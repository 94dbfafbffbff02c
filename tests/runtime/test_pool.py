"""The pool on real weights: swaps under load, damaged files, too little memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.runtime.parity import assert_same

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
from holotype.errors import TextOverflowError
from holotype.pool import (
    ContradictionError,
    ModelLoadError,
    ModelTooLargeError,
    Pool,
    PoolBuilder,
    Sizes,
)
from holotype.references.ref import ModelRef

TEXTS = ["what eats fish?", "Paris is in France.", "a third text, somewhat longer than the others"]
N_THREADS = 24
N_SWAPS = 4


@pytest.fixture(scope="module")
def other_folder(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights with another pooling: other vectors, of the same size."""
    folder = tmp_path_factory.mktemp("pool") / "other"
    shutil.copytree(minilm_folder, folder)
    pooling = '{"word_embedding_dimension": 384, "pooling_mode_cls_token": true}'
    (folder / "1_Pooling" / "config.json").write_text(pooling)
    return folder


@pytest.fixture(scope="module")
def copied_folder(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model in another place."""
    folder = tmp_path_factory.mktemp("pool") / "copy"
    shutil.copytree(minilm_folder, folder)
    return folder


def vectors_of(folder: Path) -> tuple[str | None, NDArray[np.float32]]:
    """The fingerprint and the vectors of a model, without a pool."""
    with load(folder, device="cpu") as encoder:
        assert isinstance(encoder, DenseEncoder)
        return encoder.fingerprint, encoder.encode_query(TEXTS)


def source(folder: Path) -> ReferenceSource:
    return ReferenceSource(ref=ModelRef.parse(f"local:{folder}/"))


def builder(folder: Path) -> PoolBuilder:
    made = Pool.builder().with_model("search", f"local:{folder}/", device="cpu")
    return made.remember_sizes_in(Sizes(None))


@pytest.fixture
def pool(minilm_folder: Path) -> Iterator[Pool]:
    with builder(minilm_folder).build() as made:
        yield made


def test_vectors_are_those_of_the_encoder(pool: Pool, minilm_folder: Path) -> None:
    search = pool.encoder("search")
    expected = vectors_of(minilm_folder)[1]
    assert_same(search.encode_query(TEXTS), expected)
    assert_same(search.with_options(batched=True).encode_query(TEXTS), expected)
    assert_same(next(search.encode_stream(TEXTS, "query")), expected)
    assert (search.dim, search.max_length) == (384, 256)
    assert search.count_tokens("what eats fish?") == 6
    assert search.similarity(expected, expected).shape == (3, 3)


def test_24_threads_get_the_vectors_of_the_version_that_answers_name_through_every_swap(
    pool: Pool, minilm_folder: Path, other_folder: Path
) -> None:
    expected = dict(map(vectors_of, (minilm_folder, other_folder)))
    assert len(expected) == 2
    stop, n_warm = Event(), [Event() for _ in range(N_THREADS)]

    def call(thread: int) -> tuple[int, int, set[int]]:
        n_calls = n_wrong = 0
        versions: set[int] = set()
        batched = thread % 2 == 0
        while not stop.is_set() or not n_calls:
            text = (n_calls + thread) % len(TEXTS)
            answer = pool.call("search", "encode_query", [TEXTS[text]], batched=batched)
            right = expected[answer.version.fingerprint][text]
            n_wrong += not np.allclose(answer.value[0], right, atol=1e-4)
            versions.add(answer.version.number)
            n_calls += 1
            n_warm[thread].set()
        return n_calls, n_wrong, versions

    pool.load("search")
    with ThreadPoolExecutor(N_THREADS) as threads:
        futures = [threads.submit(call, thread) for thread in range(N_THREADS)]
        assert all(warm.wait(60) for warm in n_warm)
        for number in range(N_SWAPS):
            folder = (other_folder, minilm_folder)[number % 2]
            pool.swap("search", source(folder), allow_different_vectors=True)
        stop.set()
        found = [future.result(60) for future in futures]
    assert sum(n_wrong for _, n_wrong, _ in found) == 0
    assert set().union(*(versions for _, _, versions in found)) >= {1, N_SWAPS + 1}
    assert pool.metrics.value("swaps", "search") == N_SWAPS
    assert pool.metrics.value("failures") == 0
    (model,) = pool.status().models
    (device,) = pool.status().devices
    assert model.version is not None
    assert model.version.number == N_SWAPS + 1
    assert device.held_bytes >= model.memory_bytes


def test_the_same_model_from_another_place_may_take_over(pool: Pool, copied_folder: Path) -> None:
    before = pool.encoder("search").fingerprint
    assert pool.swap("search", source(copied_folder)).fingerprint == before


def test_other_vectors_may_not_unless_that_is_meant(pool: Pool, other_folder: Path) -> None:
    pool.load("search")
    with pytest.raises(ContradictionError, match="fingerprint"):
        pool.swap("search", source(other_folder))
    assert pool.call("search", "encode", ["x"]).version.number == 1


@pytest.mark.parametrize("mode", ["overlap", "replace"])
def test_a_damaged_model_never_takes_over(
    pool: Pool, minilm_folder: Path, tmp_path: Path, mode: str
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(minilm_folder, damaged)
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: 2**20])
    pool.load("search")
    with pytest.raises(ModelLoadError, match="could not be loaded from local:"):
        pool.swap("search", source(damaged), mode=mode)  # type: ignore[arg-type]
    assert pool.encoder("search").encode(["x"]).shape == (1, 384)
    assert pool.metrics.value("load_failures", "search") == 1


def test_texts_are_cut_where_the_deployment_says(minilm_folder: Path) -> None:
    inference = InferenceSettings(device="cpu", max_length=8)
    variant = VariantSpec(source=source(minilm_folder), inference=inference)
    spec = ModelSpec(name="short", variants=(variant,))
    with builder(minilm_folder).with_spec(spec).build() as pool:
        short = pool.encoder("short")
        with pytest.raises(TextOverflowError, match="the 8 tokens"):
            short.encode("word " * 20, on_overflow="error")
        cut = short.encode("word " * 20, on_overflow="truncate")
        assert_same(cut, pool.encoder("search").encode("word " * 6))
        assert short.fingerprint != pool.encoder("search").fingerprint
        assert pool.apply(pool.deployment).changed == ()


def test_texts_are_not_cut_beyond_what_the_model_reads(minilm_folder: Path) -> None:
    inference = InferenceSettings(device="cpu", max_length=257)
    variant = VariantSpec(source=source(minilm_folder), inference=inference)
    with (
        builder(minilm_folder)
        .with_spec(ModelSpec(name="long", variants=(variant,)))
        .build() as pool,
        pytest.raises(ModelLoadError, match=r"max_length is 257, but .* at most 256 tokens"),
    ):
        pool.load("long")


def test_files_that_are_exchanged_are_a_change_of_the_deployment(
    copied_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "served"
    shutil.copytree(copied_folder, folder)
    with builder(folder).build() as pool:
        pool.load("search")
        assert pool.apply(pool.deployment).swapped == ()
        pooling = folder / "1_Pooling" / "config.json"
        pooling.write_text(pooling.read_text() + "\n")
        assert pool.apply(pool.deployment).swapped == ("search",)
        assert pool.call("search", "encode", ["x"]).version.number == 2


def test_a_model_that_never_fits_is_refused_by_its_estimate(minilm_folder: Path) -> None:
    settings = PoolSettings(memory=(MemoryLimit(n_bytes=100 * 2**20),))
    with (
        builder(minilm_folder).with_settings(settings).build() as pool,
        pytest.raises(ModelTooLargeError, match=r"it takes 16\d\.\d MiB, and models may take 100"),
    ):
        pool.load("search")


def test_two_models_take_turns_where_only_one_fits(
    minilm_folder: Path, copied_folder: Path
) -> None:
    settings = PoolSettings(memory=(MemoryLimit(n_bytes=250 * 2**20),), min_resident_s=0)
    made = builder(minilm_folder).with_settings(settings)
    made.with_model("other", f"local:{copied_folder}/", device="cpu", memory_bytes=200 * 2**20)
    with made.build() as pool:
        for _ in range(2):
            for name in ("search", "other"):
                assert pool.encoder(name).encode(["x"]).shape == (1, 384)
                assert [one.state for one in pool.status().models].count("ready") == 1
        evicted = [event.name for event in pool.events.last(kind="evicted")]
        assert evicted == ["search", "other", "search"]
        # The second time, the size is known.
        origins = [event.values["origin"] for event in pool.events.last(kind="load_started")]
        assert origins == ["estimated", "declared", "remembered", "declared"]


def test_a_device_that_is_not_there_fails_the_deployment(minilm_folder: Path) -> None:
    made = Pool.builder().with_model("search", f"local:{minilm_folder}/", device="cuda:99")
    with pytest.raises((ValueError, RuntimeError)):
        made.remember_sizes_in(Sizes(None)).build()


OUT_OF_MEMORY = """
import resource, sys, warnings
warnings.simplefilter("error")
import psutil
from holotype.pool import ModelLoadError, Pool, Sizes
from holotype.deployment.document import CustomSource, ReferenceSource
from holotype.references.ref import ModelRef

class Rules:
    dim, fingerprint, memory_bytes = 2, "rules", 0
    def encode(self, sentences):
        return [[1.0, 2.0] for _ in sentences]

class Large(Rules):
    memory_bytes = None
    def __init__(self):
        self.taken = bytearray(8 * 2**30)

here = sys.argv[1]
pool = (
    Pool.builder()
    .with_model("search", f"local:{here}/", device="cpu")
    .with_custom("rules", Rules)
    .with_custom("large", Large)
    .remember_sizes_in(Sizes(None))
    .build()
)
search = pool.encoder("search")
search.encode(["warm"]), pool.encoder("rules").encode(["warm"])
used = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (used + 48 * 2**20, resource.RLIM_INFINITY))
try:
    pool.encoder("large").encode(["x"])
except ModelLoadError as error:
    print(type(error.__cause__).__name__, error)
try:
    pool.swap("search", ReferenceSource(ref=ModelRef.parse(f"local:{here}/")))
except ModelLoadError as error:
    print(type(error.__cause__).__name__)
print(search.encode(["still"]).shape, pool.encoder("rules").encode(["x"]).tolist())
held = sum(device.held_bytes for device in pool.status().devices)
loaded = sum(model.memory_bytes for model in pool.status().models)
print(held == loaded)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
pool.swap("search", ReferenceSource(ref=ModelRef.parse(f"local:{here}/")))
print(pool.call("search", "encode", ["x"]).version.number)
pool.close()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits are those of Linux")
def test_a_process_that_runs_out_of_memory_serves_what_it_has(minilm_folder: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(OUT_OF_MEMORY), str(minilm_folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    first, second, third, fourth, fifth = run.stdout.splitlines()
    assert first.startswith(
        "MemoryError 'large' could not be loaded from custom:large: the machine"
    )
    assert second in ("MemoryError", "RuntimeError", "OSError", "CheckpointError")
    assert third == "(1, 384) [[1.0, 2.0]]"
    assert (fourth, fifth) == ("True", "2")
