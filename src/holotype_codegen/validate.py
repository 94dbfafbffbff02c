"""Every problem of a catalogue, in file order: first what breaks the schema, then what breaks a rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from holotype_codegen.catalogue_rules import CATALOGUE_RULES
from holotype_codegen.entries import Entries, Entry, Finding
from holotype_codegen.report import CatalogueError, Problem
from holotype_codegen.rules import RULES
from holotype_codegen.schema import entry_validator, frame_validator, known_kinds
from holotype_codegen.schema_findings import schema_findings
from holotype_codegen.source import CatalogueSource, read_source


class _Named(NamedTuple):
    """A finding, with the rule that made it and the entry it is about."""

    finding: Finding
    rule: str
    id: str | None
    at_key: bool = False


def load_catalogue(path: Path) -> CatalogueSource:
    """Read and validate a catalogue file.

    Raises:
        CatalogueError: there are problems; the error lists all of them.
    """
    source = read_source(path)
    problems = find_problems(source)
    if problems:
        raise CatalogueError(problems)
    return source


def find_problems(source: CatalogueSource) -> tuple[Problem, ...]:
    """Return every problem of a catalogue, in file order."""
    entries = Entries.of(source.value)
    found = [*_schema_problems(source, entries), *_rule_problems(entries)]
    problems = [_problem(named, source) for named in found]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def _schema_problems(source: CatalogueSource, entries: Entries) -> Iterator[_Named]:
    for finding, keyword in schema_findings(frame_validator(), Entry(source.value, "")):
        yield _Named(finding, keyword, None, keyword == "additionalProperties")
    for entry in entries.entries:
        validator = entry_validator(entry.kind if entry.kind in known_kinds() else None)
        for finding, keyword in schema_findings(validator, entry):
            yield _Named(finding, keyword, entry.id, keyword == "additionalProperties")


def _rule_problems(entries: Entries) -> Iterator[_Named]:
    for entry in entries.entries:
        for rule in RULES:
            for finding in rule(entry, entries):
                yield _Named(finding, rule.__name__, entry.id)
    ids = {entry.pointer: entry.id for entry in entries.entries}
    for catalogue_rule in CATALOGUE_RULES:
        for finding in catalogue_rule(entries):
            pointer = "/".join(finding.pointer.split("/")[:3])
            yield _Named(finding, catalogue_rule.__name__, ids.get(pointer))


def _problem(named: _Named, source: CatalogueSource) -> Problem:
    finding = named.finding
    locate = source.locate_key if named.at_key else source.locate
    line, column = locate(finding.pointer)
    return Problem(
        file=source.file,
        line=line,
        column=column,
        id=named.id,
        pointer=finding.pointer,
        found=finding.found,
        expected=finding.expected,
        action=finding.action,
        rule=named.rule,
    )
