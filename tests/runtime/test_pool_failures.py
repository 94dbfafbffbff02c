"""What goes wrong while a pool serves real weights, and that nobody else suffers from it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests import warm_process

from holotype.deployment.document import (
    InferenceSettings,
    ModelSpec,
    ReferenceSource,
    RegistrySource,
    VariantSpec,
)
from holotype.errors import NotFiniteError
from holotype.pool import (
    Limits,
    ModelLoadError,
    Pool,
    PoolBuilder,
    QueueFullError,
    RegisteredModel,
    Replacement,
    SickModelError,
    Sizes,
)
from holotype.publishing import create_artifact, set_alias
from holotype.references.ref import ModelRef

SHORT = "what eats fish?"
N_BURST = 500


def ref(folder: Path) -> ModelRef:
    return ModelRef(scheme="local", location=str(folder))


def builder(folder: Path) -> PoolBuilder:
    made = Pool.builder().with_model("search", ref(folder), device="cpu")
    return made.remember_sizes_in(Sizes(None))


@pytest.fixture
def pool(minilm_folder: Path) -> Iterator[Pool]:
    with builder(minilm_folder).build() as made:
        yield made


@pytest.fixture(scope="module")
def other_folder(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights with another pooling: other vectors, of the same size."""
    folder = tmp_path_factory.mktemp("failures") / "other"
    shutil.copytree(minilm_folder, folder)
    pooling = '{"word_embedding_dimension": 384, "pooling_mode_cls_token": true}'
    (folder / "1_Pooling" / "config.json").write_text(pooling)
    return folder


def test_weights_with_nan_never_take_over(pool: Pool, minilm_folder: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(minilm_folder, tmp_path / "damaged"))
    weights = load_file(damaged / "model.safetensors")
    name = next(name for name in weights if name.endswith("LayerNorm.weight"))
    weights[name][0] = float("nan")
    save_file(weights, damaged / "model.safetensors", metadata={"format": "pt"})
    pool.load("search")
    with pytest.raises(ModelLoadError, match="NaN or infinity"):
        pool.swap("search", ReferenceSource(ref=ref(damaged)), allow_different_vectors=True)
    assert np.isfinite(pool.encoder("search").encode_query(SHORT)).all()


def test_weights_that_turn_to_nan_while_they_serve_are_left_alone_after_three_answers(
    pool: Pool,
) -> None:
    search = pool.encoder("search")
    search.encode_query(SHORT)
    with pool.acquire("search") as lease:
        # What a bit of broken memory does.
        found = [
            one
            for one in vars_of(lease.model)
            # What oneDNN has packed cannot be filled; the norms and the biases can.
            if one.is_floating_point() and one.layout == torch.strided
        ]
        assert found
        for one in found:
            one.fill_(float("nan"))
    for _ in range(3):
        with pytest.raises(NotFiniteError):
            search.encode_query(SHORT)
    with pytest.raises(SickModelError, match="3 times in a row"):
        search.encode_query(SHORT)
    (model,) = pool.status().models
    assert model.state == "sick"
    pool.load("search")
    assert np.isfinite(search.encode_query(SHORT)).all()


