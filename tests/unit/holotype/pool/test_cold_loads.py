"""Calls while a model is being loaded: who waits, who leaves, and who is served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import pytest
from tests.unit.holotype.pool.fakes import FakeModel, TestEngine
from tests.unit.holotype.pool.serving import Kitchen

from holotype.deployment.document import ModelSpec
from holotype.pool import (
    DeadlineError,
    Limits,
    LoadingTimeoutError,
    ModelLoadError,
    Pool,
    PoolClosedError,
    QueueFullError,
    Sizes,
)

SHORT_S = 0.3
"""Shorter than any load here, and longer than a busy machine takes to begin with one."""
BATCHED = pytest.mark.parametrize("batched", [False, True], ids=["alone", "batched"])


class Oven(Kitchen):
    """Models of the source ``a`` are made when the gate opens, and tell what they encode."""

    def __init__(self) -> None:
        """Begin."""
        super().__init__()
        self.gate, self.begun = Event(), Event()
        self.encoded = list[str]()
        self.n_opened = 0

    def cold(self, *specs: ModelSpec, limits: Limits | None = None) -> Pool:
        return Pool(
            self.deployment(*specs),
            factories={**self.factories(), "a": self.bake},
            sizes=Sizes(None),
            limits=limits,
            engine=partial(TestEngine, self.machine),
        )

    def bake(self, version: int = 1) -> FakeModel:
        self.n_opened += 1
        self.begun.set()
        assert self.gate.wait(30)
        model = self.make("a", version)
        inner = model.encode

        def encode(texts: list[str], **more: Any) -> Any:
            self.encoded.extend(text for text in texts if text != "text")
            return inner(texts, **more)

        model.encode = model.encode_query = encode  # type: ignore[method-assign, assignment]
        return model


@pytest.fixture
def oven() -> Iterator[Oven]:
    oven = Oven()
    yield oven
    assert oven.machine.alive == []


def first(vectors: Any) -> float:
    return float(np.atleast_2d(vectors)[0, 0])


@BATCHED
def test_a_task_that_leaves_cancels_nobody_elses_load_and_is_not_computed(
    oven: Oven, batched: bool
) -> None:
    async def run(pool: Pool) -> float:
        leaves, stays = (
            asyncio.create_task(pool.acall("a", "encode", [text], batched=batched))
            for text in ("leaves", "stays")
        )
        await asyncio.to_thread(oven.begun.wait, 30)
        leaves.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaves
        oven.gate.set()
        return first((await stays).value)

    with oven.cold(oven.spec("a")) as pool:
        assert asyncio.run(run(pool)) == 1.0
        assert oven.encoded == ["stays"]
        assert pool.metrics.value("loads") == 1


@BATCHED
def test_a_caller_whose_time_is_up_leaves_and_is_not_computed(oven: Oven, batched: bool) -> None:
    async def run(pool: Pool) -> None:
        with pytest.raises(LoadingTimeoutError, match="the load goes on"):
            await pool.acall("a", "encode", ["coroutine"], timeout_s=SHORT_S, batched=batched)

    with oven.cold(oven.spec("a")) as pool:
        with pytest.raises(LoadingTimeoutError, match="the load goes on"):
            pool.call("a", "encode", ["thread"], timeout_s=SHORT_S, batched=batched)
        asyncio.run(run(pool))
        oven.gate.set()
        pool.call("a", "encode", ["stays"], batched=batched)
        assert oven.encoded == ["stays"]
        assert pool.metrics.value("loads") == 1


@BATCHED
def test_a_fallback_answers_who_can_wait_no_longer(oven: Oven, batched: bool) -> None:
    spec = oven.spec("a", fallback=("b",), allow_different_vectors=True)

    async def run(pool: Pool) -> Any:
        return await pool.acall("a", "encode", ["x"], timeout_s=SHORT_S, batched=batched)

    with oven.cold(spec, oven.spec("b", version=2)) as pool:
        # Both are loaded by the thread of their device, so that "b" must be there.
        pool.load("b")
        for answer in (
            pool.call("a", "encode", ["x"], timeout_s=SHORT_S, batched=batched),
            asyncio.run(run(pool)),
        ):
            assert (answer.version.name, first(answer.value)) == ("b", 2.0)
            assert "was not loaded in time" in str(answer.because)
        oven.gate.set()
        assert pool.call("a", "encode", ["x"], batched=batched).version.name == "a"
        assert oven.encoded == ["x"]


@BATCHED
def test_a_load_that_fails_is_tried_once_for_all_coroutines(oven: Oven, batched: bool) -> None:
    async def run(pool: Pool) -> list[Any]:
        calls = [
            asyncio.create_task(pool.acall("a", "encode", ["x"], batched=batched))
            for _ in range(60)
        ]
        await asyncio.to_thread(oven.begun.wait, 30)
        oven.gate.set()
        found: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
        return found

    oven.fails["a"] = OSError("damaged")
    with oven.cold(oven.spec("a")) as pool:
        errors = asyncio.run(run(pool))
        assert all(isinstance(error, ModelLoadError) for error in errors)
        assert oven.n_opened == pool.metrics.value("load_failures") == 1
        # It was one failure, however many waited.
        assert pool.status().of("a")[0].breaker == "closed"


def test_a_loaded_model_answers_while_many_coroutines_wait_for_another(oven: Oven) -> None:
    async def run(pool: Pool) -> list[float]:
        waiting = [asyncio.create_task(pool.acall("a", "encode", ["x"])) for _ in range(100)]
        await asyncio.to_thread(oven.begun.wait, 30)
        assert first((await pool.acall("b", "encode", ["x"])).value) == 1
        oven.gate.set()
        return [first(answer.value) for answer in await asyncio.gather(*waiting)]

    with oven.cold(oven.spec("a"), oven.spec("b")) as pool:
        pool.load("b")
        assert asyncio.run(run(pool)) == [1.0] * 100


def test_batches_of_a_variant_run_while_another_one_is_loaded(oven: Oven) -> None:
    variants = (
        oven.variant("b", "old", weight=0.5),
        oven.variant("a", "new", weight=0.5, version=2),
    )
    with (
        oven.cold(oven.spec("m", variants=variants)) as pool,
        ThreadPoolExecutor(1) as threads,
    ):
        pool.call("m", "encode", ["x"], variant="old")
        new = threads.submit(pool.call, "m", "encode", ["x"], variant="new", batched=True)
        assert oven.begun.wait(30)
        assert first(pool.call("m", "encode", ["x"], variant="old", batched=True).value) == 1
        oven.gate.set()
        assert first(new.result(30).value) == 2


def test_who_waits_for_a_load_has_a_place_in_the_bounded_queue(oven: Oven) -> None:
    async def run(pool: Pool) -> None:
        waiting = [asyncio.create_task(pool.acall("a", "encode", ["x"])) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError, match="3 calls wait already"):
            await pool.acall("a", "encode", ["x"])
        waiting.pop().cancel()
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(pool.acall("a", "encode", ["y"])))
        oven.gate.set()
        await asyncio.gather(*waiting)

    with oven.cold(oven.spec("a"), limits=Limits(queued_requests=3)) as pool:
        asyncio.run(run(pool))
        assert sorted(oven.encoded) == ["x", "x", "y"]


@BATCHED
def test_closing_ends_the_wait_of_coroutines_for_a_load(oven: Oven, batched: bool) -> None:
    async def run(pool: Pool) -> Any:
        waiting = asyncio.create_task(pool.acall("a", "encode", ["x"], batched=batched))
        await asyncio.to_thread(oven.begun.wait, 30)
        closing = asyncio.create_task(asyncio.to_thread(pool.close, drain_s=10))
        while not pool._closed:
            await asyncio.sleep(0)
        oven.gate.set()
        assert await closing
        return (await asyncio.gather(waiting, return_exceptions=True))[0]

    assert isinstance(asyncio.run(run(oven.cold(oven.spec("a")))), PoolClosedError)
    assert oven.encoded == []


def test_a_long_queue_is_another_error_than_a_slow_load(oven: Oven) -> None:
    oven.gate.set()
    with oven.cold(oven.spec("a")) as pool, ThreadPoolExecutor(1) as threads:
        pool.load("a")
        model, gate, begun = oven.made["a"], Event(), Event()
        inner = model.encode

        def encode(texts: list[str], **more: Any) -> Any:
            begun.set()
            assert gate.wait(30)
            return inner(texts, **more)

        model.encode = encode  # type: ignore[method-assign, assignment]
        busy = threads.submit(pool.call, "a", "encode", ["busy"], batched=True)
        assert begun.wait(30)
        with pytest.raises(DeadlineError, match="in the queue"):
            pool.call("a", "encode", ["late"], batched=True, timeout_s=0.02)
        gate.set()
        busy.result(30)
        assert oven.encoded == ["busy"]
