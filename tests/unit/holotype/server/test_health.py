"""Why a server is not ready, by what its pool shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from holotype.deployment.reading import read_text
from holotype.pool.status import BORROWED, PoolStatus, VariantStatus
from holotype.server.health import find_problems
from holotype.server.state import ServerState

DEPLOYMENT = read_text(
    "version: '1.0'\nmodels:\n  m: {source: {type: builtin, name: pii}, preload: true}\n"
)


def problems(**values: Any) -> list[str]:
    """Of a server whose only model is preloaded, and is cold now."""
    shown: dict[str, Any] = {
        "name": "m",
        "variant": "default",
        "weight": 1.0,
        "state": "cold",
        "reference": "builtin:pii",
        "version": None,
        "memory_bytes": 0,
        "n_leases": 0,
        "n_draining": 0,
        "pinned": False,
        "breaker": "closed",
        "loaded_for_s": None,
        "idle_for_s": None,
        "last_error": None,
    }
    status = PoolStatus(models=(VariantStatus(**shown | values),), ensembles=(), devices=())
    pool = SimpleNamespace(status=lambda: status, deployment=DEPLOYMENT)
    return find_problems(cast("ServerState", SimpleNamespace(pool=pool, is_draining=False)))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, ["'m' is cold"]),
        ({"state": "ready"}, []),
        ({"state": "loading"}, ["'m' is loading"]),
        ({"last_error": "it is damaged"}, ["'m' is cold: it is damaged"]),
        (
            {"evicted_for": "other"},
            [
                "'m' is cold: it was unloaded for 'other'; raise pool.memory, or preload no more "
                "than fits, and pin what has to stay"
            ],
        ),
        (
            {"evicted_for": BORROWED},
            [
                "'m' is cold: it was unloaded for one that was checked or measured; raise "
                "pool.memory, or preload no more than fits, and pin what has to stay"
            ],
        ),
        (
            {"evicted_for": "other", "last_error": "it is damaged"},
            ["'m' is cold: it is damaged"],
        ),
    ],
)
def test_what_is_preloaded_has_to_be_ready(values: dict[str, Any], found: list[str]) -> None:
    assert problems(**values) == found


def test_a_model_that_nobody_called_keeps_no_calls_away() -> None:
    assert problems(went_idle=True) == []
    assert problems(went_idle=True, state="loading") == []
    assert problems(went_idle=True, last_error="it is gone") == ["'m' is cold: it is gone"]
