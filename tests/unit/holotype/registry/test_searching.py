"""Versions are found by any part of their names and sources, and on PostgreSQL by an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError
from tests.unit.holotype.registry.test_released_schemas import restore

from holotype.registry import Database, ModelRegistry, upgrade
from holotype.registry import searching as module
from holotype.registry.searching import find_versions, searchable_text
from holotype.registry.tables import model, model_kind, model_version, version_search

KIND, OTHER = "text_embedding", "reranking"
_LETTERS = "ab/AB_%'\\ .:@-é☃ßΣİ&|!*()<>"
_TEXTS = st.text(_LETTERS, min_size=1, max_size=8)


def add(
    database: Database, references: list[str], *, kind: str = KIND, source: str = ""
) -> Mapping[int, str]:
    """Add versions with these references to a kind; return what is searched of each by its id."""
    with database.writing() as connection:
        connection.execute(insert(model_kind).values(name=kind, type="dense"))
        connection.execute(insert(model).values(kind=kind, model_id="tiny"))
        number = connection.execute(select(func.max(model.c.id))).scalar_one()
        for at, reference in enumerate(references):
            row = {
                "model": number,
                "kind": kind,
                "version_id": f"v{at}",
                "reference": reference,
                "source_repo": source,
                "checkpoint_hash": "0" * 64,
                "inference_config": {},
                "created_at": datetime.now(UTC),
                "created_by": "alice",
            }
            made = connection.execute(insert(model_version).values(row)).inserted_primary_key
            assert made is not None
            searched = searchable_text("tiny", f"v{at}", reference, source)
            values = {"version": made[0], "kind": kind, "searched": searched}
            connection.execute(insert(version_search).values(values))
        found = connection.execute(select(version_search).where(version_search.c.kind == kind))
        return {row.version: row.searched for row in found}


@pytest.fixture
def by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL reads no text itself, so that only its index finds some."""
    monkeypatch.setattr(module, "_N_NEWEST", 0)


@pytest.fixture
def filled(database: Database) -> Iterator[tuple[Database, Mapping[int, str]]]:
    """A database with versions whose references have every letter that could mean something."""
    references = [
        *_LETTERS,
        *(first + second for first in _LETTERS for second in "a'\\_%ß"),
        "local:/srv/modèles/Straße",
        "it''s \\\\ odd' & 'more':*",
        "ΟΔΟΣ",
    ]
    yield database, add(database, references)


@pytest.mark.usefixtures("by_index")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(searched=_TEXTS)
def test_what_is_found_is_what_has_the_text(
    filled: tuple[Database, Mapping[int, str]], searched: str
) -> None:
    database, texts = filled
    having = [id for id, each in texts.items() if searched.casefold() in each]
    with database.reading() as connection:
        found = find_versions(connection, searched, kind=KIND, before=None, limit=1000)
    assert found == sorted(having, reverse=True)


@pytest.mark.usefixtures("by_index")
@pytest.mark.parametrize("searched", ["STRASSE", "straße", "MODÈLES", "οδοσ", "'s \\\\ ODD' & '"])
def test_letter_case_does_not_count_in_any_script(
    filled: tuple[Database, Mapping[int, str]], searched: str
) -> None:
    with filled[0].reading() as connection:
        assert len(find_versions(connection, searched, kind=KIND, before=None, limit=9)) == 1


@pytest.mark.parametrize("n_newest", [0, 3, 2000])
def test_pages_of_a_search_have_every_version_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, n_newest: int
) -> None:
    monkeypatch.setattr(module, "_N_NEWEST", n_newest)
    add(database, ["local:other"] * 3, kind=OTHER)
    add(database, ["local:even" if at % 2 else "local:odd" for at in range(20)])
    registry = ModelRegistry(database)
    names: list[str] = []
    before: int | None = None
    while True:
        page = registry.list(KIND, limit=3, before=before, containing="EVEN")
        names += [each.version_id for each in page.versions]
        before = page.next
        if before is None:
            break
    assert names == [f"v{at}" for at in range(19, 0, -2)]
    assert [each.kind for each in registry.list(containing="local:o", limit=13).versions] == [
        *[KIND] * 10,
        *[OTHER] * 3,
    ]


def test_a_search_without_a_hit_on_postgresql_reads_the_index(database: Database) -> None:
    if database.dialect != "postgresql":
        return
    add(database, [f"hf:org/model@{at:040x}" for at in range(300)])
    query = module._by_index(select(module._version, module._searched), "nowhere").limit(51)
    with database.reading() as connection:
        asked = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN {asked}").scalars()
        assert "Bitmap Index Scan on version_search_parts" in " ".join(plan)


def test_versions_of_before_are_searched_after_an_upgrade(empty_address: str) -> None:
    restore(empty_address, "0002")
    with Database(empty_address) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        for searched, found in (("TINY/V1", ["v1"]), ("artifacts/", ["v2", "v1"]), ("v3", [])):
            names = [each.version_id for each in registry.list(containing=searched).versions]
            assert names == found, searched


def test_what_is_searched_never_changes(database: Database) -> None:
    add(database, ["local:x"])
    for statement in ("UPDATE version_search SET searched = ''", "DELETE FROM version_search"):
        with pytest.raises(DBAPIError, match="never change"), database.writing() as connection:
            connection.execute(text(statement))


def test_what_is_registered_is_searched_by_its_source(registry: ModelRegistry, store: Path) -> None:
    made = registry.register(KIND, "v1", store / "v1", actor="alice")
    for searched in (made.name, made.reference, made.source_repo):
        assert registry.list(containing=searched.upper()).versions == (made,)
