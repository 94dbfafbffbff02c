"""Kinds, their versions, what is active, and the history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from holotype.registry.checks import last_checks
from holotype.registry.versions import check_model_id, check_version_id
from holotype.server.management.answers import (
    ActivationBody,
    HistoryBody,
    KindBody,
    KindsBody,
    KindSummaryBody,
    VersionBody,
    activations_of,
    versions_of,
)
from holotype.server.management.parameters import Before, Kind, Limit, Manager, Reader

router = APIRouter(prefix="/models", tags=["models"])


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
