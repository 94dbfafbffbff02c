"""Pools of fake models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.unit.holotype.pool.fakes import FakeModel, Machine, TestEngine

from holotype.deployment.document import (
    CustomSource,
    Deployment,
    InferenceSettings,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
    VariantSpec,
)
from holotype.pool import Pool, Sizes


@dataclass
class Kitchen:
    """Makes pools whose models are made to order.

    Attributes:
        machine: the machine that they run on.
        orders: how each model is made, by the name of its source.
        made: what was made, newest last.
    """

    machine: Machine = field(default_factory=Machine)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, FakeModel] = field(default_factory=dict)
    fails: dict[str, Exception] = field(default_factory=dict)

    def make(self, name: str, version: int = 1) -> FakeModel:
        if name in self.fails:
            raise self.fails[name]
        order = {"number": version, "n_bytes": 10, **self.orders.get(name, {})}
        model = FakeModel(self.machine, **order)
        self.made[name] = model
        return model

    def spec(self, name: str, *, version: int = 1, **more: Any) -> ModelSpec:
        """Return a model of one variant."""
        more.setdefault("variants", (self.variant(name, version=version),))
        return ModelSpec(name=name, **{"memory_bytes": 10, **more})

    def variant(
        self,
        source: str,
        name: str = "default",
        *,
        weight: float = 1.0,
        version: int = 1,
        **inference: Any,
    ) -> VariantSpec:
        return VariantSpec(
            name=name,
            weight=weight,
            source=self.source(source, version),
            inference=InferenceSettings(**inference),
        )

    @staticmethod
    def source(name: str, version: int = 1) -> CustomSource:
        return CustomSource(factory=name, options=(("version", version),))

    def deployment(self, *specs: ModelSpec, **settings: Any) -> Deployment:
        memory = (MemoryLimit(n_bytes=self.machine.total_bytes),)
        chosen: dict[str, Any] = {"memory": memory, "min_resident_s": 0.0, **settings}
        return Deployment(models=specs, pool=PoolSettings(**chosen))

    def factories(self) -> dict[str, Callable[..., Any]]:
        return {name: partial(self.make, name) for name in "abcdefgh"}

    def pool(self, *specs: ModelSpec, limits: Any = None, **settings: Any) -> Pool:
        return Pool(
            self.deployment(*specs, **settings),
            factories=self.factories(),
            sizes=Sizes(None),
            limits=limits,
            engine=partial(TestEngine, self.machine),
        )
