"""Converts records to JSON values, and untrusted JSON values to records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from holotype.errors import ManifestError
from holotype.records import (
    CaptionerModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ImageTextModel,
    ModelInfo,
    SparseModel,
    Variant,
)

RECORDS: Mapping[str, type[ModelInfo]] = {
    "dense": DenseModel,
    "colbert": ColbertModel,
    "sparse": SparseModel,
    "cross-encoder": CrossEncoderModel,
    "classifier": ClassifierModel,
    "image-text": ImageTextModel,
    "captioner": CaptionerModel,
}
"""The record class of each kind."""

_REPOSITORY = "huggingface_id"
_LONGEST_TEXT = 20_000
_MOST_ITEMS = 200_000


def entry_of(record: ModelInfo) -> dict[str, Any]:
    """Return the known fields of a record as JSON values, by field name.

    The repository of a record that was made of a folder is unknown: null.
    """
    usual = {field.name: field.default for field in fields(record)}
    entry = {
        name: _as_json(value)
        for name, value in asdict(record).items()
        if value is not usual[name] and (value != usual[name] or type(value) is bool)
    }
    return entry | {_REPOSITORY: record.huggingface_id or None}


def record_of(entry: object, location: str) -> ModelInfo:
    """Return the record from JSON values.

    Args:
        entry: the result of `entry_of`, untrusted.
        location: its location, for errors.

    Raises:
        ManifestError: a field is unknown, missing, or of the wrong type.
    """
    if not isinstance(entry, dict):
        raise ManifestError(location, "its entry is not a JSON object")
    if entry.get(_REPOSITORY, "") is None:
        entry = entry | {_REPOSITORY: ""}
    kind = str(entry.get("type"))
    types, required = _fields_of(kind if kind in RECORDS else "")
    unknown, missing = sorted(set(entry) - set(types)), sorted(required - set(entry))
    if unknown or missing:
        problem = f"has no field {unknown[0][:80]!r}" if unknown else f"lacks {missing[0]!r}"
        raise ManifestError(
            location, f"its entry {problem}; it is damaged, or was made by a newer version"
        )
    record_class = RECORDS.get(kind, ModelInfo)
    return record_class(
        **{name: _value(types[name], entry[name], name, location) for name in entry}
    )


@cache
def _fields_of(kind: str) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Return the types of the fields of a kind's record, and the names of those it must have."""
    record_class = RECORDS.get(kind, ModelInfo)
    required = {field.name for field in fields(record_class) if field.default is MISSING}
    return get_type_hints(record_class), frozenset(required)


def _value(declared: Any, value: object, field: str, location: str) -> Any:
    fits, read = _read(declared, value)
    if not fits:
        raise ManifestError(location, f"its entry has the {field} {str(value)[:80]!r}")
    return read


def _read(declared: Any, value: object) -> tuple[bool, Any]:
    """Return whether a JSON value has a declared type, and the value converted to it."""
    origin, arguments = get_origin(declared), get_args(declared)
    if isinstance(declared, TypeVar):
        return _read(declared.__bound__, value)
    if origin in (Union, UnionType):
        found = (_read(each, value) for each in arguments)
        return next((pair for pair in found if pair[0]), (False, None))
    if origin is Literal:
        return value in arguments, value
    if origin is tuple:
        return _read_items(arguments, value)
    if declared is Variant:
        return _read_variant(value)
    if declared is float:
        return type(value) in (int, float), value
    if declared is NoneType:
        return value is None, None
    too_long = isinstance(value, str) and len(value) > _LONGEST_TEXT
    return type(value) is declared and not too_long, value


def _read_items(arguments: tuple[Any, ...], value: object) -> tuple[bool, Any]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        return False, None
    repeated = bool(arguments) and arguments[-1] is Ellipsis
    types = [arguments[0]] * len(value) if repeated else list(arguments)
    if len(types) != len(value):
        return False, None
    read = [_read(each, item) for each, item in zip(types, value, strict=True)]
    return all(fits for fits, _ in read), tuple(item for _, item in read)


def _read_variant(value: object) -> tuple[bool, Any]:
    if not isinstance(value, dict) or not set(value) <= {field.name for field in fields(Variant)}:
        return False, None
    texts = all(item is None or isinstance(item, str) for item in value.values())
    if not texts or not isinstance(value.get("id"), str):
        return False, None
    return True, Variant(**value)


def _as_json(value: object) -> Any:
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    return value
