"""What a registry tells a pool: which version of a kind is active, and how to get it.

A pool knows no registry. Who runs both, such as the server, passes a function that answers for a
kind, and says when the answer has changed: `Pool.refresh`, or `Pool.prepare` before a switch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from holotype.deployment.document import InferenceSettings, ModelSpec
from holotype.pool.errors import ContradictionError, PoolError


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersion:
    """A version of a model as a registry keeps it.

    Attributes:
        name: its name within its kind, such as ``bge-m3/v1``.
        reference: where its files come from, for people.
        digest: the digest of its files; two versions with equal digests and options are loaded
            alike.
        fetch: returns the folder with its files, and checks their digests; it may download.
        fingerprint: that of its vectors; None if it makes none, or if it is not known.
        options: the options of `load` that belong to it, such as ``dim``.
    """

    name: str
    reference: str
    digest: str
    fetch: Callable[[], Path] = field(compare=False, repr=False)
    fingerprint: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


Resolve: TypeAlias = Callable[[str], RegisteredVersion | None]
"""Returns the active version of a kind, or None if there is none. It must not wait."""

_OF_INFERENCE = tuple(each.name for each in fields(InferenceSettings))
_NEEDS_A_WORD = "trust_remote_code"


def with_options(
    spec: ModelSpec, inference: InferenceSettings, version: RegisteredVersion
) -> tuple[int | None, InferenceSettings]:
    """Return dimensions and settings of a version: its own options, and what it leaves open.

    Raises:
        ContradictionError: the deployment says something else than the version.
        PoolError: the version has options that a pool cannot follow.
    """
    default = InferenceSettings()
    dim, chosen = spec.dim, inference
    for name, value in sorted(version.options.items()):
        if value is None:
            continue
        if name not in ("dim", *_OF_INFERENCE) or name == "device":
            raise PoolError(
                spec.name,
                f"cannot be loaded as {version.name} of the registry says: a pool knows no option "
                f"{name!r}; register the version without it",
            )
        said = spec.dim if name == "dim" else getattr(inference, name)
        if name == _NEEDS_A_WORD and value and not said:
            raise PoolError(
                spec.name,
                f"follows {version.name}, which runs code of its checkpoint; the deployment must "
                f"allow that with inference: {{{_NEEDS_A_WORD}: true}}",
            )
        is_said = said is not None if name == "dim" else said != getattr(default, name)
        if is_said and said != value:
            raise ContradictionError(
                spec.name,
                name,
                value,
                said,
                f"{version.name} was registered with the first; leave {name} out of the deployment",
            )
        if name == "dim":
            dim = value
        else:
            chosen = replace(chosen, **{name: value})
    return dim, chosen
