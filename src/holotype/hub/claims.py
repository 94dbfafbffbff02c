"""Compares entries with a file of facts, which takes the place of the Hub.

Each line of the file is a JSON object: `huggingface_id`, `pointer` (a JSON pointer within the
entry), `value`, `source`, and `kind` where the value holds for one kind of model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holotype.errors import CatalogueFileError, reason_of
from holotype.hub.fields import POINTERS, value_of
from holotype.hub.verifying import Finding, Outcome, Report
from holotype.records import ModelInfo

_FIELDS = {"/" + "/".join(place): field for field, place in POINTERS.items()}
_TEXTS = ("huggingface_id", "pointer", "source")
_OF_THE_CHECKPOINT = "hub:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a source says of one field of a model."""

    field: str
    value: object
    source: str
    kind: str | None


def read_claims(path: Path) -> dict[str, tuple[Claim, ...]]:
    """Return the facts of a file by repository, without those of fields that no checkpoint has.

    Raises:
        CatalogueFileError: the file cannot be read, or a line is no fact.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueFileError(str(path), f"it cannot be read: {reason_of(error)}") from None
    claims: dict[str, tuple[Claim, ...]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        values = _values(path, line, number)
        field = _FIELDS.get(values["pointer"])
        if field is not None:
            claim = Claim(
                field=field,
                value=_comparable(values["value"]),
                source=values["source"],
                kind=values.get("kind"),
            )
            repository = values["huggingface_id"]
            claims[repository] = (*claims.get(repository, ()), claim)
    return claims


def verify_claims(
    record: ModelInfo, claims: Mapping[str, Sequence[Claim]], location: str
) -> Report:
    """Compare an entry with the facts about its repository; files of the checkpoint go first."""
    own = [claim for claim in claims.get(record.huggingface_id, ()) if _is_of(claim, record)]
    first: dict[str, Claim] = {}
    for claim in sorted(own, key=lambda claim: not claim.source.startswith(_OF_THE_CHECKPOINT)):
        first.setdefault(claim.field, claim)
    findings = [
        _finding(field, value_of(record, field), first.get(field))
        for field in POINTERS
        if hasattr(record, field)
    ]
    stated = tuple(found for found in findings if found is not None)
    return Report(id=record.id, location=location, findings=stated)


def _values(path: Path, line: str, number: int) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CatalogueFileError(str(path), f"line {number} is not JSON: {error}") from None
    if not isinstance(values, dict) or "value" not in values:
        values = {}
    missing = [name for name in _TEXTS if not isinstance(values.get(name), str)]
    if missing:
        raise CatalogueFileError(
            str(path),
            f"line {number} is no fact: expected an object with huggingface_id, pointer, value and "
            "source, such as {"
            '"huggingface_id": "org/model", "pointer": "/specs/context_length", "value": 512, '
            '"source": "hub: sentence_bert_config.json"}',
        )
    return values


def _comparable(value: object) -> object:
    """Return a value as records hold it: tuples in place of lists."""
    return tuple(value) if isinstance(value, list) else value


def _is_of(claim: Claim, record: ModelInfo) -> bool:
    return claim.kind in (None, record.type)


def _finding(field: str, ours: object, claim: Claim | None) -> Finding | None:
    if claim is None:
        outcome: Outcome = "not said"
        if ours is None:
            return None
    elif ours is None:
        outcome = "checkpoint only"
    else:
        outcome = "agree" if ours == claim.value else "differ"
    return Finding(
        field=field,
        outcome=outcome,
        ours=ours,
        theirs=None if claim is None else claim.value,
        file=None if claim is None else claim.source,
    )
