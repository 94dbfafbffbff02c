"""Loads, swaps and evictions, step by step, on a machine that is exact."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Thread, get_native_id
from typing import Any

import pytest
from tests.unit.holotype.pool.fakes import Machine, TestEngine

from holotype.deployment.document import MemoryLimit, PoolSettings
from holotype.errors import ClosedEncoderError, NotFiniteError
from holotype.pool.errors import (
    ContradictionError,
    LoadingTimeoutError,
    ModelLoadError,
    ModelTooLargeError,
    NoMemoryError,
    PoolClosedError,
    SickModelError,
    SupersededError,
    UnknownNameError,
)
from holotype.pool.generation import Lease
from holotype.pool.loading import LoadJob
from holotype.pool.sizes import Need, Sizes
from holotype.pool.slot import Slot


@pytest.fixture
def machine() -> Machine:
    return Machine(total_bytes=300)


@pytest.fixture
def slots() -> list[Slot]:
    return []


@pytest.fixture
def engine(machine: Machine, slots: list[Slot]) -> Iterator[TestEngine]:
    engine = TestEngine(machine)
    yield engine
    assert engine.stop(30, slots)
    assert machine.alive == []


def loaded(engine: TestEngine, slot: Slot) -> Slot:
    engine.acquire(slot).end()
    return slot


def kinds(engine: TestEngine) -> list[str]:
    return [event.kind for event in engine.events.last()]


def budget(engine: TestEngine, **more: Any) -> PoolSettings:
    limit = MemoryLimit(n_bytes=engine.machine.total_bytes)
    return PoolSettings(**{"memory": (limit,), "min_resident_s": 0.0, **more})


def test_the_first_call_loads_and_the_second_does_not(engine: TestEngine) -> None:
    slot = engine.slot("a")
    with engine.acquire(slot) as lease:
        assert lease.model.encode(["x"])[0, 0] == 1
        assert lease.version.number == 1
    with engine.acquire(slot) as lease:
        assert lease.version.number == 1
    assert kinds(engine) == ["load_started", "loaded"]
    waits = [one for one in engine.metrics.histograms() if one.metric == "wait_s"]
    assert [(one.labels, one.count) for one in waits] == [(("a", "default"), 1)]
    engine.unload(slot)


def test_many_first_callers_share_one_load(engine: TestEngine) -> None:
    gate = Event()
    slot = engine.slot("a", fails=lambda: gate.wait(30) and None)
    with ThreadPoolExecutor(16) as threads:
        futures = [threads.submit(engine.acquire, slot) for _ in range(16)]
        with engine.waits:
            assert engine.waits.wait_for(lambda: engine.n_waiting == 16, 30)
        gate.set()
        leases = [future.result(30) for future in futures]
    assert len({id(lease.generation) for lease in leases}) == 1
    assert leases[0].generation.n_leases == 16
    for lease in leases:
        lease.end()
    assert engine.metrics.value("loads") == 1
    engine.unload(slot)


def test_a_caller_that_gives_up_cancels_no_load(engine: TestEngine) -> None:
    gate = Event()
    slot = engine.slot("a", fails=lambda: gate.wait(30) and None)
    with pytest.raises(LoadingTimeoutError, match=r"'a' was not loaded in time.*the load goes on"):
        engine.acquire(slot, engine.machine.now_s)
    gate.set()
    with engine.acquire(slot) as lease:
        assert lease.version.number == 1
    assert lease.generation.n_leases == 0
    assert engine.metrics.value("loads") == 1
    engine.unload(slot)


def test_others_are_served_during_a_load(engine: TestEngine) -> None:
    served = loaded(engine, engine.slot("served"))
    gate, begun = Event(), Event()
    (device,) = engine.devices()

    def block() -> None:
        begun.set()
        gate.wait(30)

    slow = engine.slot("slow", fails=block)
    job = engine.load(slow)
    assert begun.wait(30)
    engine.machine.now_s += 5
    assert (device.loading, device.loading_for_s(engine.clock())) == ("slow", 5)
    with engine.acquire(served) as lease:
        assert lease.model.encode(["x"]).shape == (1, 2)
    gate.set()
    assert job is not None
    job.future.result(30)
    engine.settle()
    assert (device.loading, device.loading_for_s(engine.clock())) == (None, None)
    engine.unload(served)
    engine.unload(slow)


def test_a_failed_load_tells_every_caller_its_own_error_and_returns_the_memory(
    engine: TestEngine,
) -> None:
    gate = Event()

    def fail() -> None:
        gate.wait(30)
        raise OSError("the disk is gone")

    slot = engine.slot("a", fails=fail)
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(engine.acquire, slot) for _ in range(4)]
        with engine.waits:
            assert engine.waits.wait_for(lambda: engine.n_waiting == 4, 30)
        gate.set()
        errors = [future.exception(30) for future in futures]
    assert all(isinstance(error, ModelLoadError) for error in errors)
    assert len({id(error) for error in errors}) == 4
    assert str(errors[0]) == "'a' could not be loaded from fake:a-1: the disk is gone"
    assert isinstance(errors[0].__cause__, OSError)  # type: ignore[union-attr]
    (device,) = engine.devices()
    engine.settle()
    assert device.ledger.held_bytes == 0
    assert slot.last_error == str(errors[0])


def test_code_that_leaves_the_process_fails_its_load_alone(engine: TestEngine) -> None:
    def leave() -> None:
        raise SystemExit(1)

    with pytest.raises(ModelLoadError, match="could not be loaded"):
        engine.acquire(engine.slot("a", fails=leave))
    slot = loaded(engine, engine.slot("b"))
    engine.unload(slot)


def test_what_never_fits_fails_at_once_and_evicts_nobody(engine: TestEngine) -> None:
    others = [loaded(engine, engine.slot(name)) for name in "ab"]
    with pytest.raises(ModelTooLargeError) as caught:
        engine.acquire(engine.slot("huge", 301))
    error = caught.value
    assert (error.needed_bytes, error.budget_bytes, error.held_bytes) == (301, 300, 0)
    assert "evicted" not in kinds(engine)
    for other in others:
        assert other.current is not None
        engine.unload(other)


def test_pinned_memory_counts_as_never_free(engine: TestEngine) -> None:
    pinned = loaded(engine, engine.slot("pinned", 100, pinned=True))
    with pytest.raises(ModelTooLargeError, match=r"of which 0.0 MiB may not be unloaded"):
        engine.acquire(engine.slot("big", 250))
    assert pinned.current is not None
    engine.unload(pinned)


def test_an_eviction_states_its_numbers(engine: TestEngine) -> None:
    first = loaded(engine, engine.slot("first", 200))
    second = loaded(engine, engine.slot("second", 150))
    assert first.current is None
    assert (first.evicted_for, second.evicted_for) == ("second", None)
    (event,) = engine.events.last(kind="evicted")
    values = dict(event.values)
    assert (event.name, values["by"], values["needed_bytes"]) == ("first", "second", 150)
    assert (values["freed_bytes"], values["budget_bytes"]) == (200, 300)
    # The memory of the victim was free before the next model was loaded.
    order = kinds(engine)
    assert order.index("unloaded") < len(order) - 1 - order[::-1].index("load_started")
    assert engine.machine.n_trims == 1
    engine.unload(second)


def test_a_load_waits_for_calls_to_end(engine: TestEngine) -> None:
    first = engine.slot("first", 200)
    lease = engine.acquire(first)
    second = engine.slot("second", 200)
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(engine.acquire, second)
        with engine.waits:
            assert engine.waits.wait_for(lambda: engine.n_waiting == 2, 30)
        engine.settle()
        assert not future.done()
        lease.end()
        future.result(30).end()
    engine.unload(second)


def test_a_load_that_waits_lets_smaller_ones_pass(engine: TestEngine) -> None:
    first = engine.slot("first", 200)
    lease = engine.acquire(first)
    big, small = engine.slot("big", 250), engine.slot("small", 50)
    job = engine.load(big)
    assert job is not None
    engine.settle()
    loaded(engine, small)
    assert not job.future.done()
    lease.end()
    job.future.result(30)
    engine.unload(big)
    engine.unload(small)


def test_stopping_says_that_a_model_is_still_in_use_though_others_are_closed(
    engine: TestEngine, slots: list[Slot]
) -> None:
    used, idle = engine.slot("used"), loaded(engine, engine.slot("idle"))
    lease = engine.acquire(used)
    slots += [used, idle]
    # Long enough for the threads to end, so that the model alone is the reason.
    assert not engine.stop(0.5, [used, idle])
    lease.end()


def test_a_load_gives_up_waiting_and_says_who_holds_the_memory(engine: TestEngine) -> None:
    first = engine.slot("first", 200)
    lease = engine.acquire(first)
    job = engine.load(engine.slot("second", 200))
    assert job is not None
    engine.settle()
    engine.machine.now_s += 31
    engine.wake()
    error = job.future.exception(30)
    assert isinstance(error, NoMemoryError)
    assert "loaded: first 0.0 MiB in use. Call it again later, raise pool.memory, or" in str(error)
    assert error.retry_after_s is not None
    lease.end()
    engine.unload(first)


def test_memory_that_others_have_taken_is_not_given_out(engine: TestEngine) -> None:
    engine.machine.others_bytes = 250
    job = engine.load(engine.slot("a", 100))
    assert job is not None
    engine.settle()
    assert not job.future.done()
    engine.machine.others_bytes = 0
    engine.wake()
    job.future.result(30)
    engine.unload(job.slot)


def test_a_young_model_is_not_evicted_before_its_time(machine: Machine) -> None:
    engine = TestEngine(machine)
    engine.apply(budget(engine, min_resident_s=60.0))
    first = loaded(engine, engine.slot("first", 200))
    job = engine.load(engine.slot("second", 200))
    assert job is not None
    engine.settle()
    assert first.current is not None
    machine.now_s += 29
    job.deadline_s = machine.now_s + 100
    machine.now_s += 31
    engine.wake()
    job.future.result(30)
    assert first.current is None
    assert engine.stop(30, [first, job.slot])


def test_idle_models_are_unloaded_and_pinned_ones_are_not(machine: Machine) -> None:
    engine = TestEngine(machine)
    engine.apply(budget(engine, idle_after_s=60.0))
    idle = loaded(engine, engine.slot("idle", 50))
    pinned = loaded(engine, engine.slot("pinned", 50, pinned=True))
    used = loaded(engine, engine.slot("used", 50))
    looked_at = loaded(engine, engine.slot("looked at", 50))
    machine.now_s += 40
    loaded(engine, used)
    engine.acquire(looked_at).end(called=False)
    machine.now_s += 30
    engine.wake()
    engine.settle()
    slots = [idle, pinned, used, looked_at]
    assert [slot.current is not None for slot in slots] == [False, True, True, False]
    assert [slot.went_idle for slot in slots] == [True, False, False, True]
    assert not loaded(engine, idle).went_idle
    assert engine.stop(30, slots)


def test_memory_that_does_not_come_back_is_told_and_counted(machine: Machine) -> None:
    machine.total_bytes = 1000 * 2**20
    engine = TestEngine(machine)
    slot = loaded(engine, engine.slot("a", 100 * 2**20))
    machine.alive[0].keeps_bytes = 60 * 2**20
    generation = engine.unload(slot)
    assert generation is not None
    assert generation.closed.wait(30)
    (event,) = engine.events.last(kind="memory_not_returned")
    assert event.values["missing_bytes"] == 60 * 2**20
    (device,) = engine.devices()
    assert device.ledger.free_bytes == 940 * 2**20
    assert engine.stop(30, [slot])


def test_memory_that_a_process_keeps_as_it_ends_is_nobodys_loss(machine: Machine) -> None:
    machine.total_bytes = 1000 * 2**20
    engine = TestEngine(machine)
    slot = loaded(engine, engine.slot("a", 100 * 2**20))
    (model,) = machine.alive
    model.keeps_bytes = 60 * 2**20
    assert engine.stop(30, [slot])
    assert model.is_closed
    assert engine.events.last(kind="memory_not_returned") == ()
    assert len(engine.events.last(kind="unloaded")) == 1


def test_what_a_successor_may_share_is_not_missing(machine: Machine) -> None:
    machine.total_bytes = 1000 * 2**20
    engine = TestEngine(machine)
    weights, tokenizer = 60 * 2**20, 40 * 2**20
    slot = loaded(engine, engine.slot("a", 100 * 2**20))
    (old,) = machine.alive
    # It stays when the model goes, as the tokenizer of the next version.
    old.memory_bytes, old.keeps_bytes = weights, tokenizer
    generation = slot.current
    assert generation is not None
    engine.swap(slot, engine.unit("a", 100 * 2**20, number=2)).future.result(30)
    assert generation.closed.wait(30)
    assert engine.events.last(kind="memory_not_returned") == ()
    (device,) = engine.devices()
    assert device.ledger.free_bytes == (1000 - 100 - 40) * 2**20
    assert engine.stop(30, [slot])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_only_what_replaces_a_model_that_serves_is_loaded_with_a_low_priority(
    engine: TestEngine,
) -> None:
    found: list[int] = []

    def note() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, get_native_id()))

    usual = os.getpriority(os.PRIO_PROCESS, get_native_id())
    slot = loaded(engine, engine.slot("a", fails=note))
    engine.swap(slot, engine.unit("a", number=2, fails=note)).future.result(30)
    engine.swap(slot, engine.unit("a", number=3, fails=note), mode="replace").future.result(30)
    assert found == [usual, min(usual + 10, 19), usual]
    assert engine.stop(30, [slot])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"backend": "onnx"}, {"backend": "onnx"}),
        ({"backend": "openvino"}, {"backend": "openvino"}),
        ({"backend": None}, {"backend": None}),
        ({"backend": None}, {"backend": "torch"}),
        ({"backend": "torch"}, {"backend": "torch", "device": "cuda:0"}),
    ],
)
def test_what_may_start_threads_that_serve_is_loaded_with_the_usual_priority(
    engine: TestEngine, old: dict[str, Any], new: dict[str, Any]
) -> None:
    found: list[int] = []

    def note() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, get_native_id()))

    usual = os.getpriority(os.PRIO_PROCESS, get_native_id())
    slot = loaded(engine, engine.slot("a", **old))
    engine.swap(slot, engine.unit("a", number=2, fails=note, **new)).future.result(30)
    assert found == [usual]
    assert engine.stop(30, [slot])


def test_a_measured_size_is_remembered(machine: Machine) -> None:
    sizes = Sizes(None)
    engine = TestEngine(machine, sizes=sizes)
    slot = loaded(engine, engine.slot("a", 120, need=Need(n_bytes=200, origin="estimated")))
    (device,) = engine.devices()
    assert device.ledger.held_bytes == 120
    assert sizes.remembered("a-120") == 120
    assert engine.stop(30, [slot])


def test_what_only_loading_took_is_remembered_and_not_held(machine: Machine) -> None:
    sizes = Sizes(None)
    machine.total_bytes = 2**30
    engine = TestEngine(machine, sizes=sizes)
    weights, needed_to_load = 100 * 2**20, 30 * 2**20
    need = Need(n_bytes=1, origin="estimated")

    def load() -> None:
        machine.kept_bytes = needed_to_load

    slot = engine.slot("a", weights, need=need, fails=load)
    machine.gives_back = True
    loaded(engine, slot)
    (device,) = engine.devices()
    assert device.ledger.held_bytes == weights
    assert sizes.remembered(f"a-{weights}") == weights + needed_to_load
    assert engine.stop(30, [slot])


def test_a_swap_serves_without_a_gap_and_the_old_model_drains(engine: TestEngine) -> None:
    slot = engine.slot("a")
    lease = engine.acquire(slot)
    new = engine.swap(slot, engine.unit("a", number=2)).future.result(30)
    with engine.acquire(slot) as current:
        assert current.generation is new
        assert current.model.encode(["x"])[0, 0] == 2
    assert lease.model.encode(["x"])[0, 0] == 1
    assert lease.generation.state == "draining"
    lease.end()
    assert lease.generation.closed.wait(30)
    with pytest.raises(ClosedEncoderError):
        _ = lease.model
    assert engine.metrics.value("swaps") == 1
    engine.unload(slot)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ({"fingerprint": "another"}, "fingerprint"),
        ({"fingerprint": None}, "fingerprint"),
        ({"labels": ("yes", "no")}, "kind"),
    ],
)
def test_a_swap_to_other_vectors_is_refused_and_the_old_model_goes_on(
    engine: TestEngine, model: dict[str, Any], what: str
) -> None:
    slot = loaded(engine, engine.slot("a"))
    before = slot.current
    error = engine.swap(slot, engine.unit("a", number=2, **model)).future.exception(30)
    assert isinstance(error, ContradictionError)
    assert error.what == what
    assert slot.current is before
    engine.settle()
    assert len(engine.machine.alive) == 1
    engine.unload(slot)


def test_other_vectors_are_served_where_that_is_meant_and_it_is_told(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a"))
    unit = engine.unit("a", number=2, fingerprint="another", allow_different_vectors=True)
    assert engine.swap(slot, unit).future.result(30).version.fingerprint == "another"
    (event,) = engine.events.last(kind="different_vectors")
    assert (event.values["old"], event.values["new"]) == ("same", "another")
    engine.unload(slot)


def test_a_model_that_changed_on_the_disk_is_not_loaded_under_its_old_name(
    engine: TestEngine,
) -> None:
    """Not even after the old one was evicted: callers' indexes are still those of the old one."""
    slot = loaded(engine, engine.slot("a"))
    generation = engine.unload(slot)
    assert generation is not None
    slot.unit = engine.unit("a", fingerprint="another")
    with pytest.raises(ContradictionError, match="fingerprint"):
        engine.acquire(slot)


