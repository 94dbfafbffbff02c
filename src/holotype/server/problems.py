"""Errors as answers: problem+json (RFC 9457), and under ``/v1`` the shape of OpenAI.

Every error of holotype has one status, one code for programs, and its own message, which says what to
do. A mistake of the server itself says nothing of its inside: the log has it, under the request id.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias, get_args

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holotype.errors import (
    Action,
    Advice,
    DifferentVectorsError,
    HolotypeError,
    ImageError,
    InstructionError,
    InvalidArgumentError,
    InvalidDimensionError,
    InvalidReferenceError,
    ModelNotFoundError,
    NotFiniteError,
    StoreBusyError,
    TextOverflowError,
    TokenizationError,
    UnsupportedInputError,
)
from holotype.pool.errors import (
    BreakerOpenError,
    ContradictionError,
    DeadlineError,
    EnsembleError,
    LoadingTimeoutError,
    ModelLoadError,
    ModelTooLargeError,
    NoMemoryError,
    PoolClosedError,
    PoolError,
    QueueFullError,
    SickModelError,
    SupersededError,
    UnknownNameError,
    WrongKindOfModelError,
)
from holotype.registry.errors import (
    DatabaseUnavailableError,
    KeyNotFoundError,
    RegistryError,
    RequestReusedError,
    SchemaVersionError,
    StaleGenerationError,
    SwitchFailedError,
    VersionExistsError,
    VersionNotFoundError,
    VersionRejectedError,
)
from holotype.server.errors import (
    BodyTooLargeError,
    DeadlinePassedError,
    FieldProblem,
    RequestError,
    UnprocessableError,
)
from holotype.server.field_problems import field_problems

_CODES = {413: BodyTooLargeError.code, 504: DeadlinePassedError.code}
"""What these are called wherever they come from; Python's own name of 413 depends on its version."""
_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    # The first that fits.
    (UnknownNameError, 404, "model_not_found"),
    (VersionNotFoundError, 404, "version_not_found"),
    (KeyNotFoundError, 404, "key_not_found"),
    (ModelNotFoundError, 404, "model_not_found"),
    (StaleGenerationError, 409, "stale_generation"),
    (RequestReusedError, 409, "request_reused"),
    (VersionExistsError, 409, "version_exists"),
    (DifferentVectorsError, 409, "different_vectors"),
    (VersionRejectedError, 409, "version_rejected"),
    (SwitchFailedError, 503, "switch_failed"),
    (ContradictionError, 409, "contradiction"),
    (SupersededError, 409, "superseded"),
    (StoreBusyError, 409, "busy"),
    (QueueFullError, 429, "queue_full"),
    (DeadlineError, 504, "deadline_exceeded"),
    (LoadingTimeoutError, 503, "loading"),
    (NoMemoryError, 503, "no_memory"),
    (ModelTooLargeError, 503, "model_too_large"),
    (BreakerOpenError, 503, "failing"),
    (PoolClosedError, 503, "stopping"),
    (SickModelError, 503, "sick"),
    (DatabaseUnavailableError, 503, "database_unavailable"),
    (SchemaVersionError, 503, "schema_version"),
    (WrongKindOfModelError, 422, "wrong_kind_of_model"),
    (TextOverflowError, 422, "text_too_long"),
    (InvalidDimensionError, 422, "invalid_dimension"),
    (TokenizationError, 422, "not_tokenizable"),
    (InstructionError, 422, "instruction"),
    (ImageError, 422, "invalid_image"),
    (InvalidReferenceError, 422, "invalid_reference"),
    (InvalidArgumentError, 422, "invalid_argument"),
    (UnsupportedInputError, 422, "unsupported_input"),
    (ModelLoadError, 424, "load_failed"),
    (NotFiniteError, 424, "not_finite"),
    (EnsembleError, 424, "ensemble"),
    (PoolError, 424, "model_failed"),
)

ADVICE: Mapping[Action, str | None] = {
    "list-versions": "GET /api/models/{subject} lists them",
    "activate-version": "POST /api/models/{subject}/switch/VERSION activates one",
    "list-keys": "GET /api/keys lists them",
    "confirm-different-vectors": 'confirm it with "allow_different_vectors": true',
    "name-folder": "name {subject} as the source of the model in the deployment: local:FOLDER",
    # Exports are made by Python and the command line alone.
    "set-limit": None,
}
"""What errors advise, as a client does it, who may have neither Python nor a command line."""

