"""Registers versions in the background, and says before what would come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from holotype.errors import HolotypeError, InvalidArgumentError
from holotype.registry import ModelRegistry, VersionExistsError
from holotype.registry.checks import CheckResult
from holotype.registry.resolving import ResolvedModel, resolve_model
from holotype.registry.versions import check_kind, check_model_id, check_version_id
from holotype.server.errors import UnprocessableError
from holotype.server.management.answers import Answer, ResultBody, VersionBody
from holotype.server.management.job_bodies import JobBody
from holotype.server.management.job_store import Progress
from holotype.server.management.parameters import (
    Body,
    IdempotencyKey,
    Kind,
    Manager,
    Operator,
    answer_found,
    name_request,
)

router = APIRouter(prefix="/models", tags=["models"])


class Registration(Body):
    """A version to register."""

    reference: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where the files are: `local:`, `hf:` with a commit, or `catalogue:`."""
    version_id: Annotated[str, Field(min_length=1, max_length=50)]
    """The name of the version, which the model has not used yet."""
    model_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """The model that it is a version of; by default the id of its record."""
    inference_config: Annotated[dict[str, Any], Field(default_factory=dict)]
    """The options of `load` that belong to the version."""
    dry_run: bool = False
    """Whether only to say what the registration would find."""


class RegistrationChecksBody(Answer):
    """What was found out about a version that is not registered."""

    checks: list[ResultBody]
    """What was looked at."""


@router.post(
    "/{kind}/register",
    status_code=202,
    response_model=JobBody,
    responses={200: {"model": RegistrationChecksBody, "description": "What a dry run found."}},
)
def register_version(
    manager: Manager,
    caller: Operator,
    request: Request,
    kind: Kind,
    body: Registration,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Register a version: its reference is resolved, and every byte is read. Nothing is activated."""
    registry = manager.registry
    if not body.reference.isprintable():
        raise UnprocessableError("reference has characters that do not show; expected one line")
    check_version_id(body.version_id)
    if body.model_id is not None:
        check_model_id(body.model_id)
    if body.inference_config.get("trust_remote_code"):
        raise UnprocessableError(
            "trust_remote_code lets files of a checkpoint run; register such a version where you "
            "have looked at them: holotype registry register ... --option trust_remote_code=true"
        )
    if body.dry_run:
        return answer_found(
            RegistrationChecksBody(checks=_check_registration(registry, kind, body))
        )

    def run(progress: Progress) -> Mapping[str, Any]:
        progress.step("register", "running", f"reading {body.reference}")
        version = registry.register(
            kind,
            body.version_id,
            body.reference,
            actor=caller.name,
            model_id=body.model_id,
            inference_config=body.inference_config,
        )
        progress.step("register", "succeeded", f"registered {version.name}")
        return VersionBody.of(version).model_dump(mode="json")

    job = manager.jobs.submit(
        "register",
        run,
        subject=body.version_id if body.model_id is None else f"{body.model_id}/{body.version_id}",
        actor=caller.name,
        request_id=name_request(request, idempotency_key),
        kind=kind,
        repeatable=idempotency_key is not None,
        content=body.model_dump_json(),
    )
    return JobBody.of(job)


def _check_registration(registry: ModelRegistry, kind: str, body: Registration) -> list[ResultBody]:
    """Resolve a reference, and say what registering it would find."""
    results = [CheckResult(name="kind", outcome="passed", message=_about_kind(registry, kind))]
    try:
        resolved = resolve_model(body.reference, body.inference_config, registry.catalogue)
    except InvalidArgumentError as error:
        results.append(CheckResult(name="options", outcome="failed", message=str(error)))
    except HolotypeError as error:
        results.append(CheckResult(name="reference", outcome="failed", message=str(error)))
    else:
        results += _about_resolved(registry, kind, body, resolved)
    return [ResultBody.of(each) for each in results]


def _about_kind(registry: ModelRegistry, kind: str) -> str:
    check_kind(kind)
    if kind in registry.kinds():
        return f"its versions are {registry.type_of(kind)} models"
    return "it is new; the version makes it"


def _about_resolved(
    registry: ModelRegistry, kind: str, body: Registration, resolved: ResolvedModel
) -> list[CheckResult]:
    type = str(resolved.record.type)
    name = f"{body.model_id or resolved.record.id}/{body.version_id}"
    found = [
        CheckResult(
            name="reference", outcome="passed", message=f"{resolved.reference}, every byte was read"
        )
    ]
    other = registry.type_of(kind) if kind in registry.kinds() else type
    message = f"a {type} model"
    if other != type:
        message += (
            f", and the versions of {kind} are {other} models; register it under another kind"
        )
    found.append(
        CheckResult(name="type", outcome="passed" if other == type else "failed", message=message)
    )
    try:
        registry.check_new(kind, name, resolved, body.inference_config)
    except VersionExistsError as error:
        found.append(CheckResult(name="name", outcome="failed", message=str(error)))
    else:
        found.append(CheckResult(name="name", outcome="passed", message=name))
    if resolved.fingerprint is not None:
        message = f"{resolved.fingerprint}, of {resolved.embedding_dim} dimensions"
        found.append(CheckResult(name="vectors", outcome="passed", message=message))
    return found
