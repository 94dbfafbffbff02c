"""Sets of queries with the documents that answer them: those of files, and those that ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from holotype.errors import InvalidArgumentError
from holotype.registry.data_files import read_data, shipped_data

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, and which documents answer it.

    Attributes:
        text: the query.
        relevant: the grade of each document that answers it, by id: 1 or more, higher is better.
    """

    text: str
    relevant: Mapping[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySet:
    """Queries, and the documents to search.

    Attributes:
        name: its name.
        license: the SPDX identifier of the licence of its texts; empty if unknown.
        description: what its texts are about; can be empty.
        digest: the SHA-256 of its file, ``sha256:`` and 64 hexadecimal digits.
        documents: the texts by id.
        queries: the queries by id.
    """

    name: str
    license: str
    description: str = ""
    digest: str
    documents: Mapping[str, str] = field(hash=False)
    queries: Mapping[str, Query] = field(hash=False)


def shipped_query_sets() -> tuple[str, ...]:
    """Return the names of the sets that ship with holotype."""
    return shipped_data(_FOLDER)


def read_query_set(source: str | Path) -> QuerySet:
    """Read a set: one that ships, by its name, or the path of a file.

    A file is a JSON object with ``format`` 1, ``name``, ``documents`` (texts by id) and ``queries``
    (by id: objects with ``text`` and ``relevant``, grades by the id of a document); ``license`` and
    ``description`` may be left out.

    Raises:
        InvalidArgumentError: there is no such set, or it is damaged; the error says where.
    """
    file = read_data(source, _FOLDER, "set of queries", "documents", "queries")
    documents = file.objects("documents")
    for key, text in documents.items():
        if not isinstance(text, str) or not text.strip():
            raise InvalidArgumentError(f"{file.location}: the document {key[:80]!r} is no text")
    queries = {
        key: _query(query, documents, f"{file.location}: the query {key[:80]!r}")
        for key, query in file.objects("queries").items()
    }
    return QuerySet(
        name=file.name,
        license=file.license,
        description=file.description,
        digest=file.digest,
        documents=MappingProxyType(documents),
        queries=MappingProxyType(queries),
    )


def _query(value: Any, documents: Mapping[str, Any], location: str) -> Query:
    if not isinstance(value, dict) or set(value) != {"text", "relevant"}:
        raise InvalidArgumentError(f"{location} has other keys than text and relevant")
    text, relevant = value["text"], value["relevant"]
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(f"{location} has no text")
    if not isinstance(relevant, dict) or not relevant:
        raise InvalidArgumentError(f"{location} names no relevant documents")
    for key, grade in relevant.items():
        if key not in documents:
            raise InvalidArgumentError(f"{location} names {key[:80]!r}, which is no document")
        if type(grade) is not int or not 1 <= grade <= 100:
            raise InvalidArgumentError(
                f"{location} gives {key[:80]!r} the grade {str(grade)[:20]}; expected 1 to 100"
            )
    return Query(text=text, relevant=MappingProxyType(relevant))
