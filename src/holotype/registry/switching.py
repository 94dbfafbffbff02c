"""Which version of a kind is active: switches it, in one transaction, and goes back.

Switches of a kind take turns, for which the caller sees. Each adds an activation, whose generation
is one more than that of the one before, and points the kind's only row of `active_version` to it.
An activation also knows the one that a rollback returns to, so that the history is an undo stack:
each rollback goes one step further back, and never returns to a state rolled back.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, update

from holotype.errors import DifferentVectorsError
from holotype.registry.errors import (
    RequestReusedError,
    StaleGenerationError,
    VersionNotFoundError,
    how_to_activate,
)
from holotype.registry.lookups import require_kind
from holotype.registry.tables import activation, active_version
from holotype.registry.versions import (
    WITH_VECTORS,
    Action,
    Activation,
    ModelVersion,
    activation_of,
    select_activations,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRequest:
    """Who asks for a switch, why, and on which condition.

    Attributes:
        location: the database, for errors.
        kind: the kind.
        request_id: the id of the request; None for one that nobody repeats.
        actor: who asks.
        reason: why; can be empty.
        expected_generation: the generation that must be active, 0 for none; None for any.
        allow_different_vectors: whether the new version may make other vectors.
    """

    location: str
    kind: str
    request_id: str | None
    actor: str
    reason: str
    expected_generation: int | None
    allow_different_vectors: bool


def activate_version(
    connection: Connection, request: SwitchRequest, version: ModelVersion
) -> Activation:
    """Make a version the active one; see `ModelRegistry.activate`."""
    if done := _repeated(connection, request, "activate"):
        if done.version.id != version.id:
            raise _reused(request, done)
        return done
    current = find_active(connection, request.kind)
    _compare(request, current)
    if current is None:
        return _add(connection, request, "activate", version, current, returns_to=None)
    again = current.version.id == version.id
    if again and request.request_id is None:
        return current
    # Only a record tells the same request later. The same version is no step to undo.
    returns_to = current.returns_to if again else current.generation
    return _add(connection, request, "activate", version, current, returns_to=returns_to)


def roll_back(connection: Connection, request: SwitchRequest) -> Activation:
    """Return to the version before; see `ModelRegistry.rollback`."""
    if done := _repeated(connection, request, "rollback"):
        return done
    _compare(request, find_active(connection, request.kind))
    current, target = find_target(connection, request.location, request.kind)
    return _add(
        connection, request, "rollback", target.version, current, returns_to=target.returns_to
    )


def find_active(connection: Connection, kind: str) -> Activation | None:
    """Return the activation that a kind is at; None if none."""
    query = select_activations().join(
        active_version,
        (active_version.c.kind == activation.c.kind)
        & (active_version.c.generation == activation.c.generation),
    )
    row = connection.execute(query.where(active_version.c.kind == kind)).one_or_none()
    return None if row is None else activation_of(row)


def find_target(connection: Connection, location: str, kind: str) -> tuple[Activation, Activation]:
    """Return the activation that a kind is at, and the one that a rollback returns to."""
    require_kind(connection, location, kind)
    current = find_active(connection, kind)
    if current is None or current.returns_to is None:
        what = "nothing is active" if current is None else "there is no version before"
        raise VersionNotFoundError(
            f"{location} {kind}",
            f"{what} to return to",
            advice=how_to_activate(kind),
        )
    return current, find_generation(connection, kind, current.returns_to)


def find_generation(connection: Connection, kind: str, generation: int) -> Activation:
    """Return an activation that there is."""
    query = select_activations().where(
        activation.c.kind == kind, activation.c.generation == generation
    )
    return activation_of(connection.execute(query).one())


def _repeated(connection: Connection, request: SwitchRequest, action: Action) -> Activation | None:
    if request.request_id is None:
        return None
    query = select_activations().where(activation.c.request_id == request.request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    done = activation_of(row)
    if (done.kind, done.action) != (request.kind, action):
        raise _reused(request, done)
    return done


def _reused(request: SwitchRequest, done: Activation) -> RequestReusedError:
    return RequestReusedError(
        f"{request.location} {request.kind}",
        f"the request {request.request_id!r} was {done.action} of {done.kind} to "
        f"{done.version.name}, generation {done.generation}; give another request an id of its own",
    )


def _compare(request: SwitchRequest, current: Activation | None) -> None:
    expected = request.expected_generation
    found = 0 if current is None else current.generation
    if expected is not None and expected != found:
        by = "" if current is None else current.actor
        raise StaleGenerationError(f"{request.location} {request.kind}", expected, found, by)


def _add(
    connection: Connection,
    request: SwitchRequest,
    action: Action,
    version: ModelVersion,
    current: Activation | None,
    *,
    returns_to: int | None,
) -> Activation:
    now = datetime.now(UTC)
    others = False
    if current is not None:
        # Clocks of several machines differ, and a clock is set back now and then.
        now = max(now, current.at)
        others = version.type in WITH_VECTORS and current.version.fingerprint != version.fingerprint
        if others and not request.allow_different_vectors:
            raise DifferentVectorsError(
                f"{request.location} {request.kind}",
                current.version.fingerprint,
                version.fingerprint,
            )
    generation = 1 if current is None else current.generation + 1
    added = Activation(
        kind=request.kind,
        generation=generation,
        version=version,
        action=action,
        returns_to=returns_to,
        new_vector_space=others,
        actor=request.actor,
        reason=request.reason,
        request_id=str(uuid.uuid4()) if request.request_id is None else request.request_id,
        at=now,
    )
    values = {name: getattr(added, name) for name in Activation.__slots__}
    connection.execute(insert(activation).values({**values, "version": version.id}))
    points = {"generation": generation, "version": version.id}
    if current is None:
        connection.execute(insert(active_version).values(kind=request.kind, **points))
    else:
        connection.execute(
            update(active_version).where(active_version.c.kind == request.kind).values(points)
        )
    return added
