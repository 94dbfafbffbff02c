"""Opens the catalogue of a command: holotype's own, or any generated module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from importlib import import_module

import typer

from holotype.catalogue import Catalogue
from holotype.records import ModelInfo, Source

OWN = "holotype.models"
"""The default module."""


@dataclass(frozen=True, slots=True)
class OpenCatalogue:
    """The contents of a generated module, or of several together.

    Attributes:
        name: the import name of the module; several are separated by commas.
        catalogue: its records and the queries over them.
        sources: the sources that its records name.
        version: the version of its facts.
        constants: the constant of each model, by id.
        parts: the modules of which it consists; empty if it is one.
    """

    name: str
    catalogue: Catalogue[str]
    sources: Mapping[str, Source]
    version: str
    constants: Mapping[str, str]
    parts: tuple[OpenCatalogue, ...] = ()

    def holding(self, record: ModelInfo) -> OpenCatalogue:
        """Return the module that a record is from; of a record from elsewhere, this."""
        return next((part for part in self.parts if part.catalogue.holds(record)), self)


def open_catalogue(name: str) -> OpenCatalogue:
    """Import a generated module, or several, of which the first with an id counts.

    Args:
        name: the import name; several are separated by commas.

    Raises:
        typer.BadParameter: there is no such module, or holotype did not generate it.
    """
    return reduce(_followed_by, map(_open_module, name.split(",")))


def find_clashes(opened: OpenCatalogue) -> Iterator[str]:
    """Yield a line on each id that means other models in other modules."""
    for at, later in enumerate(opened.parts):
        for first in opened.parts[:at]:
            for record in later.catalogue.records:
                if record.id in first.constants and not first.catalogue.holds(record):
                    yield (
                        f"{record.id!r} differs between {first.name} and {later.name}; that of "
                        f"{first.name} counts"
                    )


def _followed_by(first: OpenCatalogue, second: OpenCatalogue) -> OpenCatalogue:
    return OpenCatalogue(
        name=f"{first.name},{second.name}",
        catalogue=first.catalogue.followed_by(second.catalogue),
        sources={**second.sources, **first.sources},
        version=f"{first.version},{second.version}",
        constants={**second.constants, **first.constants},
        parts=(*(first.parts or (first,)), second),
    )


def _open_module(name: str) -> OpenCatalogue:
    try:
        module = import_module(name)
    except (ImportError, ValueError, TypeError) as error:
        raise typer.BadParameter(
            f"{name!r} cannot be imported ({error}); give the dotted name of a module that "
            "`holotype generate` wrote and that is installed, such as acme.models",
            param_hint="--catalogue",
        ) from None
    parts = vars(module)
    if not isinstance(parts.get("CATALOGUE"), Catalogue):
        raise typer.BadParameter(
            f"{name!r} has no CATALOGUE; give a module that `holotype generate` wrote",
            param_hint="--catalogue",
        )
    return OpenCatalogue(
        name=name,
        catalogue=parts["CATALOGUE"],
        sources=parts["SOURCES"],
        version=parts["CATALOGUE_VERSION"],
        constants={
            value.id: constant for constant, value in parts.items() if isinstance(value, ModelInfo)
        },
    )


def chosen_catalogue(context: typer.Context) -> Catalogue[str] | None:
    """Return the catalogue of the option --catalogue; None if it is holotype's own.

    Commands that open references pass it on, so that ids mean its entries, and those of
    holotype's own that it lacks.

    Raises:
        typer.BadParameter: see `open_catalogue`.
    """
    name: str = context.obj or OWN
    return None if name == OWN else open_catalogue(name).catalogue


def complete_id(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the ids that start with the typed text, for the shell's completion."""
    return (record.id for record in _completions(context) if record.id.startswith(incomplete))


def complete_type(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the kinds that start with the typed text, for the shell's completion."""
    kinds = dict.fromkeys(str(record.type) for record in _completions(context))
    return (kind for kind in kinds if kind.startswith(incomplete))


def _completions(context: typer.Context) -> tuple[ModelInfo, ...]:
    """Return the models to complete from: none while --catalogue is not a module yet."""
    try:
        opened = open_catalogue(",".join(context.find_root().params.get("catalogue") or (OWN,)))
    except typer.BadParameter:
        return ()
    return opened.catalogue.listed
