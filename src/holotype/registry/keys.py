"""Keys of the server's clients: made, shown once, checked and revoked.

A key is ``holotype_``, a prefix that tells it from others, and 256 random bits. The database has
the SHA-256 of it: who reads the tables cannot call the server, and no slow hash is needed, because
nobody can guess 256 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

from sqlalchemy import Row, insert, select, update

from holotype.errors import Advice, InvalidArgumentError
from holotype.naming import one_of
from holotype.registry.database import Database
from holotype.registry.errors import KeyNotFoundError
from holotype.registry.schema import check as check_schema
from holotype.registry.tables import api_key
from holotype.registry.versions import check_line, check_moment

Scope: TypeAlias = Literal["infer", "operate", "admin"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a key may do, least first; each may also do what those before it may."""

_FORM = re.compile(r"holotype_([A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
_PREFIX_ALPHABET = string.ascii_letters + string.digits
_SECRET_BYTES = 32
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as the registry knows it: everything but the key.

    Attributes:
        id: its number in the database.
        name: whom it is for.
        prefix: the part of the key that may be shown.
        scopes: what it may do; see `SCOPES`.
        created_at: when it was made, in UTC.
        created_by: who made it.
        expires_at: from when on it does not work; None means never.
        revoked_at: since when it does not work; None if it was not revoked.
        revoked_by: who revoked it.
    """

    id: int
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None

    def works_at(self, moment: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    def may(self, scope: Scope) -> bool:
        """Return whether it may do what a scope is for."""
        return any(SCOPES.index(each) >= SCOPES.index(scope) for each in self.scopes)


class ApiKeys:
    """The keys in a database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Use a database whose tables are of this version.

        Raises:
            SchemaVersionError: they are not; the error says the command.
            DatabaseUnavailableError: the database does not answer.
        """
        check_schema(database)
        self._database = database

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        actor: str,
        expires_at: datetime | None = None,
    ) -> tuple[str, ApiKey]:
        """Make a key, and return it with what the registry keeps; it cannot be read again.

        Args:
            name: whom it is for.
            scopes: what it may do.
            actor: who makes it.
            expires_at: from when on it does not work, with a zone; None means never.

        Raises:
            InvalidArgumentError: a name, a scope or the time is wrong.
            DatabaseUnavailableError: the database does not answer.
        """
        values = {
            "name": check_line("name", name),
            "scopes": " ".join(_check_scopes(scopes)),
            "created_at": datetime.now(UTC),
            "created_by": check_line("actor", actor),
            "expires_at": _check_expiry(expires_at),
        }
        prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
        key = f"holotype_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        with self._database.writing() as connection:
            added = connection.execute(
                insert(api_key).values({**values, "prefix": prefix, "digest": _digest(key)})
            )
            number = added.inserted_primary_key[0] if added.inserted_primary_key else None
            row = connection.execute(select(api_key).where(api_key.c.id == number)).one()
        return key, _key_of(row)

    def list(self) -> tuple[ApiKey, ...]:
        """Return all keys, also those that do not work any more, the newest first.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        with self._database.reading() as connection:
            rows = connection.execute(select(api_key).order_by(api_key.c.id.desc()))
            return tuple(map(_key_of, rows))

    def revoke(self, id: int, *, actor: str) -> ApiKey:
        """Revoke a key; revoking it again changes nothing.

        Raises:
            KeyNotFoundError: there is no such key.
            InvalidArgumentError: the actor is no name.
            DatabaseUnavailableError: the database does not answer.
        """
        values = {"revoked_at": datetime.now(UTC), "revoked_by": check_line("actor", actor)}
        revoke = update(api_key).where(api_key.c.id == id, api_key.c.revoked_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(revoke.values(values))
            row = connection.execute(select(api_key).where(api_key.c.id == id)).one_or_none()
        if row is None:
            raise KeyNotFoundError(
                self._database.location,
                f"has no key {id}",
                Advice("list-keys", "list them with: holotype keys list"),
            )
        return _key_of(row)

    def check(self, key: str) -> ApiKey | None:
        """Return what is known of a key; None if there is none, or it does not work any more.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        form = _FORM.fullmatch(key)
        if form is None:
            return None
        with self._database.reading() as connection:
            query = select(api_key).where(api_key.c.prefix == form[1])
            row = connection.execute(query).one_or_none()
        # The prefix is no secret; the time of the comparison says nothing of the rest.
        digest = _NO_DIGEST if row is None else row.digest
        if not hmac.compare_digest(digest, _digest(key)) or row is None:
            return None
        found = _key_of(row)
        return found if found.works_at(datetime.now(UTC)) else None

    def any(self) -> bool:
        """Return whether there is a key that works.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        expires = api_key.c.expires_at
        query = select(api_key.c.id).where(
            api_key.c.revoked_at.is_(None), expires.is_(None) | (expires > datetime.now(UTC))
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _key_of(row: Row[tuple[object, ...]]) -> ApiKey:
    values = {name: getattr(row, name) for name in ApiKey.__slots__}
    return ApiKey(**{**values, "scopes": tuple(str(values["scopes"]).split())})


def _check_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    given = set((scopes,) if isinstance(scopes, str) else scopes)
    if not given:
        raise InvalidArgumentError(
            f"there are no scopes; expected one or more of {', '.join(SCOPES)}"
        )
    unknown = sorted(map(str, given - set(SCOPES)))
    if unknown:
        raise InvalidArgumentError(
            f"there is no scope {unknown[0]!r}; {one_of(unknown[0], SCOPES)}"
        )
    return tuple(each for each in SCOPES if each in given)


def _check_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    expires_at = check_moment("expires_at", expires_at)
    if expires_at <= datetime.now(UTC):
        raise InvalidArgumentError(
            f"expires_at {expires_at.isoformat()} is in the past; pass a time to come"
        )
    return expires_at
