"""What registering writes: a kind, a model, a version, and its text for searches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from holotype.errors import InvalidArgumentError
from holotype.registry.errors import RegistryError, VersionExistsError
from holotype.registry.lookups import find_named
from holotype.registry.resolving import ResolvedModel
from holotype.registry.searching import searchable_text
from holotype.registry.tables import model, model_kind, model_version, version_search
from holotype.registry.versions import ModelVersion


def options_as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON keeps them.

    Raises:
        InvalidArgumentError: JSON, or a text column, cannot hold one.
    """
    try:
        text = json.dumps(dict(options), allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"inference_config is not a JSON object: {error}") from None
    if "\\u0000" in text:
        raise InvalidArgumentError("inference_config has a NUL in a text, which no option can have")
    kept: dict[str, Any] = json.loads(text)
    return kept


def version_values(
    resolved: ResolvedModel, kind: str, version_id: str, options: Mapping[str, Any], actor: str
) -> dict[str, Any]:
    """Return the values of the columns of a version."""
    return {
        "kind": kind,
        "version_id": version_id,
        "reference": str(resolved.reference),
        "source_repo": resolved.source_repo,
        "checkpoint_hash": resolved.checkpoint_hash,
        "fingerprint": resolved.fingerprint,
        "embedding_dim": resolved.embedding_dim,
        "inference_config": dict(options),
        "created_at": datetime.now(UTC),
        "created_by": actor,
    }


def make_kind(connection: Connection, location: str, kind: str, type: str) -> None:
    """Add a kind, if there is none of this name.

    Raises:
        RegistryError: there is one, of models of another type.
    """
    found = connection.execute(select(model_kind.c.type).where(model_kind.c.name == kind)).scalar()
    if found is None:
        connection.execute(insert(model_kind).values(name=kind, type=type))
    elif found != type:
        raise RegistryError(
            f"{location} {kind}",
            f"its versions are {found} models, and this is a {type} model, which its programs "
            "could not use; register it under another kind",
        )


def add_version(connection: Connection, model_id: str, values: Mapping[str, Any]) -> None:
    """Add a version with the values of its columns, if its model has none of this name."""
    kind = values["kind"]
    if find_named(connection, kind, model_id, values["version_id"]):
        return
    query = select(model.c.id).where(model.c.kind == kind, model.c.model_id == model_id)
    number = connection.execute(query).scalar()
    if number is None:
        added = connection.execute(insert(model).values(kind=kind, model_id=model_id))
        number = added.inserted_primary_key[0] if added.inserted_primary_key else None
    made = connection.execute(insert(model_version).values({**values, "model": number}))
    parts = (values["version_id"], values["reference"], values["source_repo"])
    connection.execute(
        insert(version_search).values(
            version=made.inserted_primary_key[0] if made.inserted_primary_key else None,
            kind=kind,
            searched=searchable_text(model_id, *parts),
        )
    )


def check_same(
    location: str, found: ModelVersion, resolved: ResolvedModel, options: Mapping[str, Any]
) -> None:
    """Raise a `VersionExistsError` where a version is not what would be registered."""
    pairs = (
        ("reference", found.reference, str(resolved.reference)),
        ("checkpoint_hash", found.checkpoint_hash, resolved.checkpoint_hash),
        ("fingerprint", found.fingerprint, resolved.fingerprint),
        ("inference_config", dict(found.inference_config), dict(options)),
    )
    differing = [f"{name} {old}, not {new}" for name, old, new in pairs if old != new]
    if differing:
        raise VersionExistsError(
            f"{location} {found.kind}",
            f"the version {found.name} exists and never changes; it has {'; '.join(differing)}. "
            "Register yours under another version",
        )
