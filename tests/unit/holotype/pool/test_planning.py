"""What a load would need, told without loading or unloading anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.holotype.pool.serving import Kitchen

from holotype.deployment.document import EnsembleSpec, MemberSpec, ModelSpec
from holotype.pool import Pool, UnknownNameError

SIZES = {"a": 100, "b": 150, "c": 200, "d": 60, "e": 301}


@pytest.fixture
def pool() -> Iterator[Pool]:
    kitchen = Kitchen()
    kitchen.machine.total_bytes = 300
    kitchen.orders = {name: {"n_bytes": size} for name, size in SIZES.items()}
    members = tuple(MemberSpec(name=name, weight=0.5) for name in "ab")
    both = (kitchen.variant("a", "x", weight=0.5), kitchen.variant("a", "y", weight=0.5))
    specs = [kitchen.spec(name, memory_bytes=size) for name, size in SIZES.items()]
    specs.append(ModelSpec(name="judge", ensemble=EnsembleSpec(members=members)))
    specs.append(kitchen.spec("two", variants=both, memory_bytes=100))
    with kitchen.pool(*specs) as pool:
        yield pool
        # No plan has changed anything.
        assert pool.metrics.value("evictions") == 0
    assert kitchen.machine.alive == []


def test_what_is_loaded_needs_nothing(pool: Pool) -> None:
    pool.load("a")
    plan = pool.plan("a")
    assert (plan.loads, plan.fits, plan.need_bytes, plan.would_unload) == ((), "now", 0, ())


def test_what_fits_now_states_its_numbers(pool: Pool) -> None:
    pool.load("a")
    (load,) = pool.plan("b").loads
    assert (load.fits, load.need_bytes, load.origin) == ("now", 150, "declared")
    assert (load.free_bytes, load.budget_bytes, load.device) == (200, 300, "cpu")
    assert (load.would_unload, load.must_wait, load.why) == ((), False, "")


def test_what_needs_room_names_the_fewest_that_would_go(pool: Pool) -> None:
    for name in ("a", "b"):
        pool.load(name)
    plan = pool.plan("c")
    assert (plan.fits, plan.would_unload, plan.must_wait) == ("after_unloading", ("b",), False)


def test_what_is_in_use_would_be_waited_for(pool: Pool) -> None:
    pool.load("a")
    pool.load("b")
    with pool.acquire("b"):
        plan = pool.plan("c")
        assert (plan.fits, plan.would_unload, plan.must_wait) == ("after_unloading", ("b",), True)


@pytest.mark.parametrize("because", ["too large", "pinned", "another process"])
def test_what_never_fits_says_why(pool: Pool, because: str) -> None:
    name = "e" if because == "too large" else "c"
    if because == "pinned":
        pool.load("b")
        pool.pin("b")
    engine: object = pool._engine
    if because == "another process":
        engine.machine.others_bytes = 250  # type: ignore[attr-defined]
    plan = pool.plan(name)
    assert (plan.fits, plan.would_unload) == ("never", ())
    why = {"another process": "other processes"}.get(because, "must stay")
    assert why in plan.loads[0].why


def test_several_loads_are_planned_as_if_each_had_been_carried_out(pool: Pool) -> None:
    pool.load("d")
    first, second = pool.plan("judge").loads
    assert (first.name, first.fits, first.free_bytes) == ("a", "now", 240)
    assert (second.name, second.fits, second.would_unload) == ("b", "after_unloading", ("d",))
    plan = pool.plan("judge")
    assert (plan.fits, plan.need_bytes, plan.free_bytes) == ("after_unloading", 250, 240)


def test_variants_can_be_planned_alone_or_together(pool: Pool) -> None:
    assert [load.variant for load in pool.plan("two").loads] == ["x", "y"]
    assert [load.variant for load in pool.plan("two", variant="y").loads] == ["y"]
    with pytest.raises(UnknownNameError):
        pool.plan("two", variant="z")
    with pytest.raises(UnknownNameError):
        pool.plan("tow")


def test_another_source_is_planned_beside_what_serves(pool: Pool) -> None:
    pool.load("b")
    (load,) = pool.plan("b", Kitchen.source("b", 2)).loads
    assert (load.fits, load.need_bytes, load.free_bytes) == ("now", 150, 150)
    pool.load("a")
    (load,) = pool.plan("b", Kitchen.source("b", 2)).loads
    assert (load.fits, load.would_unload) == ("after_unloading", ("a",))
