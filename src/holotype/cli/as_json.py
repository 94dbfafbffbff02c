"""Records as JSON: the names of their fields, in their order, and null for what is unknown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from holotype.cli.fields import facts
from holotype.records import ModelInfo


def record_as_json(record: ModelInfo) -> dict[str, Any]:
    """Return the fields of a record; tuples become lists, the provenance an object."""
    return asdict(record) | {"provenance": dict(record.provenance)}


def page_as_json(record: ModelInfo) -> dict[str, Any]:
    """Return the fields of a record and, as ``sources``, the source of each that is known."""
    sources = {fact.name: fact.source for fact in facts(record) if fact.source is not None}
    return record_as_json(record) | {"sources": sources}
