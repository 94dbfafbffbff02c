"""From a valid catalogue to the text of its Python module.

The same catalogue gives the same bytes on every machine: nothing depends on time, on the order of a
set, or on a formatter.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from holotype_codegen import __version__, literals, naming
from holotype_codegen.model import BASE_CLASS, GENERIC_CLASSES, Model, model_of, source_record

LINE_LENGTH = 88

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
"""The functions of every generated module, in the order in which it exports them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the header says of where a module comes from.

    Attributes:
        file: the catalogue's path as a reader of the module would write it.
        digest: SHA-256 of that file, in hexadecimal.
        command: the command that makes the module again.
    """

    file: str
    digest: str
    command: str


@dataclass(frozen=True, slots=True)
class RecordType:
    """The static type of one or more records, and the alias of their ids.

    Attributes:
        annotation: how the module names the type.
        definition: what the name stands for; equal to `annotation` where it needs no alias.
        ids_alias: the name of the type of the ids.
        ids: the ids themselves, in file order.
    """

    annotation: str
    definition: str
    ids_alias: str
    ids: tuple[str, ...]


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
        catalogue: the values of a `models.json` in which the validator found no problem.
        origin: where it comes from, for the header.
        line_length: the longest line, in columns; the text is clean for a formatter set to it.
    """
    models = [model_of(values) for values in catalogue["models"]]
    kinds = _kinds(models)
    record_types = [record_type for kind in kinds for record_type in kind.record_types]
    return _template(line_length).render(
        any_generic=any(model.dims for model in models),
        exported=_exported_names(models, kinds),
        generator_version=__version__,
        kinds=kinds,
        models=models,
        origin=origin,
        record_classes=_record_classes(models),
        record_types=record_types,
        sources=[(key, source_record(values)) for key, values in catalogue["sources"].items()],
        type_of={id: record_type for record_type in record_types for id in record_type.ids},
        version=catalogue["version"],
    )


def _kinds(models: Sequence[Model]) -> list[Kind]:
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
    """Yield the record types of one kind; what distinguishes them is what they can return."""
    record_class, stem = members[0].record_class, naming.class_stem(members[0].kind)
    for dims in dict.fromkeys(model.dims for model in members):
        ids = tuple(model.id for model in members if model.dims == dims)
        name = _type_name(stem, dims, taken)
        taken.add(name)
        definition = f"{record_class}[Literal[{', '.join(map(str, dims))}]]"
        yield (
            RecordType(name, definition, f"{name}Id", ids)
            if dims
            else RecordType(record_class, record_class, f"{name}Id", ids)
        )


def _type_name(stem: str, dims: tuple[int, ...], taken: Container[str]) -> str:
    """Return `_Dense768` or `_Dense256To768`, with a number where the name is taken."""
    span = "To".join(dict.fromkeys(map(str, (dims[0], dims[-1])))) if dims else ""
    suffixes = itertools.chain([""], (f"No{n}" for n in itertools.count(2)))
    names = (f"_{stem}{span}{suffix}" for suffix in suffixes)
    return next(name for name in names if name not in taken)


def _exported_names(models: Iterable[Model], kinds: Iterable[Kind]) -> list[str]:
    """Return the public names: constants, then types, then functions, each in natural order."""
    constants = [*naming.MODULE_CONSTANTS, *(model.constant for model in models)]
    types = ["ModelId", "ModelType", *(kind.ids_alias for kind in kinds)]
    return [
        *sorted(constants, key=naming.natural_key),
        *sorted(types, key=naming.natural_key),
        *QUERIES,
    ]


def _record_classes(models: Iterable[Model]) -> list[str]:
    used = {model.record_class for model in models} | {BASE_CLASS, "Source"}
    if any("variants" in model.record.arguments for model in models):
        used.add("Variant")
    return sorted(used)


@functools.cache
def _template(line_length: int) -> jinja2.Template:
    """Return the template, compiled once, with what lays out values for this line length."""
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
    ):
        environment.globals[layout.__name__] = functools.partial(layout, width=line_length)
    return environment.get_template("models.py.jinja")
