"""Who may call: keys in ``Authorization: Bearer``, and what each allows.

What has been checked is remembered for half a second, by the digest of the key, so that a revoked
key is refused within a second and a request costs no query. Requests that need the same answer at
once share one query. While the store does not answer, what it said last is valid.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import inf
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from starlette.requests import Request

from holotype.errors import HolotypeError
from holotype.server.admission import Headers, headers_of
from holotype.server.errors import ForbiddenError, UnauthorizedError
from holotype.server.settings import is_loopback

Scope: TypeAlias = Literal["infer", "operate", "admin"]
SCOPES: tuple[Scope, ...] = ("infer", "operate", "admin")
"""What a key can allow; each includes those before it."""
_INCLUDED_IN: Mapping[Scope, frozenset[Scope]] = {
    scope: frozenset(SCOPES[at:]) for at, scope in enumerate(SCOPES)
}
"""What allows each."""

_REMEMBERED_S = 0.5
_MOST_REMEMBERED = 10_000

_log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


class KeyInfo(Protocol):
    """What a store knows of a key that is valid."""

    @property
    def id(self) -> int | None:
        """The number of the key in the registry; None for one that the operator gave by hand."""
        ...

    @property
    def name(self) -> str:
        """Who uses it."""
        ...

    @property
    def scopes(self) -> Collection[str]:
        """What it allows."""
        ...

    @property
    def expires_at(self) -> datetime | None:
        """When it ends; None means never."""
        ...


class KeyStore(Protocol):
    """Where keys are kept. Both methods may block; they are called on a thread."""

    def check(self, key: str) -> KeyInfo | None:
        """Return what is known of a key; None if it is unknown, revoked or expired."""
        ...

    def any(self) -> bool:
        """Return whether there is a key that works."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes a request.

    Attributes:
        id: the number of the key; None without one in the registry.
        name: the name of the key; ``local`` where the server asks for none.
        scopes: what it allows.
        expires_at: when it ends; None means never.
    """

    id: int | None
    name: str
    scopes: Collection[str]
    expires_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it allows what a scope stands for."""
        return not _INCLUDED_IN[scope].isdisjoint(self.scopes)


LOCAL = Caller(id=None, name="local", scopes=SCOPES)
"""The caller of a server without keys."""


class GivenKeys:
    """Keys that the operator passed to the server itself; each allows everything."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Keep their digests."""
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def check(self, key: str) -> KeyInfo | None:
        """Return who a key stands for; see `KeyStore`."""
        digest = sha256(key.encode("utf-8", "surrogatepass")).digest()
        # All are compared, so that the time says nothing.
        found = [hmac.compare_digest(digest, known) for known in self._digests]
        return Caller(id=None, name="operator", scopes=SCOPES) if any(found) else None

    def any(self) -> bool:
        """Return whether there is a key."""
        return bool(self._digests)


Keep: TypeAlias = Callable[[Mapping[bytes, Caller], bool], None]
"""Keeps who may call, by the digests of their keys, and whether there is no key at all."""


def _keep_nothing(known: Mapping[bytes, Caller], keyless: bool) -> None:
    """Keep nothing."""


