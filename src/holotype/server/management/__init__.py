"""The management API: versions, switches, benchmarks, the pool, keys and events."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api")
