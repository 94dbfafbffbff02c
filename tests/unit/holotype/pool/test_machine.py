"""The engine under any order of loads, calls, swaps, evictions, failures and cancellations."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import get_ident
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from tests.unit.holotype.pool.fakes import Machine, TestEngine

from holotype.deployment.document import MemoryLimit, PoolSettings
from holotype.errors import HolotypeError
from holotype.pool.errors import LoadingTimeoutError
from holotype.pool.generation import Lease
from holotype.pool.loading import LoadJob
from holotype.pool.slot import Slot

BUDGET = 300
SIZES = {"a": 100, "b": 150, "c": 200, "d": 100, "huge": 400}
NAMES = st.sampled_from(sorted(SIZES))


@dataclass(slots=True, eq=False)
class Caller:
    """Somebody who wants a lease, on a thread of its own."""

    future: Future[Lease[Any]]
    thread: int = 0


class PoolMachine(RuleBasedStateMachine):
    """Calls run on threads of their own, since they may have to wait; rules do not."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        """Begin."""
        super().__init__()
        self.machine = Machine(total_bytes=BUDGET)
        self.threads = ThreadPoolExecutor(64)
        self.slots: dict[str, Slot] = {}
        self.held: list[Lease[Any]] = []
        self.waiting: list[Caller] = []
        self.jobs: list[LoadJob] = []
        self.prepared: list[LoadJob] = []
        self.fails: set[str] = set()
        self.number = 1

    @initialize(
        eviction=st.sampled_from(["fewest", "lru"]), min_resident_s=st.sampled_from([0.0, 10.0])
    )
    def begin(self, eviction: Any, min_resident_s: float) -> None:
        memory = (MemoryLimit(n_bytes=BUDGET),)
        chosen = PoolSettings(
            memory=memory, eviction=eviction, min_resident_s=min_resident_s, idle_after_s=1000.0
        )
        self.engine = TestEngine(self.machine, chosen)
        for name in SIZES:
            self.slots[name] = Slot(name, "default", self.unit(name))

    def unit_of(self, name: str) -> Any:
        """A unit whose device is open already, so that no lock is taken for it."""
        return replace(self.slots[name].unit, identity=f"{name}-{self.number}")

    def unit(self, name: str, **more: Any) -> Any:
        def maybe_fail() -> None:
            if name in self.fails:
                raise OSError(f"{name} is damaged")

        return self.engine.unit(name, SIZES[name], number=self.number, fails=maybe_fail, **more)

    # Rules

    @rule(target=leases, name=NAMES)
    def call(self, name: str) -> Any:
        """A caller that keeps its lease; or waits for it, if it cannot be had now."""
        caller = Caller(Future())

        def acquire() -> Lease[Any]:
            caller.thread = get_ident()
            return self.engine.acquire(self.slots[name])

        caller.future = self.threads.submit(acquire)
        caller.future.add_done_callback(lambda _: self.wake())
        self.waiting.append(caller)
        self.settle()
        return multiple(*self.collect())

    def settle(self) -> None:
        """Return when nothing moves: each caller has an answer, or waits for a load that waits."""
        while True:
            self.engine.settle()
            with self.engine.waits:
                before = self.engine.n_waiting
                for caller in self.waiting:
                    assert self.engine.waits.wait_for(partial(self.is_at_rest, caller), 30)
                if self.engine.n_waiting == before:
                    return

    def is_at_rest(self, caller: Caller) -> bool:
        return caller.future.done() or self.engine.is_blocked(caller.thread)

    def wake(self) -> None:
        with self.engine.waits:
            self.engine.waits.notify_all()

    def collect(self) -> list[Lease[Any]]:
        """Take the leases that callers got meanwhile; errors are answers, too."""
        found: list[Lease[Any]] = []
        for caller in [one for one in self.waiting if one.future.done()]:
            self.waiting.remove(caller)
            error = caller.future.exception()
            if error is None:
                found.append(caller.future.result())
            else:
                assert isinstance(error, HolotypeError), error
        self.held += found
        return found

    @rule(name=NAMES)
    def call_and_give_up(self, name: str) -> None:
        """A caller whose deadline has passed already gets a lease or an error at once."""
        try:
            lease = self.engine.acquire(self.slots[name], self.machine.now_s - 1)
        except LoadingTimeoutError:
            self.settle()
        except HolotypeError:
            pass
        else:
            assert lease.model.encode(["text"]).shape == (1, 2)
            lease.end()
            self.settle()

    @rule(lease=consumes(leases))
    def end(self, lease: Lease[Any]) -> None:
        lease.end()
        lease.end()
        if lease in self.held:
            self.held.remove(lease)
        self.settle()

    @rule(name=NAMES, mode=st.sampled_from(["overlap", "replace"]), different=st.booleans())
    def swap(self, name: str, mode: Any, different: bool) -> None:
        self.number += 1
        unit = self.unit(name, fingerprint="another" if different else "same")
        self.jobs.append(self.engine.swap(self.slots[name], unit, mode=mode))
        self.settle()

    @rule(name=NAMES, different=st.booleans())
    def prepare(self, name: str, different: bool) -> None:
        """A swap in two steps, which is committed or discarded later, whatever happens meanwhile."""
        self.number += 1
        unit = self.unit(name, fingerprint="another" if different else "same")
        job = self.engine.swap(self.slots[name], unit, holds=True)
        self.jobs.append(job)
        self.prepared.append(job)
        self.settle()

    @rule(commits=st.booleans())
    def decide(self, commits: bool) -> None:
        if not self.prepared:
            return
        job = self.prepared.pop(0)
        if commits and self.is_ready(job):
            self.engine.commit([job])
            assert job.slot.current is job.future.result(0)
        else:
            self.engine.discard([job])
        self.settle()

    @staticmethod
    def is_ready(job: LoadJob) -> bool:
        return job.future.done() and job.future.exception() is None

    @rule(name=NAMES)
    def change_what_is_not_loaded(self, name: str) -> None:
        """What an applied deployment does with a slot that serves nothing."""
        slot = self.slots[name]
        self.number += 1
        with self.engine.lock:
            if slot.current is None:
                slot.unit = self.unit_of(name)

    @rule(name=NAMES)
    def preload(self, name: str) -> None:
        self.engine.load(self.slots[name], urgent=False)
        self.settle()

    @rule(name=NAMES)
    def unload(self, name: str) -> None:
        self.engine.unload(self.slots[name])
        self.settle()

    @rule(name=NAMES)
    def break_or_mend(self, name: str) -> None:
        self.fails ^= {name}

    @rule(name=NAMES)
    def pin_or_unpin(self, name: str) -> None:
        with self.engine.lock:
            self.slots[name].pinned ^= True
        self.engine.wake()
        self.settle()

    @rule(seconds=st.sampled_from([1.0, 11.0, 100.0, 2000.0]))
    def wait(self, seconds: float) -> None:
        self.machine.now_s += seconds
        self.engine.wake()
        self.settle()

    @rule(target=leases)
    def look(self) -> Any:
        """Leases that callers got while other things happened."""
        return multiple(*self.collect())

    # Invariants

    @invariant()
    def no_lease_is_on_a_closed_generation(self) -> None:
        for lease in self.held:
            assert lease.generation.state != "closed"
            assert lease.model.encode(["text"])[0, 0] == lease.model.value

    @invariant()
    def the_ledger_is_the_sum_of_what_is_loaded(self) -> None:
        for device in self.engine.devices() if self.slots else ():
            with self.engine.lock:
                held = device.ledger.held_bytes
                generations = {
                    one
                    for slot in self.slots.values()
                    for one in (slot.current, *slot.draining)
                    if one is not None
                }
                generations |= {job.future.result(0) for job in self.prepared if self.is_ready(job)}
                loading = sum(
                    n_bytes
                    for holder, n_bytes in device.ledger.holders()
                    if isinstance(holder, LoadJob)
                )
                loaded = sum(one.memory_bytes for one in generations)
            assert held == loaded + loading
            assert held <= BUDGET
            assert loading == 0
            assert loaded == sum(model.n_bytes for model in self.machine.alive)

    @invariant()
    def what_serves_is_ready(self) -> None:
        for slot in self.slots.values():
            assert slot.current is None or slot.current.state == "ready"
            assert all(one.state == "draining" and one.n_leases for one in slot.draining)

    def teardown(self) -> None:
        """No request is lost: once memory is free and time has passed, everybody has an answer."""
        if not self.slots:
            return
        self.engine.discard(self.prepared)
        self.prepared.clear()
        self.settle()
        while self.waiting or self.held or any(not job.future.done() for job in self.jobs):
            for lease in self.held:
                lease.end()
            self.held.clear()
            self.machine.now_s += 1_000_000
            self.engine.wake()
            self.settle()
            # An error counts as an answer, silence does not: what waits after so long waits for ever.
            assert self.machine.now_s < 100_000_000
            self.collect()
        assert self.engine.stop(30, self.slots.values())
        assert self.machine.alive == []
        assert [d.ledger.held_bytes for d in self.engine.devices()] == [0]
        self.threads.shutdown()


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=60, stateful_step_count=30)
