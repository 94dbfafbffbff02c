"""Kinds, their versions, what is active, and the history: what reads, and what registers and switches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from holotype.errors import HolotypeError, InvalidArgumentError
from holotype.registry import Activation, ModelRegistry, Step, SwitchPlan, VersionExistsError
from holotype.registry.checks import CheckResult, last_checks
from holotype.registry.resolving import ResolvedModel, resolve_model
from holotype.registry.versions import check_kind, check_line, check_model_id, check_version_id
from holotype.server.errors import UnprocessableError
from holotype.server.keys import Caller, require
from holotype.server.management.answers import (
    ActivationBody,
    HistoryBody,
    KindBody,
    KindsBody,
    KindSummaryBody,
    MemoryBody,
    ResultBody,
    VersionBody,
    activations_of,
    versions_of,
)
from holotype.server.management.background import Management, management_of
from holotype.server.management.comparing import ComparisonBody
from holotype.server.management.job_bodies import JobBody
from holotype.server.management.job_store import Progress
from holotype.server.problems import request_id_of

router = APIRouter(prefix="/models", tags=["models"])

Manager = Annotated[Management, Depends(management_of)]
Reader = Annotated[Caller, Depends(require("infer"))]
Operator = Annotated[Caller, Depends(require("operate"))]
Kind = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_]{0,49}$", description="A kind, such as text_embedding.")
]
Limit = Annotated[int, Query(ge=1, le=1000)]
Before = Annotated[int | None, Query(ge=0, le=2**62, description="The next of the page before.")]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=500, description="The same again is the same job."),
]
Generation = Annotated[int | None, Field(ge=0, le=2**62)]
Reason = Annotated[str, Field(max_length=500)]


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid")


class Registration(Body):
    """A version to register."""

    reference: Annotated[str, Field(min_length=1, max_length=1024)]
    version_id: Annotated[str, Field(min_length=1, max_length=50)]
    model_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    inference_config: dict[str, Any] = {}
    dry_run: bool = False


class Switching(Body):
    """On which conditions to switch."""

    expected_generation: Generation = None
    reason: Reason = ""
    allow_different_vectors: bool = False


class SwitchRequest(Switching):
    """A switch, or the question what it would do."""

    dry_run: bool = False


class RegistrationChecksBody(BaseModel):
    """What was found out of a version that is not registered."""

    checks: list[ResultBody]


class SwitchPlanBody(BaseModel):
    """What a switch would do."""

    kind: str
    from_: VersionBody | None = Field(alias="from")
    to: VersionBody
    checks: list[ResultBody]
    memory: MemoryBody | None
    different_vectors: bool
    comparison: ComparisonBody | None
    serving: list[str]

    @classmethod
    def of(cls, plan: SwitchPlan) -> SwitchPlanBody:
        """Describe a plan."""
        current = plan.current
        return cls(
            **{"from": None if current is None else VersionBody.of(current, active=True)},
            kind=plan.kind,
            to=VersionBody.of(
                plan.version,
                active=current is not None and current.id == plan.version.id,
                last_check=plan.last_check,
            ),
            checks=[ResultBody.of(each) for each in plan.checks],
            memory=None if plan.memory is None else MemoryBody.of(plan.memory),
            different_vectors=plan.different_vectors,
            comparison=None if plan.comparison is None else ComparisonBody.of_two(plan.comparison),
            serving=list(plan.serving),
        )


@router.get("/")
def list_kinds(manager: Manager, _: Reader) -> KindsBody:
    """Return all kinds, what is active of each, and since when."""
    kinds = manager.registry.overview()
    active = [each.active for each in kinds if each.active is not None]
    checks = last_checks(manager.registry.database, [each.version.id for each in active])
    return KindsBody(
        items=[
            KindSummaryBody(
                kind=each.kind,
                type=each.type,
                active=None
                if each.active is None
                else ActivationBody.of(
                    each.active, active=True, last_check=checks.get(each.active.version.id)
                ),
                n_versions=each.n_versions,
                since=None if each.active is None else each.active.at,
            )
            for each in kinds
        ]
    )


@router.get("/{kind}")
def list_versions(
    manager: Manager,
    _: Reader,
    kind: Kind,
    limit: Limit = 50,
    before: Before = None,
    q: Annotated[str, Query(max_length=200, description="Only versions with this text.")] = "",
) -> KindBody:
    """Return a kind with what is active, and its versions, the newest first."""
    registry = manager.registry
    type = registry.type_of(kind)
    page = registry.list(kind, limit=limit, before=before, containing=q)
    active = registry.active(kind)
    shown = {each.id for each in page.versions} | ({active.version.id} if active else set())
    checks = last_checks(registry.database, shown)
    return KindBody(
        kind=kind,
        type=type,
        active=None
        if active is None
        else ActivationBody.of(active, active=True, last_check=checks.get(active.version.id)),
        items=versions_of(page.versions, checks, [active.version.id] if active else ()),
        next=page.next,
    )


@router.get("/{kind}/versions/{model_id}/{version_id}")
def get_version(
    manager: Manager, _: Reader, kind: Kind, model_id: str, version_id: str
) -> VersionBody:
    """Return one version."""
    registry = manager.registry
    found = registry.get(kind, f"{check_model_id(model_id)}/{check_version_id(version_id)}")
    active = registry.active(kind)
    checks = last_checks(registry.database, [found.id])
    is_active = active is not None and active.version.id == found.id
    return VersionBody.of(found, active=is_active, last_check=checks.get(found.id))


@router.get("/{kind}/history")
def get_history(
    manager: Manager,
    _: Reader,
    kind: Kind,
    at: Annotated[
        datetime | None, Query(description="Only what was active then; a time with a zone.")
    ] = None,
    limit: Limit = 50,
    before: Before = None,
) -> HistoryBody:
    """Return the activations of a kind, the newest first, or the one that was active at a time."""
    registry = manager.registry
    active = registry.active(kind)
    if at is not None:
        found = registry.active_at(kind, at)
        return HistoryBody(items=activations_of([found] if found else [], active), next=None)
    page = registry.history(kind, limit=limit, before=before)
    more = len(page) == limit and page[-1].generation > 1
    return HistoryBody(
        items=activations_of(page, active), next=page[-1].generation if more else None
    )


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
        return _found(RegistrationChecksBody(checks=_check_registration(registry, kind, body)))

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
        request_id=_request_id(request, idempotency_key),
        kind=kind,
        repeatable=idempotency_key is not None,
        content=body.model_dump_json(),
    )
    return JobBody.of(job)


@router.post(
    "/{kind}/switch/{version:path}",
    status_code=202,
    response_model=JobBody,
    responses={200: {"model": SwitchPlanBody, "description": "What a dry run found."}},
)
def switch_version(
    manager: Manager,
    caller: Operator,
    request: Request,
    kind: Kind,
    version: str,
    body: SwitchRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Load a version, check it, make it the active one, and let it serve; or nothing at all."""
    asked = body or SwitchRequest()
    switcher = manager.switcher
    if asked.dry_run:
        plan = switcher.plan(
            kind,
            version,
            expected_generation=asked.expected_generation,
            allow_different_vectors=asked.allow_different_vectors,
        )
        return _found(SwitchPlanBody.of(plan))
    request_id = _request_id(request, idempotency_key)
    check_line("reason", asked.reason, may_be_empty=True)
    switcher.refuse(
        kind,
        version,
        expected_generation=asked.expected_generation,
        request_id=request_id,
        allow_different_vectors=asked.allow_different_vectors,
    )
    found = manager.registry.get(kind, version)

    def run(on_step: Callable[[Step], None]) -> Activation:
        return switcher.switch(
            kind,
            found.name,
            actor=caller.name,
            reason=asked.reason,
            expected_generation=asked.expected_generation,
            request_id=request_id,
            allow_different_vectors=asked.allow_different_vectors,
            on_step=on_step,
        )

    return _submit(
        manager,
        "switch",
        run,
        kind,
        found.name,
        caller,
        request_id,
        asked,
        repeatable=idempotency_key is not None,
    )


