"""The pool: what is loaded, what happened, and what operators may do with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request

from holotype.deployment.document import PoolSettings
from holotype.pool import DeviceStatus, VariantStatus
from holotype.server.errors import NoDeploymentError
from holotype.server.management.answers import Answer, MemoryBody
from holotype.server.management.background import Management, event_data
from holotype.server.management.job_bodies import JobBody
from holotype.server.management.job_store import Progress
from holotype.server.management.parameters import Manager, Operator, Reader
from holotype.server.problems import request_id_of

router = APIRouter(tags=["pool"])

_EVENTS_SHOWN = 50


class PoolVersionBody(Answer):
    """What serves."""

    reference: str
    number: int
    kind: str
    fingerprint: str | None
    device: str


class VariantBody(Answer):
    """One copy of one variant of one name."""

    # A field of pydantic's own would be hidden by the plain name.
    model_config = ConfigDict(serialize_by_alias=True)

    name: str
    variant: str
    copy_: int = Field(alias="copy", description="The number of the copy, from 1.")
    weight: float
    state: Literal["cold", "loading", "ready", "sick"]
    reference: str
    version: PoolVersionBody | None
    memory_bytes: int
    n_leases: int
    n_draining: int
    pinned: bool
    breaker: Literal["closed", "open", "half-open"]
    loaded_for_s: float | None
    idle_for_s: float | None
    last_error: str | None

    @classmethod
    def of(cls, one: VariantStatus) -> VariantBody:
        """Describe a variant."""
        version = None
        if one.version is not None:
            version = PoolVersionBody(
                reference=one.version.reference,
                number=one.version.number,
                kind=one.version.kind,
                fingerprint=one.version.fingerprint,
                device=one.version.device,
            )
        return cls(
            name=one.name,
            variant=one.variant,
            copy=one.copy,
            weight=one.weight,
            state=one.state,
            reference=one.reference,
            version=version,
            memory_bytes=one.memory_bytes,
            n_leases=one.n_leases,
            n_draining=one.n_draining,
            pinned=one.pinned,
            breaker=one.breaker,
            loaded_for_s=one.loaded_for_s,
            idle_for_s=one.idle_for_s,
            last_error=one.last_error,
        )


class DeviceBody(Answer):
    """The memory of a device."""

    name: str
    total_bytes: int
    budget_bytes: int
    held_bytes: int
    unreturned_bytes: int
    available_bytes: int
    free_bytes: int
    loading: str | None
    loading_for_s: float | None

    @classmethod
    def of(cls, one: DeviceStatus) -> DeviceBody:
        """Describe a device."""
        return cls(
            name=one.name,
            total_bytes=one.total_bytes,
            budget_bytes=one.budget_bytes,
            held_bytes=one.held_bytes,
            unreturned_bytes=one.unreturned_bytes,
            available_bytes=one.available_bytes,
            free_bytes=one.free_bytes,
            loading=one.loading,
            loading_for_s=one.loading_for_s,
        )


class PoolEventBody(Answer):
    """Something that happened in the pool."""

    number: int
    at: datetime
    kind: str
    name: str
    values: dict[str, Any]


class LimitBody(Answer):
    """How much of a device models may take: bytes, or a share of it."""

    device: str
    bytes: int | None
    share: float | None


class PolicyBody(Answer):
    """How models share the machine."""

    memory: list[LimitBody]
    eviction: Literal["fewest", "lru"]
    idle_after_s: float | None
    min_resident_s: float
    swap: Literal["overlap", "replace"]

    @classmethod
    def of(cls, settings: PoolSettings) -> PolicyBody:
        """Describe settings."""
        return cls(
            memory=[
                LimitBody(device=each.device, bytes=each.n_bytes, share=each.share)
                for each in settings.memory
            ],
            eviction=settings.eviction,
            idle_after_s=settings.idle_after_s,
            min_resident_s=settings.min_resident_s,
            swap=settings.swap,
        )


class PoolBody(Answer):
    """The pool at one moment, its last events, and its policy."""

    models: list[VariantBody]
    ensembles: list[str]
    devices: list[DeviceBody]
    events: list[PoolEventBody]
    policy: PolicyBody


class StateBody(Answer):
    """The variants of a name."""

    items: list[VariantBody]


class AppliedBody(Answer):
    """What a deployment that was read again has changed."""

    added: list[str]
    removed: list[str]
    swapped: list[str]
    changed: list[str]
    failed: dict[str, str]
    missing: dict[str, str]


@router.get("/pool")
def get_pool(manager: Manager, _: Reader) -> PoolBody:
    """Return what is loaded and what it takes, the last 50 events, and the policy."""
    pool = manager.state.pool
    status = pool.status()
    return PoolBody(
        models=[VariantBody.of(each) for each in status.models],
        ensembles=list(status.ensembles),
        devices=[DeviceBody.of(each) for each in status.devices],
        events=[
            PoolEventBody.model_validate(event_data(each))
            for each in pool.events.last()[-_EVENTS_SHOWN:]
        ],
        policy=PolicyBody.of(pool.deployment.pool),
    )


@router.post("/pool/{name}/load", status_code=202)
def load_name(manager: Manager, caller: Operator, request: Request, name: str) -> JobBody:
    """Load what a name serves."""
    pool = manager.state.pool
    # An unknown name is refused now, and not by the job.
    pool.plan(name)

    def run(progress: Progress) -> Mapping[str, Any]:
        progress.step("load", "running", f"loading {name}")
        pool.load(name)
        progress.step("load", "succeeded", f"{name} is loaded")
        return _state(manager, name).model_dump(mode="json")

    job = manager.jobs.submit(
        "load", run, subject=name, actor=caller.name, request_id=request_id_of(request)
    )
    return JobBody.of(job)


@router.post("/pool/{name}/unload")
def unload_name(manager: Manager, _: Operator, name: str) -> StateBody:
    """Unload what a name serves once no call runs on it; the next call loads it again."""
    manager.state.pool.unload(name)
    return _state(manager, name)


@router.post("/pool/{name}/pin")
def pin_name(manager: Manager, _: Operator, name: str) -> StateBody:
    """Keep a name loaded, although others need the memory or nobody calls."""
    manager.state.pool.pin(name)
    return _state(manager, name)


@router.post("/pool/{name}/unpin")
def unpin_name(manager: Manager, _: Operator, name: str) -> StateBody:
    """Let a name be unloaded again."""
    manager.state.pool.pin(name, pinned=False)
    return _state(manager, name)


@router.post("/pool/{name}/plan")
def plan_name(manager: Manager, _: Operator, name: str) -> MemoryBody:
    """Say what loading a name would need and unload; nothing happens."""
    plan = manager.state.pool.plan(name)
    return MemoryBody(
        fits=plan.fits,
        need_bytes=plan.need_bytes,
        free_bytes=plan.free_bytes,
        would_unload=list(plan.would_unload),
    )


@router.post("/reload")
def reload(manager: Manager, _: Operator) -> AppliedBody:
    """Read the deployment again, and serve what it says now."""
    if manager.state.settings.deployment is None:
        raise NoDeploymentError(
            "this server was started without a deployment, so there is none to read again; write "
            "one, and start: holotype serve deployment.yaml"
        )
    applied = manager.state.pool.reload()
    return AppliedBody(
        **{
            field.name: _plain(getattr(applied, field.name))
            for field in dataclasses.fields(applied)
        }
    )


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)


def _state(manager: Management, name: str) -> StateBody:
    status = manager.state.pool.status()
    return StateBody(items=[VariantBody.of(each) for each in status.of(name)])
