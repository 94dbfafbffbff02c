"""The management API: versions, switches, benchmarks, the pool, keys and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from holotype.server.management.answers import ProblemBody
from holotype.server.management.background import lifespan
from holotype.server.metrics import MANAGEMENT

_PROBLEM_SCHEMA = f"#/components/schemas/{ProblemBody.__name__}"
_PROBLEM = {
    "description": "What was found, what was expected, and what to do.",
    "content": {"application/problem+json": {"schema": {"$ref": _PROBLEM_SCHEMA}}},
}
PROBLEMS: Mapping[int | str, dict[str, Any]] = dict.fromkeys(("4XX", 503, 504), _PROBLEM)
"""What every route may answer."""

router = APIRouter(prefix=MANAGEMENT, lifespan=lifespan, responses=dict(PROBLEMS))

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