@router.post("/{kind}/rollback", status_code=202)
def roll_back(
    manager: Manager,
    caller: Operator,
    request: Request,
    kind: Kind,
    body: Switching | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JobBody:
    """Return to the version before, in the same way as a switch."""
    asked = body or Switching()
    switcher = manager.switcher
    request_id = _request_id(request, idempotency_key)
    check_line("reason", asked.reason, may_be_empty=True)
    switcher.refuse(
        kind,
        None,
        expected_generation=asked.expected_generation,
        request_id=request_id,
        allow_different_vectors=asked.allow_different_vectors,
    )
    done = manager.registry.requested(request_id)
    target = manager.registry.rollback_target(kind)[1] if done is None else done
    subject = target.version.name

    def run(on_step: Callable[[Step], None]) -> Activation:
        return switcher.rollback(
            kind,
            actor=caller.name,
            reason=asked.reason,
            expected_generation=asked.expected_generation,
            request_id=request_id,
            allow_different_vectors=asked.allow_different_vectors,
            on_step=on_step,
        )

    return _submit(
        manager,
        "rollback",
        run,
        kind,
        subject,
        caller,
        request_id,
        asked,
        repeatable=idempotency_key is not None,
    )


def _request_id(request: Request, idempotency_key: str | None) -> str:
    """Return what names a request in the history."""
    if idempotency_key is None:
        return request_id_of(request)
    return check_line("Idempotency-Key", idempotency_key)


def _found(body: BaseModel) -> Response:
    """Return what a dry run found: nothing was made that 202 would announce."""
    return Response(body.model_dump_json(by_alias=True), media_type="application/json")


def _submit(
    manager: Management,
    type: Literal["switch", "rollback"],
    switch: Callable[[Callable[[Step], None]], Activation],
    kind: str,
    subject: str,
    caller: Caller,
    request_id: str,
    asked: Switching,
    *,
    repeatable: bool,
) -> JobBody:
    def run(progress: Progress) -> Mapping[str, Any]:
        done = switch(lambda step: progress.step(step.name, step.state, step.message))
        return ActivationBody.of(done, active=True).model_dump(mode="json")

    job = manager.jobs.submit(
        type,
        run,
        subject=subject,
        actor=caller.name,
        request_id=request_id,
        kind=kind,
        repeatable=repeatable,
        content=(subject if type == "switch" else "", asked.model_dump_json()),
        alone=f"switch {kind}",
    )
    return JobBody.of(job)


def _check_registration(registry: ModelRegistry, kind: str, body: Registration) -> list[ResultBody]:
    """Resolve a reference, and say what registering it would find."""
    results = [CheckResult(name="kind", outcome="passed", message=_about_kind(registry, kind))]
    try:
        resolved = resolve_model(body.reference, body.inference_config)
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
