"""What is wrong with the fields of a body: for each, what was found and what was expected.

pydantic tells of every member of a union that a value does not fit, under a path that names the
member. The one that fits furthest is what the client meant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel

from holotype.server.errors import FieldProblem

Path: TypeAlias = tuple[str | int, ...]

_MEMBERS: Mapping[str, str] = {
    "str": "a text",
    "list[str]": "a list of texts",
    "list[int]": "a list of token ids",
    "list[list[int]]": "a list of lists of token ids",
    "list[list[str]]": "a list of lists of texts",
    "dict[str,any]": "an object",
    "TextItem": "an object with text",
    "ImageItem": "an object with image",
    "list[ImageItem]": "a list of objects with image",
    "list[union[TextItem,ImageItem]]": "a list of objects with text or image",
    "list[union[str,ImageItem]]": "a list of pictures, or of objects with image",
}
"""What the members of unions are called, by pydantic's names of them."""
_EXPECTED: Mapping[str, str] = {
    "string_type": "a text",
    "int_type": "the integer of a token",
    "list_type": "a list",
    "dict_type": "an object",
}
_EXPECTED_ALONE: Mapping[str, str] = {
    **_EXPECTED,
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
"""What a field that is no union holds, by pydantic's names of the errors."""
_EXPECTED_OF_VALUES: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "string_unicode": "a text without halves of surrogate pairs",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}
"""What is expected of a value of the right shape, or of a text in its place, by the same names."""
_SHOWN_VALUES = (str, int, float)
_MOST_CHARACTERS = 60
"""How much of a value is shown."""
_OF_OBJECTS = ("missing", "extra_forbidden")
_FOUND: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "a text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
)
_MOST_KEYS = 5
"""How many keys of an object are shown."""
_MOST_LETTERS_OF_KEY = 40
"""How much of a key is shown."""


@dataclass(slots=True)
class _Union:
    """What pydantic says of one field that is a union: its errors by the members."""

    members: dict[Path, Mapping[str, Any]] = field(default_factory=dict)
    tops: dict[str, None] = field(default_factory=dict)

    def add(self, tags: Path, error: Mapping[str, Any]) -> None:
        """Keep the first error of each member, which says how far it fits."""
        self.members.setdefault(tags, error)
        self.tops.setdefault(str(tags[0]))

    def problem(self) -> FieldProblem:
        """Return what is wrong, by the members that fit furthest."""
        reached = [(_reached(tags, error), tags, error) for tags, error in self.members.items()]
        furthest = max(_order(path) for path, _, _ in reached)
        best = [one for one in reached if _order(one[0]) == furthest]
        # An object is meant as one of the objects.
        best = [one for one in best if one[2]["type"] in _OF_OBJECTS] or best
        path, _, error = best[0]
        if len(path) == min(len(one[0]) for one in reached) and len(self.tops) > 1:
            expected = dict.fromkeys(_MEMBERS.get(name, name) for name in self.tops)
        else:
            expected = dict.fromkeys(_expected(tags, one) for _, tags, one in best)
        *others, last = expected
        words = f"{', '.join(others)} or {last}" if others else last
        message = f"found {_found(error)}, expected {words}"
        return FieldProblem(field=shown(path), message=message)


def field_problems(
    errors: Iterable[Mapping[str, Any]], body: type[BaseModel] | None = None
) -> list[FieldProblem]:
    """Return what is wrong with each field, from what pydantic says.

    Args:
        errors: the errors of pydantic.
        body: what the body should be; None where only pydantic knows.
    """
    found: dict[Path, _Union | FieldProblem] = {}
    for at, error in enumerate(errors):
        location = tuple(error["loc"])
        # A client may call a field of its own like a member.
        named = location[:-1] if error["type"] == "extra_forbidden" else location
        tags = tuple(part for part in named if part in _MEMBERS)
        if not tags or "input" not in error:
            path = (*(part for part in named if part not in _MEMBERS), *location[len(named) :])
            found[(*location, "", at)] = FieldProblem(
                field=shown(path), message=_alone(error, body)
            )
            continue
        union = found.setdefault(location[: location.index(tags[0])], _Union())
        assert isinstance(union, _Union), "a field is a union or none"
        union.add(tags, error)
    return [one.problem() if isinstance(one, _Union) else one for one in found.values()]


def shown(location: Sequence[str | int]) -> str:
    """Return the path of a field as a client writes it."""
    # A field of a body may be called query, too.
    first = len(location) > 1 and location[0] in ("body", "query", "path")
    parts = location[first:]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return _encodable(text.removeprefix(".")[:200])


