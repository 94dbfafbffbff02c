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
    """Where it comes from."""
    number: int
    """1 for the first model that was loaded as this variant, then one more for each."""
    kind: str
    """The kind of the model, such as `dense`."""
    fingerprint: str | None
    """The digest of what decides its vectors; null if it makes none."""
    device: str
    """Where it runs."""


class VariantBody(Answer):
    """One copy of one variant of one name."""

    # A field of pydantic's own would be hidden by the plain name.
    model_config = ConfigDict(serialize_by_alias=True)

    name: str
    """The name that callers use."""
    variant: str
    """The variant."""
    copy_: int = Field(alias="copy", description="The number of the copy, from 1.")
    weight: float
    """Its share of the calls, from 0 to 1."""
    state: Literal["cold", "loading", "ready", "sick"]
    """`cold` is not loaded; `sick` returned NaN too often, and serves no more."""
    reference: str
    """Where it comes from."""
    version: PoolVersionBody | None
    """What serves; null if nothing does."""
    memory_bytes: int
    """What that holds."""
    n_leases: int
    """How many calls run on it."""
    n_draining: int
    """How many earlier models wait for the end of their calls."""
    pinned: bool
    """Whether it stays loaded."""
    breaker: Literal["closed", "open", "half-open"]
    """Whether calls get through: `closed`, `open` (they are refused) or `half-open` (one tries)."""
    loaded_for_s: float | None
    """Seconds since it was loaded; null if it is not."""
    idle_for_s: float | None
    """Seconds since the last call; null if it is not loaded."""
    last_error: str | None
    """Why the last load failed; null after a success."""

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
    """The device, such as `cpu` or `cuda:0`."""
    total_bytes: int
    """What it has, or what the container may use."""
    budget_bytes: int
    """What models may take."""
    held_bytes: int
    """What loaded and loading models take."""
    unreturned_bytes: int
    """What unloaded models did not give back; it counts as taken."""
    available_bytes: int
    """What the system says is available."""
    free_bytes: int
    """What is left of the budget."""
    loading: str | None
    """The name that is being loaded; null if none is."""
    loading_for_s: float | None
    """For how many seconds; null if none is."""

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
    """1 for the first event of the pool, then one more for each."""
    at: datetime
    """When, in UTC."""
    kind: str
    """What happened, such as `loaded` or `evicted`."""
    name: str
    """The name of the model; empty for the pool itself."""
    values: dict[str, Any]
    """The numbers and words behind it, by name."""


class LimitBody(Answer):
    """How much of a device models may take: bytes, or a share of it."""

    device: str
    """The device."""
    bytes: int | None
    """How many bytes; null if the limit is a share."""
    share: float | None
    """Which share, from 0 to 1; null if the limit is in bytes."""


class PolicyBody(Answer):
    """How models share the machine."""

    memory: list[LimitBody]
    """The limit of each device that has one."""
    eviction: Literal["fewest", "lru"]
    """What is unloaded for another model: the `fewest` models, or the least recently used (`lru`)."""
    idle_after_s: float | None
    """After how many seconds without a call a model is unloaded; null means never."""
    min_resident_s: float
    """For how many seconds a model that has just been loaded is not unloaded for another one."""
    swap: Literal["overlap", "replace"]
    """`overlap` loads a new model beside the old one; `replace` unloads the old one first."""

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
    """Each copy of each variant of each name, in the order of the deployment."""
    ensembles: list[str]
    """The names that combine others."""
    devices: list[DeviceBody]
    """The devices that something was loaded on."""
    events: list[PoolEventBody]
    """The last events, the oldest first."""
    policy: PolicyBody
    """By which rules models share the machine."""


class StateBody(Answer):
    """The variants of a name."""

    items: list[VariantBody]
    """The variants, each copy by itself."""


class AppliedBody(Answer):
    """What a deployment that was read again has changed."""

    added: list[str]
    """Names that are new."""
    removed: list[str]
    """Names that are gone."""
    swapped: list[str]
    """Names of which a variant was replaced."""
    changed: list[str]
    """Names whose weights or other settings changed, while nothing was loaded."""
    failed: dict[str, str]
    """Why a name serves what it served before, by name."""
    missing: dict[str, str]
    """Why a name that serves nothing yet could not be loaded now, by name."""


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
