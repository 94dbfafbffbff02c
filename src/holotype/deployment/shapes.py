"""Shapes of values: what a field may hold, how it is read, and how the JSON Schema says it.

One description gives both, so that the published schema and the reader cannot disagree.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from holotype.deployment.problems import Report, join_quoted, nearest, quote, refuse_credentials
from holotype.deployment.tree import PLAIN_INTEGER, Node, describe


class Unread:
    """The type of `UNREAD`."""


UNREAD: Final = Unread()
"""What a shape returns for a value that it has reported."""

_CREDENTIAL_KEY = re.compile(
    r"(?:.*_)?(?:password|passwd|secret|token|api_?key|access_key(?:_id)?|credentials?)", re.I
)
_TRUE = frozenset({"yes", "on", "y", "1", "true"})
_FALSE = frozenset({"no", "off", "n", "0", "false"})


class Shape(ABC):
    """What a value may be."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What is expected, in words: `text`, `a number from 0 to 1`."""

    @abstractmethod
    def read(self, node: Node, report: Report) -> Any:
        """Return the value; report what is wrong and return `UNREAD` where it is not of the shape."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""

    def refuse(self, node: Node, report: Report, action: str, *, rule: str = "type") -> Unread:
        """Report that a value is not of the shape."""
        report.add(
            node,
            f"{node.label} is {describe(node)}",
            f"expected {self.expected}",
            action,
            rule=rule,
        )
        return UNREAD


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Shape):
    """Text, which may have to be parsed into something else.

    Attributes:
        what: what is expected, in words.
        parse: returns the value of a text; it raises a `ValueError` with what to do otherwise.
        pattern: the pattern for the schema; None for any text.
        example: what to write, for values that are no text.
    """

    what: str = "text"
    parse: Callable[[str], Any] | None = None
    pattern: str | None = None
    example: str = ""

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return self.what

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if not isinstance(node.value, str):
            if node.value is None or isinstance(node.value, list | dict):
                write = f"write {self.example or self.what}"
                return self.refuse(node, report, f"{write}, or leave the key out")
            if self.parse is not None and self.example and _is_number(node.value):
                return self._read_parsed(node, node.written, report)
            return self.refuse(node, report, f'put it in quotes: "{node.written}"')
        if not node.value.strip():
            return self.refuse(node, report, f"write {self.example or self.what}", rule="empty")
        return self._read_parsed(node, node.value, report)

    def _read_parsed(self, node: Node, text: str, report: Report) -> Any:
        if self.parse is None:
            return text
        try:
            return self.parse(text)
        except ValueError as error:
            return self.refuse(node, report, str(error), rule="value")

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        pattern = {"pattern": f"^{self.pattern}$"} if self.pattern else {"minLength": 1}
        return {"type": "string", **pattern}


@dataclass(frozen=True, slots=True)
class Choice(Shape):
    """One of several texts.

    Attributes:
        values: the texts, each with the value that it stands for.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, *texts: str) -> Choice:
        """Return the choice of texts that stand for themselves."""
        return cls({text: text for text in texts})

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return f"one of {join_quoted(self.values)}" if len(self.values) > 1 else self._only

    @property
    def _only(self) -> str:
        return quote(next(iter(self.values)))

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if isinstance(node.value, str) and node.value in self.values:
            return self.values[node.value]
        if node.written in self.values:
            return self.refuse(node, report, f'put it in quotes: "{node.written}"')
        meant = nearest(node.value, self.values) if isinstance(node.value, str) else None
        action = f"write {meant}" if meant else "write one of these"
        return self.refuse(node, report, action, rule="choice")

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        return {"enum": list(self.values)}


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    """True or false."""

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return "true or false"

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if isinstance(node.value, bool):
            return node.value
        word = node.written.lower()
        meant = "true" if word in _TRUE else "false" if word in _FALSE else "true or false"
        return self.refuse(node, report, f"write {meant}, without quotes")

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Shape):
    """A finite number within limits.

    Attributes:
        least: the lowest value.
        most: the highest; None for any.
        above: whether `least` itself is too low.
        whole: whether it must be a whole number.
    """

    least: int = 0
    most: int | None = None
    above: bool = False
    whole: bool = False

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        what = "a whole number" if self.whole else "a number"
        if self.most is not None:
            return f"{what} from {self.least} to {self.most}"
        return f"{what} {'above' if self.above else 'of at least'} {self.least}"

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        value = node.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            return self.refuse(node, report, self._correction(node))
        if isinstance(value, int) and not PLAIN_INTEGER.fullmatch(node.written):
            return self.refuse(node, report, "write it in plain digits, without leading zeros")
        if not math.isfinite(value):
            return self.refuse(node, report, f"write {self.expected}", rule="value")
        if self.whole and isinstance(value, float):
            action = f"write {value:.0f}" if value.is_integer() else f"write {self.expected}"
            return self.refuse(node, report, action)
        too_low = value <= self.least if self.above else value < self.least
        if too_low or (self.most is not None and value > self.most):
            return self.refuse(node, report, self._in_range(value), rule="value")
        return value if self.whole else float(value)

    def _in_range(self, value: float) -> str:
        if self.most == 1 and 1 < value <= 100:
            return f"write {round(value / 100, 9)}, a fraction"
        return f"write {self.expected}"

    def _correction(self, node: Node) -> str:
        if isinstance(node.value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", node.value.strip()):
            return f"write {node.value.strip()}, without quotes"
        return f"write {self.expected}"

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        made: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        made["exclusiveMinimum" if self.above else "minimum"] = self.least
        return made if self.most is None else made | {"maximum": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarValue(Shape):
    """Text, a number, a boolean or null, as it is written."""

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return "text, a number, true, false or null"

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if isinstance(node.value, list | dict):
            return self.refuse(node, report, f"write {self.expected}")
        is_odd = _is_number(node.value) and not _is_plain(node)
        if is_odd:
            return self.refuse(node, report, f'put it in quotes: "{node.written}"')
        return node.value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values."""
        return {"type": ["string", "number", "boolean", "null"]}


def _is_plain(node: Node) -> bool:
    if isinstance(node.value, float):
        return math.isfinite(node.value)
    return PLAIN_INTEGER.fullmatch(node.written) is not None


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
        noun: what the keys are.
        key: what is wrong with a key and what to do, or None; any key is taken without it.
        pattern: the pattern of keys for the schema; None for any.
    """

    item: Shape
    noun: str
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
            return self.refuse(node, report, f"name the {self.noun}", rule="empty")
        read: dict[str, Any] = {}
        for name, member in node.value.items():
            action = None if self.key is None else self.key(name)
            if action is not None:
                report.add(
                    member.key,
                    f"{quote(name)} is none of the {self.noun}",
                    f"expected {self.noun}",
                    action,
                    rule="key",
                )
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
    """

    what: str
    fields: Mapping[str, Field]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return self.what

    def read(self, node: Node, report: Report) -> Any:
        """Return the value, or report what is wrong and return `UNREAD`."""
        if not isinstance(node.value, dict):
            return self.refuse(node, report, f"write a mapping with {join_quoted(self.fields)}")
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
