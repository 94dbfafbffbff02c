"""Records as JSON: fields by name, in order, with null for unknown values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from holotype.cli.fields import facts
from holotype.records import ModelInfo


def record_as_json(record: ModelInfo) -> dict[str, Any]:
    """Return the fields of a record, with tuples as lists and the provenance as an object."""
    return asdict(record) | {"provenance": dict(record.provenance)}


def page_as_json(record: ModelInfo) -> dict[str, Any]:
    """Return the fields of a record, plus the source of each known one under ``sources``."""
    sources = {fact.name: fact.source for fact in facts(record) if fact.source is not None}
    return record_as_json(record) | {"sources": sources}
