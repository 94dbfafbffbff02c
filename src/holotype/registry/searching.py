"""Versions that have a text in their names or sources, found without reading all of them.

What is searched of a version is one text of its own, without differences of letter case. On SQLite
these texts are read one after the other, from the newest version on. PostgreSQL reads those of the
newest versions, which fill a page of whatever is common, and finds the others by an index of three
characters from each place of a text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Executable, Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY

from holotype.registry.tables import version_search

_N_NEWEST = 2_000
"""How many texts PostgreSQL reads before it asks the index: one or two milliseconds."""
_LENGTH = 3
_searched = version_search.c.searched
_version = version_search.c.version


def searchable_text(model_id: str, version_id: str, reference: str, source_repo: str) -> str:
    """Return what is searched of a version: its name, its reference and its source, one a line."""
    return f"{model_id}/{version_id}\n{reference}\n{source_repo}".casefold()


def find_versions(
    connection: Connection, searched: str, *, kind: str | None, before: int | None, limit: int
) -> list[int]:
    """Return the ids of the newest versions that have a text.

    Args:
        connection: to the database.
        searched: the text, of one line.
        kind: only versions of this kind; None means all.
        before: only versions with a lower id; None means all.
        limit: how many at most.
    """
    searched = searched.casefold()
    among = select(_version, _searched).order_by(_version.desc())
    if kind is not None:
        among = among.where(version_search.c.kind == kind)
    if before is not None:
        among = among.where(_version < before)
    if connection.dialect.name == "sqlite":
        found = among.where(_searched.contains(searched, autoescape=True))
        return _ids(connection, found.limit(limit))
    newest = among.limit(_N_NEWEST).subquery().c
    has = func.strpos(newest.searched, searched) > 0
    ids = _ids(connection, select(newest.version).where(has).order_by(newest.version.desc()))
    if len(ids) < limit:
        ids = _ids(connection, _by_index(among, searched).limit(limit))
    return ids[:limit]


def _by_index(among: Select[Any, Any], searched: str) -> Select[Any]:
    """Return the query that asks the index for all versions, before it sorts them."""
    parts = func.holotype_parts(_searched).op("@@")(cast(literal(_parts(searched), Text), TSQUERY))
    has = func.strpos(_searched, searched) > 0
    # By itself, so that it is not mistaken for a reason to read all texts from the newest on.
    found = among.order_by(None).where(parts, has).cte().prefix_with("MATERIALIZED").c
    return select(found.version).order_by(found.version.desc())


def _parts(searched: str) -> str:
    """Return the query of the index: each three characters of a text, or how three begin."""
    starts = range(max(1, len(searched) - _LENGTH + 1))
    parts = sorted({searched[start : start + _LENGTH] for start in starts})
    quoted = (part.replace("\\", "\\\\").replace("'", "''") for part in parts)
    return " & ".join(f"'{part}':*" for part in quoted)


def _ids(connection: Connection, query: Executable) -> list[int]:
    return [row.version for row in connection.execute(query)]