def vars_of(root: Any) -> Iterator[Any]:
    """Every tensor that an object holds, however deep."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, torch.Tensor):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif type(one).__module__.startswith(("holotype.", "torch.nn.")):
            waiting += getattr(one, "__dict__", {}).values()
            names = getattr(type(one), "__slots__", ())
            waiting += [getattr(one, name, None) for name in names]


def test_a_full_queue_says_when_to_come_back_and_then_there_is_room(minilm_folder: Path) -> None:
    limits = Limits(queued_requests=20)
    with builder(minilm_folder).with_limits(limits).build() as pool:
        search = pool.encoder("search").with_options(batched=True)
        search.encode_query(SHORT)
        is_full = Event()
        with pool.acquire("search") as lease:
            model: Any = lease.model
            inner = model.encode_query

        def encode_query(texts: list[str], **options: Any) -> Any:
            # However fast the machine is, more come than the queue takes.
            assert is_full.wait(60)
            return inner(texts, **options)

        model.encode_query = encode_query

        def call(_: int) -> int:
            n_refused = 0
            while True:
                try:
                    assert search.encode_query(SHORT).shape == (384,)
                    return n_refused
                except QueueFullError as error:
                    is_full.set()
                    assert error.retry_after_s is not None
                    n_refused += 1
                    time.sleep(error.retry_after_s)

        with ThreadPoolExecutor(100) as threads:
            refused = list(threads.map(call, range(N_BURST)))
        assert len(refused) == N_BURST
        assert pool.metrics.value("refused", "search") == sum(refused) > 0
        assert pool.metrics.value("failures") == 0


def test_nothing_is_encoded_for_coroutines_that_have_left(pool: Pool) -> None:
    pool.load("search")
    gate, begun = Event(), Event()
    with pool.acquire("search") as lease:
        model: Any = lease.model
        inner, encoded = model.encode_query, list[str]()

        def encode_query(texts: list[str], **options: Any) -> Any:
            encoded.extend(texts)
            begun.set()
            assert gate.wait(30)
            return inner(texts, **options)

        model.encode_query = encode_query

    async def run() -> None:
        first = asyncio.create_task(pool.acall("search", "encode_query", "first", batched=True))
        await asyncio.to_thread(begun.wait, 30)
        leave = [
            asyncio.create_task(pool.acall("search", "encode_query", f"leaves {n}", batched=True))
            for n in range(20)
        ]
        stays = asyncio.create_task(pool.acall("search", "encode_query", "stays", batched=True))
        await asyncio.sleep(0)
        for task in leave:
            task.cancel()
        await asyncio.gather(*leave, return_exceptions=True)
        gate.set()
        assert (await first).value.shape == (await stays).value.shape == (384,)

    asyncio.run(run())
    assert encoded == ["first", "stays"]


ON_HANGUP = """
import os, signal, sys
from pathlib import Path
from holotype.deployment import look_again_on_hangup
from holotype.pool import Pool, Sizes
from holotype.publishing import set_alias

folder = Path(sys.argv[1])
made = Pool.builder().with_file(folder / "deployment.yaml").remember_sizes_in(Sizes(None))
with made.build() as pool, pool.events.subscribe() as events:
    restore = look_again_on_hangup(pool.watch())
    print(pool.call("search", "encode", "what eats fish?").version.number)
    set_alias(folder / "artifacts", "production", "two")
    os.kill(os.getpid(), signal.SIGHUP)
    while (event := events.next(60)) is not None and event.kind != "swapped":
        pass
    print("no swap" if event is None else event.kind)
    print(pool.call("search", "encode", "what eats fish?").version.number)
    restore()
"""


@pytest.mark.usefixtures("_warm_process")
def test_a_hangup_finds_a_switched_alias_behind_the_same_file(
    minilm_folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "artifacts"
    for name in ("one", "two"):
        create_artifact(ref(minilm_folder), store / name)
    set_alias(store, "production", "one")
    (tmp_path / "deployment.yaml").write_text(
        f"""
version: "1.0"
models:
  search:
    source: {{type: artifact, store: "{store}", alias: production}}
    inference: {{device: cpu}}
    allow_moving: true
"""
    )
    # In a process of its own, whose signals are nobody else's.
    result = warm_process.run(["-c", ON_HANGUP, str(tmp_path)], tmp_path)
    assert (result.stdout.split("\n"), result.returncode) == (["1", "swapped", "2", ""], 0), (
        result.stderr
    )


def test_a_switch_of_the_registry_is_prepared_and_then_takes_over_at_once(
    minilm_folder: Path, other_folder: Path
) -> None:
    versions = {
        name: RegisteredModel(
            name=f"minilm/{name}", digest=name, options={}, fetch=partial(ref, folder)
        )
        for name, folder in (("v1", minilm_folder), ("v2", other_folder))
    }
    active = "v1"

    def resolve(source: RegistrySource) -> RegisteredModel:
        return versions[active if source.version is None else source.version.partition("/")[2]]

    made = Pool.builder().with_registry(resolve).remember_sizes_in(Sizes(None))
    inference = InferenceSettings(device="cpu")
    follows = VariantSpec(source=RegistrySource(kind="text"), inference=inference)
    made.with_spec(ModelSpec(name="search", variants=(follows,)))
    with made.build() as pool:
        before = pool.encoder("search").encode_query(SHORT)
        second = RegistrySource(kind="text", version="minilm/v2")
        replacement = Replacement(name="search", variant="default", source=second)
        with pool.prepare([replacement]):
            assert np.array_equal(pool.encoder("search").encode_query(SHORT), before)
        with pool.prepare([replacement]) as prepared:
            active = "v2"
            prepared.commit()
        answer = pool.call("search", "encode_query", SHORT)
        assert answer.version.reference == "registry:text@minilm/v2"
        assert not np.allclose(answer.value, before, atol=1e-2)
        assert pool.refresh("text").swapped == ()
