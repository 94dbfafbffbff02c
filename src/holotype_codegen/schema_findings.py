"""What breaks the schema, in words: each error of jsonschema as a finding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from holotype_codegen.entries import Entry, Finding
from holotype_codegen.positions import child_pointer
from holotype_codegen.report import quoted

Translation: TypeAlias = Callable[[Any, str, Entry], Iterator[Finding]]

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "text",
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmb])", re.IGNORECASE)
_FACTORS = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def schema_findings(validator: Any, entry: Entry) -> Iterator[tuple[Finding, str]]:
    """Yield each place where an entry, or the frame of the file, breaks its schema.

    Yields:
        The finding, and the keyword of the schema.
    """
    seen: set[tuple[str, str]] = set()
    for error in validator.iter_errors(entry.values):
        within = ""
        for step in error.absolute_path:
            within = child_pointer(within, step)
        translate = _TRANSLATIONS.get(error.validator, _other)
        for finding in translate(error, entry.pointer + within, entry):
            if (finding.pointer, finding.found) not in seen:
                seen.add((finding.pointer, finding.found))
                yield finding, str(error.validator)


def _required(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    for name in error.validator_value:
        if name not in error.instance:
            yield Finding(
                pointer,
                f"the field {quoted(name)} is missing",
                _purpose(error.schema.get("properties", {}).get(name, {})),
                "add it, with null where it is unknown and may be null",
            )


def _unknown_fields(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    known = list(error.schema["properties"])
    for name in error.instance:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            yield Finding(
                child_pointer(pointer, name),
                f"there is no field {quoted(name)}",
                f"expected {', '.join(known)}",
                f"did you mean {quoted(near[0])}?" if near else "delete it",
            )


def _wrong_type(error: Any, pointer: str, entry: Entry) -> Iterator[Finding]:
    types = error.validator_value
    types = [types] if isinstance(types, str) else types
    wanted = " or ".join(_TYPE_NAMES[name] for name in types)
    field = pointer.rpartition("/")[2]
    found = f"{field or 'the file'} is {quoted(error.instance)}"
    if field == "embedding_dim" and entry.kind and error.instance in (None, 0):
        wanted = f"{wanted}, as {entry.kind} models " + (
            "return scores" if types == ["null"] else "return vectors"
        )
    yield Finding(pointer, found, f"expected {wanted}", _advice(error.instance, types))


def _advice(value: object, types: list[str]) -> str:
    """Return what to write in place of a value of the wrong type."""
    if "integer" in types and isinstance(value, str) and (size := _SIZE.fullmatch(value.strip())):
        about = int(float(size[1]) * _FACTORS[size[2].lower()])
        return f"write the number itself, about {about}"
    if "integer" in types and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if value in ("", 0) and "null" in types:
        return "write null where it is unknown"
    if isinstance(value, str) and value.lower() in ("true", "false") and "boolean" in types:
        return f"write {value.lower()} without quotes"
    if types == ["array"] or types == ["array", "null"]:
        return "write a list, in brackets"
    return "write null where it is unknown" if "null" in types else "correct the value"


def _not_positive(error: Any, pointer: str, entry: Entry) -> Iterator[Finding]:
    field = pointer.rpartition("/")[2]
    if field.isdigit():
        field = pointer.rpartition("/")[0].rpartition("/")[2]
    yield Finding(
        pointer,
        f"Model {entry.id or 'without an id'} has invalid {field}: {error.instance}",
        "expected a whole number above 0",
        "write the true value, or null where it is unknown and may be null",
    )


def _out_of_range(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    score = error.instance
    yield Finding(
        pointer,
        f"the score {quoted(score)} is outside 0 to 1",
        "expected a fraction",
        f"write {score / 100:g}" if 1 < score <= 100 else "correct it, or write null",
    )


def _not_a_choice(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    choices = error.validator_value
    texts = [choice for choice in choices if isinstance(choice, str)]
    value = str(error.instance).lower().replace("_", "-")
    near = difflib.get_close_matches(value, texts, n=1)
    yield Finding(
        pointer,
        f"{pointer.rpartition('/')[2]} is {quoted(error.instance)}",
        f"expected one of {', '.join(map(quoted, choices))}",
        f"did you mean {quoted(near[0])}?" if near else "choose one of them",
    )


def _repeated(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    values = error.instance
    for n, value in enumerate(values):
        if value in values[:n]:
            found = f"{quoted(value)} stands twice in the list"
            yield Finding(f"{pointer}/{n}", found, "expected each value once", "delete one")


def _empty(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    yield Finding(
        pointer,
        f"{pointer.rpartition('/')[2]} is empty",
        "expected something in it",
        "write null where it is unknown and may be null",
    )


def _pattern(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    yield Finding(
        pointer,
        f"{quoted(error.instance)} has the wrong form",
        f"expected text that matches {error.validator_value}",
        "correct it",
    )


def _no_alternative(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    yield Finding(
        pointer,
        f"{pointer.rpartition('/')[2]} is {quoted(error.instance)}",
        _purpose(error.schema),
        "correct it, or write null where it is unknown",
    )


def _forbidden(_error: Any, pointer: str, entry: Entry) -> Iterator[Finding]:
    yield Finding(
        pointer,
        f"the type {quoted(entry.kind)} has no {pointer.rpartition('/')[2]}",
        "expected it only for the kinds of model that holotype knows",
        "delete it, or correct the type",
    )


def _other(error: Any, pointer: str, _: Entry) -> Iterator[Finding]:
    yield Finding(pointer, error.message, _purpose(error.schema), "correct it")


def _purpose(schema: Any) -> str:
    """Return what a field is for, as the schema describes it."""
    described = schema if isinstance(schema, dict) else {}
    title, text = described.get("title"), described.get("description", "")
    first = text.partition(". ")[0].rstrip(".")
    return f"expected {title}: {first}" if title else "expected what the schema describes"


_TRANSLATIONS: dict[str | None, Translation] = {
    "required": _required,
    "additionalProperties": _unknown_fields,
    "type": _wrong_type,
    "exclusiveMinimum": _not_positive,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "enum": _not_a_choice,
    "uniqueItems": _repeated,
    "minLength": _empty,
    "minItems": _empty,
    "pattern": _pattern,
    "anyOf": _no_alternative,
    None: _forbidden,
}
"""How each keyword of the schema is put into words; None is a schema that nothing satisfies."""
