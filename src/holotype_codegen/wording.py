"""Words for schemas and values: the expected, the found, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from holotype_codegen.report import quote_json

Schema = Mapping[str, Any]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
_QUANTITY = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*([kmbg]?)\s*", re.IGNORECASE)
_UNKNOWN = frozenset({"", "-", "?", "n/a", "na", "nil", "none", "null", "tbd", "unknown"})


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be."""
    names = {_plain(candidate): candidate for candidate in known}
    if _plain(name) in names:
        return names[_plain(name)]
    near = difflib.get_close_matches(_plain(name)[:100], names, n=1, cutoff=0.7)
    return names[near[0]] if near else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def join_quoted(names: Iterable[object]) -> str:
    """Return quoted names, separated by commas."""
    return ", ".join(quote_json(name) for name in names)


def expectation(schema: Schema) -> str:
    """Return the values that a schema allows, in words: `a whole number above 0 or null`."""
    if "anyOf" in schema:
        return _either([expectation(branch) for branch in schema["anyOf"]])
    if "const" in schema:
        return quote_json(schema["const"])
    if "enum" in schema:
        return f"one of {join_quoted(schema['enum'])}"
    return _either([_type_expectation(name, schema) for name in types_of(schema)])


def types_of(schema: Schema) -> list[str]:
    """Return the types that a schema allows, by their names in JSON Schema."""
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def allows_null(schema: Schema) -> bool:
    """Return whether null is allowed for "no source says"."""
    return "null" in types_of(schema) or None in schema.get("enum", ())


def _either(words: list[str]) -> str:
    return " or ".join(words) or "another value"


def _type_expectation(name: str, schema: Schema) -> str:
    match name:
        case "integer":
            return "a whole number above 0" if "exclusiveMinimum" in schema else "a whole number"
        case "number":
            if "minimum" in schema and "maximum" in schema:
                return f"a number from {schema['minimum']} to {schema['maximum']}"
            return "a number above 0" if "exclusiveMinimum" in schema else "a number"
        case "string":
            return "text"
        case "boolean":
            return "true or false"
        case "array":
            items = schema.get("items", {})
            count = (
                schema.get("minItems") if schema.get("minItems") == schema.get("maxItems") else None
            )
            what = "a list" if count is None else f"a list of {count}"
            return f"{what} (each item {expectation(items)})" if items else what
        case "object":
            return "an object"
        case _:
            return "null"


def describe_value(value: object) -> str:
    """Say what a value is: `the text "110M"`, `a list`."""
    match value:
        case None | bool():
            return quote_json(value)
        case str():
            return f"the text {quote_json(value)}"
        case float() if value.is_integer():
            return f"{quote_json(value)}, written as a fraction"
        case int() | float():
            return f"the number {quote_json(value)}"
        case list():
            return "a list"
        case _:
            return "an object"


def correction(value: object, schema: Schema) -> str:
    """Return how to write a value of the wrong type."""
    types = types_of(schema)
    if value is None:
        return "give the value, or omit the field if it is not required"
    if isinstance(value, str):
        return _correction_of_text(value, types) or f"write {expectation(schema)}"
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return f"write {int(value)}"
    if "string" in types and type(value) in (int, float):
        return f'write "{quote_json(value)}" in quotes'
    if "array" in types and not isinstance(value, dict):
        return f"write [{quote_json(value)}]"
    return f"write {expectation(schema)}"


def _correction_of_text(text: str, types: list[str]) -> str | None:
    if "null" in types and text.strip().lower() in _UNKNOWN:
        return "write null, without quotes"
    if "boolean" in types and text.lower() in ("true", "false"):
        return f"write {text.lower()}, without quotes"
    if "array" in types:
        return f"write [{quote_json(text)}]"
    quantity = _QUANTITY.fullmatch(text.replace(",", "").replace("_", ""))
    if quantity is None:
        return None
    number = round(float(quantity[1]) * _UNITS[quantity[2].lower()], 9)
    if "integer" in types and number.is_integer():
        return f"write {int(number)}, without quotes"
    return f"write {number}, without quotes" if "number" in types else None
