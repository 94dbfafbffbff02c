"""Keys of the server's clients: made, shown once, checked and revoked.

A key is ``holotype_``, a prefix that tells it from others, and 256 random bits. The database has the
SHA-256 of it: who reads the tables cannot call the server, and no slow hash is needed, because nobody
can guess 256 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import string
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, Self, TypeAlias, get_args

from sqlalchemy import Row, insert, select, update

from holotype.errors import InvalidArgumentError
from holotype.registry.database import Database
from holotype.registry.errors import DatabaseUnavailableError, KeyNotFoundError
from holotype.registry.schema import check as check_schema
from holotype.registry.tables import api_key
from holotype.registry.versions import check_line

Scope: TypeAlias = Literal["infer", "operate", "admin"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a key may do, least first; each may also do what those before it may."""

REFRESH_S = 0.5
"""How often a store that runs reads the keys: a key revoked elsewhere works no longer than that."""

_FORM = re.compile(r"holotype_([A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
_PREFIX_ALPHABET = string.ascii_letters + string.digits
_SECRET_BYTES = 32
_NO_DIGEST = "0" * 64

_log = logging.getLogger(__name__)


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
    """The keys in a database. Safe to share between threads.

    `check` asks the database, unless the store runs (`start`, or a ``with`` statement): then it
    answers from what a thread reads twice a second, and never waits. While the database is away, the
    last known keys stay, and `problem` says why.
    """

    def __init__(self, database: Database) -> None:
        """Use a database whose tables are of this version.

        Raises:
            SchemaVersionError: they are not; the error says the command.
            DatabaseUnavailableError: the database does not answer.
        """
        check_schema(database)
        self._database = database
        self._known: Mapping[str, tuple[str, ApiKey]] = MappingProxyType({})
        self._reading = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem: str | None = None

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
        self._refresh_if_running()
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
        """Let a key work no longer; to revoke it again changes nothing.

        Other processes notice within `REFRESH_S`.

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
                self._database.location, f"has no key {id}; list them with: holotype keys list"
            )
        self._refresh_if_running()
        return _key_of(row)

    def check(self, key: str) -> ApiKey | None:
        """Return what is known of a key; None if there is none, or it does not work any more.

        Raises:
            DatabaseUnavailableError: the store does not run, and the database does not answer.
        """
        form = _FORM.fullmatch(key)
        if form is None:
            return None
        known = self._known if self._thread is not None else self._read()
        digest, found = known.get(form[1], (_NO_DIGEST, None))
        equal = hmac.compare_digest(digest, _digest(key))
        if not equal or found is None or not found.works_at(datetime.now(UTC)):
            return None
        return found

    def any(self) -> bool:
        """Return whether there is a key that works.

        Raises:
            DatabaseUnavailableError: the store does not run, and the database does not answer.
        """
        known = self._known if self._thread is not None else self._read()
        now = datetime.now(UTC)
        return any(key.works_at(now) for _, key in known.values())

    @property
    def problem(self) -> str | None:
        """Why the database does not answer a store that runs; None while it does."""
        return self._problem

    def start(self) -> Self:
        """Read the keys, and again twice a second.

        Raises:
            DatabaseUnavailableError: the database does not answer; the store does not run.
        """
        self._known = self._read()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="holotype-keys", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Read no more. Closing twice is harmless."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def __enter__(self) -> Self:
        """Start the store."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def _run(self) -> None:
        while not self._stopping.wait(REFRESH_S):
            try:
                self._refresh()
            except DatabaseUnavailableError as error:
                if self._problem is None:
                    _log.warning("%s", error)
                self._problem = str(error)
            else:
                self._problem = None

    def _refresh_if_running(self) -> None:
        if self._thread is not None:
            self._refresh()

    def _refresh(self) -> None:
        # One after the other: what was read first must not replace what was read later.
        with self._reading:
            self._known = self._read()

    def _read(self) -> Mapping[str, tuple[str, ApiKey]]:
        query = select(api_key).where(api_key.c.revoked_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return MappingProxyType({row.prefix: (row.digest, _key_of(row)) for row in rows})


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _key_of(row: Row[tuple[object, ...]]) -> ApiKey:
    values = {name: getattr(row, name) for name in ApiKey.__slots__}
    return ApiKey(**{**values, "scopes": tuple(str(values["scopes"]).split())})


def _check_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    given = set((scopes,) if isinstance(scopes, str) else scopes)
    if not given or not given <= set(SCOPES):
        raise InvalidArgumentError(
            f"scopes are {sorted(map(str, given))}; expected one or more of {', '.join(SCOPES)}"
        )
    return tuple(each for each in SCOPES if each in given)


def _check_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise InvalidArgumentError(
            f"expires_at {expires_at.isoformat()} has no zone; write {expires_at.isoformat()}+00:00 "
            "for UTC"
        )
    if expires_at <= datetime.now(UTC):
        raise InvalidArgumentError(
            f"expires_at {expires_at.isoformat()} is in the past; pass a time to come"
        )
    return expires_at
