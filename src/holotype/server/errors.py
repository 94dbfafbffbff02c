"""What is wrong with a request, as far as only the server knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from holotype.errors import HolotypeError


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field of a body.

    Attributes:
        field: the field, such as ``input[3]``; empty for the whole body.
        message: what was found, and what was expected.
    """

    field: str
    message: str


class RequestError(HolotypeError):
    """A request cannot be answered.

    Attributes:
        problem: what was found, what was expected, and what to do.
        status: the status of HTTP.
        code: the same in one word, for programs.
        errors: the fields that are wrong.
        suggestions: what may have been meant, best first.
        retry_after_s: in how many seconds the same request may succeed; None where it will not.
    """

    status = 400
    code = "invalid_request"

    def __init__(
        self,
        problem: str,
        *,
        errors: Sequence[FieldProblem] = (),
        suggestions: Sequence[str] = (),
        retry_after_s: float | None = None,
    ) -> None:
        """State the problem."""
        self.problem = problem
        self.errors = tuple(errors)
        self.suggestions = tuple(suggestions)
        self.retry_after_s = retry_after_s
        super().__init__(problem)


class UnauthorizedError(RequestError):
    """There is no key, or it is not valid."""

    status = 401
    code = "unauthorized"


class ForbiddenError(RequestError):
    """The key does not allow what the request does."""

    status = 403
    code = "forbidden"


class NotFoundError(RequestError):
    """There is nothing at this path, or no such thing."""

    status = 404
    code = "not_found"


class ConflictError(RequestError):
    """The request does not fit the state that the server is in."""

    status = 409
    code = "conflict"


class NoDeploymentError(ConflictError):
    """The server was started without a place of a deployment, and has none to read."""

    code = "no_deployment"


class FingerprintMismatchError(ConflictError):
    """The vectors would be others than the caller expects."""

    code = "fingerprint_mismatch"


class BodyTooLargeError(RequestError):
    """The body is longer than the server takes."""

    status = 413
    code = "body_too_large"


class MediaTypeError(RequestError):
    """The body is not JSON."""

    status = 415
    code = "unsupported_media_type"


class UnprocessableError(RequestError):
    """The body is well formed, and asks for what cannot be done."""

    status = 422
    code = "unprocessable"


class UnreadableInputError(UnprocessableError):
    """A model does not read what it was sent, such as pairs or pictures."""

    code = "unsupported_input"


class UnavailableError(RequestError):
    """What the request needs is not there now."""

    status = 503
    code = "unavailable"


class NoRegistryError(UnavailableError):
    """The server was started without a database, and so has no registry."""

    code = "no_registry"


class DeadlinePassedError(RequestError):
    """The request took longer than it, or the server, allows."""

    status = 504
    code = "deadline_exceeded"


class SlowBodyError(DeadlinePassedError):
    """The body did not come in time; its rest is not waited for."""

    headers: ClassVar[Mapping[str, str]] = {"connection": "close"}
