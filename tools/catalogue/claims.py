"""Single values with their sources, as they were read from a page or a file.

A line of the file is one claim: `huggingface_id`, `pointer`, `value`, `source`, and `kind` where
the value holds for one mode of the repository. `source` is a provenance, as `models.json` keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue.facts import Candidates, Fact

Claims = Mapping[str, Sequence[Mapping[str, Any]]]


def read_claims(*paths: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the claims of JSON Lines files, by their `huggingface_id`."""
    claims: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            if line:
                claim = json.loads(line)
                claims.setdefault(claim["huggingface_id"], []).append(claim)
    return claims


def from_claims(claims: Sequence[Mapping[str, Any]], kind: str) -> Candidates:
    """Return what the claims say of a model, run as a model of this kind."""
    found: Candidates = {}
    for claim in claims:
        if claim.get("kind") in (None, kind):
            fact = Fact(claim["value"], claim["source"])
            found.setdefault(claim["pointer"], []).append(fact)
    return found