def test_variants_of_a_name_make_the_same_vectors(engine: TestEngine) -> None:
    one, two = engine.slot("a"), engine.slot("a", fingerprint="another")
    one.siblings, two.siblings = (two,), (one,)
    loaded(engine, one)
    with pytest.raises(ContradictionError, match="fingerprint"):
        engine.acquire(two)
    engine.unload(one)


def test_a_swap_that_does_not_fit_beside_says_by_how_much(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a", 200))
    error = engine.swap(slot, engine.unit("a", 200, number=2)).future.exception(30)
    assert isinstance(error, ModelTooLargeError)
    assert error.held_bytes == 200
    assert slot.current is not None
    engine.unload(slot)


def test_a_replacement_unloads_first(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a", 200))
    unit = engine.unit("a", 200, number=2)
    assert engine.swap(slot, unit, mode="replace").future.result(30).version.number == 2
    with engine.acquire(slot) as lease:
        assert lease.model.encode(["x"])[0, 0] == 2
    engine.unload(slot)


def test_a_failed_replacement_restores_what_was(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a", 200))
    unit = engine.unit("a", 200, number=2, fails=OSError("damaged"))
    job = engine.swap(slot, unit, mode="replace")
    assert isinstance(job.future.exception(30), ModelLoadError)
    with engine.acquire(slot) as lease:
        assert lease.model.encode(["x"])[0, 0] == 1
    assert "restored" in kinds(engine)
    engine.unload(slot)


def test_a_replacement_that_can_never_fit_unloads_nothing(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a", 200))
    before = slot.current
    job = engine.swap(slot, engine.unit("a", 301, number=2), mode="replace")
    assert isinstance(job.future.exception(30), ModelTooLargeError)
    assert slot.current is before
    engine.unload(slot)


def test_callers_wait_during_a_replacement_and_none_is_lost(engine: TestEngine) -> None:
    slot = engine.slot("a", 200)
    lease = engine.acquire(slot)
    job = engine.swap(slot, engine.unit("a", 200, number=2), mode="replace")
    engine.settle()
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(engine.acquire, slot) for _ in range(4)]
        with engine.waits:
            assert engine.waits.wait_for(lambda: engine.n_waiting == 5, 30)
        assert lease.model.encode(["x"])[0, 0] == 1
        lease.end()
        assert job.future.result(30).version.number == 2
        for future in futures:
            with future.result(30) as waited:
                assert waited.model.encode(["x"])[0, 0] == 2
    engine.unload(slot)


def test_callers_that_waited_for_a_swap_that_failed_get_the_old_model(engine: TestEngine) -> None:
    gate, begun = Event(), Event()

    def fail() -> None:
        begun.set()
        gate.wait(30)
        raise OSError("damaged")

    slot = loaded(engine, engine.slot("a", 100))
    job = engine.swap(slot, engine.unit("a", 100, number=2, fails=fail))
    assert begun.wait(30)
    engine.unload(slot)
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(engine.acquire, slot)
        with engine.waits:
            assert engine.waits.wait_for(lambda: engine.n_waiting == 2, 30)
        gate.set()
        with future.result(30) as lease:
            assert lease.model.encode(["x"])[0, 0] == 1
    assert isinstance(job.future.exception(30), ModelLoadError)
    engine.unload(slot)


def test_of_swaps_that_have_not_begun_the_newest_wins(engine: TestEngine) -> None:
    gate, begun = Event(), Event()

    def block() -> None:
        begun.set()
        gate.wait(30)

    slot = loaded(engine, engine.slot("a", 50))
    blocking = engine.load(engine.slot("b", 50, fails=block))
    assert begun.wait(30)
    jobs = [engine.swap(slot, engine.unit("a", 50, number=n)) for n in (2, 3, 4)]
    gate.set()
    assert isinstance(jobs[0].future.exception(30), SupersededError)
    assert isinstance(jobs[1].future.exception(30), SupersededError)
    jobs[2].future.result(30)
    with engine.acquire(slot) as lease:
        assert lease.model.encode(["x"])[0, 0] == 4
    engine.unload(slot)
    assert blocking is not None
    engine.unload(blocking.slot)


def test_swaps_that_are_held_switch_together(engine: TestEngine) -> None:
    slots = [loaded(engine, engine.slot(name, 50)) for name in "ab"]
    jobs = [engine.swap(slot, engine.unit(slot.name, 50, number=2), holds=True) for slot in slots]
    for job in jobs:
        job.future.result(30)
    assert [slot.current and slot.current.version.number for slot in slots] == [1, 1]
    engine.commit(jobs)
    assert [slot.current and slot.current.version.number for slot in slots] == [2, 2]
    for slot in slots:
        engine.unload(slot)


def test_swaps_that_are_held_can_be_discarded(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a", 50))
    job = engine.swap(slot, engine.unit("a", 50, number=2), holds=True)
    generation = job.future.result(30)
    engine.discard([job])
    assert generation.closed.wait(30)
    assert slot.current is not None
    engine.unload(slot)


def test_a_probe_finds_what_is_not_finite_before_it_serves(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a"))

    class Sick:
        fingerprint, dim, memory_bytes = "same", 2, 10

        def encode(self, texts: list[str]) -> list[list[float]]:
            return [[float("nan"), 0.0] for _ in texts]

    unit = engine.unit("a", number=2)
    job = engine.swap(slot, type(unit)(**{**_fields(unit), "open": Sick}))
    error = job.future.exception(30)
    assert isinstance(error, ModelLoadError)
    assert isinstance(error.__cause__, NotFiniteError)
    assert slot.current is not None
    engine.unload(slot)


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_a_model_that_returns_nan_three_times_in_a_row_is_not_called_until_it_is_loaded_again(
    engine: TestEngine,
) -> None:
    slot = loaded(engine, engine.slot("a"))
    generation = slot.current
    assert generation is not None
    engine.note_not_finite(generation)
    engine.note_not_finite(generation)
    engine.note_finite(generation)
    engine.note_not_finite(generation)
    engine.note_not_finite(generation)
    engine.acquire(slot).end()
    engine.note_not_finite(generation)
    with pytest.raises(SickModelError, match="3 times in a row"):
        engine.acquire(slot)
    assert kinds(engine)[-1] == "sick"
    job = engine.load(slot)
    assert job is not None
    job.future.result(30)
    engine.acquire(slot).end()
    engine.unload(slot)


def test_a_removed_slot_is_unknown_and_its_model_is_closed(engine: TestEngine) -> None:
    slot = engine.slot("a")
    lease = engine.acquire(slot)
    engine.remove(slot)
    with pytest.raises(UnknownNameError):
        engine.acquire(slot)
    assert lease.model.encode(["x"])[0, 0] == 1
    lease.end()
    assert lease.generation.closed.wait(30)


def test_a_load_whose_slot_is_removed_meanwhile_leaves_nothing_behind(engine: TestEngine) -> None:
    gate, begun = Event(), Event()

    def block() -> None:
        begun.set()
        gate.wait(30)

    slot = engine.slot("a", fails=block)
    job = engine.load(slot)
    assert begun.wait(30)
    engine.remove(slot)
    gate.set()
    assert job is not None
    assert isinstance(job.future.exception(30), UnknownNameError)
    engine.settle()
    assert [device.ledger.held_bytes for device in engine.devices()] == [0]


def test_two_devices_load_at_the_same_time(engine: TestEngine) -> None:
    both = [Event(), Event()]

    def meet(mine: int) -> Any:
        def wait() -> None:
            both[mine].set()
            assert both[1 - mine].wait(30)

        return wait

    jobs = [
        engine.load(engine.slot(name, device=name, fails=meet(at)))
        for at, name in enumerate(("cpu", "cuda:0"))
    ]
    for job in jobs:
        assert job is not None
        job.future.result(30)
        engine.unload(job.slot)


def test_stopping_waits_for_leases_and_refuses_new_ones(machine: Machine) -> None:
    engine = TestEngine(machine)
    slot = engine.slot("a")
    lease = engine.acquire(slot)
    assert not engine.stop(0, [slot])
    with pytest.raises(PoolClosedError):
        engine.acquire(slot)
    assert lease.model.encode(["x"])[0, 0] == 1
    lease.end()
    assert lease.generation.closed.wait(30)
    assert machine.alive == []


def test_stopping_ends_a_load_that_runs(machine: Machine) -> None:
    engine, gate, begun = TestEngine(machine), Event(), Event()

    def block() -> None:
        begun.set()
        gate.wait(30)

    slot = engine.slot("a", fails=block)
    job = engine.load(slot)
    assert begun.wait(30)
    assert not engine.stop(0, [slot])
    gate.set()
    assert job is not None
    assert isinstance(job.future.exception(30), PoolClosedError)
    assert engine.stop(30, [slot])
    assert machine.alive == []


def test_what_close_raises_is_written_down_and_the_memory_is_given_back(
    engine: TestEngine, caplog: pytest.LogCaptureFixture
) -> None:
    slot = loaded(engine, engine.slot("a"))
    assert slot.current is not None
    model = slot.current.model

    def close() -> None:
        type(model).close(model)
        raise RuntimeError("cannot close")

    model.close = close
    with caplog.at_level(logging.INFO, "holotype.pool"):
        generation = engine.unload(slot)
        assert generation is not None
        assert generation.closed.wait(30)
    assert "cannot close" in caplog.text
    assert [device.ledger.held_bytes for device in engine.devices()] == [0]


def test_a_thousand_swaps_leave_one_model_and_one_generation(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a", 10))
    for number in range(2, 1002):
        engine.swap(slot, engine.unit("a", 10, number=number)).future.result(30)
    engine.settle()
    assert len(engine.machine.alive) == 1
    assert slot.draining == set()
    (device,) = engine.devices()
    assert len(device.ledger.holders()) == 1
    assert not any(isinstance(holder, LoadJob) for holder, _ in device.ledger.holders())
    engine.unload(slot)


# Changes during a load


def blocked(engine: TestEngine, slot: Slot) -> tuple[Event, Event, Future[Lease[Any]]]:
    """A caller whose load has begun, and goes on when it is let."""
    begun, gate = Event(), Event()

    def block() -> None:
        begun.set()
        assert gate.wait(30)

    slot.unit = engine.unit("a", number=1, fails=block)
    caller = Future[Lease[Any]]()

    def acquire() -> None:
        try:
            caller.set_result(engine.acquire(slot))
        except BaseException as error:
            caller.set_exception(error)

    Thread(target=acquire, daemon=True).start()
    assert begun.wait(30)
    return begun, gate, caller


def test_a_change_during_a_load_is_not_lost(engine: TestEngine) -> None:
    slot = engine.slot("a")
    _, gate, caller = blocked(engine, slot)
    # What an applied deployment does with a slot that serves nothing yet.
    with engine.lock:
        slot.unit = engine.unit("a", number=2)
    gate.set()
    lease = caller.result(30)
    assert lease.model.number == 2
    lease.end()
    engine.unload(slot)


def test_a_held_swap_that_takes_over_during_a_load_is_not_undone_by_it(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a"))
    job = engine.swap(slot, engine.unit("a", number=2), holds=True)
    job.future.result(30)
    engine.unload(slot)
    engine.settle()
    _, gate, caller = blocked(engine, slot)
    engine.commit([job])
    gate.set()
    lease = caller.result(30)
    assert lease.model.number == 2
    lease.end()
    engine.settle()
    assert slot.current is not None
    assert slot.current.model.number == 2
    engine.unload(slot)
    engine.settle()
    assert [device.ledger.held_bytes for device in engine.devices()] == [0]


def test_a_held_swap_that_is_discarded_while_it_loads_leaves_nothing(engine: TestEngine) -> None:
    slot = loaded(engine, engine.slot("a"))
    begun, gate = Event(), Event()

    def block() -> None:
        begun.set()
        assert gate.wait(30)

    job = engine.swap(slot, engine.unit("a", number=2, fails=block), holds=True)
    assert begun.wait(30)
    engine.discard([job])
    gate.set()
    assert isinstance(job.future.exception(30), SupersededError)
    engine.settle()
    assert [model.number for model in engine.machine.alive] == [1]
    engine.unload(slot)
