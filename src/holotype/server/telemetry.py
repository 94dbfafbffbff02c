"""Traces and metrics by OpenTelemetry, with the extra ``otel``; the usual variables switch them on.

FastAPI makes the spans of requests. What the server adds to them is which model answered, and how
long the request waited and ran.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from holotype.pool import Answer

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)

_log = logging.getLogger("holotype.server")


def is_on() -> bool:
    """Whether the environment names a collector, and the extra is installed."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return False
    if not _is_installed():
        _log.warning(
            "a collector of OpenTelemetry is named, and the extra is not installed; install it with: "
            "pip install 'holotype[otel]'"
        )
        return False
    return True


def configuration() -> TelemetryConfig:
    """Return how FastAPI traces: to the collector of the environment, or not at all."""
    on = is_on()
    return {"auto_configure": on, "tracing": on, "metrics": on, "logs": on}


def note_route(scope: Scope, path: str) -> None:
    """Tell FastAPI which route answers a request that it has not searched one for."""
    from opentelemetry import trace

    told: Any = scope.get("fastapi.telemetry")
    if told is not None:
        told.route = path
        trace.get_current_span().update_name(f"{told.span_method} {path}")


def note_answer(name: str, answer: Answer[Any]) -> None:
    """Add to the span of a request which model answered, and how long that took."""
    from opentelemetry import trace

    version = answer.version
    trace.get_current_span().set_attributes(
        {
            "holotype.model": name,
            "holotype.variant": version.variant,
            "holotype.generation": version.number,
            "holotype.fingerprint": version.fingerprint or "",
            "holotype.queue_ms": 1000 * answer.queue_s,
            "holotype.batch_ms": 1000 * answer.run_s,
        }
    )


def _is_installed() -> bool:
    # A name with dots imports what stands before the last one.
    return find_spec("opentelemetry") is not None and (
        find_spec("opentelemetry.sdk") is not None
        and find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    )
