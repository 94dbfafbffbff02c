"""What must happen for one deployment to become another; a pure function of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from holotype.deployment.document import (
    Deployment,
    InferenceSettings,
    ModelSpec,
    PoolSettings,
    VariantSpec,
)

ChangeKind: TypeAlias = Literal["start", "stop", "replace", "reweight", "update"]
"""``start`` and ``stop`` a name; ``replace`` what answers under it; ``reweight`` its variants;
``update`` settings that need no loading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """What happens to one name.

    Attributes:
        kind: what happens; see `ChangeKind`.
        name: the name.
        before: the model so far; None if it starts.
        after: the model from now on; None if it stops.
        loads: the variants that must be loaded, since they are new or loaded differently.
        unloads: the variants whose weights go.
    """

    kind: ChangeKind
    name: str
    before: ModelSpec | None = None
    after: ModelSpec | None = None
    loads: tuple[str, ...] = ()
    unloads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that must happen. Names that it does not mention are not touched.

    Attributes:
        changes: what happens to names: first those of the new deployment in its order, then those
            that stop.
        pool: the new settings of the pool; None if they stay.
        order: the names of the new deployment, in its order.
    """

    changes: tuple[ModelChange, ...] = ()
    pool: PoolSettings | None = None
    order: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to happen."""
        return not self.changes and self.pool is None

    def of_kind(self, kind: ChangeKind) -> tuple[ModelChange, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    def apply(self, deployment: Deployment) -> Deployment:
        """Return what becomes of the deployment that this plan is made for."""
        models = {model.name: model for model in deployment.models}
        for change in self.changes:
            models.pop(change.name, None)
            if change.after is not None:
                models[change.name] = change.after
        return Deployment(
            models=tuple(models[name] for name in self.order), pool=self.pool or deployment.pool
        )


def changes(old: Deployment, new: Deployment) -> Plan:
    """Return what must happen for one deployment to become another.

    A reference that moved is no change here: the deployment says the same.

    Args:
        old: what runs.
        new: what shall run.
    """
    before = {model.name: model for model in old.models}
    made = [
        change
        for model in new.models
        if (change := _change(before.get(model.name), model)) is not None
    ]
    names = frozenset(new.names)
    made += [
        ModelChange(kind="stop", name=model.name, before=model, unloads=_names(model))
        for model in old.models
        if model.name not in names
    ]
    return Plan(
        changes=tuple(made), pool=None if new.pool == old.pool else new.pool, order=new.names
    )


def _change(before: ModelSpec | None, after: ModelSpec) -> ModelChange | None:
    if before is None:
        return ModelChange(kind="start", name=after.name, after=after, loads=_names(after))
    if before == after:
        return None
    loads, unloads = _differing(before, after), _differing(after, before)
    kind: ChangeKind = "update"
    if loads or unloads or before.ensemble != after.ensemble:
        kind = "replace"
    elif _weights(before) != _weights(after):
        kind = "reweight"
    return ModelChange(
        kind=kind, name=after.name, before=before, after=after, loads=loads, unloads=unloads
    )


def _differing(one: ModelSpec, other: ModelSpec) -> tuple[str, ...]:
    """Return the variants of `other` that are not loaded under `one`, in order."""
    known = {variant.name: _as_loaded(variant, one) for variant in one.variants}
    return tuple(
        variant.name
        for variant in other.variants
        if known.get(variant.name) != _as_loaded(variant, other)
    )


def _as_loaded(variant: VariantSpec, model: ModelSpec) -> object:
    """Return what decides which weights are loaded, and how."""
    # These are settings of a call.
    inference = replace(variant.inference, threshold=None, max_length=None, batch_tokens=None)
    return (variant.source, inference, model.architecture, model.dim)


def _weights(model: ModelSpec) -> dict[str, float]:
    return {variant.name: variant.weight for variant in model.variants}


def _names(model: ModelSpec) -> tuple[str, ...]:
    return tuple(variant.name for variant in model.variants)


def describe(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield each change for people: what happens, to which name, and the details.

    The settings of the pool have the name ``-``.
    """
    for change in plan.changes:
        parts: list[str] = []
        if change.before is not None and change.after is not None:
            parts += _settings(change.before, change.after)
        if change.loads and change.kind != "stop":
            parts.append(f"load {', '.join(change.loads)}")
        if change.unloads:
            parts.append(f"unload {', '.join(change.unloads)}")
        yield change.kind, change.name, "; ".join(parts)
    if plan.pool is not None:
        yield "update", "-", "the settings of the pool"


def _settings(before: ModelSpec, after: ModelSpec) -> Iterator[str]:
    if _weights(before) != _weights(after):
        shares = ", ".join(f"{name} {weight:g}" for name, weight in _weights(after).items())
        yield f"weights {shares}" if shares else "no variants"
    names = [name for name in ModelSpec.__slots__ if name not in ("name", "variants", "inference")]
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    changed += _changed_inference(before, after)
    if changed:
        yield f"changed {', '.join(changed)}"


def _changed_inference(before: ModelSpec, after: ModelSpec) -> list[str]:
    known = {variant.name: variant.inference for variant in before.variants}
    pairs = [
        (known[variant.name], variant.inference)
        for variant in after.variants
        if variant.name in known
    ]
    return [
        name
        for name in InferenceSettings.__slots__
        if any(getattr(one, name) != getattr(other, name) for one, other in pairs)
    ]
