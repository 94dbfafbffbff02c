"""Switches kinds and goes back, in the background, and says before what would come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from holotype.registry import Activation, Step, SwitchPlan
from holotype.registry.versions import check_line
from holotype.server.keys import Caller
from holotype.server.management.answers import (
    ActivationBody,
    MemoryBody,
    ResultBody,
    VersionBody,
)
from holotype.server.management.background import Management
from holotype.server.management.comparing import ComparisonBody
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

Generation = Annotated[int | None, Field(ge=0, le=2**62)]
Reason = Annotated[str, Field(max_length=500)]


class Switching(Body):
    """On which conditions to switch."""

    expected_generation: Generation = None
    """The generation that must be active; another one is a 409."""
    reason: Reason = ""
    """Why, for the history."""
    allow_different_vectors: bool = False
    """Whether an index of the active version may become useless to searches by the new one."""


class SwitchRequest(Switching):
    """A switch, or the question what it would do."""

    dry_run: bool = False
    """Whether only to say what the switch would do."""


class SwitchPlanBody(BaseModel):
    """What a switch would do."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: str
    """The kind."""
    from_: VersionBody | None = Field(alias="from")
    """The version that is active; null if none is."""
    to: VersionBody
    """The version that would be."""
    checks: list[ResultBody]
    """What can be known without loading it."""
    memory: MemoryBody | None
    """Whether it fits; null if nothing here serves the kind."""
    different_vectors: bool
    """Whether its vectors differ from those of the active version."""
    comparison: ComparisonBody | None
    """What was measured of both; null if no version is active."""
    serving: list[str]
    """The names that would serve it."""

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
    """Load a version, check it, make it the active one, and let it serve; or nothing at all.

    Where it is active and serves already, nothing changes, and the job returns the activation that there
    is. With an Idempotency-Key it is switched to even so: only a record tells the same key later.
    """
    asked = body or SwitchRequest()
    switcher = manager.switcher
    if asked.dry_run:
        plan = switcher.plan(
            kind,
            version,
            expected_generation=asked.expected_generation,
            allow_different_vectors=asked.allow_different_vectors,
        )
        return answer_found(SwitchPlanBody.of(plan))
    request_id = name_request(request, idempotency_key)
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
        expected = asked.expected_generation
        # Only a record tells the same key later.
        if idempotency_key is None and (
            kept := switcher.find_kept(
                kind, found.name, expected_generation=expected, on_step=on_step
            )
        ):
            return kept
        return switcher.switch(
            kind,
            found.name,
            actor=caller.name,
            reason=asked.reason,
            expected_generation=expected,
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
    request_id = name_request(request, idempotency_key)
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
