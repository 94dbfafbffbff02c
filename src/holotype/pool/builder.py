"""Build a pool step by step, from files or without any."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from holotype.catalogue import Catalogue
from holotype.deployment.document import (
    BuiltinSource,
    CustomSource,
    Deployment,
    EnsembleSpec,
    InferenceSettings,
    ModelSpec,
    PoolSettings,
    ReferenceSource,
    VariantSpec,
)
from holotype.encoders.names import described_in
from holotype.pool.applying import check
from holotype.pool.arguments import Named, as_source
from holotype.pool.errors import PoolError, UnknownNameError
from holotype.pool.queued import Limits
from holotype.pool.registered import Resolve
from holotype.pool.sizes import Sizes

if TYPE_CHECKING:
    from holotype.pool.pool import Pool


class PoolBuilder:
    """Collects what a pool serves; `build` makes it."""

    def __init__(self, make: Callable[..., Pool]) -> None:
        """Begin with nothing; `Pool.builder` calls this with the pool's class."""
        self._make = make
        self._location: str | None = None
        self._specs: dict[str, ModelSpec] = {}
        self._settings: PoolSettings | None = None
        self._factories: dict[str, Callable[..., Any]] = {}
        self._allow: set[str] = set()
        self._preload: set[str] = set()
        self._pinned: set[str] = set()
        self._sizes: Sizes | None = None
        self._limits: Limits | None = None
        self._registry: Resolve | None = None
        self._catalogue: Catalogue[Any] | None = None

    def with_file(self, path: str | os.PathLike[str]) -> Self:
        """Serve a deployment file, a folder of them, or parameters of AWS (``ssm:/name``).

        What is added by hand comes on top.
        """
        self._location = os.fspath(path)
        return self

    def with_catalogue(self, catalogue: Catalogue[Any]) -> Self:
        """Look ids up in a catalogue of your own first, the `CATALOGUE` of a generated module."""
        self._catalogue = catalogue
        return self

    def with_settings(self, settings: PoolSettings) -> Self:
        """Share the machine like this, whatever the file says."""
        self._settings = settings
        return self

    def with_spec(self, spec: ModelSpec) -> Self:
        """Serve a model, with all that a deployment can say of it."""
        self._specs[spec.name] = spec
        return self

    def with_model(
        self,
        name: str,
        source: Named,
        *,
        dim: int | None = None,
        device: str | None = None,
        memory_bytes: int | None = None,
        fallback: tuple[str, ...] = (),
    ) -> Self:
        """Serve a model.

        Args:
            name: the name that callers use.
            source: a record of any catalogue, or a reference such as ``catalogue:bge-m3`` or
                ``local:models/mine``.
            dim: see `ModelSpec`.
            device: see `InferenceSettings`.
            memory_bytes: see `ModelSpec`.
            fallback: see `ModelSpec`.

        Raises:
            InvalidReferenceError: the text is no reference.
            InvalidArgumentError: it is neither a text, nor a reference, nor a record.
        """
        inference = InferenceSettings(device=device)
        return self.with_spec(
            ModelSpec(
                name=name,
                variants=(VariantSpec(source=as_source(source), inference=inference),),
                inference=inference,
                dim=dim,
                memory_bytes=memory_bytes,
                fallback=fallback,
                allow_moving=True,
            )
        )

    def with_builtin(self, name: str, builtin: str) -> Self:
        """Serve a classifier that comes with holotype, such as ``pii``."""
        source = BuiltinSource(name=builtin)
        return self.with_spec(ModelSpec(name=name, variants=(VariantSpec(source=source),)))

    def with_custom(
        self,
        name: str,
        factory: Callable[..., Any],
        *,
        memory_bytes: int | None = None,
        fallback: tuple[str, ...] = (),
        **options: str | int | float | bool | None,
    ) -> Self:
        """Serve a class of your own; see `CustomEncoder`.

        Args:
            name: the name of the model.
            factory: the class, or a function that returns an instance.
            memory_bytes: how much memory it takes; None to measure it.
            fallback: see `ModelSpec`.
            options: what the class is called with.
        """
        self._factories[name] = factory
        source = CustomSource(factory=name, options=tuple(sorted(options.items())))
        return self.with_spec(
            ModelSpec(
                name=name,
                variants=(VariantSpec(source=source),),
                memory_bytes=memory_bytes,
                fallback=fallback,
            )
        )

    def with_ensemble(self, name: str, ensemble: EnsembleSpec) -> Self:
        """Serve what others return together."""
        return self.with_spec(ModelSpec(name=name, ensemble=ensemble))

    def preload(self, *names: str) -> Self:
        """Load these at the start."""
        self._preload.update(names)
        return self

    def pin(self, *names: str) -> Self:
        """Keep these loaded, once they are."""
        self._pinned.update(names)
        return self

    def allow(self, *names: str) -> Self:
        """Let the file name these classes of your own: ``module:Class``, or entry points."""
        self._allow.update(names)
        return self

    def with_registry(self, registry: Resolve) -> Self:
        """Let sources follow the active versions of a registry; see `Pool`."""
        self._registry = registry
        return self

    def remember_sizes_in(self, sizes: Sizes) -> Self:
        """Remember measured sizes elsewhere than in the user's cache."""
        self._sizes = sizes
        return self

    def with_limits(self, limits: Limits) -> Self:
        """Bound what may be queued for batches across callers."""
        self._limits = limits
        return self

    def build(self) -> Pool:
        """Make the pool; what is preloaded is being loaded when this returns.

        Raises:
            HolotypeError: the file has problems; the error lists each with its line.
            UnknownNameError: what is preloaded or pinned is not served.
            PoolError: a source is not supported or not allowed.
        """
        return self._make(
            self._deployment(),
            location=self._location,
            read=None if self._location is None else self._deployment,
            allow=self._allow,
            factories=self._factories,
            registry=self._registry,
            catalogue=self._catalogue,
            sizes=self._sizes,
            limits=self._limits,
        )

    def _deployment(self) -> Deployment:
        return self._completed(
            Deployment()
            if self._location is None
            else read_deployment(self._location, self._catalogue)
        )

    def _completed(self, base: Deployment) -> Deployment:
        """Add to a deployment what was given by hand."""
        specs = {spec.name: spec for spec in base.models}
        twice = sorted(specs.keys() & self._specs.keys())
        if twice:
            raise PoolError(
                twice[0], f"is in {self._location} and was added by hand; rename one of them"
            )
        specs.update({spec.name: self._described(spec) for spec in self._specs.values()})
        for name in (*self._preload, *self._pinned):
            if name not in specs:
                raise UnknownNameError(name, sorted(specs))
        models = tuple(
            replace(
                spec,
                preload=spec.preload or spec.name in self._preload,
                pinned=spec.pinned or spec.name in self._pinned,
            )
            for spec in specs.values()
        )
        deployment = Deployment(models=models, pool=self._settings or base.pool)
        check(deployment)
        return deployment

    def _described(self, spec: ModelSpec) -> ModelSpec:
        """Return a model with the entries of the catalogue that its sources name."""
        variants = tuple(
            replace(
                variant,
                source=ReferenceSource(ref=described_in(variant.source.ref, self._catalogue)),
            )
            if isinstance(variant.source, ReferenceSource)
            else variant
            for variant in spec.variants
        )
        return replace(spec, variants=variants)


def read_deployment(location: str, catalogue: Catalogue[Any] | None = None) -> Deployment:
    """Read a deployment from where it is kept; of a store that fails, the last good copy.

    Args:
        location: where it is kept.
        catalogue: see `holotype.deployment.reading.read_documents`.

    Raises:
        HolotypeError: it has problems, or cannot be had.
    """
    # By name: it needs the extra.
    deployment: Any = importlib.import_module("holotype.deployment")
    loaded = deployment.load_deployment(
        location, last_good=deployment.LastGood.of_user(), catalogue=catalogue
    )
    found: Deployment = loaded.deployment
    return found
