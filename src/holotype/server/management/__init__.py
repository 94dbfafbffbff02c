"""The management API: versions, switches, benchmarks, the pool, keys and events."""

from __future__ import annotations

from fastapi import APIRouter

from holotype.server.management import (
    about,
    benchmarks,
    catalogue,
    events,
    jobs,
    keys,
    pool,
    registering,
    switching,
    versions,
)
from holotype.server.management.background import lifespan

router = APIRouter(prefix="/api", lifespan=lifespan)

# Literal paths come before those with a kind in their place.
for part in (
    benchmarks,
    versions,
    registering,
    switching,
    pool,
    jobs,
    events,
    keys,
    catalogue,
    about,
):
    router.include_router(part.router)
