"""Shapes of single values: what is taken, how it is read, and how the JSON Schema says it.

One description gives both, so that the published schema and the reader cannot disagree.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holotype.deployment.problems import Report, join_quoted, nearest, quote
from holotype.deployment.tree import PLAIN_INTEGER, Node, describe


class Unread:
    """The type of `UNREAD`."""


UNREAD: Final = Unread()
"""What a shape returns for a value that it has reported."""

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
        """Return the value; where it is not of the shape, report why and return `UNREAD`."""

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
                what = "the item" if node.label.endswith("]") else "the key"
                write = f"write {self.example or self.what}"
                return self.refuse(node, report, f"{write}, or leave {what} out")
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
        meant = self._meant(node.value) if isinstance(node.value, str) else None
        if meant is None:
            meant = self._only if len(self.values) == 1 else "one of these"
        action = f"write {meant}"
        return self.refuse(node, report, action, rule="choice")

    def _meant(self, text: str) -> str | None:
        """Return the text that was most likely meant, first those that go on from it."""
        begun = (each for each in self.values if each.startswith(f"{text}-"))
        return next(begun, None) or nearest(text, self.values)

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
        # 2 is no percentage that somebody would mean.
        if self.most == 1 and 10 <= value <= 100:
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
