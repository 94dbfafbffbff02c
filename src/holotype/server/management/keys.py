"""The keys of clients: made, shown once, listed and revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from holotype.registry import ApiKey, ApiKeys, Scope
from holotype.server.keys import Caller, require
from holotype.server.management.answers import Answer
from holotype.server.management.background import Management
from holotype.server.management.parameters import Body, Manager

router = APIRouter(prefix="/keys", tags=["keys"])

Admin = Annotated[Caller, Depends(require("admin"))]


class NewKey(Body):
    """A key to make."""

    name: Annotated[str, Field(min_length=1, max_length=500)]
    """Whom the key is for."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3)]
    """What it may do."""
    # JSON has no times: it is a text.
    expires_at: Annotated[datetime | None, Field(strict=False)] = None
    """From when on it does not work; null means never."""


class KeyBody(Answer):
    """A key, but for the key itself."""

    id: int
    """Its number in the database."""
    name: str
    """Whom it is for."""
    prefix: str
    """The part of the key that may be shown."""
    scopes: list[Scope]
    """What it may do."""
    created_at: datetime
    """When it was made, in UTC."""
    created_by: str
    """Who made it."""
    expires_at: datetime | None
    """From when on it does not work; null means never."""
    revoked_at: datetime | None
    """Since when it does not work; null if it was not revoked."""
    revoked_by: str | None
    """Who revoked it; null if nobody did."""

    @classmethod
    def of(cls, key: ApiKey) -> KeyBody:
        """Describe a key."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=list(key.scopes),
            created_at=key.created_at,
            created_by=key.created_by,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            revoked_by=key.revoked_by,
        )


class MadeKeyBody(KeyBody):
    """A key that has just been made; this is the only time that it is shown."""

    key: str
    """The key itself."""


class KeysBody(Answer):
    """All keys, the newest first."""

    items: list[KeyBody]
    """The keys."""
    next: None = None
    """Always null: there is one page."""


@router.get("")
def list_keys(manager: Manager, _: Admin) -> KeysBody:
    """Return all keys, also those that do not work any more."""
    return KeysBody(items=[KeyBody.of(each) for each in _keys(manager).list()])


@router.post("", status_code=201)
def create_key(manager: Manager, caller: Admin, body: NewKey) -> MadeKeyBody:
    """Make a key, and show it once."""
    key, kept = _keys(manager).create(
        body.name, body.scopes, actor=caller.name, expires_at=body.expires_at
    )
    manager.state.keys.forget()
    return MadeKeyBody(key=key, **KeyBody.of(kept).model_dump())


@router.delete("/{id}")
def revoke_key(
    manager: Manager, caller: Admin, id: Annotated[int, Path(ge=0, le=2**62)]
) -> KeyBody:
    """Revoke a key: here at once, elsewhere within a second. Revoking it again changes nothing."""
    gone = _keys(manager).revoke(id, actor=caller.name)
    manager.state.keys.forget()
    return KeyBody.of(gone)


def _keys(manager: Management) -> ApiKeys:
    return ApiKeys(manager.registry.database)
