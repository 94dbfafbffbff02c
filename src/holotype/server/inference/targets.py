"""What a request runs on: the models behind a name, of the kinds that its route takes.

Texts are measured before they run, on the model that will run them: nothing is cut that was not
counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Self

from holotype.encoders.inputs.lengths import Lengths
from holotype.pool import Answer, Lease, LoadingTimeoutError, PoolError, Version
from holotype.server.errors import DeadlinePassedError, UnprocessableError
from holotype.server.inference.calls import Call

_INLINE_CHARACTERS = 4000
"""Texts up to this size are tokenised on the event loop: a thread would cost more than they do."""
_METHODS: Mapping[str, str] = {
    "query": "encode_query",
    "document": "encode_document",
    "text": "encode",
}


class Kinds(NamedTuple):
    """The kinds of models that a route takes.

    Attributes:
        names: the kinds.
        hint: what to do with a model of another kind.
    """

    names: tuple[str, ...]
    hint: str

    def require(self, version: Version) -> None:
        """Refuse a model of another kind.

        Raises:
            UnprocessableError: it is of another kind; the error says what to call.
        """
        if version.kind not in self.names:
            raise UnprocessableError(
                f"{version.name!r} is a model of the kind {version.kind!r}; {self.hint}"
            )


class Target:
    """The models behind a name; a context manager that ends the lease on exit.

    Attributes:
        call: the request.
        name: the name.
        lease: the lease on the model; None for an ensemble, and where the model fails and a fallback
            may answer. Of these, only the answer says the kind.
    """

    def __init__(self, call: Call, name: str, kinds: Kinds, lease: Lease[Any] | None) -> None:
        """Take charge of a lease; see `find_target`."""
        self.call = call
        self.name = name
        self.lease = lease
        self._kinds = kinds

    def __enter__(self) -> Self:
        """Return the target."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the lease."""
        if self.lease is not None:
            self.lease.end()

    async def encode(
        self, texts: Sequence[str], *, side: str, truncate: bool
    ) -> tuple[Answer[Any], Lengths | None]:
        """Return the vectors of texts; see `run_texts`.

        Args:
            texts: the texts.
            side: ``"query"``, ``"document"`` or ``"text"``.
            truncate: whether texts that are too long are cut.
        """
        return await self.run_texts(_METHODS[side], texts, side, truncate=truncate)

    async def run_texts(
        self, method: str, items: Sequence[Any], *measured_as: str, truncate: bool, **options: Any
    ) -> tuple[Answer[Any], Lengths | None]:
        """Call a method with texts or pairs, and say how many tokens they have.

        Args:
            method: the method.
            items: the texts or pairs.
            measured_as: what the model must know of them to measure them.
            truncate: whether those that are too long are cut.
            options: the arguments of the method by name.

        Returns:
            The answer, and the tokens; None if the model does not say.

        Raises:
            TokenizationError: the tokenizer fails at a text.
            TextOverflowError: one is too long, and is not to be truncated.
            HolotypeError: see `run`.
        """
        lengths: Lengths | None = None
        if self.lease is None:
            options |= {"on_overflow": "truncate" if truncate else "error", "progress": False}
        elif measure := getattr(self.lease.model, "measure", None):
            lengths = await self._measure(measure, items, measured_as)
            if not truncate:
                lengths.require_whole(self.lease.version.name)
            options |= {"on_overflow": "truncate", "progress": False}
        # A class of the operator's own has its own options.
        return await self.run(method, items, **options), lengths

    async def _measure(
        self, measure: Callable[..., Lengths], items: Sequence[Any], measured_as: Sequence[str]
    ) -> Lengths:
        n_characters = sum(
            len(item) if isinstance(item, str) else sum(map(len, item)) for item in items
        )
        if n_characters <= _INLINE_CHARACTERS:
            return measure(items, *measured_as)
        return await self.call.in_thread(measure, items, *measured_as)

    async def run(self, method: str, items: Sequence[Any], **options: Any) -> Answer[Any]:
        """Call a method on a thread of the pool, with the items of other callers where it can be.

        Args:
            method: the method.
            items: texts, pairs or pictures.
            options: the arguments of the method by name.

        Raises:
            UnprocessableError: a model of another kind answered.
            DeadlinePassedError: it took too long.
            ClientLeftError: the client does not wait any more.
            HolotypeError: whatever the model raises.
        """
        call, name, lease = self.call, self.name, self.lease
        pool = call.state.pool
        asked: dict[str, Any] = {
            "key": call.key,
            "variant": None if lease is None else lease.version.variant,
            "timeout_s": call.remaining_s,
        }
        queued = None
        if lease is not None:
            queued = pool.submit(name, method, items, **asked, **options)
        if queued is not None:
            answer = queued.answer(await call.wait(queued.request, name))
        else:
            work = pool.acall(name, method, items, batched=False, **asked, **options)
            answer = await call.wait(asyncio.ensure_future(work), name)
        self._kinds.require(answer.version)
        return answer


async def find_target(call: Call, name: str, kinds: Kinds) -> Target:
    """Return what a request runs on; enter it, so that its lease ends.

    Raises:
        UnprocessableError: the model is of another kind.
        HolotypeError: see `lease_model`.
    """
    lease = await lease_model(call, name)
    if lease is not None:
        try:
            kinds.require(lease.version)
        except UnprocessableError:
            lease.end()
            raise
    return Target(call, name, kinds, lease)


async def lease_model(call: Call, name: str) -> Lease[Any] | None:
    """Return a lease on the model that serves a name; it is loaded first if nothing is.

    Returns:
        None for an ensemble, and where the model fails and a fallback may answer.

    Raises:
        UnknownNameError: there is no such model.
        PoolError: it cannot be loaded.
    """
    pool = call.state.pool
    spec = pool.deployment.find(name)
    if spec is not None and spec.ensemble is not None:
        return None
    try:
        try:
            return pool.acquire(name, key=call.key, timeout_s=0.0)
        except LoadingTimeoutError:
            return await _wait_for_load(call, name)
    except (PoolError, DeadlinePassedError):
        if spec is None or not spec.fallback:
            raise
        return None


async def _wait_for_load(call: Call, name: str) -> Lease[Any]:
    future: Future[Lease[Any]] = call.state.loads.submit(
        call.state.pool.acquire, name, key=call.key, timeout_s=call.remaining_s
    )
    try:
        return await call.wait(future, name)
    except BaseException:
        # The load may grant its lease to a caller that has gone.
        future.add_done_callback(_end_lease)
        raise


def _end_lease(future: Future[Lease[Any]]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().end()
