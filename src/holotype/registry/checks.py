"""Checks of versions: what was looked at, what came of it, and the last one of each version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import func, insert, select

from holotype.registry.database import Database
from holotype.registry.tables import version_check

CheckOutcome: TypeAlias = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One thing that was looked at.

    Attributes:
        name: what, such as ``fingerprint``.
        outcome: ``passed``, ``failed``, or ``skipped`` where it does not apply or cannot be known.
        message: what was found; of a failure also what was expected, and what to do.
    """

    name: str
    outcome: CheckOutcome
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCheck:
    """A check of a version, as it was recorded; it never changes.

    Attributes:
        version: the number of the version in the database.
        outcome: ``failed`` if any of the results is.
        checks: the results, in the order in which they were found.
        facts: what the loaded model said: ``dim``, ``fingerprint``, ``labels``, ``memory_bytes``,
            ``load_s``, ``probe_ms`` and the like, as far as it came.
        at: when, in UTC.
    """

    version: int
    outcome: Literal["passed", "failed"]
    checks: tuple[CheckResult, ...]
    facts: Mapping[str, Any] = field(hash=False)
    at: datetime

    @property
    def problems(self) -> tuple[CheckResult, ...]:
        """The results that failed."""
        return tuple(each for each in self.checks if each.outcome == "failed")


def record_check(
    database: Database, version: int, checks: Sequence[CheckResult], facts: Mapping[str, Any]
) -> VersionCheck:
    """Keep a check of a version.

    Raises:
        DatabaseUnavailableError: the database does not answer.
    """
    made = VersionCheck(
        version=version,
        outcome="failed" if any(each.outcome == "failed" for each in checks) else "passed",
        checks=tuple(checks),
        facts=json.loads(json.dumps(dict(facts), allow_nan=False)),
        at=datetime.now(UTC),
    )
    listed = [
        {"name": each.name, "outcome": each.outcome, "message": each.message} for each in checks
    ]
    with database.writing() as connection:
        connection.execute(
            insert(version_check).values(
                version=version,
                outcome=made.outcome,
                checks=listed,
                facts=dict(made.facts),
                at=made.at,
            )
        )
    return made


def last_checks(database: Database, versions: Iterable[int]) -> Mapping[int, VersionCheck]:
    """Return the last check of each of some versions that has one, by the version's number.

    Raises:
        DatabaseUnavailableError: the database does not answer.
    """
    newest = (
        select(func.max(version_check.c.id))
        .where(version_check.c.version.in_(list(versions)))
        .group_by(version_check.c.version)
    )
    query = select(version_check).where(version_check.c.id.in_(newest))
    with database.reading() as connection:
        return {
            row.version: VersionCheck(
                version=row.version,
                outcome=row.outcome,
                checks=tuple(CheckResult(**each) for each in row.checks),
                facts=row.facts,
                at=row.at,
            )
            for row in connection.execute(query)
        }
