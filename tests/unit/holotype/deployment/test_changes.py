"""What must happen for one deployment to become another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.holotype.deployment.made import COMMIT, FULL, PAIRS, deployments, one

from holotype.deployment.changes import ModelChange, Plan, changes, describe
from holotype.deployment.document import Deployment, ModelSpec
from holotype.deployment.reading import read_text

OLD = read_text(FULL)
PINNED = f"'hf:org/model@{COMMIT}'"
VARIANTS = (
    "variants: [{name: a, weight: 0.8, source: " + PINNED + "}, "
    "{name: b, weight: 0.2, source: 's3://bkt/x'}]"
)


def change_of(before: str, after: str) -> ModelChange:
    plan = changes(read_text(one(before)), read_text(one(after)))
    (change,) = plan.changes
    return change


@given(deployments())
def test_nothing_happens_where_nothing_changes(deployment: Deployment) -> None:
    assert changes(deployment, deployment).is_empty


@given(PAIRS)
def test_a_plan_makes_the_new_deployment_of_the_old_one(
    pair: tuple[Deployment, Deployment],
) -> None:
    old, new = pair
    plan = changes(old, new)
    assert plan.apply(old) == new
    assert plan.is_empty == (set(old.models) == set(new.models) and old.pool == new.pool)


@given(PAIRS)
def test_a_plan_touches_what_differs_and_nothing_else(pair: tuple[Deployment, Deployment]) -> None:
    old, new = pair
    plan = changes(old, new)
    before, after = ({m.name: m for m in each.models} for each in (old, new))
    differing = {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    }
    assert {change.name for change in plan.changes} == differing
    assert len(plan.changes) == len(differing)
    for change in plan.changes:
        assert (change.before, change.after) == (before.get(change.name), after.get(change.name))


@given(PAIRS)
def test_only_starts_and_replacements_load_and_only_they_and_stops_unload(
    pair: tuple[Deployment, Deployment],
) -> None:
    old, new = pair
    for change in changes(old, new).changes:
        assert change.kind in ("start", "replace") or not change.loads
        assert change.kind in ("stop", "replace") or not change.unloads


@given(PAIRS)
def test_a_plan_back_loads_what_the_plan_unloads(pair: tuple[Deployment, Deployment]) -> None:
    old, new = pair
    there = {change.name: change for change in changes(old, new).changes}
    back = {change.name: change for change in changes(new, old).changes}
    assert there.keys() == back.keys()
    for name, change in there.items():
        assert (change.loads, change.unloads) == (back[name].unloads, back[name].loads)


@given(PAIRS)
def test_the_order_of_the_new_deployment_is_that_of_the_plan(
    pair: tuple[Deployment, Deployment],
) -> None:
    old, new = pair
    plan = changes(old, new)
    stops = [change.name for change in plan.of_kind("stop")]
    others = [change.name for change in plan.changes if change.kind != "stop"]
    assert [change.name for change in plan.changes] == others + stops
    assert others == [name for name in new.names if name in others]


@given(PAIRS)
def test_a_change_of_one_model_does_not_depend_on_the_others(
    pair: tuple[Deployment, Deployment],
) -> None:
    old, new = pair
    whole = {change.name: change for change in changes(old, new).changes}
    for name in {*old.names, *new.names}:
        parts = [
            Deployment(models=tuple(model for model in each.models if model.name == name))
            for each in pair
        ]
        alone = changes(*parts).changes
        assert alone == ((whole[name],) if name in whole else ())


def test_names_start_and_stop() -> None:
    new = replace(OLD, models=tuple(each for each in OLD.models if each.name != "small"))
    stop = changes(OLD, new)
    assert [(each.kind, each.name, each.unloads) for each in stop.changes] == [
        ("stop", "small", ("default",))
    ]
    start = changes(new, OLD)
    assert [(each.kind, each.name, each.loads) for each in start.changes] == [
        ("start", "small", ("default",))
    ]
    assert start.pool is None


@pytest.mark.parametrize(
    "after",
    [
        "source: 's3://bkt/y'",
        "source: 's3://bkt/x', inference: {device: cpu}",
        "source: 's3://bkt/x', inference: {backend: onnx}",
        "source: 's3://bkt/x', inference: {trust_remote_code: true}",
        "source: 's3://bkt/x', dim: 8",
        "source: 's3://bkt/x', architecture: {type: colbert}",
    ],
)
def test_what_decides_the_weights_replaces_them(after: str) -> None:
    change = change_of("source: 's3://bkt/x'", after)
    assert (change.kind, change.loads, change.unloads) == ("replace", ("default",), ("default",))


@pytest.mark.parametrize(
    "setting",
    [
        "inference: {threshold: 0.5}",
        "inference: {max_length: 8}",
        "inference: {batch_tokens: 8}",
        "memory: 1GiB",
        "pinned: true",
        "preload: true",
        "copies: 2",
        "sticky: user",
        "timeout_s: 1",
        "allow_moving: true",
        "allow_different_vectors: true",
    ],
)
def test_a_setting_of_calls_loads_nothing(setting: str) -> None:
    change = change_of("source: 's3://bkt/x'", f"source: 's3://bkt/x', {setting}")
    assert (change.kind, change.loads, change.unloads) == ("update", (), ())


def test_weights_are_changed_without_loading() -> None:
    change = change_of(VARIANTS, VARIANTS.replace("0.8", "0.5").replace("0.2", "0.5"))
    assert (change.kind, change.loads, change.unloads) == ("reweight", (), ())


def test_only_the_variant_that_differs_is_loaded() -> None:
    change = change_of(VARIANTS, VARIANTS.replace("bkt/x", "bkt/y"))
    assert (change.kind, change.loads, change.unloads) == ("replace", ("b",), ("b",))
    fewer = change_of(VARIANTS, f"variants: [{{name: a, weight: 1, source: {PINNED}}}]")
    assert (fewer.kind, fewer.loads, fewer.unloads) == ("replace", (), ("b",))


def test_an_ensemble_is_replaced_when_its_members_change() -> None:
    text = FULL.replace("toxicity: 0.7, small: 0.3", "toxicity: 0.6, small: 0.4")
    (change,) = changes(OLD, read_text(text)).changes
    assert (change.kind, change.name, change.loads) == ("replace", "judge", ())


def test_settings_of_the_pool_are_part_of_the_plan() -> None:
    new = read_text(FULL.replace("swap: replace", "swap: overlap"))
    plan = changes(OLD, new)
    assert (plan.changes, plan.pool, plan.is_empty) == ((), new.pool, False)


def test_the_order_of_models_is_no_change() -> None:
    turned = replace(OLD, models=OLD.models[::-1])
    assert changes(OLD, turned).is_empty


def test_a_plan_is_described_for_people() -> None:
    text = FULL.replace("swap: replace", "swap: overlap").replace("timeout_s: 5", "timeout_s: 6")
    text = text.replace("weight: 0.8", "weight: 0.5").replace("weight: 0.2", "weight: 0.5")
    text = text.replace("s3://models/toxic-small", "s3://models/toxic-tiny")
    text = text.replace("threshold: 0.25", "threshold: 0.75")
    lines = {
        name: (kind, details) for kind, name, details in describe(changes(OLD, read_text(text)))
    }
    assert lines["toxicity"] == ("reweight", "weights default 0.5, v2 0.5")
    assert lines["small"] == ("replace", "changed threshold; load default; unload default")
    assert lines["far"] == ("update", "changed timeout_s, threshold")
    assert lines["-"] == ("update", "the settings of the pool")
    assert list(describe(Plan())) == []


def test_every_setting_of_a_model_is_described() -> None:
    before = ModelSpec(name="m")
    for name in ("fallback", "memory_bytes", "preload", "pinned", "copies", "sticky", "dim"):
        after = replace(before, **{name: object()})  # type: ignore[arg-type]
        plan = changes(Deployment(models=(before,)), Deployment(models=(after,)))
        assert [details for _, _, details in describe(plan)] == [f"changed {name}"]
