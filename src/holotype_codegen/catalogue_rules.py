"""Rules about the entries of a catalogue as a whole."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from holotype_codegen import standards
from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.lineage_rules import LINEAGE_RULES
from holotype_codegen.naming import (
    RESERVED_NAMES,
    class_stem,
    constant_name,
    enum_member_name,
    is_kebab_case,
)
from holotype_codegen.positions import child_pointer
from holotype_codegen.report import quote_json
from holotype_codegen.wording import nearest

CatalogueRule: TypeAlias = Callable[[Entries], Iterator[Breach]]


def ids_are_unique(catalogue: Entries) -> Iterator[Breach]:
    """No two entries have the same id, in any letter case."""
    first: dict[str, Entry] = {}
    for entry in catalogue.entries:
        if not entry.id:
            continue
        other = first.setdefault(entry.id.lower(), entry)
        if other is not entry:
            yield entry.breach(
                "/id",
                f"Duplicate model ID found: {quote_json(entry.id)[1:-1]}",
                f"expected an id that no other entry has in any letter case, and {other.pointer} "
                f"has {quote_json(other.id)}",
                "choose another id, or delete one of the entries",
            )


def aliases_are_unique(catalogue: Entries) -> Iterator[Breach]:
    """An alias is neither an id nor another alias, in any letter case."""
    ids = {entry.id.lower(): f"{entry.pointer}/id" for entry in catalogue.entries if entry.id}
    first: dict[str, str] = {}
    for entry in catalogue.entries:
        for pointer, alias in entry.texts("/lineage/aliases"):
            own = entry.pointer + pointer
            other = ids.get(alias.lower()) or first.setdefault(alias.lower(), own)
            if other != own:
                yield entry.breach(
                    pointer,
                    f"the alias {quote_json(alias)} is taken",
                    f"expected a unique name, but {other} has it too",
                    "delete it from one of them",
                )


def repositories_have_one_entry_of_a_kind(catalogue: Entries) -> Iterator[Breach]:
    """A repository with several modes has at most one entry per kind of model."""
    first: dict[tuple[str, str], Entry] = {}
    for entry in catalogue.entries:
        repository = entry.text("/huggingface_id")
        if not repository or not entry.kind:
            continue
        other = first.setdefault((entry.kind, repository.lower()), entry)
        if other is not entry:
            yield entry.breach(
                "/huggingface_id",
                f"{quote_json(repository)} has another entry of the type {quote_json(entry.kind)}, "
                f"{quote_json(other.id) if other.id else other.pointer}",
                "expected one entry for each kind of model in a repository",
                "delete one of them, or make its id an alias of the other",
            )


def constants_are_unique(catalogue: Entries) -> Iterator[Breach]:
    """No two ids become the same constant, or one that the module itself defines."""
    first: dict[str, Entry] = {}
    for entry in catalogue.entries:
        if not entry.id or not is_kebab_case(entry.id):
            continue
        constant = constant_name(entry.id)
        if constant in RESERVED_NAMES:
            yield entry.breach(
                "/id",
                f"the id {quote_json(entry.id)} becomes {constant}, a name that the module reserves",
                f"expected an id that does not become one of {', '.join(sorted(RESERVED_NAMES))}",
                "choose another id",
            )
        other = first.setdefault(constant, entry)
        if other is not entry and other.id != entry.id:
            yield entry.breach(
                "/id",
                f"the ids {quote_json(other.id)} and {quote_json(entry.id)} both become {constant}",
                "expected ids that differ in more than hyphens and dots",
                "choose another id, or delete one of the entries",
            )


def kinds_have_names_of_their_own(catalogue: Entries) -> Iterator[Breach]:
    """No two kinds become the same member of `ModelType`, or the same id type."""
    first: dict[str, str] = {}
    for entry in catalogue.entries:
        kind = entry.kind
        if not kind or not is_kebab_case(kind):
            continue
        for name in _names_of_kind(kind):
            other = first.setdefault(name, kind)
            if other != kind:
                yield entry.breach(
                    "/type",
                    f"the types {quote_json(other)} and {quote_json(kind)} both become {name}",
                    "expected one spelling of a kind",
                    f"write {quote_json(other)}",
                )
                break


@functools.cache
def _names_of_kind(kind: str) -> tuple[str, ...]:
    return enum_member_name(kind), f"{class_stem(kind)}ModelId"


def successors_exist(catalogue: Entries) -> Iterator[Breach]:
    """`superseded_by` names another entry by its id."""
    ids = {entry.id: None for entry in catalogue.entries if entry.id}
    for entry in catalogue.entries:
        successor = entry.text("/lineage/superseded_by")
        if successor and successor not in ids:
            meant = nearest(successor, ids)
            yield entry.breach(
                "/lineage/superseded_by",
                f"superseded_by names {quote_json(successor)}, which is not an id in the catalogue",
                "expected the id of another entry",
                f"did you mean {quote_json(meant)}?" if meant else "correct the id, or write null",
            )


def successors_are_of_the_same_kind(catalogue: Entries) -> Iterator[Breach]:
    """A successor can replace its model: a reranker cannot succeed an encoder."""
    kinds = {entry.id: entry.kind for entry in catalogue.entries if entry.id}
    for entry in catalogue.entries:
        successor = entry.text("/lineage/superseded_by")
        kind = kinds.get(successor or "")
        if successor and entry.kind and kind and kind != entry.kind:
            yield entry.breach(
                "/lineage/superseded_by",
                f"superseded_by names {quote_json(successor)}, which is of the type "
                f"{quote_json(kind)}, not {quote_json(entry.kind)}",
                "expected a model of the same type",
                "name another model, or write null",
            )


def successors_come_to_an_end(catalogue: Entries) -> Iterator[Breach]:
    """Following `superseded_by` leads to a model that nothing supersedes."""
    successors = {
        entry.id: entry.text("/lineage/superseded_by") for entry in catalogue.entries if entry.id
    }
    circular = _circular(successors)
    for entry in catalogue.entries:
        if entry.id in circular and entry.text("/lineage/superseded_by"):
            yield entry.breach(
                "/lineage/superseded_by",
                f"superseded_by leads from {quote_json(entry.id)} back to it",
                "expected a chain of successors that ends",
                "write null in the newest model",
            )


def _circular(successors: Mapping[str, str | None]) -> set[str]:
    """Return the ids on a cycle, visiting each id once."""
    circular: set[str] = set()
    visited: set[str] = set()
    for start in successors:
        path: dict[str, int] = {}
        at: str | None = start
        while at is not None and at not in visited:
            visited.add(at)
            path[at] = len(path)
            at = successors.get(at)
        if at is not None and at in path:
            circular.update(list(path)[path[at] :])
    return circular


def sources_are_dated_and_licensed(catalogue: Entries) -> Iterator[Breach]:
    """The date and the licence of a source follow the rules for those of an entry."""
    for key, values in (catalogue.sources or {}).items():
        source = Entry(values, child_pointer("/sources", key))
        retrieved, license = source.text("/retrieved"), source.text("/license")
        if retrieved and not standards.is_date(retrieved):
            yield source.breach(
                "/retrieved",
                f"the date {quote_json(retrieved)} is not in ISO 8601",
                "expected YYYY, YYYY-MM or YYYY-MM-DD",
                "write the day on which the source was read",
            )
        elif retrieved and standards.is_to_come(retrieved):
            yield source.breach(
                "/retrieved",
                f"the date {quote_json(retrieved)} is in the future",
                "expected a day in the past",
                "write the day on which the source was read",
            )
        if license and not standards.is_license(license):
            yield source.breach(
                "/license",
                f"the licence {quote_json(license)} is unknown",
                "expected an SPDX expression, or one of the Hub's licence ids",
                "write null where the source names none",
            )


CATALOGUE_RULES: tuple[CatalogueRule, ...] = (
    ids_are_unique,
    aliases_are_unique,
    repositories_have_one_entry_of_a_kind,
    constants_are_unique,
    kinds_have_names_of_their_own,
    successors_exist,
    successors_are_of_the_same_kind,
    successors_come_to_an_end,
    sources_are_dated_and_licensed,
    *LINEAGE_RULES,
)
"""The rules about all entries."""
