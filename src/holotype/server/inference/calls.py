"""One request for a model: who asks, until when, for which name, and which model answered.

Models run on the threads of the pool. The event loop waits for the answer, for the deadline and for
the client to leave, whichever comes first; what nobody waits for leaves the queue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from holotype.pool import Answer, LoadingTimeoutError, Version
from holotype.server import telemetry
from holotype.server.admission import check_deadline_header, headers_of, read_json
from holotype.server.errors import (
    BodyTooLargeError,
    DeadlinePassedError,
    FieldProblem,
    FingerprintMismatchError,
    RequestError,
    SlowBodyError,
)
from holotype.server.inference.answers import RawHeaders
from holotype.server.inference.unnamed import choose_default, names_that_fit
from holotype.server.keys import authorize
from holotype.server.problems import invalid
from holotype.server.state import ServerState, state_of

BodyT = TypeVar("BodyT", bound=BaseModel)
ResultT = TypeVar("ResultT")

_PATIENCE_S = 0.02
"""How long a request waits before it looks whether its client is still there: most are answered by
then, and looking costs as much as waiting."""
_UNQUOTED = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"


class ClientLeftError(RequestError):
    """The client has closed its connection; nobody reads the answer."""

    status = 499
    code = "client_left"


class Call:
    """A request that runs a model.

    Attributes:
        request: the request.
        state: the server.
        key: what keeps the caller on one variant; None for nothing.
        expects: the fingerprint that the vectors must have; None for any.
    """

    def __init__(self, request: Request, state: ServerState, key_id: int | None) -> None:
        """Read the headers.

        Raises:
            RequestError: a header is wrong.
        """
        headers = headers_of(request.scope)
        self.request = request
        self.state = state
        self.key = headers.get("x-holotype-key") or (None if key_id is None else str(key_id))
        self.expects = headers.get("x-holotype-expect-fingerprint")
        self._timeout_s = check_deadline_header(headers)
        self._started_s = time.monotonic()
        self._deadline_s = self._started_s + (self._timeout_s or state.settings.timeout_s)

    @classmethod
    async def begin(cls, request: Request, body_type: type[BodyT]) -> tuple[Call, BodyT]:
        """Check who calls, and read the body.

        Raises:
            RequestError: the key, a header or the body is wrong.
            SlowBodyError: the body did not come in time.
        """
        caller = await authorize(request, "infer")
        call = cls(request, state_of(request), caller.id)
        try:
            async with asyncio.timeout(call.remaining_s):
                raw = await read_json(headers_of(request.scope), request.receive)
        except TimeoutError:
            raise SlowBodyError(
                f"the body of the request did not come whole within {call._allowed_s:g} s; send it "
                "faster, or allow more with the header x-request-timeout-ms"
            ) from None
        except ClientDisconnect:
            raise ClientLeftError("the client left while it sent the request") from None
        try:
            return call, body_type.model_validate_json(raw)
        except ValidationError as error:
            problems = error.errors(include_url=False)
            if problems[0]["type"] == "json_invalid":
                why = problems[0]["msg"].removeprefix("Invalid JSON: ")
                raise RequestError(f"the body is not JSON: {why}") from None
            raise invalid(problems, body_type) from None

    @property
    def _allowed_s(self) -> float:
        """How much time the request has in all."""
        return self._deadline_s - self._started_s

    @property
    def remaining_s(self) -> float:
        """How much time is left."""
        return max(0.0, self._deadline_s - time.monotonic())

    # -- which model ---------------------------------------------------------------------------

    def choose(self, name: str | None) -> str:
        """Return the name of the model: of the body, of a header, or the default.

        The default is the name ``default``, or the only one that there is.

        Raises:
            UnprocessableError: none is named, and there is no default.
        """
        name = self._named(name)
        return self._take(choose_default(self.state.pool.names) if name is None else name)

    async def choose_kind(self, name: str | None, *kinds: str) -> str:
        """Return the name of the model; by default the only one whose kind is one of these.

        Raises:
            UnprocessableError: none is named, and several fit, or none does.
        """
        name = self._named(name)
        if name is None:
            names = self.state.pool.names
            if len(names) > 1:
                names = await self.in_thread(names_that_fit, self.state, kinds)
            name = choose_default(names, kinds)
        return self._take(name)

    def _named(self, name: str | None) -> str | None:
        return name or headers_of(self.request.scope).get("x-holotype-model-name")

    def _take(self, name: str) -> str:
        spec = self.state.pool.deployment.find(name)
        if self._timeout_s is None and spec is not None and spec.timeout_s is not None:
            self._deadline_s = self._started_s + spec.timeout_s
        return name

    # -- waiting -------------------------------------------------------------------------------

    async def in_thread(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Call what takes long on a thread."""
        return await self.wait(self.state.threads.submit(function, *args))

    async def wait(
        self, work: Future[ResultT] | asyncio.Future[ResultT], name: str | None = None
    ) -> ResultT:
        """Wait for work, the deadline, or the client to leave, whichever comes first.

        Args:
            work: the work.
            name: the name of the model that does it; None for other work.

        Raises:
            LoadingTimeoutError: the deadline came first, and the model is not loaded.
            DeadlinePassedError: the deadline came first.
            ClientLeftError: the client left first.
        """
        handover = self.state.handover
        loop, bell = handover.loop, handover.loop.create_future()
        left: asyncio.Task[None] | None = None
        timer: asyncio.TimerHandle

        def ring(_: object = None) -> None:
            if not bell.done():
                bell.set_result(None)

        def watch() -> None:
            nonlocal left, timer
            left = loop.create_task(_left(self.request))
            left.add_done_callback(ring)
            timer = loop.call_later(self.remaining_s, ring)

        timer = loop.call_later(min(_PATIENCE_S, self.remaining_s), watch)
        work.add_done_callback(lambda _: handover.ring(bell))
        try:
            await bell
            if work.done():
                return self._result(work, name)
            if left is not None and left.done():
                self.state.metrics.client_left()
                raise ClientLeftError("the client left before the answer")
            if name is not None and (late := self._not_loaded(name)) is not None:
                raise late
            raise DeadlinePassedError(
                f"the request was not answered within {self._allowed_s:g} s; "
                "allow more with the header x-request-timeout-ms, or send fewer texts"
            )
        finally:
            timer.cancel()
            if left is not None:
                left.cancel()
            if not work.done():
                work.cancel()

    def _result(self, work: Future[ResultT] | asyncio.Future[ResultT], name: str | None) -> ResultT:
        """Return the result of work; a deadline of the pool is that of the request."""
        try:
            return work.result()
        except LoadingTimeoutError as error:
            late = None if name is None else self._not_loaded(name)
            raise (error if late is None else late) from None

    def _not_loaded(self, name: str) -> LoadingTimeoutError | None:
        """Return an error that says which model behind a name is not loaded; None if all are.

        Beside a variant that is ready, only one that is being loaded may be what a call waits for.
        """
        pool = self.state.pool
        spec, status = pool.deployment.find(name), pool.status()
        members = spec.ensemble.members if spec is not None and spec.ensemble is not None else ()
        problems = []
        for each in [member.name for member in members] or [name]:
            variants = status.of(each)
            serves = any(one.state == "ready" for one in variants)
            problems += [one.problem for one in variants if one.state == "loading" or not serves]
        found = "; ".join(problem for problem in problems if problem is not None)
        if not found:
            return None
        waited = f"was not loaded within {self._allowed_s:g} s, and the load goes on ({found})"
        return LoadingTimeoutError(
            name, f"{waited}; ask again, or allow more with the header x-request-timeout-ms"
        )

    # -- what comes of it ----------------------------------------------------------------------

    def check_count(self, items: Sequence[Any], field: str, noun: str = "text") -> None:
        """Refuse no items, and more than the server takes.

        Args:
            items: the items.
            field: the field that has them.
            noun: what one of them is.

        Raises:
            RequestError: there are none.
            BodyTooLargeError: there are too many.
        """
        if not items:
            raise RequestError(
                f"{field} is empty; send at least one {noun}",
                errors=[FieldProblem(field=field, message="is empty")],
            )
        most = self.state.settings.max_texts
        if len(items) > most:
            raise BodyTooLargeError(
                f"{field} has {len(items):,} {noun}s, and a request may have {most:,}; send several",
                errors=[FieldProblem(field=field, message="is too long")],
            )

    def require_fingerprint(self, found: str | None, expected: str | None) -> None:
        """Refuse vectors that are not those that the caller expects.

        Raises:
            FingerprintMismatchError: they are others.
        """
        expected = expected or self.expects
        if expected is not None and expected != found:
            raise FingerprintMismatchError(
                f"the vectors would have the fingerprint {found}, and {expected} is expected: an "
                "index of the expected ones cannot be searched with them. Build the index again, or "
                "ask the operator for the version that made it"
            )

    def headers(self, name: str, answer: Answer[Any], fingerprint: str | None = None) -> RawHeaders:
        """Return the headers that say which model answered, and how long it took."""
        total_s = time.monotonic() - self._started_s
        if self.state.traces:
            telemetry.note_answer(name, answer)
        timing = (
            f"queue;dur={answer.queue_s * 1000:.2f}, batch;dur={answer.run_s * 1000:.2f}, "
            f"total;dur={total_s * 1000:.2f}"
        )
        named = _name_models(name, answer.versions, fingerprint or answer.version.fingerprint)
        return [*named, (b"server-timing", timing.encode())]


@lru_cache(maxsize=1024)
def _name_models(name: str, versions: tuple[Version, ...], fingerprint: str | None) -> RawHeaders:
    """Return the headers that say which model answered, the same for all of its answers."""
    version = versions[0]
    served_by = dict.fromkeys(each.name for each in versions)
    found = {
        "x-holotype-model": name,
        "x-holotype-version": shown_version(version),
        "x-holotype-generation": str(version.number),
        "x-holotype-variant": version.variant,
        "x-holotype-served-by": ",".join(served_by),
    }
    if fingerprint is not None:
        found["x-holotype-fingerprint"] = fingerprint
    return [(name.encode(), value.encode("latin-1")) for name, value in found.items()]


def shown_version(version: Version) -> str:
    """Return a version as clients may see it: of a folder, only its name."""
    reference = version.reference
    if reference.startswith("registry:"):
        reference = reference.partition("@")[2]
    elif reference.startswith("local:"):
        reference = reference.rstrip("/").rpartition("/")[2]
    # Headers have no other letters.
    return quote(reference, safe=_UNQUOTED)


async def _left(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
