"""When a model was first released: what the registry says, held against what others wrote.

mteb gives the date of the commit that it pins, which may be years after the release. Its date is taken
only where a public repository named the model for the first time soon after: an earlier mention
refutes the date, and a much later one tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from catalogue.facts import MTEB, Candidates
from catalogue.provenance import key_of

_RELEASED = "/release_date"
_NAMED_WITHIN = timedelta(days=60)


def settle_the_date(candidates: Candidates, mention: Mapping[str, Any] | None) -> None:
    """Withdraw the registry's date of release unless a mention confirms it.

    Args:
        candidates: what is said of the model.
        mention: the day on which a public repository named it first (`date`), and where (`source`).
    """
    named = None if mention is None else date.fromisoformat(mention["date"])
    candidates[_RELEASED] = [
        fact
        for fact in candidates.get(_RELEASED, [])
        if key_of(fact.source) != MTEB
        or (
            named is not None
            and timedelta() <= named - date.fromisoformat(fact.value) <= _NAMED_WITHIN
        )
    ]
