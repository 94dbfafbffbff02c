"""Shapes of lists and mappings: of items, of names, of known keys, and of either of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from holotype.deployment.problems import Report, join_quoted, nearest, quote, refuse_credentials
from holotype.deployment.shapes import UNREAD, Choice, ScalarValue, Shape, Text, Unread
from holotype.deployment.tree import Node

_CREDENTIAL_KEY = re.compile(
    r"(?:.*_)?(?:password|passwd|secret|token|api_?key|access_key(?:_id)?|credentials?)", re.I
)


@dataclass(frozen=True, slots=True)
class ListOf(Shape):
    """A list of one item or more, each once.

    Attributes:
        item: what each item is.
        noun: what they are called.
    """

    item: Shape
    noun: str

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return f"a list of {self.noun}"

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if not isinstance(node.value, list):
            is_one = node.written != "" and node.value is not None
            action = f"write [{node.written}]" if is_one else f"write {self.expected}"
            if isinstance(node.value, dict):
                action += ", each behind a dash"
            return self.refuse(node, report, action)
        if not node.value:
            return self.refuse(node, report, "fill it in, or leave the key out", rule="empty")
        read: list[Any] = []
        for child in node.value:
            value = self.item.read(child, report)
            if isinstance(value, Unread):
                continue
            if isinstance(value, str) and value in read:
                report.add(
                    child,
                    f"{quote(value)} stands twice in the list",
                    f"expected each of the {self.noun} once",
                    "delete one of them",
                    rule="repeated",
                )
                continue
            read.append(value)
        return tuple(read) if len(read) == len(node.value) else UNREAD

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        unique = isinstance(self.item, Text | Choice)
        made = {"type": "array", "items": self.item.schema(), "minItems": 1}
        return made | {"uniqueItems": True} if unique else made


@dataclass(frozen=True, slots=True)
class MapOf(Shape):
    """A mapping whose keys are names; it is read as a dictionary of what could be read.

    Attributes:
        item: what each value is.
        noun: what the values are called.
        key_noun: what a key is, with its article.
        key: returns what to do about a wrong key, None for a right one; any key is taken without
            it.
        pattern: the pattern of keys for the schema; None for any.
    """

    item: Shape
    noun: str
    key_noun: str = "a name"
    key: Callable[[str], str | None] | None = None
    pattern: str | None = None

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return f"a mapping of {self.noun}"

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if not isinstance(node.value, dict):
            return self.refuse(node, report, f"write {self.expected}")
        if not node.value:
            # Where its keys were refused already, nothing more is to be said.
            if not node.has_lost_keys:
                self.refuse(node, report, f"name the {self.noun}", rule="empty")
            return UNREAD
        read: dict[str, Any] = {}
        for name, member in node.value.items():
            action = None if self.key is None else self.key(name)
            if action is not None:
                report.add(
                    member.key,
                    f"{quote(name)} is not {self.key_noun}",
                    f"expected {self.key_noun}",
                    action,
                    rule="key",
                )
            elif isinstance(self.item, ScalarValue) and _CREDENTIAL_KEY.fullmatch(name):
                refuse_credentials(member.key, f"the key {quote(name)} names a credential", report)
            value = self.item.read(member.node, report)
            if not isinstance(value, Unread):
                read[name] = value
        return read

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        made: dict[str, Any] = {"type": "object", "additionalProperties": self.item.schema()}
        made["minProperties"] = 1
        if self.pattern is not None:
            made["propertyNames"] = {"pattern": f"^{self.pattern}$"}
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A key of a `Record`.

    Attributes:
        shape: what it holds.
        doc: what it means, for the schema.
        required: whether it must be there.
    """

    shape: Shape
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Shape):
    """A mapping with known keys; it is read as a dictionary of what could be read.

    Attributes:
        what: what it is, in words.
        fields: its keys.
        elsewhere: for keys that stand in another place, what to do.
        short: the key whose value is meant where a text stands in place of the mapping, if any.
    """

    what: str
    fields: Mapping[str, Field]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    short: str | None = None

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return self.what

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if not isinstance(node.value, dict):
            action = f"write a mapping with {join_quoted(self.fields)}"
            if self.short is not None and isinstance(node.value, str):
                action = f"write {{{self.short}: {quote(node.value)}}}"
            return self.refuse(node, report, action)
        read: dict[str, Any] = {}
        for name, member in node.value.items():
            if name not in self.fields:
                self._refuse_key(name, member.key, report)
                continue
            value = self.fields[name].shape.read(member.node, report)
            if not isinstance(value, Unread):
                read[name] = value
        for name, each in self.fields.items():
            if each.required and name not in node.value:
                report.add(
                    node,
                    f"the key {quote(name)} is missing",
                    f"expected {each.shape.expected}",
                    f"add {name}: {each.doc.rstrip('.')}",
                    rule="required",
                )
        return read

    def _refuse_key(self, name: str, key: Node, report: Report) -> None:
        if _CREDENTIAL_KEY.fullmatch(name):
            refuse_credentials(key, f"the key {quote(name)} names a credential", report)
            return
        meant = nearest(name, self.fields)
        action = f"did you mean {quote(meant)}?" if meant else "delete it"
        report.add(
            key,
            f"{quote(name)} is no key of {self.what}",
            f"expected one of {join_quoted(self.fields)}",
            self.elsewhere.get(name, action),
            rule="key",
        )

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        required = [name for name, each in self.fields.items() if each.required]
        return {
            "type": "object",
            "properties": {
                name: {**each.shape.schema(), "description": each.doc}
                for name, each in self.fields.items()
            },
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged(Shape):
    """A mapping whose key ``type`` says which other keys it has; read as type and dictionary.

    Attributes:
        what: what it is, in words.
        kinds: the mapping of each type, without the key ``type``.
    """

    what: str
    kinds: Mapping[str, Record]

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return self.what

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if not isinstance(node.value, dict):
            return self.refuse(node, report, f"write {self.what}")
        tag = node.get("type")
        if tag is None:
            report.add(
                node,
                'the key "type" is missing',
                f"expected one of {join_quoted(self.kinds)}",
                "add type: what it is",
                rule="required",
            )
            return UNREAD
        kind = Choice.of(*self.kinds).read(tag, report)
        if isinstance(kind, Unread):
            return UNREAD
        members = {name: member for name, member in node.value.items() if name != "type"}
        inner = node.moved(members)
        record = self.kinds[kind]
        values = record.read(inner, report)
        needed = [name for name, each in record.fields.items() if each.required or name in members]
        return (kind, values) if all(name in values for name in needed) else UNREAD

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        return {"oneOf": [self._branch(name, record) for name, record in self.kinds.items()]}

    def _branch(self, name: str, record: Record) -> dict[str, Any]:
        made = record.schema()
        made["properties"] = {"type": {"const": name}, **made["properties"]}
        return made | {"required": ["type", *made.get("required", [])]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByKind(Shape):
    """A value whose kind decides its shape: text or a number, a list, or a mapping.

    Attributes:
        what: what is expected, in words.
        scalar: the shape of text and other scalars; None where there is none.
        items: the shape of a list; likewise.
        mapping: the shape of a mapping; likewise.
    """

    what: str
    scalar: Shape | None = None
    items: Shape | None = None
    mapping: Shape | None = None

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return self.what

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        shape = self.scalar
        if isinstance(node.value, list):
            shape = self.items
        elif isinstance(node.value, dict):
            shape = self.mapping
        if shape is None or node.value is None:
            return self.refuse(node, report, f"write {self.what}")
        return shape.read(node, report)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        shapes = [each for each in (self.scalar, self.items, self.mapping) if each is not None]
        return {"anyOf": [shape.schema() for shape in shapes]}
