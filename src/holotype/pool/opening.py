"""How the variants of a deployment are opened: what to load, on which device, how large it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from holotype.deployment.document import (
    BuiltinSource,
    CustomSource,
    InferenceSettings,
    ModelSpec,
    ReferenceSource,
    RegistrySource,
    SagemakerSource,
    VariantSpec,
)
from holotype.errors import ArtifactError, CheckpointError
from holotype.pool.custom import CustomModel, find_factory
from holotype.pool.errors import PoolError
from holotype.pool.registered import (
    RegisteredModel,
    Resolve,
    find_version,
    options_of,
    refuse_none,
)
from holotype.pool.sizes import Need, Sizes, estimate_bytes, identity_of
from holotype.pool.slot import Unit
from holotype.references.entry import entry_of
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef

if TYPE_CHECKING:
    from holotype.run_options import Precision

BUILTIN = {"pii": ("holotype.pool.patterns.pii", "PiiClassifier")}
"""The classifiers that come with holotype: module and class."""
_ELSEWHERE = Need(n_bytes=0, origin="declared")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How one source is opened.

    Attributes:
        reference: the source, for people.
        open: loads the model.
        source: what tells it from other sources.
        device: the device that it is loaded on.
        prepare: imports what the load needs.
        files: names, sizes and times of its files, as they are now.
        options: how a registry says that it is loaded; None without a registry.
        registered: the version of a registry that it is now.
        backend: what runs it; see `Unit`.
        has_weights: whether it takes memory of this machine, and gains from copies.
    """

    reference: str
    open: Callable[[], Any]
    source: str
    device: str = "cpu"
    prepare: Callable[[], None] = lambda: None
    files: tuple[tuple[str, int, int], ...] = ()
    options: Mapping[str, Any] | None = None
    registered: RegisteredModel | None = None
    backend: str | None = None
    has_weights: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Turns what a deployment says of a variant into what the engine loads.

    Attributes:
        sizes: how large models were before.
        allow: the custom classes that may be imported.
        factories: custom classes by the names that the program gave them.
        registry: finds the version of a registry; None without one.
    """

    sizes: Sizes
    allow: Collection[str] = ()
    factories: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    registry: Resolve | None = None

    def unit(self, spec: ModelSpec, variant: VariantSpec, copy: int = 1) -> Unit:
        """Return how a copy of a variant is loaded; nothing is loaded yet.

        Args:
            spec: what the deployment says of the name.
            variant: what it says of the variant.
            copy: the number of the copy, from 1; each is on another device, as far as there are
                any.

        Raises:
            PoolError: the source is not supported, or its class is not allowed.
        """
        inference, way = variant.inference, self._way(spec, variant, copy)
        if spec.copies != 1 and not way.has_weights:
            raise PoolError(
                spec.name,
                f"asks for {spec.copies} copies of {way.reference}, which loads no weights here and "
                "takes any number of calls at once; leave copies out",
            )
        facts: dict[str, Any] = {
            "source": way.source,
            "dim": spec.dim,
            "dtype": inference.dtype,
            "backend": inference.backend,
            "code": inference.trust_remote_code,
            "max_length": inference.max_length,
        }
        if way.options is not None:
            facts["options"] = repr(sorted(way.options.items()))
        # When files were written says nothing of their size.
        size_key = identity_of({**facts, "files": [file[:2] for file in way.files]})
        identity = {**facts, "device": way.device, "files": way.files, "name": way.reference}
        registered = way.registered
        return Unit(
            identity=identity_of(identity),
            size_key=size_key,
            reference=way.reference,
            device=way.device,
            open=way.open,
            prepare=way.prepare,
            need=partial(self._need, spec, variant, size_key, registered),
            type=spec.architecture.type,
            n_labels=spec.architecture.num_labels,
            labels=spec.architecture.labels,
            dim=spec.dim,
            max_length=inference.max_length,
            threshold=inference.threshold,
            batch_tokens=inference.batch_tokens,
            fingerprint=None if registered is None else registered.fingerprint,
            backend=way.backend,
            allow_different_vectors=spec.allow_different_vectors,
            # The registry itself refuses a switch to other vectors, unless somebody stated it.
            may_differ_from_last=isinstance(variant.source, RegistrySource),
        )

    def _way(self, spec: ModelSpec, variant: VariantSpec, copy: int) -> _Way:
        source, inference = variant.source, variant.inference
        if isinstance(source, ReferenceSource):
            device = _device(inference, copy)
            return _Way(
                reference=str(source.ref),
                open=partial(_load, source.ref, spec.dim, device, inference),
                source=_identity(source),
                device=device,
                prepare=partial(_import_backend, inference.backend),
                files=_content(source.ref),
                backend=None if inference.trust_remote_code else inference.backend,
            )
        if isinstance(source, RegistrySource):
            return self._registry_way(spec, source, inference, copy)
        if isinstance(source, CustomSource):
            factory = find_factory(source.factory, self.allow, self.factories)
            return _Way(
                reference=f"custom:{source.factory}",
                open=partial(_custom, factory, dict(source.options)),
                source=repr(source),
                device=inference.device or "cpu",
            )
        if isinstance(source, BuiltinSource):
            if source.name not in BUILTIN:
                raise PoolError(spec.name, f"names no builtin classifier; there are {[*BUILTIN]}")
            return _Way(
                reference=f"builtin:{source.name}",
                open=partial(_builtin, source.name),
                source=repr(source),
                has_weights=False,
            )
        return _Way(
            reference=f"sagemaker:{source.endpoint}",
            open=partial(_sagemaker, source, spec),
            source=repr(source),
            has_weights=False,
        )

    def _registry_way(
        self, spec: ModelSpec, source: RegistrySource, inference: InferenceSettings, copy: int
    ) -> _Way:
        device = _device(inference, copy)
        registered = find_version(self.registry, spec.name, source)
        if registered is None:
            return _Way(
                reference=f"registry:{source.kind}",
                open=partial(refuse_none, spec.name, source),
                source="none",
                device=device,
            )
        options = options_of(spec.name, registered, spec.dim, inference)
        return _Way(
            reference=f"registry:{source.kind}@{registered.name}",
            open=partial(_load_registered, registered, device, options),
            # Which version it is decides, and not whether it is followed or named.
            source=registered.digest,
            device=device,
            prepare=partial(_import_backend, str(options["backend"])),
            options=options,
            registered=registered,
            backend=None if options["trust_remote_code"] else str(options["backend"]),
        )

    def _need(
        self,
        spec: ModelSpec,
        variant: VariantSpec,
        size_key: str,
        registered: RegisteredModel | None,
    ) -> Need:
        if spec.memory_bytes is not None:
            return Need(n_bytes=spec.memory_bytes, origin="declared")
        if isinstance(variant.source, (BuiltinSource, SagemakerSource)):
            return _ELSEWHERE
        remembered = self.sizes.remembered(size_key)
        if remembered is not None:
            return Need(n_bytes=remembered, origin="remembered")
        ref = variant.source.ref if isinstance(variant.source, ReferenceSource) else None
        if registered is not None:
            ref = registered.fetch()
        if ref is not None:
            estimated = _estimate(ref, variant.inference)
            if estimated is not None:
                return Need(n_bytes=estimated, origin="estimated")
        return Need(n_bytes=0, origin="unknown")


def _identity(source: ReferenceSource) -> str:
    """Return what tells a source from others: an entry of another catalogue counts as a whole."""
    record = source.ref.record
    return repr(source) if record is None else f"{source!r} {entry_of(record)!r}"


def _device(inference: InferenceSettings, copy: int) -> str:
    """Return the device that a copy of a model is loaded on, with its number."""
    device = inference.device
    if device is None and (inference.backend != "torch" or find_spec("torch") is None):
        device = "cpu"
    if device is None:
        # By name: type checkers that read holotype must not follow torch.
        devices: Any = importlib.import_module("holotype.encoders.torch_backend.devices")
        device = str(devices.resolve_device(None))
    if device != "cuda":
        return device
    # The copies go round.
    return f"cuda:{(copy - 1) % _count_cuda()}" if copy > 1 else "cuda:0"


def _count_cuda() -> int:
    torch: Any = importlib.import_module("torch")
    return max(1, int(torch.cuda.device_count()))


def _import_backend(backend: str) -> None:
    from holotype.encoders._load import import_part

    if backend == "torch":
        if find_spec("torch") is not None:
            import_part("holotype.encoders.torch_backend.build", "encoders", "a pool")
    else:
        import_part(f"holotype.encoders.graphs.{backend}_backend", backend, "a pool")


def _load(ref: ModelRef, dim: int | None, device: str, inference: InferenceSettings) -> Any:
    from holotype.encoders import load

    return load(
        ref,
        max_length=inference.max_length,
        dim=dim,
        device=device,
        # The deployment has been checked against these.
        dtype=cast("Precision | None", inference.dtype),
        backend=inference.backend,
        trust_remote_code=inference.trust_remote_code,
    )


def _load_registered(registered: RegisteredModel, device: str, options: Mapping[str, Any]) -> Any:
    from holotype.encoders import load

    return load(registered.fetch(), device=device, **options)


def _builtin(name: str) -> Any:
    module, kind = BUILTIN[name]
    return getattr(importlib.import_module(module), kind)()


def _custom(factory: Callable[..., Any], options: Mapping[str, Any]) -> CustomModel:
    return CustomModel(factory(**options))


def _sagemaker(source: SagemakerSource, spec: ModelSpec) -> Any:
    from holotype.pool.remote.sagemaker import (
        SagemakerClassifier,
        SagemakerEncoder,
        SagemakerEndpoint,
    )

    endpoint = SagemakerEndpoint(source.endpoint, region=source.region, timeout_s=spec.timeout_s)
    architecture = spec.architecture
    if architecture.labels or "classification" in (architecture.type or ""):
        return SagemakerClassifier(endpoint, labels=architecture.labels)
    return SagemakerEncoder(endpoint, dim=spec.dim)


def _content(ref: ModelRef) -> tuple[tuple[str, int, int], ...]:
    """Return names, sizes and times of the files of a local reference, as they are now.

    So a folder whose files were exchanged, and an alias that was switched, are other models than
    before. What is missing here is an error of the load, not of this.
    """
    if ref.scheme != "local":
        return ()
    from holotype.references.folders import find_folder

    try:
        folder = find_folder(ref)
        manifest = folder / MANIFEST_FILE
        files = [manifest] if manifest.is_file() else sorted(_files(folder))
        found = [(path, path.stat()) for path in files]
    except (ArtifactError, OSError):
        return ()
    return tuple(
        (path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns)
        for path, status in found
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _estimate(ref: ModelRef, inference: InferenceSettings) -> int | None:
    """Estimate the memory of a model; what is not on this machine is fetched first.

    Raises:
        HolotypeError: the reference cannot be opened.
    """
    from holotype.encoders.checkpoints.safetensors import count_parameters
    from holotype.encoders.opening import open_reference

    # The load compares every byte.
    opened = open_reference(ref, verify="sizes", with_code=inference.trust_remote_code)
    n_values = opened.record.parameters
    if opened.checkpoint is not None:
        try:
            headers = [*opened.checkpoint.headers.values()]
        except CheckpointError:
            # The load says what is wrong with it, in more words.
            return None
        n_values = count_parameters(headers) or n_values
    # torch reads weights in float32 before it rounds them; an export is in bytes on the disk.
    rounds = inference.backend == "torch" and inference.dtype == "int8"
    dtype = "float32" if rounds else inference.dtype
    return None if n_values is None else estimate_bytes(n_values, dtype)
