"""The queue of asynchronous calls: bounded, with deadlines, and left by those who cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Barrier, Event

import pytest
from tests.unit.holotype.pool.fakes import Machine
from tests.unit.holotype.pool.serving import Kitchen

from holotype.pool import DeadlineError, Limits, PoolClosedError, QueueFullError
from holotype.pool.metrics import Metrics
from holotype.pool.threads import Threads

N_THREADS = 32
Start = Callable[[], None]


class Held:
    """Threads that are all busy until they are let go."""

    def __init__(self, machine: Machine) -> None:
        """Begin."""
        self.metrics = Metrics()
        self.threads = Threads(clock=machine.clock, metrics=self.metrics, most=3)
        self.gate, self.ran = Event(), list[str]()
        self.futures = list[Future[None]]()
        for _ in range(N_THREADS):
            begun = Event()

            def block(_: float | None, start: Start, begun: Event = begun) -> None:
                start()
                begun.set()
                assert self.gate.wait(30)

            self.futures.append(self.threads.submit("a", block, None))
            assert begun.wait(30)

    def submit(self, name: str, timeout_s: float | None = None) -> Future[None]:
        return self.threads.submit(name, lambda _, __: self.ran.append(name), timeout_s)

    def let_go(self) -> None:
        self.gate.set()
        for future in self.futures:
            future.result(30)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def held(machine: Machine) -> Iterator[Held]:
    held = Held(machine)
    yield held
    held.let_go()
    held.threads.end(wait=True)


def test_what_is_cancelled_is_not_run_and_makes_room(held: Held) -> None:
    first, second, third = (held.submit(name) for name in ("x", "y", "z"))
    with pytest.raises(QueueFullError) as refused:
        held.submit("too many")
    assert refused.value.retry_after_s == 1.0
    assert second.cancel()
    last = held.submit("last")
    held.let_go()
    for future in (first, third, last):
        future.result(30)
    assert sorted(held.ran) == ["last", "x", "z"]
    assert held.metrics.value("refused") == 1


def test_what_is_past_its_deadline_is_not_run(held: Held, machine: Machine) -> None:
    late, patient = held.submit("late", 5.0), held.submit("patient", 50.0)
    machine.now_s += 6.0
    held.let_go()
    with pytest.raises(DeadlineError, match=r"6\.000 s in the queue"):
        late.result(30)
    patient.result(30)
    assert held.ran == ["patient"]
    assert held.metrics.value("expired", "late") == 1


def test_who_leaves_before_the_model_is_there_is_not_answered(machine: Machine) -> None:
    threads = Threads(clock=machine.clock, metrics=Metrics(), most=3)
    begun, loaded, ran = Event(), Event(), list[str]()

    def run(_: float | None, start: Start) -> None:
        begun.set()
        assert loaded.wait(30)
        start()
        ran.append("model")
        # Its fallback runs, too, and whoever waited then goes on waiting.
        assert not future.cancel()
        start()
        ran.append("fallback")

    future = threads.submit("a", run, None)
    assert begun.wait(30)
    assert future.cancel()
    loaded.set()
    threads.end(wait=True)
    assert ran == []
    threads = Threads(clock=machine.clock, metrics=Metrics(), most=3)
    future = threads.submit("a", run, None)
    future.result(30)
    threads.end(wait=True)
    assert ran == ["model", "fallback"]


def test_closing_refuses_what_waits_and_what_comes(held: Held) -> None:
    waiting = held.submit("x")
    held.threads.refuse()
    with pytest.raises(PoolClosedError):
        waiting.result(30)
    with pytest.raises(PoolClosedError):
        held.submit("y")
    held.let_go()
    assert held.ran == []


def test_a_closed_pool_answers_the_coroutines_that_wait() -> None:
    kitchen, barrier, gate = Kitchen(), Barrier(N_THREADS + 1), Event()

    async def run() -> list[BaseException | object]:
        with kitchen.pool(kitchen.spec("a"), limits=Limits(queued_requests=2 * N_THREADS)) as pool:
            pool.load("a")
            model = kitchen.made["a"]
            inner = model.encode

            def encode(texts: list[str], **more: object) -> object:
                barrier.wait(30)
                assert gate.wait(30)
                return inner(texts, **more)

            model.encode = encode  # type: ignore[method-assign, assignment]
            tasks = [
                asyncio.create_task(pool.acall("a", "encode", ["x"])) for _ in range(N_THREADS)
            ]
            await asyncio.sleep(0)
            await asyncio.to_thread(barrier.wait, 30)
            late = asyncio.create_task(pool.acall("a", "encode", ["x"]))
            await asyncio.sleep(0)
            assert not await asyncio.to_thread(pool.close, drain_s=0)
            gate.set()
            return [
                *await asyncio.gather(late, return_exceptions=True),
                len(await asyncio.gather(*tasks)),
            ]

    error, n_answered = asyncio.run(run())
    assert isinstance(error, PoolClosedError)
    assert n_answered == N_THREADS
