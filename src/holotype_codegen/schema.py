"""The schema of catalogues, and a validator of entries per kind of model derived from it."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

_HERE = Path(__file__).parent
_PLACES = (
    _HERE / "models.schema.json",  # in a wheel
    _HERE.parent.parent / "schema" / "models.schema.json",  # in the source tree
)
_A_FURTHER_KIND = "a-further-kind"


@functools.cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of catalogues."""
    path = next(place for place in _PLACES if place.is_file())
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@functools.cache
def known_kinds() -> tuple[str, ...]:
    """Return the kinds of model whose encoding the schema describes."""
    conditions = load_schema()["$defs"]["model"]["allOf"]
    kinds = (condition["if"]["properties"]["type"].get("const") for condition in conditions)
    return tuple(kind for kind in kinds if kind is not None)


@functools.cache
def kinds_with(group: str) -> tuple[str, ...]:
    """Return the known kinds of model whose entries may have a group, such as `image`."""
    conditions = load_schema()["$defs"]["model"]["allOf"]
    forbidden = [
        set(known_kinds()) - set(condition["if"]["properties"]["type"].get("enum", ()))
        for condition in conditions
        if condition.get("else", {}).get("properties", {}).get(group) is False
    ]
    return tuple(kind for kind in known_kinds() if not any(kind in kinds for kinds in forbidden))


@functools.cache
def meant_kind(kind: str) -> str | None:
    """Return the known kind that `kind` equals except for case and separators.

    ``Dense``, ``cross_encoder`` and ``crossencoder`` match; None means another kind.
    """
    return _kinds_by_letters().get(_letters(kind))


@functools.cache
def _kinds_by_letters() -> dict[str, str]:
    return {_letters(kind): kind for kind in known_kinds()}


def _letters(kind: str) -> str:
    return "".join(character for character in kind.lower() if character.isalnum())


@functools.cache
def frame_validator() -> Any:
    """Return the validator of everything but the entries."""
    schema = copy.deepcopy(load_schema())
    schema["properties"]["models"].pop("items")
    return _StrictValidator(_inline(schema))


def entry_validator(kind: str | None) -> Any:
    """Return the validator of the entries of one kind, with the schema's conditions decided.

    Args:
        kind: the kind of model; None if an entry does not say, so no condition can be decided.
    """
    return _entry_validator(_A_FURTHER_KIND if kind not in (None, *known_kinds()) else kind)


@functools.cache
def _entry_validator(kind: str | None) -> Any:
    model = copy.deepcopy(load_schema()["$defs"]["model"])
    conditions = model.pop("allOf")
    for condition in conditions if kind is not None else ():
        branch = "then" if _holds(condition["if"], kind) else "else"
        model = _narrow(model, condition.get(branch, {}))
    return _StrictValidator(_inline(model))


def _holds(condition: dict[str, Any], kind: str | None) -> bool:
    return bool(_StrictValidator(condition).is_valid({"type": kind}))


def _narrow(schema: dict[str, Any], narrower: dict[str, Any]) -> dict[str, Any]:
    """Merge two schemas, where the second only narrows the first.

    With one schema per value, a wrong value breaks one constraint, and the message can be exact.
    """
    result = {**schema, **narrower}
    if "required" in schema and "required" in narrower:
        result["required"] = list(dict.fromkeys(schema["required"] + narrower["required"]))
    properties = dict(schema.get("properties", {}))
    for name, value in narrower.get("properties", {}).items():
        if value is False:
            properties.pop(name)
        else:
            properties[name] = _narrow(properties.get(name, {}), value)
    if properties:
        result["properties"] = properties
    return result


def _inline(schema: Any) -> Any:
    """Return a schema with each reference to a definition replaced by it."""
    match schema:
        case {"$ref": str(reference)}:
            return _inline(load_schema()["$defs"][reference.rpartition("/")[2]])
        case dict():
            return {key: _inline(value) for key, value in schema.items() if key != "$defs"}
        case list():
            return [_inline(value) for value in schema]
        case _:
            return schema


def _is_whole(_: object, value: object) -> bool:
    """Return whether a value is written as a whole number: neither `true` nor `768.0`."""
    return isinstance(value, int) and not isinstance(value, bool)


def _matches(validator: Any, pattern: str, value: object, _: object) -> Iterator[ValidationError]:
    """Match `$` only at the end of the text; Python also matches it before a final newline."""
    if validator.is_type(value, "string"):
        ending = r"\Z" if pattern.endswith("$") else ""
        if re.search(pattern.removesuffix("$") + ending, str(value)) is None:
            yield ValidationError(f"{value!r} does not match {pattern!r}")


def _is_unique(validator: Any, wanted: bool, items: Any, _: object) -> Iterator[ValidationError]:
    """Compare items by their JSON; jsonschema compares items it cannot sort pair by pair."""
    if wanted and validator.is_type(items, "array"):
        different = {json.dumps(item, sort_keys=True) for item in items}
        if len(different) < len(items):
            yield ValidationError("an item occurs twice")


class _Remembering:
    """A validator that does not look again at a value that was valid under the same schema.

    Entries have many values in common: licences, tokens, sources, null. Objects and lists are not
    remembered, since nothing but a walk through them tells whether two are equal.
    """

    _valid: ClassVar[dict[int, tuple[Any, set[tuple[type, object]]]]] = {}

    def __init__(self, validator: Any) -> None:
        self._validator = validator

    def is_type(self, instance: object, type: str) -> bool:
        return bool(self._validator.is_type(instance, type))

    def descend(self, instance: object, schema: Any, **place: Any) -> Iterator[ValidationError]:
        if isinstance(instance, dict | list):
            yield from self._validator.descend(instance, schema, **place)
            return
        # A schema that is kept keeps its identity, too: that of one that is gone becomes another's.
        _, valid = self._valid.setdefault(id(schema), (schema, set()))
        key = (type(instance), instance)
        if key in valid:
            return
        errors = list(self._validator.descend(instance, schema, **place))
        if not errors:
            valid.add(key)
        yield from errors


def _remembering(keyword: str) -> Any:
    """Return the library's check of a keyword, with the values below it remembered."""
    check: Any = Draft202012Validator.VALIDATORS[keyword]
    return lambda validator, *arguments: check(_Remembering(validator), *arguments)


# The stubs of jsonschema have no types for `extend`.
_extend: Any = validators.extend
_StrictValidator = _extend(
    Draft202012Validator,
    {"pattern": _matches, "uniqueItems": _is_unique}
    | {name: _remembering(name) for name in ("properties", "additionalProperties", "items")},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)
