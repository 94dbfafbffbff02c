"""Renders a valid catalogue as a Python module.

The same catalogue gives the same bytes on every machine: nothing depends on time, set order or a
formatter.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from holotype_codegen import __version__, literals, naming
from holotype_codegen.model import BASE_CLASS, GENERIC_CLASSES, Model, model_of, source_record

LINE_LENGTH = 88

IDS_PER_LITERAL = 256
"""pyrefly takes a longer `Literal` of texts for `str`; a union of several it does not."""

QUERIES = (
    "find_model",
    "get_model",
    "get_model_by_hf_id",
    "list_model_ids",
    "models_by_language",
    "models_by_max_embedding_dim",
    "models_by_organization",
    "models_by_type",
    "models_with_matryoshka",
)
"""The functions of every generated module, in export order."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a module, for its header.

    Attributes:
        file: the catalogue's path for readers of the module.
        digest: the SHA-256 of that file, in hexadecimal.
        command: the command that regenerates the module.
    """

    file: str
    digest: str
    command: str


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that stand in one `Literal`, and its alias."""

    alias: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordType:
    """The static type of one or more records, and the alias of their ids.

    Attributes:
        annotation: the module's name for the type.
        definition: the definition of that name; equal to `annotation` if it needs no alias.
        dims: the sizes that the records can return; empty where they return none.
        ids_alias: the name of the id type.
        parts: the ids, in file order, cut into as many parts as one `Literal` can hold; the alias
            of a single part is `ids_alias`.
    """

    annotation: str
    definition: str
    dims: tuple[int, ...]
    ids_alias: str
    parts: tuple[Ids, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model that occurs in the catalogue."""

    name: str
    member: str
    ids_alias: str
    any_record: str
    record_types: tuple[RecordType, ...]


def render(catalogue: Mapping[str, Any], origin: Origin, *, line_length: int = LINE_LENGTH) -> str:
    """Return the text of the module for a valid catalogue.

    Args:
        catalogue: the values of a valid `models.json`.
        origin: its origin, for the header.
        line_length: the longest line in columns; a formatter with that setting changes nothing.
    """
    models = [model_of(values) for values in catalogue["models"]]
    kinds = kinds_of(models)
    record_types = [record_type for kind in kinds for record_type in kind.record_types]
    return _template(line_length).render(
        any_generic=any(model.dims for model in models),
        exported=_exported(models, kinds),
        generator_version=__version__,
        kinds=kinds,
        models=models,
        origin=origin,
        record_classes=_record_classes(models),
        record_types=record_types,
        sources=[(key, source_record(values)) for key, values in catalogue["sources"].items()],
        type_of={
            id: record_type
            for record_type in record_types
            for part in record_type.parts
            for id in part.ids
        },
        version=catalogue["version"],
    )


def kinds_of(models: Sequence[Model]) -> list[Kind]:
    """Return the kinds in the order of their first model."""
    kinds = []
    taken: set[str] = set()
    for name in dict.fromkeys(model.kind for model in models):
        members = [model for model in models if model.kind == name]
        record_class = members[0].record_class
        generic = record_class in GENERIC_CLASSES
        kinds.append(
            Kind(
                name=name,
                member=naming.enum_member_name(name),
                ids_alias=f"{naming.class_stem(name)}ModelId",
                any_record=f"{record_class}[Any]" if generic else record_class,
                record_types=tuple(_record_types(members, taken)),
            )
        )
    return kinds


def _record_types(members: Sequence[Model], taken: set[str]) -> Iterator[RecordType]:
    """Yield the record types of one kind, one per set of dimensions."""
    record_class, stem = members[0].record_class, naming.class_stem(members[0].kind)
    for dims in dict.fromkeys(model.dims for model in members):
        ids = tuple(model.id for model in members if model.dims == dims)
        name = _type_name(stem, dims, taken)
        taken.add(name)
        definition = f"{record_class}[Literal[{', '.join(map(str, dims))}]]"
        parts = _parts(f"{name}Id", ids)
        yield (
            RecordType(name, definition, dims, f"{name}Id", parts)
            if dims
            else RecordType(record_class, record_class, (), f"{name}Id", parts)
        )


def _parts(alias: str, ids: Sequence[str]) -> tuple[Ids, ...]:
    """Return the ids in as many parts as they need, `_Dense768IdPart1` and so on."""
    starts = range(0, len(ids), IDS_PER_LITERAL)
    if len(starts) == 1:
        return (Ids(alias, tuple(ids)),)
    return tuple(
        Ids(f"{alias}Part{n}", tuple(ids[start : start + IDS_PER_LITERAL]))
        for n, start in enumerate(starts, 1)
    )


def _type_name(stem: str, dims: tuple[int, ...], taken: Container[str]) -> str:
    """Return `_Dense768` or `_Dense256To768`, with a number if the name is taken."""
    span = "To".join(dict.fromkeys(map(str, (dims[0], dims[-1])))) if dims else ""
    names = (f"_{stem}{span}{suffix}" for suffix in ("", *(f"No{n}" for n in range(2, 1000))))
    return next(name for name in names if name not in taken)


def _exported(models: Iterable[Model], kinds: Iterable[Kind]) -> list[str]:
    """Return the public names: constants, then types, then functions, each in natural order."""
    constants = [*naming.RESERVED_NAMES, *(model.constant for model in models)]
    types = ["ModelId", "ModelType", *(kind.ids_alias for kind in kinds)]
    return [*sorted(constants, key=_natural_key), *sorted(types, key=_natural_key), *QUERIES]


def _natural_key(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _record_classes(models: Iterable[Model]) -> list[str]:
    used = {model.record_class for model in models} | {BASE_CLASS, "Source"}
    if any("variants" in model.record.arguments for model in models):
        used.add("Variant")
    return sorted(used)


@functools.cache
def _template(line_length: int) -> jinja2.Template:
    """Return the compiled template, with the layout filters for this line length."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("holotype_codegen"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  the output is Python, and literal() quotes every value
    )
    environment.filters["docstring"] = literals.docstring
    environment.filters["literal"] = functools.partial(literals.literal, width=line_length)
    for layout in (
        literals.assignment,
        literals.from_import,
        literals.opening,
        literals.subscript,
        literals.union,
    ):
        environment.globals[layout.__name__] = functools.partial(layout, width=line_length)
    return environment.get_template("models.py.jinja")
