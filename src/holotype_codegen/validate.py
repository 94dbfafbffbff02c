"""Finds every problem of a catalogue, in file order: breaches of the schema and of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from holotype_codegen.catalogue_rules import CATALOGUE_RULES
from holotype_codegen.entries import Breach, Entries
from holotype_codegen.report import CatalogueError, Problem
from holotype_codegen.rules import RULES
from holotype_codegen.shape import find_shape_problems
from holotype_codegen.source import CatalogueSource, read_source


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
    ids = {entry.pointer: entry.id for entry in entries.entries}
    found = (*find_shape_problems(source.value, entries), *_broken_rules(entries))
    problems = [_problem(source, ids, rule, breach) for rule, breach in found]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def _broken_rules(entries: Entries) -> Iterator[tuple[str, Breach]]:
    """Yield the name of the rule and the breach, for every breach of a rule."""
    for entry in entries.entries:
        for rule in RULES:
            for breach in rule(entry, entries):
                yield rule.__name__, breach
    for catalogue_rule in CATALOGUE_RULES:
        for breach in catalogue_rule(entries):
            yield catalogue_rule.__name__, breach


def _problem(
    source: CatalogueSource, ids: dict[str, str | None], rule: str, breach: Breach
) -> Problem:
    locate = source.locate_key if breach.at_key else source.locate
    line, column = locate(breach.pointer)
    return Problem(
        file=source.file,
        line=line,
        column=column,
        id=ids.get("/".join(breach.pointer.split("/")[:3])),
        pointer=breach.pointer,
        found=breach.found,
        expected=breach.expected,
        action=breach.action,
        rule=rule,
    )