class Keys:
    """Finds out who makes a request. Used on the event loop only."""

    def __init__(
        self,
        stores: Sequence[KeyStore],
        *,
        loopback: bool,
        origins: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask these stores, in this order.

        Args:
            stores: where keys are kept.
            loopback: whether only this machine can reach the server. No other server does anything
                without a key, also after the last one has been revoked.
            origins: the origins whose pages may call a server without keys.
            clock: seconds that only grow.
        """
        self._stores = tuple(stores)
        self._clock = clock
        self._loopback = loopback
        self._origins = frozenset(origins)
        self._known: dict[bytes, tuple[float, Caller | None]] = {}
        self._keep: Keep = _keep_nothing
        self._own_sites: set[tuple[str | None, str | None]] = set()
        self._empty: tuple[float, bool] | None = None
        self._changed_s = -inf
        self._asked: dict[Hashable, tuple[float, asyncio.Task[Any]]] = {}

    def restore(self, known: Mapping[bytes, Caller], *, keyless: bool) -> None:
        """Let those call whom an earlier server knew, until a store says something else.

        Args:
            known: who may call, by the digest of the key.
            keyless: whether there was no key, also none that nobody had used.
        """
        self._known = {digest: (-inf, caller) for digest, caller in known.items()}
        self._empty = -inf, keyless

    def keep_with(self, keep: Keep) -> None:
        """Call a function whenever something has changed: on a thread, or before the start."""
        self._keep = keep

    def require_one(self) -> None:
        """Refuse to serve other machines without a key; blocks, for the start of a server.

        Raises:
            HolotypeError: there is no key, and others can reach the server; or a store does not
                answer.
        """
        asked_s = self._clock()
        try:
            empty = self._ask_whether_empty()
        except HolotypeError:
            if self._empty is None:
                raise
            empty = self._empty[1]
        self._empty = asked_s, empty
        self._keep(self._seen(), empty)
        if empty and not self._loopback:
            raise HolotypeError(
                "this server would listen to other machines and has no key; make one with: holotype "
                "keys create NAME --scope admin, or set HOLOTYPE_API_KEY, or listen on 127.0.0.1"
            )

    async def identify(self, request: Request) -> Caller:
        """Return who makes a request.

        Raises:
            UnauthorizedError: there is no key, or it is not valid.
            HolotypeError: the key has never been checked, and the store does not answer.
        """
        if self._loopback and await self._are_none():
            self._refuse_other_sites(request)
            return LOCAL
        key = _key_of(headers_of(request.scope))
        if key is None:
            raise UnauthorizedError("this server needs a key: send Authorization: Bearer KEY")
        caller = await self._check(key)
        if caller is None:
            raise UnauthorizedError("this key is unknown, revoked or expired; ask for another one")
        if caller.expires_at is not None and caller.expires_at <= datetime.now(UTC):
            raise UnauthorizedError("this key has expired; ask for another one")
        return caller

    def _refuse_other_sites(self, request: Request) -> None:
        """Refuse what a browser on this machine sends for a page of somebody else.

        Raises:
            ForbiddenError: the page is of another site, or its name leads to this machine.
        """
        headers = headers_of(request.scope)
        origin = headers.get("origin")
        asked = headers.get("host"), origin
        if asked in self._own_sites:
            return
        host = request.url.hostname or ""
        if not is_loopback(host):
            raise ForbiddenError(
                f"a server without keys answers only to its own names, such as localhost, and not to "
                f"{host!r}; make a key with: holotype keys create NAME --scope admin"
            )
        own = f"{request.url.scheme}://{request.url.netloc}"
        if origin is not None and origin != own and origin not in self._origins:
            raise ForbiddenError(
                f"a server without keys refuses pages of {origin}; start it with --cors-origin "
                "and this origin, or make a key"
            )
        if len(self._own_sites) < _MOST_REMEMBERED:
            self._own_sites.add(asked)

    def forget(self) -> None:
        """Ask again before the next request is let in: a key has just been made or revoked here.

        On any thread.
        """
        self._changed_s = self._clock()

    def _is_recent(self, asked_s: float) -> bool:
        return asked_s > self._changed_s and self._clock() - asked_s < _REMEMBERED_S

    async def _once(
        self, what: Hashable, ask: Callable[[float], Coroutine[Any, Any, ResultT]]
    ) -> ResultT:
        """Ask, or wait for somebody who has just begun to ask the same.

        Args:
            what: what is asked.
            ask: asks; it gets the time at which it began, of which its answer is true.
        """
        known = self._asked.get(what)
        if known is None or not self._is_recent(known[0]):
            asked_s = self._clock()
            task = asyncio.create_task(ask(asked_s))
            known = self._asked[what] = asked_s, task

            def forget(_: object) -> None:
                if self._asked.get(what) is known:
                    del self._asked[what]
                # Nobody may have waited to the end.
                if not task.cancelled():
                    task.exception()

            task.add_done_callback(forget)
        found: ResultT = await asyncio.shield(known[1])
        return found

    async def _are_none(self) -> bool:
        if self._empty is not None and self._is_recent(self._empty[0]):
            return self._empty[1]
        return await self._once(None, self._look_whether_empty)

    async def _look_whether_empty(self, asked_s: float) -> bool:
        try:
            empty = await asyncio.to_thread(self._ask_whether_empty)
        except HolotypeError as error:
            if self._empty is None:
                raise
            _log.warning("the keys cannot be read: %s", error)
            # It may have taken long to fail, and not every request is to wait as long.
            asked_s, empty = self._clock(), self._empty[1]
        if self._empty is not None and self._empty[0] > asked_s:
            return self._empty[1]
        changed = self._empty is not None and self._empty[1] != empty
        self._empty = asked_s, empty
        if changed:
            await asyncio.to_thread(self._keep, self._seen(), empty)
        return empty

    def _ask_whether_empty(self) -> bool:
        return not any(store.any() for store in self._stores)

    async def _check(self, key: str) -> Caller | None:
        digest = sha256(key.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None and self._is_recent(known[0]):
            return known[1]

        async def look(asked_s: float) -> Caller | None:
            return await self._look_up(key, digest, asked_s)

        return await self._once(digest, look)

    async def _look_up(self, key: str, digest: bytes, asked_s: float) -> Caller | None:
        try:
            caller = await asyncio.to_thread(self._ask, key)
        except HolotypeError as error:
            known = self._known.get(digest)
            if known is None:
                raise
            _log.warning("a key cannot be checked: %s", error)
            asked_s, caller = self._clock(), known[1]
        known = self._known.get(digest)
        if known is not None and known[0] > asked_s:
            # Who asked later has been answered first.
            return known[1]
        if len(self._known) >= _MOST_REMEMBERED:
            # Somebody tries keys that are none.
            self._known = {one: each for one, each in self._known.items() if each[1] is not None}
        self._known[digest] = asked_s, caller
        if caller != (None if known is None else known[1]):
            await asyncio.to_thread(self._keep, self._seen(), False)
        return caller

    def _seen(self) -> Mapping[bytes, Caller]:
        return {digest: each for digest, (_, each) in self._known.items() if each is not None}

    def _ask(self, key: str) -> Caller | None:
        for store in self._stores:
            found = store.check(key)
            if found is not None:
                return Caller(
                    id=found.id,
                    name=found.name,
                    scopes=frozenset(found.scopes),
                    expires_at=found.expires_at,
                )
        return None


def _key_of(headers: Headers) -> str | None:
    header = headers.get("authorization")
    if header is None:
        return None
    scheme, _, key = header.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise UnauthorizedError("Authorization is not of the form: Bearer KEY")
    return key


async def authorize(request: Request, scope: Scope) -> Caller:
    """Return who makes a request, if they may do what a scope stands for.

    Raises:
        UnauthorizedError: there is no valid key.
        ForbiddenError: the key does not allow it.
    """
    keys: Keys = request.app.state.holotype.keys
    caller = await keys.identify(request)
    if not caller.may(scope):
        raise ForbiddenError(
            f"the key {caller.name!r} has the scopes {', '.join(sorted(caller.scopes))}, and this "
            f"needs {scope!r}; ask for a key with it"
        )
    return caller


def require(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """Return a dependency of FastAPI that lets only keys with a scope through, and returns who."""

    async def dependency(request: Request) -> Caller:
        return await authorize(request, scope)

    return dependency
