"""Rules over all entries of a catalogue together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from holotype_codegen import standards
from holotype_codegen.entries import Entries, Entry, Finding
from holotype_codegen.naming import (
    RESERVED_NAMES,
    constant_name,
    enum_member_name,
    is_kebab_case,
)
from holotype_codegen.report import quoted

CatalogueRule: TypeAlias = Callable[[Entries], Iterator[Finding]]


def ids_are_unique(catalogue: Entries) -> Iterator[Finding]:
    """No two entries have the same id, in any letter case."""
    first: dict[str, Entry] = {}
    for entry in catalogue.entries:
        if not entry.id:
            continue
        other = first.setdefault(entry.id.lower(), entry)
        if other is not entry:
            yield entry.finding(
                "/id",
                f"Duplicate model ID found: {entry.id}",
                f"expected an id of its own; {other.pointer} has it already",
                "choose another id, or delete one of the entries",
            )


def aliases_are_unique(catalogue: Entries) -> Iterator[Finding]:
    """An alias is neither an id nor an alias of another entry, in any letter case."""
    ids = {entry.id.lower(): entry for entry in catalogue.entries if entry.id}
    first: dict[str, str] = {}
    for entry in catalogue.entries:
        for pointer, alias in entry.texts("/lineage/aliases"):
            name = alias.lower()
            taken = ids[name].pointer + "/id" if name in ids else first.get(name)
            first.setdefault(name, entry.pointer + pointer)
            if taken:
                yield entry.finding(
                    pointer,
                    f"the alias {quoted(alias)} is taken",
                    f"expected a name that nothing else has; {taken} has it",
                    "delete it from one of them",
                )


def repositories_have_one_entry_of_a_kind(catalogue: Entries) -> Iterator[Finding]:
    """A repository with several modes has one entry for each kind of model, and no two."""
    first: dict[tuple[str, str], Entry] = {}
    for entry in catalogue.entries:
        repository = entry.text("/huggingface_id")
        if not repository or not entry.kind:
            continue
        other = first.setdefault((entry.kind, repository.lower()), entry)
        if other is not entry:
            yield entry.finding(
                "/huggingface_id",
                f"{quoted(repository)} has another entry of the type {entry.kind}: {other.id}",
                "expected one entry for each kind of model in a repository",
                "delete one of them, or make the other spelling an alias",
            )


def constants_are_unique(catalogue: Entries) -> Iterator[Finding]:
    """No two ids become the same constant, and none a name that the module needs."""
    first: dict[str, Entry] = {}
    for entry in catalogue.entries:
        if not entry.id or not is_kebab_case(entry.id):
            continue
        constant = constant_name(entry.id)
        if constant in RESERVED_NAMES:
            yield entry.finding(
                "/id",
                f"the id {quoted(entry.id)} becomes {constant}, a name that the module needs",
                f"expected any id but those that become {', '.join(sorted(RESERVED_NAMES))}",
                "choose another id",
            )
        other = first.setdefault(constant, entry)
        if other is not entry and other.id != entry.id:
            yield entry.finding(
                "/id",
                f"the ids {quoted(other.id)} and {quoted(entry.id)} both become {constant}",
                "expected ids that differ in more than hyphens and dots",
                "choose another id, or delete one of the entries",
            )


def kinds_have_members_of_their_own(catalogue: Entries) -> Iterator[Finding]:
    """No two kinds become the same member of `ModelType`."""
    first: dict[str, str] = {}
    for entry in catalogue.entries:
        if not entry.kind or not is_kebab_case(entry.kind):
            continue
        member = enum_member_name(entry.kind)
        other = first.setdefault(member, entry.kind)
        if other != entry.kind:
            yield entry.finding(
                "/type",
                f"the types {quoted(other)} and {quoted(entry.kind)} both become {member}",
                "expected one spelling of a kind",
                f"write {quoted(other)}",
            )


def successors_exist(catalogue: Entries) -> Iterator[Finding]:
    """`superseded_by` names another entry, and following it comes to an end."""
    successors = {
        entry.id: entry.text("/lineage/superseded_by") for entry in catalogue.entries if entry.id
    }
    for entry in catalogue.entries:
        successor = entry.text("/lineage/superseded_by")
        if not successor or not entry.id:
            continue
        if successor not in successors:
            yield entry.finding(
                "/lineage/superseded_by",
                f"superseded_by names {quoted(successor)}, which is no id of the catalogue",
                "expected the id of another entry",
                "correct the id, or write null",
            )
        elif _returns(entry.id, successors):
            yield entry.finding(
                "/lineage/superseded_by",
                f"superseded_by leads from {quoted(entry.id)} back to it",
                "expected a line of successors that ends",
                "write null in the newest of them",
            )


def _returns(start: str, successors: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    at = successors.get(start)
    while at is not None and at not in seen:
        if at == start:
            return True
        seen.add(at)
        at = successors.get(at)
    return False


def sources_are_dated_and_licensed(catalogue: Entries) -> Iterator[Finding]:
    """The date and the licence of a source are of the same form as those of an entry."""
    for key, source in catalogue.sources.items():
        pointer = f"/sources/{key}"
        retrieved, license = _text(source, "retrieved"), _text(source, "license")
        if retrieved and not standards.is_date(retrieved):
            yield Finding(
                f"{pointer}/retrieved",
                f"the date {quoted(retrieved)} is not one of ISO 8601",
                "expected YYYY, YYYY-MM or YYYY-MM-DD",
                "write the day on which the source was read",
            )
        if license and not standards.is_license(license):
            yield Finding(
                f"{pointer}/license",
                f"the licence {quoted(license)} is unknown",
                "expected an SPDX expression, or one of the Hub's licence ids",
                "write null where the source names none",
            )


def _text(values: Any, key: str) -> str | None:
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else None


CATALOGUE_RULES: tuple[CatalogueRule, ...] = (
    ids_are_unique,
    aliases_are_unique,
    repositories_have_one_entry_of_a_kind,
    constants_are_unique,
    kinds_have_members_of_their_own,
    successors_exist,
    sources_are_dated_and_licensed,
)
"""The rules over all entries."""