_log = logging.getLogger("holotype.server")

Headers: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What an answer says of an error; see RFC 9457.

    Attributes:
        status: the status of HTTP.
        code: what went wrong, in one word, for programs.
        detail: the same for people: what was found, what was expected, what to do.
        suggestions: what may have been meant, best first.
        errors: the fields that are wrong.
        retry_after_s: in how many seconds the same request may succeed.
        extra: further values of the error, by name.
    """

    status: int
    code: str
    detail: str
    suggestions: Sequence[str] = ()
    errors: Sequence[FieldProblem] = ()
    retry_after_s: float | None = None
    extra: Mapping[str, Any] | None = None

    @property
    def title(self) -> str:
        """The name of the status."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Client Closed Request" if self.status == 499 else "Error"

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """Return the body of problem+json."""
        found: dict[str, Any] = {
            "type": f"urn:holotype:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.suggestions:
            found["suggestions"] = list(self.suggestions)
        if self.errors:
            found["errors"] = [{"field": e.field, "message": e.message} for e in self.errors]
        if self.retry_after_s is not None:
            found["retry_after_s"] = self.retry_after_s
        return {**found, **(self.extra or {})}

    def to_openai(self, request_id: str) -> dict[str, Any]:
        """Return the body that OpenAI's clients read."""
        kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {
            "error": {
                **self.to_dict(request_id),
                "message": self.detail,
                "type": kinds.get(self.status, kind),
                "param": self.errors[0].field if self.errors else None,
            }
        }


def problem_of(error: Exception) -> Problem:
    """Return what an answer says of an error; of one that is not ours, that the server failed."""
    if isinstance(error, RequestError):
        return Problem(
            status=error.status,
            code=error.code,
            detail=error.problem,
            suggestions=error.suggestions,
            errors=error.errors,
            retry_after_s=error.retry_after_s,
        )
    if isinstance(error, RequestValidationError | ValidationError):
        return problem_of(invalid(error.errors()))
    if isinstance(error, HTTPException):
        status = error.status_code
        code = _CODES.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_")
        return Problem(status=status, code=code, detail=_detail_of_http(error))
    for kind, status, code in _TABLE:
        if isinstance(error, kind):
            return Problem(
                status=status,
                code=code,
                detail=_detail(error),
                suggestions=getattr(error, "suggestions", ()),
                retry_after_s=_retry_after_s(error, status),
                extra=_extra(error),
            )
    if isinstance(error, HolotypeError):
        # Of references, artifacts and checkpoints, which a request names.
        return Problem(status=422, code="unprocessable", detail=error.told(_over_http))
    return Problem(
        status=500,
        code="internal_error",
        detail="the server made a mistake; its log says more, under this request id",
    )


def _detail_of_http(error: HTTPException) -> str:
    """Return what is wrong with a path or a method; starlette repeats the status only."""
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "there is nothing at this path; GET /openapi.json lists the paths"
    allowed = (error.headers or {}).get("Allow")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and allowed:
        return f"this path does not take this method; expected {allowed}"
    return str(error.detail)


def _detail(error: Exception) -> str:
    if isinstance(error, RegistryError | DifferentVectorsError):
        # The address of the database, which stands before a kind, is for its operator.
        _, _, kind = error.location.partition(" ")
        in_registry = isinstance(error, RegistryError)
        own = copy(error)
        own.location = kind or ("the registry" if in_registry else error.location)
        return own.told(_over_http)
    if isinstance(error, InvalidDimensionError):
        sizes = error.in_words(" or ") or "none"
        if not error.sizes_known:
            return (
                f"it is unknown whether vectors of {error.model_id!r} can be truncated to "
                f"{error.dim} dimensions; ask for {sizes}"
            )
        return f"{error.model_id!r} has no vectors of {error.dim} dimensions; ask for {sizes}"
    if isinstance(error, BreakerOpenError):
        # The error itself names what Python has.
        return f"{error.name!r} {error.problem}; GET /api/pool has the last error"
    if isinstance(error, ModelLoadError):
        return (
            f"{error.told(_over_http)}. Ask for another model, GET /v1/models lists them; or the "
            "operator of the server changes the source of this one in the deployment and runs: "
            "holotype pool reload"
        )
    if isinstance(error, UnknownNameError) and not error.suggestions:
        return f"{error.name!r} is no {error.what} of this pool; GET /v1/models lists the names"
    if not isinstance(error, TextOverflowError):
        return error.told(_over_http) if isinstance(error, HolotypeError) else str(error)
    several = error.n_texts != 1
    return (
        f"{error.n_texts} text{'s' * several} exceed{'s' * (not several)} the {error.max_length} "
        f"tokens that {error.model_id!r} reads by {error.n_tokens} in all, the first at index "
        f"{error.first_index}; shorten or split the texts, or send truncate: true"
    )


def _over_http(advice: Advice) -> str | None:
    """Return an advice as a client does it; None where that is the same."""
    words = ADVICE[advice.action]
    return None if words is None else words.format(subject=advice.subject)


def _retry_after_s(error: Exception, status: int) -> float | None:
    found: float | None = getattr(error, "retry_after_s", None)
    if found is None and isinstance(error, DatabaseUnavailableError):
        return 5.0
    if found is None and isinstance(error, PoolClosedError):
        return 1.0
    return found if status in (429, 503) else None


def _extra(error: Exception) -> Mapping[str, Any] | None:
    if isinstance(error, TextOverflowError):
        return {"index": error.first_index, "limit_tokens": error.max_length}
    if isinstance(error, StaleGenerationError):
        return {"expected_generation": error.expected, "found_generation": error.found}
    if isinstance(error, VersionRejectedError):
        checks = [{"check": name, "message": message} for name, message in error.problems]
        return {"version": error.version, "checks": checks}
    if isinstance(error, InvalidDimensionError):
        return dimensions_of(error.allowed)
    return None


def dimensions_of(sizes: Sequence[int]) -> Mapping[str, Any]:
    """Return the sizes of a model's vectors as answers give them: a list, and a range or null."""
    if isinstance(sizes, range):
        return {"dimensions": [sizes[-1]], "dimension_range": [sizes[0], sizes[-1]]}
    return {"dimensions": list(sizes), "dimension_range": None}


def invalid(
    errors: Iterable[Mapping[str, Any]], body: type[BaseModel] | None = None
) -> UnprocessableError:
    """Return the error of a body whose fields are wrong, from what pydantic says.

    Args:
        errors: the errors of pydantic.
        body: what the body should be, if it is known: it tells what a field should hold.
    """
    found = field_problems(errors, body)
    words = "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in found[:5])
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return UnprocessableError(f"the request is not valid: {words}{more}", errors=found[:50])


def respond(request: Request, error: Exception) -> Response:
    """Return the answer to a request that failed."""
    if isinstance(error, RequestValidationError):
        error = invalid(error.errors(), _body_of(request))
    problem = problem_of(error)
    if problem.status >= 500 and problem.code == "internal_error":
        _log.error("request %s failed", request_id_of(request), exc_info=error)
    request_id = request_id_of(request)
    openai = request.url.path.startswith("/v1/") or request.url.path == "/embeddings"
    body = problem.to_openai(request_id) if openai else problem.to_dict(request_id)
    headers: dict[str, str] = dict(getattr(error, "headers", None) or {})
    if problem.retry_after_s is not None:
        # Whole seconds are all that the header can say; too early would be refused again.
        headers["retry-after"] = str(max(1, math.ceil(problem.retry_after_s)))
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    media_type = "application/json" if openai else "application/problem+json"
    return Response(orjson.dumps(body, default=str), problem.status, headers, media_type=media_type)


def _body_of(request: Request) -> type[BaseModel] | None:
    """Return the class of the body that a route takes; None if it takes none."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return None
    named = route.body_field.field_info.annotation
    classes = (each for each in (named, *get_args(named)) if isinstance(each, type))
    return next((each for each in classes if issubclass(each, BaseModel)), None)


def request_id_of(request: Request) -> str:
    """Return the id of a request."""
    found: str = request.scope.get("holotype.request_id", "")
    return found


def install(app: FastAPI) -> None:
    """Let an application answer every error like this."""

    async def handle(request: Request, error: Exception) -> Response:
        return respond(request, error)

    async def handle_mistake(request: Request, error: Exception) -> Response:
        response = respond(request, error)
        # It is answered outside of the envelope, which puts the id on all other answers.
        response.headers["x-request-id"] = request_id_of(request)
        # uvicorn closes the connection after that; a client that was not told might use it again.
        response.headers["connection"] = "close"
        return response

    for kind in (HolotypeError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
    app.add_exception_handler(Exception, handle_mistake)
