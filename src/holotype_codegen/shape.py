"""Explains breaches of the schema in sentences that say what to do."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.positions import child_pointer
from holotype_codegen.report import printable, quote_json
from holotype_codegen.schema import (
    entry_validator,
    frame_validator,
    kinds_with,
    known_kinds,
    load_schema,
)
from holotype_codegen.wording import (
    allows_null,
    correction,
    describe_value,
    expectation,
    join_quoted,
    nearest,
)

# A `ValidationError`; jsonschema has types only if its stubs are installed.
_Error: TypeAlias = Any

_REMOVED = {"performance_hints": "delete it; earlier versions had it, and nothing read it"}
"""What to do with fields of earlier versions."""


def find_shape_problems(catalogue: object, entries: Entries) -> Iterator[tuple[str, Breach]]:
    """Yield the broken keyword and the breach, for every breach of the schema."""
    top = Entry(catalogue, "")
    yield from _explain(frame_validator().iter_errors(catalogue), top)
    for entry in entries.entries:
        yield from _explain(entry_validator(entry.kind).iter_errors(entry.values), entry)


def _explain(errors: Iterable[_Error], entry: Entry) -> Iterator[tuple[str, Breach]]:
    seen: set[tuple[str, Breach]] = set()
    for error in _without_echoes(list(errors)):
        keyword = "propertyNames" if "propertyNames" in error.schema_path else error.validator
        for breach in _WORDINGS.get(keyword, _other)(error, entry):
            if (keyword, breach) not in seen:
                seen.add((keyword, breach))
                yield keyword, breach


def _without_echoes(errors: list[_Error]) -> list[_Error]:
    """Drop errors that follow from a wrong type: `0.0` is not a whole number, nor above 0."""
    wrong = {_pointer(error) for error in errors if error.validator == "type"}
    return [error for error in errors if error.validator == "type" or _pointer(error) not in wrong]


def _pointer(error: _Error) -> str:
    return functools.reduce(child_pointer, error.absolute_path, "")


def _label(error: _Error) -> str:
    """Return the name of the value at fault: `embedding_dim`, `matryoshka_dims[0]`."""
    label = ""
    for token in reversed(error.absolute_path):
        if isinstance(token, str):
            return token + label
        label = f"[{token}]{label}"
    return label


def _subject(error: _Error, entry: Entry) -> str:
    if error.absolute_path:
        return quote_json(_label(error))
    return "the entry" if entry.pointer else "the catalogue"


def _missing(error: _Error, entry: Entry) -> Iterator[Breach]:
    for name in error.validator_value:
        if name in error.instance:
            continue
        field = error.schema.get("properties", {}).get(name) or _schema_of_others(error.schema)
        about = field.get("description", "").rstrip(".").partition(". ")[0]
        unless = ", or null where no source says" if allows_null(field) else ""
        yield entry.breach(
            child_pointer(_pointer(error), name),
            f"the required field {quote_json(name)} is missing",
            f"expected {expectation(field)}",
            f"add {quote_json(name)}{f' ({about})' if about else ''}{unless}",
        )


def _schema_of_others(schema: Any) -> Any:
    """Return the schema for members that a schema does not name."""
    others = schema.get("additionalProperties")
    return others if isinstance(others, dict) else {}


def _unknown_field(error: _Error, entry: Entry) -> Iterator[Breach]:
    known = list(error.schema.get("properties", {}))
    for name in error.instance:
        if name in known:
            continue
        if name == "encoding" and entry.pointer and not error.absolute_path:
            yield _forbidden_encoding(entry)
            continue
        if name == "image" and entry.pointer and not error.absolute_path:
            yield _forbidden_image(entry)
            continue
        yield entry.breach(
            child_pointer(_pointer(error), name),
            f"{quote_json(name)} is not a field here",
            f"expected one of {join_quoted(known)}",
            _field_action(name, known, _homes() if entry.pointer else {}),
            at_key=True,
        )


def _field_action(name: str, known: list[str], homes: dict[str, str]) -> str:
    """Suggest the field that an unknown name means, and its place."""
    if name in _REMOVED:
        return _REMOVED[name]
    if name in homes:
        return f"move it to {homes[name]}"
    near = nearest(name, known)
    if near:
        return f"did you mean {quote_json(near)}?"
    elsewhere = nearest(name, homes)
    if elsewhere:
        return f"did you mean {quote_json(elsewhere)} in {homes[elsewhere]}?"
    return "delete it, or look up the right name in the schema"


def _forbidden_encoding(entry: Entry) -> Breach:
    meant = nearest(entry.kind or "", known_kinds())
    delete = "delete the encoding"
    return entry.breach(
        "/encoding",
        f"a model of the type {quote_json(entry.kind)} has no encoding",
        f"expected one only for the types {join_quoted(known_kinds())}",
        f'write "type": {quote_json(meant)} if that is meant, or {delete}'
        if meant
        else f"correct the type to one of these, or {delete}",
        at_key=True,
    )


def _forbidden_image(entry: Entry) -> Breach:
    readers = kinds_with("image")
    return entry.breach(
        "/image",
        f"a model of the type {quote_json(entry.kind)} has no image",
        f"expected one only for the types {join_quoted(readers)}",
        f'delete it, or write "type": {quote_json(readers[-1])} if that is meant',
        at_key=True,
    )


@functools.cache
def _homes() -> dict[str, str]:
    """Return the groups of an entry that contain each field, by field name."""
    homes: dict[str, list[str]] = {}
    definitions = load_schema()["$defs"]
    groups = [(name, group) for name, group in definitions["model"]["properties"].items()]
    groups += [("encoding", definitions[f"{kind}-encoding"]) for kind in known_kinds()]
    for name, group in groups:
        for member in group.get("properties", ()):
            homes.setdefault(member, []).append(f"/{name}")
    return {name: " or ".join(dict.fromkeys(places)) for name, places in homes.items()}


def _key(error: _Error, entry: Entry) -> Iterator[Breach]:
    name = str(error.instance)
    yield entry.breach(
        child_pointer(_pointer(error), name),
        f"{quote_json(name)} is not a valid key for a source",
        "expected lower-case letters and digits, joined by hyphens",
        'write a key such as "mteb" or "hub-copy"',
        at_key=True,
    )


def _type(error: _Error, entry: Entry) -> Iterator[Breach]:
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} is {describe_value(error.instance)}",
        f"expected {expectation(error.schema)}",
        correction(error.instance, error.schema),
    )


def _not_positive(error: _Error, entry: Entry) -> Iterator[Breach]:
    owner = f"Model {printable(entry.id)}" if entry.id else "The entry"
    yield entry.breach(
        _pointer(error),
        f"{owner} has invalid {_label(error)}: {quote_json(error.instance)}",
        f"expected {expectation(error.schema)}",
        "write the true number" + (", or null" if allows_null(error.schema) else ""),
    )


def _out_of_range(error: _Error, entry: Entry) -> Iterator[Breach]:
    value, highest = error.instance, error.schema.get("maximum")
    percent = highest == 1 and 1 < value <= 100
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} is {quote_json(value)}",
        f"expected {expectation(error.schema)}",
        f"write {round(value / 100, 9)}, a fraction"
        if percent
        else "write the true value, or null",
    )


def _choice(error: _Error, entry: Entry) -> Iterator[Breach]:
    choices = error.validator_value
    texts = [choice for choice in choices if isinstance(choice, str)]
    meant = nearest(error.instance, texts) if isinstance(error.instance, str) else None
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} is {describe_value(error.instance)}",
        f"expected {expectation(error.schema)}",
        f"write {quote_json(meant)}" if meant else "write one of these",
    )


def _length(error: _Error, entry: Entry) -> Iterator[Breach]:
    if not error.instance:
        yield from _empty(error, entry)
        return
    null = ", or null" if allows_null(error.schema) else ""
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} has {len(error.instance)} item{'s' * (len(error.instance) > 1)}",
        f"expected {expectation(error.schema)}",
        f"write {_wanted_length(error.schema)} items{null}",
    )


def _wanted_length(schema: Any) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 0)
    return str(most) if least == most else f"{least} to {most}"


def _empty(error: _Error, entry: Entry) -> Iterator[Breach]:
    what = "an empty text" if error.instance == "" else "an empty list"
    action = "write null" if allows_null(error.schema) else "fill it in"
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} is {what}",
        f"expected {expectation(error.schema)}, not empty",
        action,
    )


def _repeated(error: _Error, entry: Entry) -> Iterator[Breach]:
    known: set[str] = set()
    for n, item in enumerate(error.instance):
        written = json.dumps(item, sort_keys=True)
        if written not in known:
            known.add(written)
        else:
            yield entry.breach(
                child_pointer(_pointer(error), n),
                f"{quote_json(_label(error))} contains {quote_json(item)} twice",
                "expected each item only once",
                "delete one of them",
            )


def _pattern(error: _Error, entry: Entry) -> Iterator[Breach]:
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} is {describe_value(error.instance)}",
        f"expected text of the form {error.validator_value}",
        "write it in this form",
    )


def _alternatives(error: _Error, entry: Entry) -> Iterator[Breach]:
    """Explain the errors within the alternative of the right type, if there is one."""
    inner = [cause for cause in error.context if len(cause.relative_path) > 0]
    if inner:
        for _, breach in _explain(inner, entry):
            yield breach
        return
    branches = {cause.schema_path[0] for cause in error.context if cause.validator != "uniqueItems"}
    if len(branches) < len(error.validator_value):
        for cause in error.context:
            if cause.validator == "uniqueItems":
                yield from _repeated(cause, entry)
        return
    yield from _choice(error, entry)


def _other(error: _Error, entry: Entry) -> Iterator[Breach]:
    yield entry.breach(
        _pointer(error),
        f"{_subject(error, entry)} is {describe_value(error.instance)}",
        f"expected {error.validator} {quote_json(error.validator_value)}",
        "look up the field in the schema",
    )


_WORDINGS: dict[str, Callable[[_Error, Entry], Iterator[Breach]]] = {
    "additionalProperties": _unknown_field,
    "anyOf": _alternatives,
    "enum": _choice,
    "exclusiveMinimum": _not_positive,
    "maximum": _out_of_range,
    "maxItems": _length,
    "minItems": _length,
    "minLength": _empty,
    "minimum": _out_of_range,
    "pattern": _pattern,
    "propertyNames": _key,
    "required": _missing,
    "type": _type,
    "uniqueItems": _repeated,
}
