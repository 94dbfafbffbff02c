"""When a model was first released: what the registry says, held against what others wrote.

mteb gives the date of the commit that it pins, which may be years after the release. Its date is
taken only where somebody wrote of the model soon after: a public repository named it for the first
time, or the paper that the registry cites came out. A repository that named the model earlier
refutes the date; a much later mention tells nothing.

Whoever filled in the registry's lines gave several models of one maker the same date. Where it is
wrong for one of them, nothing vouches for it in the others.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from catalogue.facts import MTEB, Candidates, Fact
from catalogue.provenance import key_of
from catalogue.refuted import with_refuted_values

RELEASED = "/release_date"
_WRITTEN_WITHIN = timedelta(days=60)


def settle_the_date(
    candidates: Candidates, mention: Mapping[str, Any] | None, papers: Mapping[str, Any] | None
) -> None:
    """Withdraw the registry's date of release unless a mention or a paper confirms it.

    Args:
        candidates: what is said of the model.
        mention: the day on which a public repository named it first (`date`), and where (`source`).
        papers: the arXiv numbers (`papers`) that the registry cites for the model.
    """
    named = None if mention is None else date.fromisoformat(mention["date"])
    numbers = () if papers is None else papers["papers"]
    candidates[RELEASED] = [
        fact
        for fact in candidates.get(RELEASED, [])
        if key_of(fact.source) != MTEB
        or _is_confirmed(date.fromisoformat(fact.value), named, numbers)
    ]


def with_refuted_dates(
    facts: Mapping[str, Mapping[str, Fact]], mteb: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """Return the repositories whose date is mteb's alone, and wrong for another model of the maker.

    Args:
        facts: what was chosen for each model, by repository.
        mteb: mteb's registry, by repository.
    """
    return with_refuted_values(
        facts,
        mteb,
        pointer=RELEASED,
        key="release_date",
        group=_maker,
        refutes=lambda fact, stated: fact.value != stated,
    )


def _maker(repository: str) -> str:
    return repository.partition("/")[0].lower()


def _is_confirmed(released: date, named: date | None, numbers: Iterable[str]) -> bool:
    if named is not None and named < released:
        return False
    return (named is not None and named - released <= _WRITTEN_WITHIN) or any(
        _came_soon_after(released, number) for number in numbers
    )


def _came_soon_after(released: date, number: str) -> bool:
    """Whether a paper came out in the month of the release, or within the time of a mention.

    The first four digits of an arXiv number are the year and the month.
    """
    year, month = 2000 + int(number[:2]), int(number[2:4])
    _, days = calendar.monthrange(year, month)
    first, last = date(year, month, 1), date(year, month, days)
    return released <= last and first - released <= _WRITTEN_WITHIN
