"""What is wrong with the fields of a body, one sentence for each.

pydantic tells of every member of a union that a value does not fit, under a path that names the member.
The one that fits furthest is what the client meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

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


def field_problems(errors: Iterable[Mapping[str, Any]]) -> list[FieldProblem]:
    """Return what is wrong with each field, from what pydantic says."""
    found: dict[Path, _Union | FieldProblem] = {}
    for at, error in enumerate(errors):
        location = tuple(error["loc"])
        tags = tuple(part for part in location if part in _MEMBERS)
        if not tags or "input" not in error:
            found[(*location, "", at)] = FieldProblem(
                field=shown(location), message=str(error["msg"])
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
    parts = [part for part in location[first:] if part not in _MEMBERS]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")[:200]


def _reached(tags: Path, error: Mapping[str, Any]) -> Path:
    """Return the path of the value that does not fit; of a field of an object, the object."""
    location: Path = tuple(part for part in error["loc"] if part not in tags)
    return location[:-1] if error["type"] in _OF_OBJECTS else location


def _order(path: Path) -> tuple[int, tuple[int, ...]]:
    return len(path), tuple(part for part in path if isinstance(part, int))


def _expected(tags: Path, error: Mapping[str, Any]) -> str:
    if error["type"] in (*_OF_OBJECTS, "model_type"):
        return _MEMBERS[str(tags[-1])]
    return _EXPECTED.get(error["type"], str(error["msg"]))


def _found(error: Mapping[str, Any]) -> str:
    value = error["input"]
    if error["type"] == "extra_forbidden":
        # It has all that it must have, or the first error would be another.
        return f"an object that also has {error['loc'][-1]}"
    if isinstance(value, dict):
        keys = [str(key)[:40] for key in list(value)[:_MOST_KEYS]]
        return f"an object with {', '.join(keys)}" if keys else "an empty object"
    return next((words for kind, words in _FOUND if isinstance(value, kind)), "null")