def _encodable(text: str) -> str:
    """Return a text with halves of surrogate pairs, which no answer can hold, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _reached(tags: Path, error: Mapping[str, Any]) -> Path:
    """Return the path of the value that does not fit; of a field of an object, the object."""
    location: Path = tuple(error["loc"])
    whole = location[:-1] if error["type"] in _OF_OBJECTS else location
    return tuple(part for part in whole if part not in tags)


def _order(path: Path) -> tuple[int, tuple[int, ...]]:
    return len(path), tuple(part for part in path if isinstance(part, int))


def _expected(tags: Path, error: Mapping[str, Any]) -> str:
    if error["type"] in (*_OF_OBJECTS, "model_type"):
        # An item of a list is one object, and the member is the list.
        name = str(tags[-1])
        return _MEMBERS[name.removeprefix("list[").removesuffix("]")]
    return _EXPECTED.get(error["type"], str(error["msg"]))


def _found(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        # It has all that it must have, or the first error would be another.
        return f"an object that also has {_encodable(str(error['loc'][-1])[:_MOST_LETTERS_OF_KEY])}"
    return _kind_of(error["input"])


def _kind_of(value: object) -> str:
    if isinstance(value, dict):
        keys = [_encodable(str(key)[:_MOST_LETTERS_OF_KEY]) for key in list(value)[:_MOST_KEYS]]
        return f"an object with {', '.join(keys)}" if keys else "an empty object"
    return next((words for kind, words in _FOUND if isinstance(value, kind)), "null")


def _alone(error: Mapping[str, Any], body: type[BaseModel] | None) -> str:
    """Return what is wrong with a field that has one shape."""
    kind, message = str(error["type"]), str(error["msg"])
    owner = None if body is None else _owner(body, error["loc"])
    if kind == "missing":
        name = str(error["loc"][-1]) if error["loc"] else ""
        known = owner is not None and name in owner.model_fields
        words = _words(owner.model_fields[name].annotation) if owner and known else "a value"
        return f"is missing, expected {words}"
    if kind == "extra_forbidden":
        fields = "" if owner is None else f", expected one of {', '.join(owner.model_fields)}"
        return f"found a field that is unknown here{fields}"
    if "input" not in error:
        return message
    if kind in _EXPECTED_ALONE:
        return f"found {_kind_of(error['input'])}, expected {_EXPECTED_ALONE[kind]}"
    if kind in _EXPECTED_OF_VALUES:
        expected = _EXPECTED_OF_VALUES[kind].format_map(_limits(error))
        return f"found {_value(error['input'])}, expected {expected}"
    for prefix, expected in (
        ("Input should be ", ""),
        ("String should have ", "a text with "),
        ("List should have ", "a list with "),
        ("Value error, ", ""),
    ):
        if message.startswith(prefix):
            words = expected + message.removeprefix(prefix)
            return f"found {_value(error['input'])}, expected {words}"
    return f"found {_value(error['input'])}: {message}"


def _limits(error: Mapping[str, Any]) -> dict[str, str]:
    """Return what a value is compared with, by pydantic's names."""
    limits = error.get("ctx", {}).items()
    return {name: f"{one:g}" if isinstance(one, float) else str(one) for name, one in limits}


def _value(value: object) -> str:
    """Return a value as JSON has it, or what it is if that says more."""
    if isinstance(value, _SHOWN_VALUES) and not isinstance(value, bool):
        text = _encodable(json.dumps(value, ensure_ascii=False))
        return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
    return _kind_of(value)


def _owner(body: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the class of the object that has, or should have, the field at a path."""
    owner: type[BaseModel] | None = body
    # FastAPI begins the path of a field of a body with its place in the request.
    first = len(location) > 1 and location[0] == "body"
    for part in location[first:-1]:
        if owner is None or part not in owner.model_fields:
            return None
        named = owner.model_fields[str(part)].annotation
        classes: list[type[BaseModel]] = [one for one in (named, *get_args(named)) if _is_body(one)]
        owner = classes[0] if classes else None
    return owner


def _is_body(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _words(annotation: Any) -> str:
    """Return what an annotation means, as `_MEMBERS` has it."""
    members = [one for one in _members(annotation) if one is not NoneType]
    *others, last = dict.fromkeys(_word(one) for one in members)
    return f"{', '.join(others)} or {last}" if others else last


def _members(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _word(annotation: Any) -> str:
    alone = {int: "a whole number", float: "a number", bool: "true or false"}
    if get_origin(annotation) is Literal:
        return " or ".join(repr(one) for one in get_args(annotation))
    if annotation in alone:
        return alone[annotation]
    named = _MEMBERS.get(_tag(annotation))
    if named is not None:
        return named
    return "a list" if get_origin(annotation) is list else "an object"


def _tag(annotation: Any) -> str:
    """Return what pydantic calls a member of a union."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _tag(inner[0])
    if origin in (Union, UnionType):
        return f"union[{','.join(map(_tag, inner))}]"
    if origin is list:
        return f"list[{_tag(inner[0])}]"
    name: str = getattr(annotation, "__name__", str(annotation))
    return name
