"""Kinds and versions by name, with errors that name similar ones."""

from __future__ import annotations

from sqlalchemy import Connection, select

from holotype.errors import Advice, InvalidArgumentError
from holotype.naming import nearest
from holotype.registry.errors import VersionNotFoundError
from holotype.registry.tables import model, model_kind, model_version
from holotype.registry.versions import (
    ModelVersion,
    check_kind,
    check_line,
    select_versions,
    version_of,
)

_MOST_COMPARED = 1000
"""How many of the newest names a misspelt one is compared with."""


def find_kinds(connection: Connection) -> tuple[str, ...]:
    """Return the names of all kinds, sorted."""
    query = select(model_kind.c.name).order_by(model_kind.c.name)
    return tuple(map(str, connection.execute(query).scalars()))


def require_kind(connection: Connection, location: str, kind: str) -> None:
    """Raise a `VersionNotFoundError` that names similar kinds where there is no such kind."""
    kinds = find_kinds(connection)
    if kind not in kinds:
        what = f"has only {', '.join(kinds[:20])}" if kinds else "has none yet"
        raise VersionNotFoundError(
            location, f"has no kind {kind!r}; it {what}", nearest(kind, kinds)
        )


def find_named(
    connection: Connection, kind: str, model_id: str | None, version_id: str
) -> tuple[ModelVersion, ...]:
    """Return the versions of a name, those of all models where none is given, the oldest first."""
    query = select_versions().where(
        model_version.c.kind == kind, model_version.c.version_id == version_id
    )
    if model_id is not None:
        query = query.where(model.c.model_id == model_id)
    return tuple(map(version_of, connection.execute(query.order_by(model_version.c.id))))


def require_version(connection: Connection, location: str, kind: str, version: str) -> ModelVersion:
    """Return a version; see `ModelRegistry.get`."""
    check_kind(kind)
    model_id, _, version_id = check_line("version", version).rpartition("/")
    found = find_named(connection, kind, model_id or None, version_id)
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(repr(each.name) for each in found)
        raise InvalidArgumentError(
            f"several models of the kind {kind!r} have a version {version!r}; write {names}"
        )
    require_kind(connection, location, kind)
    query = select_versions().where(model_version.c.kind == kind)
    recent = connection.execute(query.order_by(model_version.c.id.desc()).limit(_MOST_COMPARED))
    names_of = {each.version_id if not model_id else each.name for each in map(version_of, recent)}
    raise VersionNotFoundError(
        f"{location} {kind}",
        f"has no version {version!r}",
        nearest(version, sorted(names_of)),
        Advice("list-versions", f"list them with: holotype registry list {kind}", kind),
    )
