"""Models whose version a registry names: what serves is what is active there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from holotype.deployment.document import InferenceSettings, RegistrySource
from holotype.errors import Advice
from holotype.pool.errors import ContradictionError, PoolError
from holotype.references.ref import ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A version of a registry, as far as it must be known to load it.

    Attributes:
        name: the version, such as ``bge-m3/v1.0.0``.
        digest: the SHA-256 of its manifest.
        options: the options of `load` that belong to it.
        fetch: returns its files on this machine, compared with the digest; may download them.
        fingerprint: that of the vectors that were registered; None if it makes none, or if nobody
            knows. What is loaded must have it.
    """

    name: str
    digest: str
    options: Mapping[str, Any]
    fetch: Callable[[], ModelRef] = field(compare=False)
    fingerprint: str | None = None


Resolve: TypeAlias = Callable[[RegistrySource], RegisteredModel | None]
"""Returns the version that a source stands for now, without waiting; None if none is active."""


def find_version(
    resolve: Resolve | None, name: str, source: RegistrySource
) -> RegisteredModel | None:
    """Return the version that a source stands for now.

    Raises:
        PoolError: the pool has no registry.
        HolotypeError: the registry has no such version.
    """
    if resolve is None:
        raise PoolError(
            name,
            f"follows {source}, and this pool has no registry; start the server with --database, "
            "or name another source",
        )
    return resolve(source)


def options_of(
    name: str, found: RegisteredModel, dim: int | None, inference: InferenceSettings
) -> dict[str, Any]:
    """Return the options of a load: those of the version, completed by the deployment.

    Raises:
        ContradictionError: the deployment says something else than the version.
        PoolError: the version would run code of its checkpoint, and the deployment does not say
            that it may.
    """
    default = InferenceSettings()
    options: dict[str, Any] = {
        "dim": dim,
        "max_length": inference.max_length,
        "dtype": inference.dtype,
        "backend": inference.backend,
        "trust_remote_code": inference.trust_remote_code,
    }
    if found.options.get("trust_remote_code") and not inference.trust_remote_code:
        raise PoolError(
            name,
            f"follows {found.name}, which runs code of its checkpoint; if that may run here, say so "
            "in the deployment with inference: {trust_remote_code: true}",
        )
    for option, value in options.items():
        stated = found.options.get(option)
        if stated is not None and value not in (stated, getattr(default, option, None)):
            raise ContradictionError(
                name,
                option,
                stated,
                value,
                f"{found.name} was registered with the first; leave {option} out of the deployment",
            )
    return {**options, **{k: value for k, value in found.options.items() if value is not None}}


def refuse_none(name: str, source: RegistrySource) -> Any:
    """Refuse to load what no version is active of.

    Raises:
        PoolError: always.
    """
    raise PoolError(
        name,
        f"cannot be loaded: no version of {source.kind!r} is active",
        5.0,
        Advice(
            "activate-version",
            f"activate one with: holotype registry activate {source.kind} VERSION",
            source.kind,
        ),
    )
