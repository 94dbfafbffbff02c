"""The pool by names: handles, variants, fallbacks, breakers, ensembles and deployments."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from tests.unit.holotype.pool.fakes import FakeModel
from tests.unit.holotype.pool.serving import Kitchen

from holotype.deployment.document import (
    ArchitectureSpec,
    BuiltinSource,
    EnsembleSpec,
    InferenceSettings,
    MemberSpec,
    ModelSpec,
    ReferenceSource,
    VariantSpec,
)
from holotype.errors import NotFiniteError, TextOverflowError
from holotype.pool import (
    BreakerOpenError,
    ContradictionError,
    EnsembleError,
    ModelLoadError,
    Pool,
    PoolClosedError,
    PoolError,
    UnknownNameError,
    WrongKindOfModelError,
)
from holotype.references.ref import ModelRef


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    kitchen = Kitchen()
    yield kitchen
    assert kitchen.machine.alive == []


def first(vectors: Any) -> float:
    return float(np.atleast_2d(vectors)[0, 0])


# Handles


def test_a_handle_loads_on_the_first_call_and_survives_a_swap(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        handle = pool.encoder("a")
        assert kitchen.made == {}
        assert first(handle.encode_query(["x"])) == 1
        assert pool.swap("a", kitchen.source("a", 2)).number == 2
        assert first(handle.encode_document(["x", "y"])) == 2
        assert handle.encode("x").shape == (2,)
        assert (handle.dim, handle.fingerprint) == (2, "same")


def test_an_answer_names_the_version_that_gave_it(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        answer = pool.call("a", "encode_query", ["x"])
        version = answer.version
        assert (version.name, version.variant, version.number) == ("a", "default", 1)
        assert (version.kind, version.fingerprint, version.device) == ("dense", "same", "cpu")
        assert (answer.asked, answer.because, answer.dropped) == ("a", None, ())


def test_a_misspelt_name_is_an_error_that_suggests_the_right_one(kitchen: Kitchen) -> None:
    spec = kitchen.spec("search", variants=(kitchen.variant("a"),))
    with kitchen.pool(spec) as pool:
        with pytest.raises(UnknownNameError, match="did you mean 'search'"):
            pool.encoder("serach")
        with pytest.raises(UnknownNameError, match=r"no variant of 'search'.*'default'"):
            pool.acquire("search", variant="v2")


def test_a_handle_of_another_kind_is_refused_at_the_call(kitchen: Kitchen) -> None:
    kitchen.orders["b"] = {"labels": ("yes", "no")}
    with kitchen.pool(kitchen.spec("a"), kitchen.spec("b")) as pool:
        with pytest.raises(WrongKindOfModelError, match="'dense', which has no classify"):
            pool.call("a", "classify", ["x"])
        with pytest.raises(WrongKindOfModelError, match="kind 'dense', and this handle is for"):
            pool.classifier("a").classify(["x"])
        with pytest.raises(WrongKindOfModelError, match="kind 'classifier', and this handle"):
            pool.encoder("b").encode(["x"])
        with pytest.raises(WrongKindOfModelError, match="kind 'dense', and this handle is for"):
            pool.encoder("a", "colbert").lease()
        with pytest.raises(WrongKindOfModelError, match="has no close"):
            pool.call("a", "close")
        wrong: Any = "wrong"
        with pytest.raises(ValueError, match="expected one of dense, colbert, sparse"):
            pool.encoder("a", wrong)


def test_a_lease_keeps_its_model_through_an_unload_and_the_close_of_the_pool(
    kitchen: Kitchen,
) -> None:
    pool = kitchen.pool(kitchen.spec("a"))
    lease = pool.encoder("a").lease()
    pool.unload("a")
    assert not pool.close(drain_s=0)
    assert lease.model.encode(["x"]).shape == (1, 2)
    assert pool.status().of("a")[0].n_draining == 1
    lease.end()
    assert lease.generation.closed.wait(30)


def test_a_threshold_of_the_deployment_counts_where_the_call_names_none(kitchen: Kitchen) -> None:
    kitchen.orders["a"] = {"labels": ("high", "low")}
    spec = kitchen.spec("a", variants=(kitchen.variant("a", threshold=0.4),))
    with kitchen.pool(spec) as pool:
        handle = pool.classifier("a")
        assert [one.label for one in handle.classify(["x"])[0]] == ["high", "low"]
        assert [one.label for one in handle.classify(["x"], threshold=0.9)[0]] == ["high"]
        assert handle.labels == ("high", "low")


def test_texts_of_an_iterator_reach_the_fallback_too(kitchen: Kitchen) -> None:
    spec = kitchen.spec("a", fallback=("b",))
    with kitchen.pool(spec, kitchen.spec("b")) as pool:
        handle = pool.encoder("a")
        handle.encode(["warm"])
        kitchen.made["a"].error = RuntimeError("broken")
        assert handle.encode(iter(["x", "y"])).shape == (2, 2)


# Failures


def break_down(model: FakeModel, error: Exception | None = None) -> None:
    model.error = error or RuntimeError("broken")


def test_a_fallback_answers_and_says_why(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", fallback=("b", "c")), *map(kitchen.spec, "bc")) as pool:
        pool.encoder("a").encode(["x"])
        break_down(kitchen.made["a"])
        answer = pool.call("a", "encode", ["x"])
        assert (answer.asked, answer.version.name, answer.because) == ("a", "b", "broken")
        break_down(kitchen.made["b"])
        assert pool.call("a", "encode", ["x"]).version.name == "c"
        assert pool.metrics.value("fallbacks", "a") == 2
        assert [event.values["answered"] for event in pool.events.last(kind="fallback")] == [
            "b",
            "c",
        ]
        break_down(kitchen.made["c"])
        with pytest.raises(RuntimeError, match="broken") as caught:
            pool.call("a", "encode", ["x"])
        assert caught.value.__notes__ == [
            "its fallback 'b' failed, too: broken",
            "its fallback 'c' failed, too: broken",
        ]


def test_a_model_that_cannot_be_loaded_falls_back(kitchen: Kitchen) -> None:
    spec = kitchen.spec("a", fallback=("b",), allow_different_vectors=True)
    with kitchen.pool(spec, kitchen.spec("b")) as pool:
        kitchen.fails["a"] = MemoryError()
        answer = pool.call("a", "encode", ["x"])
        assert answer.version.name == "b"
        assert "no memory left" in str(answer.because)


@pytest.mark.parametrize(
    "error", [ValueError("wrong"), TypeError("wrong"), TextOverflowError("a", 1, 5, 10, 0)]
)
def test_a_wrong_call_falls_back_to_nobody_and_opens_no_breaker(
    kitchen: Kitchen, error: Exception
) -> None:
    with kitchen.pool(kitchen.spec("a", fallback=("b",)), kitchen.spec("b")) as pool:
        pool.encoder("a").encode(["x"])
        break_down(kitchen.made["a"], error)
        for _ in range(10):
            with pytest.raises(type(error)):
                pool.call("a", "encode", ["x"])
        assert "b" not in kitchen.made
        assert pool.status().of("a")[0].breaker == "closed"


def test_vectors_of_another_fingerprint_never_stand_in(kitchen: Kitchen) -> None:
    kitchen.orders["b"] = {"fingerprint": "another"}
    with kitchen.pool(kitchen.spec("a", fallback=("b",)), kitchen.spec("b")) as pool:
        pool.encoder("a").encode(["x"])
        break_down(kitchen.made["a"])
        with pytest.raises(RuntimeError, match="broken") as caught:
            pool.call("a", "encode", ["x"])
        assert "cannot answer for 'a'" in caught.value.__notes__[0]


def test_vectors_stand_in_only_once_those_of_the_model_are_known(kitchen: Kitchen) -> None:
    kitchen.fails["a"] = OSError("missing")
    with (
        kitchen.pool(kitchen.spec("a", fallback=("b",)), kitchen.spec("b")) as pool,
        pytest.raises(ModelLoadError) as caught,
    ):
        pool.call("a", "encode", ["x"])
    assert "cannot answer for 'a'" in caught.value.__notes__[0]


def test_a_breaker_opens_after_five_failures_and_closes_after_a_try(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        pool.encoder("a").encode(["x"])
        model = kitchen.made["a"]
        break_down(model)
        for _ in range(5):
            with pytest.raises(RuntimeError):
                pool.call("a", "encode", ["x"])
        n_calls = model.n_calls
        with pytest.raises(BreakerOpenError, match=r"tried again in 10.0 s") as caught:
            pool.call("a", "encode", ["x"])
        assert (caught.value.retry_after_s, model.n_calls) == (10.0, n_calls)
        kitchen.machine.now_s += 10
        with pytest.raises(RuntimeError):
            pool.call("a", "encode", ["x"])
        with pytest.raises(BreakerOpenError, match=r"20.0 s"):
            pool.call("a", "encode", ["x"])
        kitchen.machine.now_s += 20
        model.error = None
        pool.call("a", "encode", ["x"])
        pool.call("a", "encode", ["x"])
        assert [one.kind for one in pool.events.last() if "breaker" in one.kind] == [
            "breaker_opened",
            "breaker_opened",
            "breaker_closed",
        ]


def test_a_swap_closes_the_breaker(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        pool.encoder("a").encode(["x"])
        break_down(kitchen.made["a"])
        for _ in range(5):
            with pytest.raises(RuntimeError):
                pool.call("a", "encode", ["x"])
        pool.swap("a", kitchen.source("a", 2))
        assert first(pool.encoder("a").encode(["x"])) == 2


def test_nan_counts_as_a_failure_and_three_in_a_row_retire_the_model(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        pool.encoder("a").encode(["x"])
        break_down(kitchen.made["a"], NotFiniteError("a", 0, "float32"))
        for _ in range(3):
            with pytest.raises(NotFiniteError):
                pool.call("a", "encode", ["x"])
        with pytest.raises(PoolError, match="NaN or infinity 3 times"):
            pool.call("a", "encode", ["x"])
        assert pool.status().of("a")[0].state == "sick"
        pool.load("a")
        pool.call("a", "encode", ["x"])
        assert pool.metrics.value("failures", "a") == 3


# Variants


def variants(kitchen: Kitchen, *weights: float, **more: Any) -> ModelSpec:
    names = "abcd"[: len(weights)]
    chosen = tuple(
        kitchen.variant(name, name, weight=weight, version=at + 1)
        for at, (name, weight) in enumerate(zip(names, weights, strict=True))
    )
    return kitchen.spec("m", variants=chosen, **more)


def test_variants_share_calls_by_weight_and_keep_their_keys(kitchen: Kitchen) -> None:
    with kitchen.pool(variants(kitchen, 0.7, 0.2, 0.1)) as pool:
        names = [
            pool.call("m", "encode", ["x"], key=f"user-{user}").version.variant
            for user in range(1000)
        ]
        shares = Counter(names)
        assert 640 < shares["a"] < 760
        assert 150 < shares["b"] < 250
        again = [
            pool.call("m", "encode", ["x"], key=f"user-{user}").version.variant
            for user in range(50)
        ]
        assert again == names[:50]


def test_a_variant_can_be_called_by_name_and_without_stickiness_a_key_is_drawn(
    kitchen: Kitchen,
) -> None:
    with kitchen.pool(variants(kitchen, 0.5, 0.5, sticky="none")) as pool:
        assert pool.encoder("m").with_options(variant="b").encode(["x"])[0, 0] == 2
        drawn = {pool.call("m", "encode", ["x"], key="same").version.variant for _ in range(100)}
        assert drawn == {"a", "b"}


def test_variants_with_other_vectors_are_refused_when_they_are_loaded(kitchen: Kitchen) -> None:
    kitchen.orders["b"] = {"fingerprint": "another"}
    with kitchen.pool(variants(kitchen, 0.5, 0.5)) as pool:
        pool.call("m", "encode", ["x"], variant="a")
        with pytest.raises(ContradictionError, match="fingerprint"):
            pool.call("m", "encode", ["x"], variant="b")


def test_a_swap_needs_the_variant_where_there_are_several(kitchen: Kitchen) -> None:
    with kitchen.pool(variants(kitchen, 0.5, 0.5)) as pool:
        with pytest.raises(PoolError, match="several variants; pass variant= with one of 'a', 'b'"):
            pool.swap("m", kitchen.source("c"))
        assert pool.swap("m", kitchen.source("c", 3), variant="b").variant == "b"


# Ensembles


def ensemble(kitchen: Kitchen, combine: Any, on_failure: Any = "fail") -> list[ModelSpec]:
    members = (MemberSpec(name="a", weight=0.75), MemberSpec(name="b", weight=0.25))
    spec = EnsembleSpec(members=members, combine=combine, on_failure=on_failure)
    return [
        kitchen.spec("a"),
        kitchen.spec("b", version=2),
        ModelSpec(name="judge", ensemble=spec),
    ]


@pytest.mark.parametrize(
    ("combine", "expected"),
    [("mean", [0.875, 0.4583]), ("max", [1.0, 0.5]), ("vote", [1.0, 0.75])],
)
def test_classifiers_are_combined(kitchen: Kitchen, combine: str, expected: list[float]) -> None:
    kitchen.orders = {"a": {"labels": ("x", "y")}, "b": {"labels": ("x", "y")}}
    with kitchen.pool(*ensemble(kitchen, combine)) as pool:
        scores = pool.classifier("judge").predict_scores(["text"])
        np.testing.assert_allclose(scores, [expected], atol=1e-4)
        assert pool.classifier("judge").predict_scores("text").shape == (2,)
        found = pool.classifier("judge").classify("text", threshold=0.8)
        assert [one.label for one in found] == ["x"]
        answer = pool.call("judge", "classify", ["text"])
        assert [one.name for one in answer.versions] == ["a", "b"]
        pool.load("judge")


def test_labels_of_an_ensemble_may_have_another_order_but_not_other_names(
    kitchen: Kitchen,
) -> None:
    kitchen.orders = {"a": {"labels": ("x", "y")}, "b": {"labels": ("y", "x")}}
    with kitchen.pool(*ensemble(kitchen, "mean")) as pool:
        scores = pool.classifier("judge").predict_scores(["text"])
        np.testing.assert_allclose(scores, [[0.8333, 0.5]], atol=1e-4)
    kitchen.orders["b"] = {"labels": ("x", "z")}
    with (
        kitchen.pool(*ensemble(kitchen, "mean")) as pool,
        pytest.raises(EnsembleError, match="labels that differ: 'a' has"),
    ):
        pool.classifier("judge").classify(["text"])


def test_a_member_that_fails_is_dropped_or_fails_the_call(kitchen: Kitchen) -> None:
    kitchen.orders = {"a": {"labels": ("x", "y")}, "b": {"labels": ("x", "y")}}
    kitchen.fails["b"] = OSError("missing")
    with kitchen.pool(*ensemble(kitchen, "mean", "drop")) as pool:
        answer = pool.call("judge", "predict_scores", ["text"])
        assert answer.dropped == ("b",)
        np.testing.assert_allclose(answer.value, [[1.0, 0.5]])
        kitchen.fails["a"] = OSError("missing")
        pool.unload("a")
        with pytest.raises(EnsembleError, match="all members failed"):
            pool.call("judge", "classify", ["text"])
    del kitchen.fails["a"]
    with (
        kitchen.pool(*ensemble(kitchen, "mean", "fail")) as pool,
        pytest.raises(ModelLoadError, match="missing"),
    ):
        pool.call("judge", "classify", ["text"])


def test_vectors_end_to_end_have_the_weighted_mean_of_the_dot_products(kitchen: Kitchen) -> None:
    with kitchen.pool(*ensemble(kitchen, "concat")) as pool:
        handle = pool.encoder("judge")
        joined = handle.encode(["x", "yy"])
        assert joined.shape == (2, 4)
        a, b = (pool.encoder(name).encode(["x", "yy"]) for name in "ab")
        np.testing.assert_allclose(joined @ joined.T, 0.75 * a @ a.T + 0.25 * b @ b.T, rtol=1e-5)
        assert handle.encode("x").shape == (4,)


def test_the_mean_of_vectors_is_weighted(kitchen: Kitchen) -> None:
    with kitchen.pool(*ensemble(kitchen, "mean")) as pool:
        assert first(pool.encoder("judge").encode(["x"])) == 1.25


def test_what_an_ensemble_cannot_do_is_said(kitchen: Kitchen) -> None:
    with kitchen.pool(*ensemble(kitchen, "mean", "drop")) as pool:
        with pytest.raises(EnsembleError, match="on_failure: fail"):
            pool.encoder("judge").encode(["x"])
        with pytest.raises(WrongKindOfModelError, match="has no count_tokens"):
            pool.call("judge", "count_tokens", ["x"])
        with pytest.raises(EnsembleError, match="has no model of its own"):
            pool.acquire("judge")
        with pytest.raises(WrongKindOfModelError, match="combines classifier models"):
            pool.classifier("judge").classify(["x"])


# Deployments


def test_applying_touches_only_what_changed(kitchen: Kitchen) -> None:
    specs = [kitchen.spec(name) for name in "abc"]
    with kitchen.pool(*specs) as pool:
        for name in "abc":
            pool.encoder(name).encode(["x"])
        before = dict(kitchen.made)
        applied = pool.apply(
            kitchen.deployment(specs[0], kitchen.spec("b", version=2), kitchen.spec("d"))
        )
        assert (applied.added, applied.removed) == (("d",), ("c",))
        assert (applied.swapped, applied.failed) == (("b",), {})
        assert kitchen.made["a"] is before["a"]
        assert first(pool.encoder("b").encode(["x"])) == 2
        with pytest.raises(UnknownNameError):
            pool.encoder("c")
        assert pool.names == ("a", "b", "d")
        pool._engine.settle()  # type: ignore[attr-defined]
        assert before["c"].is_closed


def test_a_handle_of_a_name_that_is_gone_says_so(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a"), kitchen.spec("b")) as pool:
        handle = pool.encoder("a")
        pool.apply(kitchen.deployment(kitchen.spec("b")))
        with pytest.raises(UnknownNameError):
            handle.encode(["x"])


@pytest.mark.parametrize("apply", ["each", "all"])
def test_what_fails_goes_on_as_before(kitchen: Kitchen, apply: str) -> None:
    with kitchen.pool(*map(kitchen.spec, "ab"), apply=apply) as pool:
        for name in "ab":
            pool.encoder(name).encode(["x"])
        kitchen.orders["a"] = {"fingerprint": "another"}
        new = kitchen.deployment(*(kitchen.spec(name, version=2) for name in "ab"), apply=apply)
        applied = pool.apply(new)
        assert list(applied.failed) == ["a"]
        assert "fingerprint" in applied.failed["a"]
        served = [first(pool.encoder(name).encode(["x"])) for name in "ab"]
        assert served == ([1, 1] if apply == "all" else [1, 2])
        assert pool.events.last(kind="deployment_failed")
        kitchen.orders.clear()
        assert pool.apply(new).failed == {}
        assert [first(pool.encoder(name).encode(["x"])) for name in "ab"] == [2, 2]


def test_new_weights_load_nothing(kitchen: Kitchen) -> None:
    with kitchen.pool(variants(kitchen, 1.0, 0.0)) as pool:
        pool.call("m", "encode", ["x"])
        made = dict(kitchen.made)
        applied = pool.apply(kitchen.deployment(variants(kitchen, 0.0, 1.0)))
        assert (applied.changed, applied.swapped) == (("m",), ())
        assert kitchen.made == made
        assert pool.call("m", "encode", ["x"]).version.variant == "b"


def test_what_is_not_loaded_is_not_loaded_by_a_change(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        assert pool.apply(kitchen.deployment(kitchen.spec("a", version=2))).changed == ("a",)
        assert kitchen.made == {}
        assert first(pool.encoder("a").encode(["x"])) == 2


def test_applying_the_same_again_changes_nothing(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        applied = pool.apply(pool.deployment)
        assert applied == replace(applied, added=(), removed=(), swapped=(), changed=(), failed={})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"variants": (VariantSpec(source=BuiltinSource(name="nope")),)}, "no builtin classifier"),
        ({"fallback": ("nobody",)}, "falls back to 'nobody', which the deployment does not have"),
        ({"fallback": ("a",)}, "falls back to 'a'; expected another model"),
        ({"variants": ()}, "neither variants nor an ensemble"),
    ],
)
def test_a_deployment_that_cannot_be_served_changes_nothing(
    kitchen: Kitchen, spec: dict[str, Any], message: str
) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        with pytest.raises(PoolError, match=message):
            pool.apply(kitchen.deployment(kitchen.spec("a", **spec)))
        assert first(pool.encoder("a").encode(["x"])) == 1


def test_code_that_the_operator_did_not_allow_is_not_run(kitchen: Kitchen) -> None:
    variant = VariantSpec(source=kitchen.source("os:system"))
    with (
        kitchen.pool() as pool,
        pytest.raises(PoolError, match=r"pass allow=\{'os:system'\} to the pool"),
    ):
        pool.apply(kitchen.deployment(kitchen.spec("a", variants=(variant,))))


def test_architecture_and_dim_of_the_deployment_are_compared_with_the_model(
    kitchen: Kitchen,
) -> None:
    kitchen.orders["b"] = {"labels": ("x", "y")}
    specs = [
        kitchen.spec("a", dim=3),
        kitchen.spec("b", architecture=ArchitectureSpec(num_labels=3)),
        kitchen.spec("c", architecture=ArchitectureSpec(type="colbert")),
        kitchen.spec("d", variants=(kitchen.variant("d", max_length=12),)),
    ]
    with kitchen.pool(*specs) as pool:
        for name, what in zip(
            "abcd", ("dimensions", "num_labels", "type", "max_length"), strict=True
        ):
            with pytest.raises(ContradictionError, match=what):
                pool.load(name)


# Operation


def test_preloaded_models_are_ready_and_pinned_ones_stay(kitchen: Kitchen) -> None:
    specs = [kitchen.spec("a", preload=True, pinned=True), kitchen.spec("b", preload=True)]
    with kitchen.pool(*specs) as pool:
        pool.wait_until_ready(30)
        status = pool.status()
        assert [one.state for one in status.models] == ["ready", "ready"]
        assert [one.pinned for one in status.models] == [True, False]
        (device,) = status.devices
        assert (device.held_bytes, device.free_bytes) == (20, kitchen.machine.total_bytes - 20)
        pool.unload("a")
        pool.pin("b")
        pool._engine.settle()  # type: ignore[attr-defined]
        assert [one.state for one in pool.status().models] == ["cold", "ready"]
        assert pool.status().of("b")[0].pinned


def test_a_failed_preload_leaves_the_others_and_its_reason_in_the_status(kitchen: Kitchen) -> None:
    kitchen.fails["a"] = OSError("missing")
    specs = [kitchen.spec(name, preload=True) for name in "ab"]
    with kitchen.pool(*specs) as pool:
        with pytest.raises(ModelLoadError, match="missing"):
            pool.wait_until_ready(30)
        pool.load("b", timeout_s=30)
        assert "missing" in str(pool.status().of("a")[0].last_error)


def test_a_closed_pool_refuses_calls_and_closing_twice_is_harmless(kitchen: Kitchen) -> None:
    pool = kitchen.pool(kitchen.spec("a"))
    handle = pool.encoder("a")
    handle.encode(["x"])
    subscription = pool.events.subscribe()
    assert pool.close()
    assert pool.close()
    assert [event.kind for event in subscription][-1] == "pool_closed"
    with pytest.raises(PoolClosedError):
        handle.encode(["x"])
    with pytest.raises(PoolClosedError):
        handle.with_options(batched=True).encode(["x"])
    with pytest.raises(PoolClosedError):
        asyncio.run(pool.acall("a", "encode", ["x"]))


@pytest.mark.parametrize("apply", ["each", "all"])
def test_a_folder_that_is_missing_is_not_applied_to_what_is_not_loaded(
    apply: str, kitchen: Kitchen, tmp_path: Path
) -> None:
    def placed(name: str, folder: Path) -> ModelSpec:
        source = ReferenceSource(ref=ModelRef(scheme="local", location=str(folder)))
        variant = VariantSpec(name="default", source=source, inference=InferenceSettings())
        return kitchen.spec(name, variants=(variant,))

    there, gone = tmp_path / "there", tmp_path / "gone"
    there.mkdir()
    before = placed("a", there)
    with kitchen.pool(before, kitchen.spec("b"), apply=apply) as pool:
        new = kitchen.deployment(placed("a", gone), kitchen.spec("b", version=2), apply=apply)
        applied = pool.apply(new)
        assert list(applied.failed) == ["a"]
        assert str(gone) in applied.failed["a"]
        assert applied.changed == (() if apply == "all" else ("b",))
        (status,) = pool.status().of("a")
        assert status.reference == f"local:{there}"
        (event,) = pool.events.last(kind="deployment_failed")
        assert event.values["failed"] == ("a",)
        gone.mkdir()
        assert set(pool.apply(new).changed) == ({"a", "b"} if apply == "all" else {"a"})
        (status,) = pool.status().of("a")
        assert status.reference == f"local:{gone}"


def test_a_pool_tells_of_deployments_that_have_models_or_had_some(kitchen: Kitchen) -> None:
    with kitchen.pool() as pool:
        assert pool.events.last(kind="deployment_applied") == ()
        pool.apply(kitchen.deployment(kitchen.spec("a")))
        pool.apply(kitchen.deployment())
        told = [event.values["removed"] for event in pool.events.last(kind="deployment_applied")]
        assert told == [(), ("a",)]


def test_reloading_needs_a_file(kitchen: Kitchen) -> None:
    with kitchen.pool() as pool:
        with pytest.raises(PoolError, match="not made from a file"):
            pool.reload()
        with pytest.raises(PoolError, match="not made from a file"):
            pool.watch()


def test_a_timeout_of_the_deployment_bounds_the_wait_for_a_load(kitchen: Kitchen) -> None:
    gate = Event()
    specs = [kitchen.spec("a", timeout_s=0.0, fallback=("b",), allow_different_vectors=True)]

    def make(version: int) -> FakeModel:
        gate.wait(30)
        return kitchen.make("a", version)

    pool = Pool(
        kitchen.deployment(*specs, kitchen.spec("b", preload=True)),
        factories={**kitchen.factories(), "a": make},
    )
    with pool:
        pool.load("b")
        assert pool.call("a", "encode", ["x"]).version.name == "b"
        gate.set()
        pool.load("a")
        assert pool.call("a", "encode", ["x"]).version.name == "a"


# asyncio


def test_a_coroutine_calls_without_blocking_the_loop(kitchen: Kitchen) -> None:
    async def run(pool: Pool) -> list[float]:
        calls = (pool.acall("a", "encode", [str(n)]) for n in range(20))
        return [first(answer.value) for answer in await asyncio.gather(*calls)]

    with kitchen.pool(kitchen.spec("a")) as pool:
        assert asyncio.run(run(pool)) == [1.0] * 20


# Batches across callers


def test_batched_callers_get_their_own_results_and_the_version(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a")) as pool:
        handle = pool.encoder("a").with_options(batched=True)
        with ThreadPoolExecutor(16) as threads:
            found = list(threads.map(lambda n: handle.encode_query(["x" * n, "y"]), range(64)))
        assert [float(vectors[0, 1]) for vectors in found] == list(range(64))
        assert all(vectors.shape == (2, 2) for vectors in found)
        assert handle.encode_query("one").shape == (2,)
        answer = handle.call("encode_query", ["x"])
        assert answer.version.number == 1
        assert handle.encode_query([]).shape == (0, 2)
        assert pool.metrics.value("batched_texts") == 130


def test_a_coroutine_can_be_batched_too(kitchen: Kitchen) -> None:
    async def run(pool: Pool) -> list[float]:
        calls = (pool.acall("a", "encode", "x" * n, batched=True) for n in range(20))
        return [float(answer.value[1]) for answer in await asyncio.gather(*calls)]

    with kitchen.pool(kitchen.spec("a")) as pool:
        assert asyncio.run(run(pool)) == list(range(20))


def test_a_batched_answer_says_that_a_fallback_gave_it(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", fallback=("b",)), kitchen.spec("b")) as pool:
        handle = pool.encoder("a").with_options(batched=True)
        assert handle.call("encode", ["x"]).because is None
        break_down(kitchen.made["a"])
        answer = handle.call("encode", ["x"])
        assert (answer.version.name, answer.because) == ("b", "broken")


def test_an_ensemble_is_not_batched_itself(kitchen: Kitchen) -> None:
    with (
        kitchen.pool(*ensemble(kitchen, "mean")) as pool,
        pytest.raises(PoolError, match="is an ensemble; the calls of its members"),
    ):
        pool.encoder("judge").with_options(batched=True).encode(["x"])


def test_the_number_of_tokens_of_a_batch_comes_from_the_deployment(kitchen: Kitchen) -> None:
    spec = kitchen.spec("a", variants=(kitchen.variant("a", batch_tokens=7),))
    assert spec.variants[0].inference == InferenceSettings(batch_tokens=7)
    with kitchen.pool(spec) as pool:
        pool.encoder("a").with_options(batched=True).encode(["xxxx"] * 10)
        # A text of four characters is a token, and two special ones: two texts make a batch.
        assert pool.metrics.value("batches") == 5
        other = kitchen.spec("a", variants=(kitchen.variant("a", batch_tokens=30),))
        pool.apply(kitchen.deployment(other))
        pool.encoder("a").with_options(batched=True).encode(["xxxx"] * 10)
        assert pool.metrics.value("batches") == 6
