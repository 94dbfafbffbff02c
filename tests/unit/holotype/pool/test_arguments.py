"""What callers pass to a pool is checked where it comes in, in words that say what was expected."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from threading import TIMEOUT_MAX
from typing import Any

import numpy as np
import pytest
from tests.golden.small_models import CATALOGUE
from tests.unit.holotype.pool.serving import Kitchen

from holotype.deployment import Loaded
from holotype.deployment.document import (
    Deployment,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
    ReferenceSource,
)
from holotype.errors import HolotypeError, InvalidArgumentError, InvalidReferenceError
from holotype.pool import Limits, Pool, Replacement
from holotype.pool.arguments import (
    LONGEST_S,
    as_source,
    check_finite,
    check_seconds,
    check_timeout,
)
from holotype.references.ref import ModelRef
from holotype.server.settings import ServerSettings

NO_SOURCES = (3, b"local:x", {"type": "local"}, Deployment())
NO_TIMES = ("3", float("nan"), -1, -0.5, True, [1], 1j, Decimal(1), -(10**5000))
NO_LIMIT = (float("inf"), 1e300, 10**400)
EXPECTED = "expected seconds as a number, 0 or more"


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    kitchen = Kitchen()
    yield kitchen
    assert kitchen.machine.alive == []


@pytest.fixture
def pool(kitchen: Kitchen) -> Iterator[Pool]:
    with kitchen.pool(kitchen.spec("a")) as pool:
        yield pool


def entrances(pool: Pool) -> dict[str, Callable[[Any], Any]]:
    """What takes a timeout, by name."""
    source = Kitchen.source("a", 2)
    return {
        "call": lambda t: pool.call("a", "encode", ["x"], timeout_s=t),
        "batched": lambda t: pool.call("a", "encode", ["x"], timeout_s=t, batched=True),
        "acall": lambda t: asyncio.run(pool.acall("a", "encode", ["x"], timeout_s=t)),
        "acall batched": lambda t: asyncio.run(
            pool.acall("a", "encode", ["x"], timeout_s=t, batched=True)
        ),
        "submit": lambda t: pool.submit("a", "encode", ["x"], timeout_s=t).result(),  # type: ignore[union-attr]
        "acquire": lambda t: pool.acquire("a", timeout_s=t).end(),
        "handle": lambda t: pool.encoder("a").with_options(timeout_s=t).encode("x"),
        "lease": lambda t: pool.encoder("a").with_options(timeout_s=t).lease().end(),
        "load": lambda t: pool.load("a", timeout_s=t),
        "swap": lambda t: pool.swap("a", source, timeout_s=t),
        "prepare": lambda t: pool.prepare([], timeout_s=t).__enter__().__exit__(None, None, None),
        "borrow": lambda t: pool.borrow(source, timeout_s=t).__enter__,
        "wait_until_ready": lambda t: pool.wait_until_ready(t),
    }


ENTRANCES = (
    *("call", "batched", "acall", "acall batched", "submit", "acquire", "handle", "lease", "load"),
    *("swap", "prepare", "borrow", "wait_until_ready"),
)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_what_is_no_time_is_refused_at_every_entrance(pool: Pool, entrance: str) -> None:
    for wrong in NO_TIMES:
        with pytest.raises(InvalidArgumentError, match=rf"timeout_s is .*; {EXPECTED}"):
            entrances(pool)[entrance](wrong)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_infinity_and_what_is_too_long_wait_for_the_end(pool: Pool, entrance: str) -> None:
    for longest in NO_LIMIT:
        entrances(pool)[entrance](longest)


def test_a_time_that_a_lock_can_wait_for_stays_what_it_is() -> None:
    assert [check_timeout(one) for one in (None, 0, 1.5, np.float32(2))] == [None, 0, 1.5, 2]
    assert {check_seconds("s", one) for one in NO_LIMIT} == {LONGEST_S}
    assert 1e6 < LONGEST_S < TIMEOUT_MAX


def test_infinity_outlasts_the_time_of_the_deployment(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", timeout_s=0.0)) as pool:
        with pytest.raises(TimeoutError):
            pool.acquire("a")
        pool.load("a")
        pool.unload("a")
        pool.acquire("a", timeout_s=float("inf")).end()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"key": 3}, "key is 3; expected a text"),
        ({"variant": b"x"}, "variant is b'x'; expected the name of a variant"),
        ({"batched": "yes"}, "batched is 'yes'; expected True or False"),
    ],
)
def test_a_handle_and_a_call_refuse_the_same_options(
    pool: Pool, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        pool.encoder("a").with_options(**asked)
    with pytest.raises(InvalidArgumentError, match=words):
        pool.call("a", "encode", ["x"], **asked)


def test_names_methods_and_kinds_are_texts(pool: Pool) -> None:
    for wrong in (3, None, ["a"]):
        with pytest.raises(InvalidArgumentError, match=r"name is .*; expected the name of a model"):
            pool.call(wrong, "encode", ["x"])  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match=r"name is .*; expected the name of a model"):
            pool.encoder(wrong)  # type: ignore[call-overload]
        with pytest.raises(InvalidArgumentError, match=r"name is .*; expected the name of a model"):
            pool.unload(wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match=r"method is .*; expected the name of"):
            pool.call("a", wrong, ["x"])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="kind is 'dens'; expected one of dense, "):
        pool.call("a", "encode", ["x"], kind="dens")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="mode is 'now'; expected one of overlap, "):
        pool.swap("a", Kitchen.source("a", 2), mode="now")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="pinned is 1; expected True or False"):
        pool.pin("a", pinned=1)  # type: ignore[arg-type]


def test_closing_takes_a_time_too(kitchen: Kitchen) -> None:
    pool = kitchen.pool(kitchen.spec("a"))
    with pytest.raises(InvalidArgumentError, match=f"drain_s is -1; {EXPECTED}"):
        pool.close(drain_s=-1)
    assert pool.call("a", "encode", ["x"]).version.name == "a"
    assert pool.close(drain_s=float("inf"))


def test_events_and_watches_take_times(pool: Pool) -> None:
    subscription = pool.events.subscribe()
    with pytest.raises(InvalidArgumentError, match=EXPECTED):
        subscription.next("1")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="poll_s is 0; expected seconds"):
        pool.watch(poll_s=0)


@pytest.mark.parametrize(
    ("field", "wrong", "least"),
    [
        ("batch_tokens", 0, 1),
        ("window_texts", 1.5, 1),
        ("queued_tokens", -1, 0),
        ("queued_requests", True, 0),
    ],
)
def test_limits_are_whole_numbers(field: str, wrong: object, least: int) -> None:
    words = f"{field} is {wrong}; expected a whole number, {least} or more"
    with pytest.raises(InvalidArgumentError, match=words):
        Limits(**{field: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("timeout_s", -1), ("copies", 0), ("dim", 1.5), ("memory_bytes", "1 GB")],
)
def test_numbers_of_a_model_are_checked_when_they_are_served(
    kitchen: Kitchen, field: str, wrong: Any
) -> None:
    words = f"{field} of the model 'a' is {wrong!r}; expected"
    with pytest.raises(InvalidArgumentError, match=words):
        kitchen.pool(kitchen.spec("a", **{field: wrong}))
    with kitchen.pool(kitchen.spec("b")) as pool:
        with pytest.raises(InvalidArgumentError, match=words):
            pool.apply(kitchen.deployment(kitchen.spec("a", **{field: wrong})))
        assert pool.names == ("b",)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"idle_after_s": float("inf")}, "idle_after_s .* is inf; expected seconds .* not inf"),
        ({"min_resident_s": None}, "min_resident_s .* is None; expected seconds"),
        ({"memory": (MemoryLimit(n_bytes=0),)}, r"n_bytes .* of \* is 0; expected a whole number"),
        ({"memory": (MemoryLimit(share=1.5),)}, r"share .* of \* is 1.5; expected .* 1 at most"),
    ],
)
def test_settings_of_a_pool_are_checked(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        Pool(Deployment(pool=PoolSettings(**settings)))


def test_a_builder_refuses_sizes_that_are_none() -> None:
    with pytest.raises(InvalidArgumentError, match="memory_bytes of the model 'a' is -5"):
        Pool.builder().with_model("a", "catalogue:all-minilm-l6-v2", memory_bytes=-5).build()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("timeout_s", "3"),
        ("timeout_s", 0),
        ("drain_s", float("inf")),
        ("stop_s", True),
        ("max_texts", 1.5),
        ("max_queued_requests", "10"),
        ("port", None),
    ],
)
def test_settings_of_a_server_are_checked(field: str, wrong: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{field} is {wrong!r}; expected "):
        ServerSettings(**{field: wrong})  # type: ignore[arg-type]


def test_long_values_are_shown_in_part() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_finite("poll_s", "9" * 10_000)
    assert len(str(caught.value)) < 200


# Copies


def test_pools_and_handles_say_that_they_live_in_one_process(pool: Pool) -> None:
    attempts: tuple[Callable[[Any], Any], ...] = (pickle.dumps, copy.deepcopy)
    for attempt in attempts:
        for whole in (pool, pool.encoder("a")):
            with pytest.raises(HolotypeError, match=r"lives in one process.* load\(\) returns"):
                attempt(whole)
    with pytest.raises(TypeError, match=r"^Pool\(a\) cannot be pickled or copied"):
        copy.copy(pool)


def test_a_copy_of_a_handle_calls_in_the_same_way(pool: Pool) -> None:
    handle = pool.encoder("a").with_options(batched=True, timeout_s=30)
    assert copy.copy(handle).encode("x").shape == (2,)


def test_a_model_needs_a_name_of_text(kitchen: Kitchen) -> None:
    with pytest.raises(InvalidArgumentError, match="the name of a model is 3; expected a text"):
        kitchen.pool(ModelSpec(name=3, variants=(kitchen.variant("a"),)))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", NO_SOURCES, ids=str)
def test_what_names_no_model_is_refused_by_all_that_take_a_source(pool: Pool, wrong: Any) -> None:
    moved = Replacement(name="a", variant="default", source=wrong)
    for take in (
        lambda: pool.swap("a", wrong),
        lambda: pool.prepare([moved]),
        lambda: pool.borrow(wrong),
        lambda: pool.plan("a", wrong),
        lambda: Pool.builder().with_model("a", wrong),
    ):
        with pytest.raises(InvalidArgumentError, match="expected a record"):
            take()
    pool.swap("a", Kitchen.source("a", 2))


def test_a_text_that_is_no_reference_is_refused_with_what_is_one(pool: Pool) -> None:
    for take in (
        lambda: pool.swap("a", "bge-m3"),
        lambda: pool.plan("a", "bge-m3"),
        lambda: pool.borrow("bge-m3"),
    ):
        with pytest.raises(InvalidReferenceError, match="did you mean 'catalogue:bge-m3'"):
            take()


def test_a_name_means_what_a_deployment_means_by_it() -> None:
    parsed = ModelRef.parse("catalogue:tiny-dense-v2")
    record = CATALOGUE.get_model("tiny-dense-v2")
    for named in ("catalogue:tiny-dense-v2", parsed, record):
        source = as_source(named, CATALOGUE)
        assert isinstance(source, ReferenceSource)
        assert (str(source.ref), source.ref.record) == (str(parsed), record)
        assert as_source(source) is source


@pytest.mark.parametrize("wrong", ["d.yaml", None, Loaded], ids=str)
def test_only_a_deployment_is_applied(pool: Pool, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="such as load_deployment"):
        pool.apply(wrong)
    assert pool.names == ("a",)
